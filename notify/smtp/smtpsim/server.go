// Package smtpsim is a mail server on loopback that behaves as a test tells it to.
//
// It is for tests of whatever sends mail: the wire, TLS and signing in are real
// (github.com/emersion/go-smtp), and the server can be away, busy, refuse, break off or say
// nothing.
//
//	s, err := smtpsim.Start()
//	defer s.Close()
//	err = s.Set(smtpsim.Mute) // takes the message, and the line breaks before its answer
//	s.Messages()              // what it took
package smtpsim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/emersion/go-smtp"
)

// Mood is how the server behaves.
type Mood string

// The moods.
const (
	Well        Mood = "well"
	Away        Mood = "away"         // its port is closed
	Hanging     Mood = "hanging"      // takes the connection and says nothing
	Busy        Mood = "busy"         // 451 to RCPT
	Refusing    Mood = "refusing"     // 550 to RCPT, and repeats the address
	BusyData    Mood = "busy data"    // 452 after the message
	RefusedData Mood = "refused data" // 554 after the message, and repeats it
	BadSender   Mood = "bad sender"   // 550 to MAIL
	Mute        Mood = "mute"         // takes the message and breaks off before the answer
	Cut         Mood = "cut"          // breaks off before the end of the message
	NoTLS       Mood = "no TLS"       // an old one: offers no TLS and no Unicode, wants no password
	DropTLS     Mood = "drop TLS"     // breaks off in the handshake
	Locked      Mood = "locked"       // 535 to every password
)

// Username and Password let a client in.
const (
	Username = "mailer"
	Password = "smtpsim-password-7319"
)

// Message is a message that the server took.
type Message struct {
	From, To string
	Data     string // header and body, as they came
}

// Server is a mail server. It is safe for concurrent use.
type Server struct {
	cert  tls.Certificate
	other tls.Certificate
	roots *x509.CertPool
	addr  string

	mu       sync.Mutex
	mood     Mood
	implicit bool
	wrong    bool
	login    bool
	server   *smtp.Server
	port     net.Listener
	held     []net.Conn
	took     []Message
	sessions int
}

// Start starts a server for STARTTLS.
func Start() (*Server, error) { return start(false) }

// StartImplicit starts a server for TLS from the first byte.
func StartImplicit() (*Server, error) { return start(true) }

func start(implicit bool) (*Server, error) {
	s := &Server{mood: Well, implicit: implicit, addr: "127.0.0.1:0", roots: x509.NewCertPool()}
	for host, c := range map[string]*tls.Certificate{"127.0.0.1": &s.cert, "192.0.2.1": &s.other} {
		var err error
		if *c, err = certificate(host); err != nil {
			return nil, err
		}
		s.roots.AddCert(c.Leaf)
	}
	return s, s.listen()
}

// Close ends the server and every line to it.
func (s *Server) Close() { s.stop() }

// Host is where the server listens.
func (s *Server) Host() string { return "127.0.0.1" }

// Port is where the server listens, or will again.
func (s *Server) Port() int {
	_, port, _ := net.SplitHostPort(s.addr)
	n, _ := strconv.Atoi(port)
	return n
}

// Roots sign the server's certificates.
func (s *Server) Roots() *x509.CertPool { return s.roots }

// Certificate is the server's good one.
func (s *Server) Certificate() *x509.Certificate { return s.cert.Leaf }

// Set changes the mood. Lines that are open are broken if the server goes away. It fails
// if the port was lost to somebody else meanwhile.
func (s *Server) Set(m Mood) error {
	s.mu.Lock()
	was := s.mood
	s.mood = m
	s.mu.Unlock()
	again := (m == NoTLS) != (was == NoTLS) // what is offered is settled when it starts
	if was != Away && (m == Away || again) {
		s.stop()
	}
	if m != Away && (was == Away || again) {
		return s.listen()
	}
	return nil
}

// WrongName makes the server show a certificate for another name, or the good one again.
func (s *Server) WrongName(wrong bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = wrong
}

// OfferLogin makes the server offer LOGIN instead of PLAIN from the next connection on.
func (s *Server) OfferLogin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login = true
}

// Messages returns what was taken, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.took)
}

// Sessions is how many connections were opened.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

func (s *Server) now() Mood {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mood
}

func (s *Server) listen() error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.addr)
	if err != nil {
		return err
	}
	s.addr = l.Addr().String()
	srv := smtp.NewServer(smtp.BackendFunc(s.session))
	srv.Domain = "mail.example.com"
	srv.EnableSMTPUTF8 = s.now() != NoTLS
	srv.ErrorLog = discard{}
	if s.now() != NoTLS {
		srv.TLSConfig = s.config()
	}
	l = &listener{Listener: l, server: s}
	if s.implicit {
		l = tls.NewListener(l, s.config())
	}
	s.mu.Lock()
	s.server, s.port = srv, l
	s.mu.Unlock()
	go func() { _ = srv.Serve(l) }()
	return nil
}

func (s *Server) stop() {
	s.mu.Lock()
	srv, port, held := s.server, s.port, s.held
	s.held = nil
	s.mu.Unlock()
	_ = port.Close() // the server may not have taken it yet
	_ = srv.Close()
	for _, c := range held {
		_ = c.Close()
	}
}

func (s *Server) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.mood == DropTLS {
			return nil, errors.New("dropped")
		}
		c := s.cert
		if s.wrong {
			c = s.other
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{c}}, nil
	}}
}

// listener keeps the connections to which nothing is said.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.server.mu.Lock()
		l.server.sessions++
		hang := l.server.mood == Hanging
		if hang {
			l.server.held = append(l.server.held, c)
		}
		l.server.mu.Unlock()
		if !hang {
			return c, nil
		}
	}
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func (s *Server) session(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}
