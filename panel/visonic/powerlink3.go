package visonic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// Names in a [panel.Target] of the PowerLink 3 route.
const (
	// RPCRoute is the name of the route to the service inside a PowerLink 3 module. The
	// route's address is usually port 8181.
	RPCRoute = "rpc"
	// RPCSecret is that route's secret: the master user's code.
	RPCSecret = panel.MasterSecret
)

// ErrUnregistered: another client has taken the service's one place.
var ErrUnregistered = fault.New(fault.Unavailable, "visonic: another client uses the panel's service").
	Hinted("The service knows one client at a time. Close the other one.")

// RPCOptions says how the PowerLink 3 route reads.
type RPCOptions struct {
	Options // Dial and Zone are not used
	// DialContext makes connections; nil is a net.Dialer's.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Client is the address of this host by which the panel shall know its client.
	Client string
	// Experimental lets codes and partitions be written, by methods that the service lists
	// with the types of their parameters alone. What the parameters mean is a guess that
	// each write is held against by reading it back; nobody has shown it to be right.
	Experimental bool
}

// RPC speaks to the service inside a PowerLink 3 module: JSON-RPC over plain HTTP, which
// the installer turns on (menu 03, item 80) and which shows every code in clear to whoever
// sees the packets. It reads. The service lists methods that set a code and partitions, but
// nobody has shown what they do: they are not used.
type RPC struct {
	panel.Dials
	o         *RPCOptions
	transport *http.Transport
}

// NewRPC makes the driver. It does no I/O.
func NewRPC(o RPCOptions) *RPC {
	return &RPC{o: &o, transport: &http.Transport{
		DialContext: o.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 1 << 14,
	}}
}

// Model is a panel of 48 users: the service does not say which panel it is in, so that of
// a smaller one the upper slots stay empty.
func (d *RPC) Model() panel.Model {
	m := widest("PowerLink 3 service", "getUserCodes as documented with an example by one public project; no capture; not run on hardware here")
	m.Read &^= panel.FieldLegacyTags
	m.Secret = masterSlot
	m.Hold = 0
	if d.o.Experimental {
		m = writing(m)
	}
	return d.o.model(m)
}

// Open registers as the service's client. The code is presented by the first Read.
func (d *RPC) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	r := t.Routes[RPCRoute]
	code := r.Secrets[RPCSecret]
	s := &rpcSession{o: d.o, transport: d.transport, model: d.Model(), addr: r.Addr, code: &code}
	raw, err := s.call(ctx, "registerClient", d.o.Client, 1, "user")
	if err != nil {
		return nil, err
	}
	var done struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(raw, &done) != nil || done.Status != "success" {
		return nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrUnregistered)
	}
	return s, nil
}

// rpcSession is a registration at the service. Each request has a connection of its own.
type rpcSession struct {
	readOnly
	o         *RPCOptions
	transport http.RoundTripper
	model     panel.Model
	addr      string
	code      *panel.Secret // behind a pointer, which does not print
	id        int
	over      ending // the session is closed, or its code was refused: nothing more is asked
}

// Model is the driver's.
func (s *rpcSession) Model() panel.Model { return s.model }

// Close forgets the registration, which the service has no method to end.
func (s *rpcSession) Close() error {
	s.over.end(fmt.Errorf("%w: %w", panel.ErrUnreachable, errClosed))
	return nil
}

// Read asks for the list of codes.
func (s *rpcSession) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		m := s.model
		err := s.over.alive()
		if !yield(panel.Event{Panel: &panel.Facts{Model: &m, CodeLen: codeLen}}, err) || err != nil || !q.All && len(q.Places) == 0 {
			return
		}
		u, err := s.users(ctx)
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		for _, e := range s.o.events(m, u, q) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// secret is the code at the moment of sending.
func (s *rpcSession) secret() string { return s.code.Reveal() }

// renew takes the code that the master user has from now on.
func (s *rpcSession) renew(digits string) {
	code := panel.SecretOf(digits)
	s.code = &code
}

func (s *rpcSession) users(ctx context.Context) (users, error) {
	raw, err := s.call(ctx, "getUserCodes", s.secret())
	if errors.Is(err, panel.ErrSecret) {
		s.over.end(err) // what was refused is not presented again
	}
	if err != nil {
		return users{}, err
	}
	defer clear(raw)
	u, err := parseUsers(raw, s.model)
	if err == nil {
		err = u.check()
	}
	return u, err
}

// rpcUser is one user as the service lists it.
type rpcUser struct {
	ID         int      `json:"userId"`
	Code       *rpcCode `json:"userCode"`
	Partitions []int    `json:"partitions"`
}

// rpcCode takes the digits out of the text at once.
type rpcCode struct{ powerlink.Code }

// UnmarshalText reads digits; 0000 and nothing mean that there is no code.
func (c *rpcCode) UnmarshalText(b []byte) error {
	if c.Set = len(b) > 0 && string(b) != "0000"; c.Set {
		c.Digits, _ = panel.ParseCode(string(b)) // else set, and no digits are known
		if c.Digits.Len() != codeLen {
			c.Digits = panel.Code{}
		}
	}
	return nil
}

// parseUsers reads the list of codes. Slots that are not in it have none.
func parseUsers(raw []byte, m panel.Model) (users, error) {
	var list []rpcUser
	if json.Unmarshal(raw, &list) != nil {
		return users{}, fmt.Errorf("%w: the list of codes", panel.ErrProtocol)
	}
	u := users{codes: make([]powerlink.Code, m.Slots.Last), access: make([]byte, m.Slots.Last)}
	seen := map[int]bool{}
	for _, x := range list {
		p := panel.PartitionsOf(x.Partitions...)
		if x.ID < 1 || x.ID > m.Slots.Last || seen[x.ID] || x.Code == nil || x.Partitions == nil || !p.Within(m.AllPartitions()) || p.Len() != len(x.Partitions) {
			return users{}, fmt.Errorf("%w: an entry of the list of codes", panel.ErrProtocol)
		}
		seen[x.ID] = true
		u.codes[x.ID-1], u.access[x.ID-1] = x.Code.Code, byte(p)
	}
	return u, nil
}
