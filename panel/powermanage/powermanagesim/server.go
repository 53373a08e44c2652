package powermanagesim

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// What a [Server] has that is told nothing else.
const (
	DefaultSerial   = "1D0B0A"
	DefaultEmail    = "owner@example.com"
	DefaultPassword = "correct horse"
	DefaultMaster   = "4729"
)

// Options of a [Server].
type Options struct {
	// Listen gives the listener of [Server.Serve], with TLS if there is to be any.
	Listen func(ctx context.Context) (net.Listener, error)
	// Accounts are e-mails and their passwords; nil: [DefaultEmail] alone. Every account has
	// every panel.
	Accounts map[string]string
	// Panels are the panels that report to the server; nil: one of the zero [PanelOptions].
	Panels []PanelOptions
	// Latency is how long a job takes: 800 ms.
	Latency time.Duration
	// SessionLife is how long a session lasts, 0 for ever.
	SessionLife time.Duration
}

// PanelOptions describe a panel. The zero value is a PowerMaster-360R without partitions.
type PanelOptions struct {
	Kind       panel.Kind // panel.Visonic; also panel.NeoR, panel.DualPath and panel.Qolsys
	Serial     string     // [DefaultSerial]
	Master     string     // the master user's code: [DefaultMaster]
	Users      int        // slots: 48
	CodeLen    int        // digits of a code: 4
	Partitions int        // 0: partitions are off
	Features   []string   // what can be edited; nil: everything
	Reserved   []int      // slots that the server names as reserved
}

func (o PanelOptions) withDefaults() PanelOptions {
	if o.Kind == "" {
		o.Kind = panel.Visonic
	}
	if o.Serial == "" {
		o.Serial = DefaultSerial
	}
	if o.Master == "" {
		o.Master = DefaultMaster
	}
	if o.Users == 0 {
		o.Users = 48
	}
	if o.CodeLen == 0 {
		o.CodeLen = 4
	}
	if o.Features == nil {
		o.Features = []string{"UEF_CODE", "UEF_ROLE", "UEF_PARTITIONS", "UEF_LABEL", "UEF_CREATE_USER", "UEF_REMOVE_USER"}
	}
	return o
}

// Server is a simulated server with its panels.
type Server struct {
	listen  func(ctx context.Context) (net.Listener, error)
	latency time.Duration
	life    time.Duration
	faults  paneltest.Faults

	mu       sync.Mutex
	quirks   map[string]bool
	accounts map[string]string
	panels   []*memory
	tokens   map[string]string   // user token to e-mail
	sessions map[string]*visit   // session token to what it opens
	jobs     map[string]*job     // process token to its job
	granted  map[string][]string // serial and slot to e-mails
	minted   int
	logins   Logins
}

// Logins counts what was presented to a server.
type Logins struct {
	Accounts int // calls of auth
	Panels   int // calls of panel/login: each presents a code
	Writes   int // calls of set_user_code and set_name that became jobs
}

// visit is a session with one panel.
type visit struct {
	panel *memory
	since time.Time
}

// New makes a server.
func New(o Options) *Server {
	if o.Accounts == nil {
		o.Accounts = map[string]string{DefaultEmail: DefaultPassword}
	}
	if o.Panels == nil {
		o.Panels = []PanelOptions{{}}
	}
	if o.Latency == 0 {
		o.Latency = 800 * time.Millisecond
	}
	s := &Server{
		listen: o.Listen, latency: o.Latency, life: o.SessionLife,
		quirks: map[string]bool{}, accounts: o.Accounts,
		tokens: map[string]string{}, sessions: map[string]*visit{}, jobs: map[string]*job{}, granted: map[string][]string{},
	}
	for _, p := range o.Panels {
		s.panels = append(s.panels, newMemory(p.withDefaults()))
	}
	return s
}

// Users is what the first panel holds now.
func (s *Server) Users() []paneltest.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	return s.panels[0].list()
}

// UsersOf is what a panel holds now, nil for an unknown serial.
func (s *Server) UsersOf(serial string) []paneltest.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	if p := s.panel(serial); p != nil {
		return p.list()
	}
	return nil
}

// Keypad is a person at the first panel.
func (s *Server) Keypad(e panel.Edit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	return s.panels[0].keypad(e, s.quirks)
}

// Fault arms a fault. A message that is damaged on its way ends a TLS connection.
func (s *Server) Fault(f paneltest.Fault) {
	if f.Do == paneltest.Corrupt {
		f.Do = paneltest.Cut
	}
	s.faults.Arm(f)
}

// Logins tells what was presented so far.
func (s *Server) Logins() Logins {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Expire forgets every session; with accounts also the accounts' tokens.
func (s *Server) Expire(accounts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
	if accounts {
		clear(s.tokens)
	}
}

// SetPassword changes an account's password: who has the old one is refused.
func (s *Server) SetPassword(email, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[email] = password
}

// panel finds a panel. The caller holds s.mu.
func (s *Server) panel(serial string) *memory {
	i := slices.IndexFunc(s.panels, func(p *memory) bool { return p.opts.Serial == serial })
	if i < 0 {
		return nil
	}
	return s.panels[i]
}
