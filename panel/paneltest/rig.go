package paneltest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

const (
	// bound is how long anything may take before it counts as hanging.
	bound = 5 * time.Minute
	// farewell is how long a driver may take to leave when ctx ends.
	farewell = 5 * time.Second
)

// rig is one bench at work: the simulated panel serves, and whatever the driver says is
// held against it. Its methods report with Errorf alone, so that they may run in any
// goroutine.
type rig struct {
	Bench
	t     *testing.T
	model panel.Model // of the last session, before that the driver's
	calls bool        // the panel calls in

	mu      sync.Mutex
	facts   panel.Facts
	made    int // codes
	secrets []string
	refused []error // the line errors that Arrivals gave
	started bool
	stop    []func()
}

// bubble runs prove on a new bench in a bubble of its own.
func bubble(t *testing.T, bench func(*testing.T) Bench, set, prove func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &rig{t: t, Bench: bench(t)}
		k.model = k.Driver.Model()
		for _, r := range k.Target.Routes {
			for _, s := range r.Secrets {
				k.secrets = append(k.secrets, s.Reveal())
			}
		}
		defer k.end()
		set(k)
		k.listen()
		k.serve()
		prove(k)
	})
}

// listen lets panels arrive at the driver.
func (k *rig) listen() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for a, err := range k.Driver.Arrivals(ctx) {
			k.saw("an arrival", a)
			k.saw("an arrival's error", err)
			k.mu.Lock()
			for _, target := range lineErrors {
				if errors.Is(err, target) && !isAny(target, k.refused) {
					k.refused = append(k.refused, target)
				}
			}
			k.mu.Unlock()
		}
	}()
	synctest.Wait()
	select {
	case <-ended:
	default:
		k.calls = true
	}
	k.stop = append(k.stop, func() { cancel(); k.await("Arrivals", ended) })
}

// serve starts the simulated panel, unless it runs.
func (k *rig) serve() {
	if k.started {
		return
	}
	k.started = true
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := k.Sim.Serve(ctx); ctx.Err() == nil {
			k.t.Errorf("Sim.Serve ended by itself: %v", err)
		}
	}()
	synctest.Wait()
	k.stop = append(k.stop, func() { cancel(); k.await("Sim.Serve", ended) })
}

// await reports what does not end with its ctx.
func (k *rig) await(what string, ended <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		k.t.Errorf("%s did not end with its ctx", what)
	}
}

func (k *rig) end() {
	for _, stop := range slices.Backward(k.stop) {
		stop()
	}
}

// within runs f with a ctx and reports if it does not come back in time.
func (k *rig) within(limit time.Duration, what string, f func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() { defer close(ended); f(ctx) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return
	case <-timer.C:
		k.t.Errorf("%s hangs: not back after %s", what, limit)
	}
	cancel()
	k.await(what, ended)
}

// open makes a session. A panel that calls in is waited for.
func (k *rig) open(ctx context.Context) (panel.Session, error) {
	for start := time.Now(); ; time.Sleep(time.Second) {
		opening, cancel := context.WithCancel(ctx)
		s, err := k.Driver.Open(opening, k.Target)
		cancel() // the session outlives the ctx of Open
		if err == nil {
			k.adopt(s)
			return s, nil
		}
		k.saw("Open's error", err)
		if s != nil {
			k.t.Errorf("Open gives a session beside the error %v", err)
		}
		k.checkLine(ctx, "Open", err)
		if !k.calls || !errors.Is(err, panel.ErrAbsent) || time.Since(start) > bound/2 {
			return nil, err
		}
	}
}

// adopt takes a session's model and closes the session in the end.
func (k *rig) adopt(s panel.Session) {
	if m := s.Model(); !reflect.DeepEqual(m, k.model) {
		if err := errors.Join(checkModel(m), checkNarrower(k.Driver.Model(), m)); err != nil {
			k.t.Errorf("the session's model: %v", err)
		}
		k.model = m
	}
	k.stop = append(k.stop, func() { k.close(s) })
}

// close closes, and looks at what is then left of the session.
func (k *rig) close(s panel.Session) {
	k.within(farewell, "Close", func(context.Context) { k.saw("Close's error", s.Close()) })
	synctest.Wait()
	k.saw("the session", s)
}

// session opens a session that must open, and learns the panel's facts.
func (k *rig) session() panel.Session {
	k.t.Helper()
	var s panel.Session
	k.within(bound, "Open", func(ctx context.Context) {
		var err error
		if s, err = k.open(ctx); err != nil {
			k.t.Errorf("Open: %v", err)
			return
		}
		if _, err := k.read(ctx, s, panel.Query{}); err != nil {
			k.t.Errorf("reading the facts: %v", err)
		}
	})
	if s == nil || k.t.Failed() {
		k.t.FailNow()
	}
	return s
}

// settle waits until what was sent has arrived.
func (k *rig) settle() {
	if k.Network != nil {
		time.Sleep(k.Network.Up + k.Network.Down)
	}
	synctest.Wait()
}

// sent is the number of bytes on the network so far, 0 without one.
func (k *rig) sent() int64 {
	if k.Network == nil {
		return 0
	}
	return k.Network.Sent()
}

// lineErrors are all that may be said about a line.
var lineErrors = []error{
	panel.ErrAbsent, panel.ErrUnreachable, panel.ErrTimeout, panel.ErrBusy, panel.ErrArmed,
	panel.ErrBlocked, panel.ErrSecret, panel.ErrIdentity, panel.ErrProtocol,
}

// checkLine reports an error that the engine could not react to.
func (k *rig) checkLine(ctx context.Context, who string, err error) {
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) || isAny(err, lineErrors) {
		return
	}
	k.t.Errorf("%s: the error %q wraps no line error of package panel", who, err)
}

// refusedWith reports whether Arrivals gave one of the errors.
func (k *rig) refusedWith(errs []error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.refused, func(err error) bool { return isAny(err, errs) })
}

func isAny(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
