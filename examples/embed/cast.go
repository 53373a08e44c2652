package main

import (
	"context"
	"crypto/rand"
	"net"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// wall is a simulated panel as somebody who stands before it knows it.
type wall interface {
	Serve(ctx context.Context) error
	Users() []paneltest.User
	Keypad(e panel.Edit) error
	Fault(f paneltest.Fault)
}

// part is a panel's part in the story.
type part struct {
	wall
	name   string       // of the panel: what its lines begin with if there are several
	driver string       // the name of its driver
	drive  panel.Driver // nil: the host makes it
	ident  string
	routes map[string]roster.Route
	over   string // the wire, in words

	plug   func(in bool)
	wrote  func() int // messages so far that wrote something to it
	settle int        // of these for all the edits that were made while it was away
	whole  bool       // it takes a user with every field or not at all
}

// opens reports whether the panel opens for a code.
func (p *part) opens(code string) bool {
	for _, u := range p.Users() {
		if u.Code == code {
			return true
		}
	}
	return false
}

// at is the user whom the panel itself holds at a place.
func (p *part) at(place panel.Place) (paneltest.User, bool) {
	for _, u := range p.Users() {
		if u.Place == place {
			return u, true
		}
	}
	return paneltest.User{}, false
}

// master is the code with which every panel came.
const master = "4729"

// random is a number of n digits of an alphabet: so many panels are in no database yet,
// and one can hear the story again.
func random(n int, alphabet string) string {
	text := make([]byte, n)
	_, _ = rand.Read(text) // never fails
	for i := range text {
		text[i] = alphabet[int(text[i])%len(alphabet)]
	}
	return string(text)
}

const (
	decimal = "0123456789"
	hexa    = "0123456789ABCDEF"
)

// address is where a panel calls in; it is known when somebody listens there.
type address struct {
	once  sync.Once
	known chan struct{}
	text  string
}

// listen takes any free port, and tells the panel which.
func (a *address) listen(ctx context.Context) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		a.once.Do(func() {
			a.text = l.Addr().String()
			close(a.known)
		})
	}
	return l, err
}

func (a *address) dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-a.known:
		return new(net.Dialer).DialContext(ctx, "tcp", a.text)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// What the wire of DSC calls the command that writes a code, and the bit that makes a
// supervisor.
const (
	writeCodes = 0x0746
	supervisor = 0x01
)

// newDSC is a panel that calls a listener on this machine, and how that listens.
func newDSC() (*part, dsc.Options) {
	ident, at := random(12, decimal), &address{known: make(chan struct{})}
	sim := dscsim.New(dscsim.Options{
		Ident: ident, Master: master, Users: 48, Partitions: 4,
		Dial: at.dial, Redial: 50 * time.Millisecond, LeadIn: 20 * time.Millisecond,
	})
	p := &part{
		wall: sim, name: "dsc", driver: "dsc", ident: ident, over: "Type 2",
		routes: map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
			dsc.KeySecret:    panel.SecretOf(dscsim.DefaultType2),
			dsc.MasterSecret: panel.SecretOf(master),
		}}},
		plug: func(in bool) {
			do := paneltest.Away
			if in {
				do = paneltest.Back
			}
			sim.Fault(paneltest.Fault{Do: do})
		},
		// The code of slot 4 once; that of slot 6 is taken from one person and given to another.
		wrote: func() int { return sim.Received(writeCodes) }, settle: 3,
	}
	// A real panel wants two seconds of silence before the first command, and takes longer
	// to call again.
	return p, dsc.Options{Listen: at.listen, Quiet: 50 * time.Millisecond, Return: time.Second}
}
