package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

func main() {
	file := flag.String("db", "", "the database `file`; a new one in a temporary folder if it is not given")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx, *file); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		if hint := fault.Hint(err); hint != "" {
			fmt.Fprintln(os.Stderr, hint)
		}
		os.Exit(1)
	}
}

// start finds a place for the database and tells the story to the terminal.
func start(ctx context.Context, file string) error {
	if file == "" {
		dir, err := os.MkdirTemp("", "keyholder-")
		if err != nil {
			return err
		}
		file = filepath.Join(dir, "keyholder.db")
	}
	return tell(ctx, file, simulated(), os.Stdout)
}

// patience is how long the whole story may take.
const patience = time.Minute

// story is a panel, the people around it, and whom it is told to.
type story struct {
	out     io.Writer
	panel   *dscsim.Panel
	me      accounts.Actor
	tab     *roster.Tab
	waiting map[panel.Place]roster.Receipt // wishes while the panel is away
	log     *journal.Journal
	anchor  string
}

// address is where a panel calls in; it is known when somebody listens there.
type address struct {
	once  sync.Once
	known chan struct{}
	text  string
}

// simulation is a simulated panel that calls a listener on this machine by real TCP.
type simulation struct {
	panel *dscsim.Panel
	ident string
	at    *address
}

// master is the code with which the panel came.
const master = "4729"

// simulated makes a panel that nobody has seen before, so that a database can hear the
// story again.
func simulated() simulation {
	s := simulation{ident: digits(12), at: &address{known: make(chan struct{})}}
	s.panel = dscsim.New(dscsim.Options{
		Ident: s.ident, Master: master, Users: 48, Partitions: 4,
		Dial: s.dial, Redial: 50 * time.Millisecond, LeadIn: 20 * time.Millisecond,
	})
	return s
}

// digits is a random number of n digits.
func digits(n int) string {
	text := make([]byte, n)
	_, _ = rand.Read(text) // never fails
	for i := range text {
		text[i] = '0' + text[i]%10
	}
	return string(text)
}

func (s simulation) dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-s.at.known:
		return new(net.Dialer).DialContext(ctx, "tcp", s.at.text)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// listen takes any free port, and tells the panel which.
func (s simulation) listen(ctx context.Context) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		s.at.once.Do(func() {
			s.at.text = l.Addr().String()
			close(s.at.known)
		})
	}
	return l, err
}

// operator may do everything but see whose code is in the way.
func operator() accounts.StaticAuthority {
	rights := accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView))
	return accounts.StaticAuthority{"operator": {Enabled: true, Rights: rights, Sites: accounts.AllSites()}}
}

// tell runs the host with a simulated panel and tells what happens, each line when it
// has been seen to be true.
func tell(ctx context.Context, file string, sim simulation, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var calling sync.WaitGroup
	defer calling.Wait()
	defer cancel()
	calling.Go(func() { _ = sim.panel.Serve(ctx) }) // it calls again and again until the story is over

	// A real panel wants two seconds of silence before the first command, and takes longer
	// to call again.
	panels := dsc.Options{Listen: sim.listen, Quiet: 50 * time.Millisecond, Return: time.Second}
	return host(ctx, file, panels, operator(), func(ctx context.Context, desk *roster.Desk, log *journal.Journal) error {
		me := accounts.HostActor("operator", "Operator", "story").Vouched(time.Now())
		p, err := desk.As(me).Register(ctx, roster.Registration{
			Site: "house", Name: "Front house", Driver: "dsc", Ident: sim.ident,
			Routes: map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
				"key":            panel.SecretOf(dscsim.DefaultType2),
				dsc.MasterSecret: panel.SecretOf(master),
			}}},
		})
		if err != nil {
			return err
		}
		s := &story{out: out, panel: sim.panel, me: me, tab: desk.As(me).Panel(p.ID), log: log, anchor: file + ".anchor",
			waiting: map[panel.Place]roster.Receipt{}}
		for _, scene := range []func(context.Context) error{
			s.connects, s.setsACode, s.refusesTheSameCode, s.refusesALabelFirst, s.keepsTheMaster,
			s.isUnplugged, s.isPluggedInAgain, s.losesACodeAtTheKeypad, s.refusesALabel, s.provesIt,
		} {
			if err := scene(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// say tells a line.
func (s *story) say(format string, args ...any) error {
	_, err := fmt.Fprintf(s.out, format+"\n", args...)
	return err
}

// errStory: the story went otherwise than it is told.
var errStory = errors.New("that is not how the story goes")

// see fails the story unless something is so.
func see(ok bool, what string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: "+what, append([]any{errStory}, args...)...)
}

// until looks again and again until something is so.
func until(ctx context.Context, what string, so func() (bool, error)) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		ok, err := so()
		if ok || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return see(false, "never %s", what)
		}
	}
}
