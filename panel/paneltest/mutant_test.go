package paneltest_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// broken is a driver that is right but for one thing. A nil hook changes nothing.
type broken struct {
	panel.Driver
	model func(panel.Model) panel.Model // of the driver and its sessions
	open  func(ctx context.Context, t panel.Target) (panel.Session, error)
	brokenSession
}

type brokenSession struct {
	panel.Session
	wider func(panel.Model) panel.Model // of the session alone
	apply func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool)
	read  func(ctx context.Context, s panel.Session, q panel.Query, yield func(panel.Event, error) bool)
	watch func(ctx context.Context, s panel.Session, yield func(panel.Event, error) bool)
	close func(s panel.Session) error
}

func (b *broken) Model() panel.Model {
	if b.model == nil {
		return b.Driver.Model()
	}
	return b.model(b.Driver.Model())
}

func (b *broken) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	open := b.Driver.Open
	if b.open != nil {
		open = b.open
	}
	s, err := open(ctx, t)
	if err != nil {
		return nil, err
	}
	one := b.brokenSession
	one.Session = s
	if one.wider == nil {
		one.wider = b.model
	}
	return &one, nil
}

func (b *broken) Arrivals(ctx context.Context) iter.Seq2[panel.Arrival, error] {
	return b.Driver.Arrivals(ctx)
}

func (s *brokenSession) Model() panel.Model {
	if s.wider == nil {
		return s.Session.Model()
	}
	return s.wider(s.Session.Model())
}

func (s *brokenSession) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	if s.apply == nil {
		return s.Session.Apply(ctx, edits)
	}
	return func(yield func(panel.Outcome, error) bool) { s.apply(ctx, s.Session, edits, yield) }
}

func (s *brokenSession) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	if s.read == nil {
		return s.Session.Read(ctx, q)
	}
	return func(yield func(panel.Event, error) bool) { s.read(ctx, s.Session, q, yield) }
}

func (s *brokenSession) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	if s.watch == nil {
		return s.Session.Watch(ctx)
	}
	return func(yield func(panel.Event, error) bool) { s.watch(ctx, s.Session, yield) }
}

func (s *brokenSession) Close() error {
	if s.close == nil {
		return s.Session.Close()
	}
	return s.close(s.Session)
}

const mutantEnv = "PANELTEST_MUTANT"

// TestMutant is one broken driver under the kit: the child process of
// TestRunFailsDriversThatAreWrong.
func TestMutant(t *testing.T) {
	name, ok := os.LookupEnv(mutantEnv)
	if !ok {
		return
	}
	m := mutants[name]
	if m.shape == "" {
		m.shape = "dials out to slots"
	}
	paneltest.Run(t, func(*testing.T) paneltest.Bench {
		b := shapes()[m.shape].bench()
		d := &broken{Driver: b.Driver}
		if m.breaks != nil {
			m.breaks(d)
		}
		b.Driver = d
		return b
	})
}

// Each mutant runs in a process of its own, because a test that must fail fails its
// process. The kit must see it in the part that is there for it, and say so.
//
// Rules: D1
func TestRunFailsDriversThatAreWrong(t *testing.T) {
	run := func(name, part string) (string, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestMutant$/"+part, "-test.failfast", "-test.timeout", "60s")
		cmd.Env = append(os.Environ(), mutantEnv+"="+name)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("none of them", "Apply"); err != nil {
		t.Fatalf("the driver that is not broken must pass: %v\n%s", err, out)
	}
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := run(name, m.part)
			if _, failed := errors.AsType[*exec.ExitError](err); !failed {
				t.Fatalf("the kit passes it (%v)\n%s", err, out)
			}
			if !strings.Contains(out, m.says) {
				t.Fatalf("the kit does not say %q but\n%s", m.says, out)
			}
		})
	}
}
