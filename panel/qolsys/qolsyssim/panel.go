package qolsyssim

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// Addresses on which a panel is found.
const (
	BrokerAddr   = ":8883"  // IQ Remote
	Control4Addr = ":12345" // home automation
)

var (
	errUnpaired = errors.New("qolsyssim: not a paired remote")
	errPairing  = errors.New("qolsyssim: pairing failed")
)

// Options of a [Panel].
type Options struct {
	// Identity is the panel's keys and address; required.
	Identity *Identity
	// Listen opens a port, [BrokerAddr] and [Control4Addr]; nil listens on TCP.
	Listen func(addr string) (net.Listener, error)
	// Board is what the panel says it is: "" is that of IQ Panel 4.
	Board string
	// Users is the number of users, 0 is 242.
	Users int
	// Digits is the code length, 0 is 4.
	Digits int
	// Master is the Master's code, "" is 4729 and 00 where codes have six digits.
	Master string
	// Token opens the interface for home automation, "" is aB3x9Z.
	Token string
}

// DefaultToken opens the home automation interface unless [Options.Token] says otherwise.
const DefaultToken = "aB3x9Z"

// Panel is a simulated panel. It implements paneltest.Sim.
type Panel struct {
	o      Options
	faults paneltest.Faults

	mu     sync.Mutex
	memory memory
	quirks map[string]bool
	conns  map[net.Conn]struct{}
	broker *mqtt.Server // while it serves
	last   []byte       // the answer before
	armed  bool
	count  int // changes announced
	pings  int // signs of life
	shown  int // how often a secret was presented
}

// New makes a panel with a Master. It does no I/O.
func New(o Options) *Panel {
	if o.Listen == nil {
		o.Listen = func(addr string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
		}
	}
	if o.Board == "" {
		o.Board = "msm8953_64"
	}
	if o.Users == 0 {
		o.Users = 242
	}
	if o.Digits == 0 {
		o.Digits = 4
	}
	if o.Master == "" {
		o.Master = "472900"[:o.Digits]
	}
	if o.Token == "" {
		o.Token = DefaultToken
	}
	return &Panel{o: o, memory: newMemory(o), quirks: map[string]bool{}, conns: map[net.Conn]struct{}{}}
}

// Serve listens until ctx ends, then closes every connection.
func (p *Panel) Serve(ctx context.Context) error {
	broker, err := p.newBroker()
	if err != nil {
		return err
	}
	c4, err := p.o.Listen(Control4Addr)
	if err != nil {
		return errors.Join(err, broker.Close())
	}
	var work sync.WaitGroup
	defer work.Wait()
	defer func() { _ = c4.Close() }()
	work.Go(func() { p.serveControl4(ctx, c4, &work) })
	p.mu.Lock()
	p.broker = broker
	p.mu.Unlock()
	if err := broker.Serve(); err != nil {
		return err
	}
	<-ctx.Done()
	p.mu.Lock()
	p.broker = nil
	p.mu.Unlock()
	p.cut()
	return errors.Join(broker.Close(), ctx.Err())
}

// Fault arms a fault.
func (p *Panel) Fault(f paneltest.Fault) {
	p.faults.Arm(f)
	switch f.Do {
	case paneltest.Away:
		p.cut()
	case paneltest.Armed, paneltest.Disarm:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.armed = f.Do == paneltest.Armed
	}
}

// Pings is how many signs of life remotes have sent.
func (p *Panel) Pings() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pings
}

// present counts a secret that is presented, right or wrong.
func (p *Panel) present() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown++
}

// Presented is how often a remote presented its pairing, or a client of home automation
// the token.
func (p *Panel) Presented() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown
}

// cut ends every connection.
func (p *Panel) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// take lets a connection in, or not while the panel is away.
func (p *Panel) take(c net.Conn) bool {
	if p.faults.Strikes(paneltest.Away) {
		_ = c.Close()
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = struct{}{}
	return true
}

func (p *Panel) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

// handshake is how long a peer may take to make TLS.
const handshake = 20 * time.Second
