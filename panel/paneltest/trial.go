package paneltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// runFaults proves what a driver does when something goes wrong.
func runFaults(t *testing.T, bench func(*testing.T) Bench, messages int, overNetwork bool) {
	t.Helper()
	plain := func(*rig) {}
	for _, f := range []struct {
		name  string
		fault Fault
		write bool // it happens to writes only
	}{
		{"drop", Fault{Do: Drop}, false},
		{"delay", Fault{Do: Delay, For: 2 * time.Second}, false},
		{"corrupt", Fault{Do: Corrupt}, false},
		{"duplicate", Fault{Do: Duplicate}, false},
		{"late", Fault{Do: Late}, true},
		{"cut", Fault{Do: Cut}, false},
		{"cut before the answer", Fault{Do: CutBefore}, true},
	} {
		t.Run("Fault/"+f.name, func(t *testing.T) {
			var struck, concerned bool
			for _, read := range []bool{true, false} {
				var calm, now course
				bubble(t, bench, plain, func(k *rig) {
					calm = proveFault(k, Fault{}, read)
					concerned = !slices.Contains(k.Immune, f.fault.Do) && (k.model.Writes() != 0 || !f.write)
				})
				for f.fault.After = range messages {
					bubble(t, bench, plain, func(k *rig) { now = proveFault(k, f.fault, read) })
					struck = struck || now != calm
				}
			}
			if concerned && !struck {
				t.Error("the fault makes no difference at any message: the simulator does not know it")
			}
		})
	}
	for _, l := range lines {
		t.Run("Line/"+l.name, func(t *testing.T) {
			bubble(t, bench, plain, func(k *rig) { proveLine(k, l, true) })
			if l.fault.Do != Lockout { // which keeps sessions out; what it does to an open one differs
				bubble(t, bench, plain, func(k *rig) { proveLine(k, l, false) })
			}
		})
	}
	t.Run("Line/wrong secret", func(t *testing.T) { bubble(t, bench, lateStart, proveSecret) })
	for _, after := range []time.Duration{0, 40 * time.Millisecond, 120 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond} {
		t.Run(fmt.Sprintf("Cancel/after %s", after), func(t *testing.T) {
			bubble(t, bench, slowWire, func(k *rig) { proveCancel(k, after) })
		})
	}
	t.Run("Deadline", func(t *testing.T) { bubble(t, bench, plain, proveDeadline) })
	if !overNetwork {
		return
	}
	t.Run("Truncation", func(t *testing.T) { proveTruncation(t, bench) })
	for i, g := range garbage {
		for _, hold := range []bool{false, true} {
			t.Run(fmt.Sprintf("Garbage/%d held %v", i, hold), func(t *testing.T) {
				bubble(t, bench, lateStart, func(k *rig) { proveGarbage(k, g, hold) })
			})
		}
	}
}

// lateStart leaves it to the proof to start the panel.
func lateStart(k *rig) { k.started = true }

// slowWire is a wire of 150 ms there and back.
func slowWire(k *rig) {
	if k.Network != nil {
		k.Network.Up, k.Network.Down = 75*time.Millisecond, 75*time.Millisecond
	}
}

// trial is edits that are tried while something goes wrong, and tried again until all
// of them are done.
type trial struct {
	k     *rig
	edits []panel.Edit
	left  []panel.Edit
}

// newTrial seats users and plans a change, a creation and a removal, as far as the model
// goes.
func (k *rig) newTrial() *trial {
	s, seated := k.seated()
	w := &trial{k: k}
	if k.model.Change != 0 {
		w.edits = append(w.edits, k.edit(panel.Change, seated[0].Place, k.model.Change))
	}
	if k.can(panel.Create) {
		w.edits = append(w.edits, k.edit(panel.Create, k.place(), k.model.Create))
		w.edits = append(w.edits, k.edit(panel.Replace, seated[2].Place, k.model.Create))
	}
	if k.can(panel.Remove) {
		w.edits = append(w.edits, panel.Edit{Place: seated[1].Place, Do: panel.Remove})
	}
	w.left = w.edits
	k.close(s)
	return w
}

// attempt is one session: it opens, reads everything if told to, applies what is left,
// and closes. It returns the first error about the line.
func (w *trial) attempt(ctx context.Context, read bool) error {
	s, err := w.k.open(ctx)
	if err != nil {
		return err
	}
	return w.use(ctx, s, read)
}

func (w *trial) use(ctx context.Context, s panel.Session, read bool) error {
	defer w.k.close(s)
	if read {
		list, err := w.k.read(ctx, s, panel.Query{All: true})
		if err != nil {
			return err
		}
		if w.k.model.Lag == 0 {
			w.k.checkList(list, w.k.Sim.Users())
		}
	}
	return w.apply(ctx, s)
}

func (w *trial) apply(ctx context.Context, s panel.Session) error {
	if len(w.edits) == 0 {
		return nil
	}
	outs, err := w.k.conclude(ctx, s, w.left...)
	for i, o := range outs {
		if o != nil && len(o.Refused) > 0 {
			w.k.t.Errorf("%s: %s is refused with %v, which the panel did not do", o.Place, w.left[i].Do, o.Refused)
		}
	}
	w.left = followUp(w.k.model, w.left, outs)
	return err
}

// repair ends what goes wrong and lets sessions follow until all is done.
func (w *trial) repair() {
	k := w.k
	k.Sim.Fault(Fault{Do: Disarm})
	k.Sim.Fault(Fault{Do: Back})
	time.Sleep(spell + time.Minute) // whatever was delayed has come, and every lock-out is over
	var err error
	for range 8 { // a fault that has not struck yet may strike here, once
		k.within(2*bound, "the next session", func(ctx context.Context) { err = w.attempt(ctx, true) })
		if err == nil && len(w.left) == 0 {
			break
		}
		time.Sleep(time.Minute)
	}
	if err != nil || len(w.left) > 0 {
		k.t.Errorf("the panel is well again; eight sessions leave %d edits undone: %v", len(w.left), err)
		return
	}
	users := k.Sim.Users()
	for _, e := range w.edits {
		u, exists := find(users, e.Place)
		for f := range wanted(e).Each() {
			if !shows(u, exists, e, f) {
				k.t.Errorf("%s: %s of the %s is done by every account, and the panel does not show it", e.Place, e.Do, f)
			}
		}
	}
}

// course is how a session went, as far as it can be seen from outside.
type course struct {
	took   time.Duration
	sent   int64
	failed bool
}

// proveFault: whatever happens to one message, the driver comes back, tells the truth,
// and the next session repairs.
func proveFault(k *rig, f Fault, read bool) course {
	w := k.newTrial()
	if f.Do != NoFault {
		k.Sim.Fault(f)
	}
	var c course
	start, sent := time.Now(), k.sent()
	k.within(bound, "a session", func(ctx context.Context) { c.failed = w.attempt(ctx, read) != nil })
	c.took, c.sent = time.Since(start), k.sent()-sent
	w.repair()
	if k.t.Failed() {
		k.t.Logf("the fault was at message %d, with a list read first: %v", f.After, read)
	}
	return c
}

// spell is how long a panel is busy or locked out: longer than a driver may wait.
const spell = 2 * bound

// line is a state of the whole panel that keeps edits out, and what the driver calls it.
type line struct {
	name  string
	fault Fault
	want  []error
	// opening: the panel refuses the session, not only edits.
	opening bool
}

var lines = []line{
	{"busy", Fault{Do: Busy, For: spell}, []error{panel.ErrBusy}, false},
	{"armed", Fault{Do: Armed}, []error{panel.ErrArmed}, false},
	{"locked out", Fault{Do: Lockout, For: spell}, []error{panel.ErrBlocked}, true},
	{"away", Fault{Do: Away}, []error{panel.ErrAbsent, panel.ErrUnreachable, panel.ErrTimeout}, true},
}

// proveLine: the state is told by its own error, nothing is done meanwhile, and all of
// it afterwards. With early the panel is in this state before the session opens.
func proveLine(k *rig, l line, early bool) {
	w := k.newTrial()
	if !l.opening && len(w.edits) == 0 {
		return // what keeps edits out concerns nobody: the model writes nothing
	}
	if early {
		k.Sim.Fault(l.fault)
	}
	immune := slices.Contains(k.Immune, l.fault.Do)
	k.within(bound, "a session", func(ctx context.Context) {
		s, err := k.open(ctx)
		if err == nil {
			if !early {
				k.Sim.Fault(l.fault)
			}
			err = w.use(ctx, s, l.fault.Do == Away)
		}
		switch {
		case immune && err != nil:
			k.t.Errorf("the wire is immune to %s, and the driver reports %v", l.name, err)
		case !immune && !isAny(err, l.want) && !(k.calls && errors.Is(err, panel.ErrAbsent) && k.refusedWith(l.want)):
			k.t.Errorf("the panel is %s, and the driver reports %v, want %v", l.name, err, errors.Join(l.want...))
		}
	})
	w.repair()
}

// proveSecret: a refused code or key is told as such, and is presented once.
func proveSecret(k *rig) {
	const refusals = 2
	k.Sim.Fault(Fault{Do: WrongSecret, Times: refusals})
	k.started = false
	k.serve()
	told := 0
	k.within(bound, "a session", func(ctx context.Context) {
		for range refusals + 2 {
			if err := k.present(ctx); errors.Is(err, panel.ErrSecret) {
				told++
			} else if err != nil {
				k.t.Errorf("the panel refuses our code or key, and the driver reports %v, want ErrSecret", err)
			}
		}
	})
	switch {
	case k.calls && told == 0 && !k.refusedWith([]error{panel.ErrSecret}):
		k.t.Error("the panel refuses our key, and neither Open nor Arrivals reports ErrSecret")
	case !k.calls && (told > refusals || told*max(1, len(k.Target.Routes)) < refusals):
		k.t.Errorf("the panel refused our code or key %d times, and the driver reported ErrSecret %d times: it may present it once in each session on each route, and must say so", refusals, told)
	}
	k.all(k.session(), panel.Query{All: true})
}

// present opens a session and has it do something for which a panel asks for a code.
func (k *rig) present(ctx context.Context) error {
	s, err := k.open(ctx)
	if err != nil {
		return err
	}
	defer k.close(s)
	if _, err := k.read(ctx, s, panel.Query{All: true}); err != nil {
		return err
	}
	if !k.can(panel.Create) {
		return nil
	}
	_, err = k.apply(ctx, s, k.edit(panel.Create, k.place(), k.model.Create))
	return err
}

// proveCancel: when ctx ends the driver comes back within its farewell, with the error
// of the ctx, and the next session goes on.
func proveCancel(k *rig, after time.Duration) {
	w := k.newTrial()
	k.within(bound, "Apply that is cancelled", func(ctx context.Context) {
		s, err := k.open(ctx)
		if err != nil {
			k.t.Errorf("Open: %v", err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if after == 0 {
			cancel()
		}
		timer := time.AfterFunc(after, cancel)
		defer timer.Stop()
		start := time.Now()
		err = w.apply(ctx, s)
		if late := time.Since(start) - after; late > farewell {
			k.t.Errorf("Apply comes back %s after its ctx ended, may take %s", late, farewell)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			k.t.Errorf("Apply whose ctx is cancelled ends with %v", err)
		}
		if err == nil && len(w.left) > 0 {
			k.t.Error("Apply whose ctx is cancelled ends without an error, and not all is done")
		}
		k.close(s)
	})
	w.repair()
}

// proveDeadline: a panel that has fallen silent holds nobody beyond the deadline.
func proveDeadline(k *rig) {
	const limit = 700 * time.Millisecond
	w := k.newTrial()
	k.within(bound, "a silent panel", func(ctx context.Context) {
		s, err := k.open(ctx)
		if err != nil {
			k.t.Errorf("Open: %v", err)
			return
		}
		k.Sim.Fault(Fault{Do: Drop, Times: 3})
		start := time.Now()
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		_, err = k.read(ctx, s, panel.Query{All: true})
		if err == nil {
			err = w.apply(ctx, s)
		}
		if err == nil {
			k.t.Error("the panel says nothing, and the driver reports no error")
		}
		if late := time.Since(start) - limit; late > farewell {
			k.t.Errorf("the driver comes back %s after its deadline, may take %s", late, farewell)
		}
		k.close(s)
	})
	w.repair()
}

// proveTruncation: the connection may end within any message.
func proveTruncation(t *testing.T, bench func(*testing.T) Bench) {
	const cuts = 48
	var whole int64
	bubble(t, bench, func(*rig) {}, func(k *rig) {
		w := k.newTrial()
		before := k.Network.Sent()
		k.within(bound, "a session", func(ctx context.Context) {
			if err := w.attempt(ctx, true); err != nil {
				k.t.Errorf("a session without faults: %v", err)
			}
		})
		whole = k.Network.Sent() - before
	})
	for i := range int64(cuts) {
		at := 1 + i*whole/cuts
		bubble(t, bench, func(*rig) {}, func(k *rig) {
			w := k.newTrial()
			k.Network.CutAfter(at)
			k.within(bound, "a session", func(ctx context.Context) { _ = w.attempt(ctx, true) })
			w.repair()
			if k.t.Failed() {
				k.t.Logf("the connection was cut after %d of %d bytes", at, whole)
			}
		})
	}
}
