package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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
	"github.com/seed-a2d3eaca/keyholder/roster"
)

func main() {
	file := flag.String("db", "", "the database `file`; a new one in a temporary folder if it is not given")
	all := flag.Bool("all", false, "panels of every maker and an intercom at once, instead of a DSC panel alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx, *file, *all); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		if hint := fault.Hint(err); hint != "" {
			fmt.Fprintln(os.Stderr, hint)
		}
		os.Exit(1)
	}
}

// start finds a place for the database and tells the story to the terminal.
func start(ctx context.Context, file string, all bool) error {
	if file == "" {
		dir, err := os.MkdirTemp("", "keyholder-")
		if err != nil {
			return err
		}
		file = filepath.Join(dir, "keyholder.db")
	}
	cast := alone()
	if all {
		var err error
		if cast, err = everybody(ctx); err != nil {
			return err
		}
	}
	return tell(ctx, file, cast, os.Stdout)
}

// company is the panels of a story, and how those that call in are listened for.
type company struct {
	parts  []*part
	panels dsc.Options
}

// alone is a DSC panel.
func alone() company {
	p, panels := newDSC()
	return company{[]*part{p}, panels}
}

// everybody is a panel of each kind, and an intercom.
func everybody(ctx context.Context) (company, error) {
	cast := alone()
	for _, next := range []func(context.Context) (*part, error){newNeoR, newQolsys, newDualPath, newVisonic, newIntercom} {
		p, err := next(ctx)
		if err != nil {
			return cast, err
		}
		cast.parts = append(cast.parts, p)
	}
	return cast, nil
}

// patience is how long the whole story may take.
const patience = time.Minute

// story is a panel, the people around it, and whom it is told to.
type story struct {
	*part
	narrator *narrator
	prefix   string
	tab      *roster.Tab
	model    panel.Model
	ids      map[int]panel.Place            // of users, on devices whose users have ids
	waiting  map[panel.Place]roster.Receipt // wishes while the panel is away

}

// narrator tells one line at a time.
type narrator struct {
	mu  sync.Mutex
	out io.Writer
}

// operators look after one panel each. They may do everything but see whose code is in
// the way.
func operators(parts []*part) accounts.StaticAuthority {
	rights := accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView))
	staff := accounts.StaticAuthority{}
	for _, p := range parts {
		staff[operator(p)] = accounts.Grant{Enabled: true, Rights: rights, Sites: accounts.AllSites()}
	}
	return staff
}

func operator(p *part) accounts.ID { return accounts.ID("operator-" + p.name) }

// tell runs the host with simulated panels and tells what happens, each line when it has
// been seen to be true.
func tell(ctx context.Context, file string, cast company, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel()
	drivers := map[string]panel.Driver{}
	for _, p := range cast.parts {
		serving.Go(func() { _ = p.Serve(ctx) }) // until the story is over
		if p.drive != nil {
			drivers[p.driver] = p.drive
		}
	}
	// Who changes something at a keypad is noticed as soon as the panel is read again: once
	// a day is enough elsewhere.
	o := roster.Options{Authority: operators(cast.parts), Drivers: drivers, ReadEvery: time.Second}
	return host(ctx, file, cast.panels, o, func(ctx context.Context, desk *roster.Desk, log *journal.Journal) error {
		n := &narrator{out: out}
		if err := play(ctx, desk, cast.parts, n); err != nil {
			return err
		}
		return proveIt(ctx, log.As(actor(cast.parts[0])), log, file+".anchor", n)
	})
}

func actor(p *part) accounts.Actor {
	return accounts.HostActor(operator(p), "Operator", "story").Vouched(time.Now())
}

// play plays every part at once. The first that goes wrong ends all.
func play(ctx context.Context, desk *roster.Desk, parts []*part, n *narrator) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var playing sync.WaitGroup
	for _, p := range parts {
		playing.Go(func() {
			s := &story{part: p, narrator: n, ids: map[int]panel.Place{}, waiting: map[panel.Place]roster.Receipt{}}
			if len(parts) > 1 {
				s.prefix = p.name + ": "
			}
			if err := s.play(ctx, desk); err != nil {
				stop(fmt.Errorf("%s: %w", p.name, err))
			}
		})
	}
	playing.Wait()
	return context.Cause(ctx)
}

func (s *story) play(ctx context.Context, desk *roster.Desk) error {
	op := desk.As(actor(s.part))
	p, err := op.Register(ctx, roster.Registration{Site: "house", Name: "Front house", Driver: s.driver, Ident: s.ident, Routes: s.routes})
	if err != nil {
		return err
	}
	s.tab = op.Panel(p.ID)
	for _, scene := range []func(context.Context) error{
		s.connects, s.setsACode, s.setsPartitions, s.refusesTheSameCode, s.refusesALabelFirst, s.keepsTheMaster,
		s.isUnplugged, s.isPluggedInAgain, s.losesACodeAtTheKeypad, s.refusesALabel,
	} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// proveIt ends the story.
func proveIt(ctx context.Context, reader *journal.Reader, log *journal.Journal, anchor string, n *narrator) error {
	if _, err := log.Checkpoint(ctx); err != nil {
		return err
	}
	report, err := reader.Verify(ctx)
	if err != nil {
		return err
	}
	if err := see(report.OK() && report.AnchoredSize > 0, "the log does not verify:\n%s", report); err != nil {
		return err
	}
	return n.say("action log: %d entries, verified; anchored: %s", report.Entries, anchor)
}

// say tells a line.
func (n *narrator) say(format string, args ...any) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, err := fmt.Fprintf(n.out, format+"\n", args...)
	return err
}

// say tells a line about the panel.
func (s *story) say(format string, args ...any) error {
	return s.narrator.say("%s%s", s.prefix, fmt.Sprintf(format, args...))
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
