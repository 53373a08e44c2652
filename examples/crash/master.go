package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// reportMaster runs that and prints the figures, also when something was wrong.
func reportMaster(ctx context.Context, o options) error {
	t, err := runMaster(ctx, o)
	return errors.Join(err, figures(o.out, [][2]any{
		{"times the master's own code was in doubt", t.rounds},
		{"kills", t.kills},
		{"of them between the two tries", t.between},
		{"rounds in which the panel was tried twice", t.twice},
		{"tries at most", t.most},
		{"lines parked", t.parked},
		{"settled after the operator said which code is right", t.cured},
	}))
}

// masterSlot is the place whose code opens the panel for us.
const masterSlot = 1

// betweenTries is about how long a process takes from one try to the next.
const betweenTries = 30 * time.Millisecond

// mostTries is how many codes a panel may be tried with while its own code is in doubt.
const mostTries = 2

// masterTotals are the figures of a run about the master's own code.
type masterTotals struct {
	rounds, kills int
	between       int // kills after the first try and before the second reached the panel
	twice         int // rounds in which the panel was tried twice
	most          int // tries in one round
	parked, cured int // rounds that ended so
}

// runMaster puts the code that opens the panel in doubt again and again, until n processes
// were killed between the tries: the answer to its change
// is lost, and somebody changes it to a third one at the keypad, so that neither code that
// keyholder knows is right. Processes are killed as soon as the panel has refused the
// first of them, and again at a random moment; the last one has to park the line. However
// often they died, the panel was tried twice at most. Then the operator says which code is
// right, and everything is settled.
func runMaster(ctx context.Context, o options) (masterTotals, error) {
	var t masterTotals
	k, err := newKiller(o)
	if err != nil {
		return t, err
	}
	ctx, end := context.WithCancel(ctx)
	var calling sync.WaitGroup
	defer calling.Wait()
	defer end()
	calling.Go(func() { _ = k.sim.Serve(ctx) })
	if err := k.register(ctx); err != nil {
		return t, err
	}
	if err := k.rests(ctx); err != nil {
		return t, err
	}
	random := rand.New(rand.NewPCG(k.seed, 1<<33))
	for t.between < o.n {
		if err := k.doubt(ctx, &t, random); err != nil {
			return t, fmt.Errorf("round %d: %w\n%s", t.rounds+1, err, k.ledger.trace())
		}
		t.rounds++
	}
	return t, nil
}

// doubt is one round.
func (k *killer) doubt(ctx context.Context, t *masterTotals, random *rand.Rand) error {
	wanted, keypad := k.codes[1+2*t.rounds%60], k.codes[2+2*t.rounds%60]
	if err := k.lose(ctx, wanted); err != nil {
		return err
	}
	t.kills++
	third, err := panel.ParseCode(keypad)
	if err != nil {
		return err
	}
	if err := k.sim.Keypad(panel.Edit{Place: panel.Place{Slot: masterSlot}, Do: panel.Change, Set: panel.FieldCode, Values: panel.Values{Code: third}}); err != nil {
		return err
	}
	before := k.sim.Entered()
	tries := func() int { return k.sim.Entered() - before }
	// Killed when the first code was refused, and at most so much later that the second is
	// sometimes on its way.
	if err := k.during(ctx, func(ctx context.Context) error {
		return until(ctx, func() (bool, error) { return tries() > 0, nil }, time.Duration(random.Int64N(int64(betweenTries))))
	}); err != nil {
		return err
	}
	if tries() == 1 {
		t.between++
	}
	// And at a random moment.
	if err := k.during(ctx, func(ctx context.Context) error {
		return until(ctx, func() (bool, error) { return k.addr.Load() != nil, nil }, time.Duration(random.Int64N(int64(lifeAtMost/2))))
	}); err != nil {
		return err
	}
	// One lives until the line is parked.
	if err := k.during(ctx, func(ctx context.Context) error { return until(ctx, func() (bool, error) { return k.parked(ctx) }, 0) }); err != nil {
		return fmt.Errorf("%w: the line was not parked after %d tries: %w", errViolation, tries(), err)
	}
	t.kills += 3
	t.parked++
	n := tries()
	if n < 1 || n > mostTries {
		return wrong("the panel was tried %d times", n)
	}
	if n == mostTries {
		t.twice++
	}
	t.most = max(t.most, n)
	return k.cure(ctx, t, keypad, wanted)
}

// lose has the change of the master's code carried out, and kills the process that does
// not hear of it.
func (k *killer) lose(ctx context.Context, wanted string) error {
	if err := k.operate(ctx, func(tab *roster.Tab) error {
		code, err := panel.ParseCode(wanted)
		if err != nil {
			return err
		}
		_, err = tab.SetCode(ctx, panel.Place{Slot: masterSlot}, roster.CodeWish{Code: code})
		return err
	}); err != nil {
		return err
	}
	k.sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
	k.mute.Store(&wanted)
	defer k.mute.Store(nil)
	return k.during(ctx, func(ctx context.Context) error {
		return until(ctx, func() (bool, error) { return k.sim.Users()[0].Code == wanted && !k.sim.Programming(), nil }, 0)
	})
}

// cure says which code is right, and lets a process live until nothing is outstanding.
func (k *killer) cure(ctx context.Context, t *masterTotals, right, wanted string) error {
	k.life++ // a minute later: nobody owns the line any more
	if err := k.operate(ctx, func(tab *roster.Tab) error {
		route := roster.Route{Secrets: map[string]panel.Secret{dsc.MasterSecret: panel.SecretOf(right)}}
		return errors.Join(tab.SetSecret(ctx, dsc.Route, route), tab.Resume(ctx))
	}); err != nil {
		return err
	}
	if err := k.rests(ctx); err != nil {
		return err
	}
	// What was set at the keypad stays, unless the panel did not say so.
	if got := k.sim.Users()[0].Code; got != right && got != wanted {
		return wrong("the Master has a code that nobody set")
	}
	t.cured++
	return nil
}

// operate does something as the operator.
func (k *killer) operate(ctx context.Context, do func(*roster.Tab) error) (err error) {
	h, err := open(ctx, k.dir, clockOf(k.life), dsc.Options{})
	defer func() { err = errors.Join(err, h.close()) }()
	if err != nil {
		return err
	}
	return do(h.as().Panel(k.panelID))
}

// parked reports whether the panel's line waits for a person.
func (k *killer) parked(ctx context.Context) (is bool, err error) {
	err = k.operate(ctx, func(tab *roster.Tab) error {
		p, err := tab.Info(ctx)
		is = len(p.Line.Parked) > 0
		return err
	})
	return is, err
}

// during runs something beside a process that makes no wishes, and then kills that.
func (k *killer) during(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, silenceMost)
	defer cancel()
	cmd, out, stderr, err := k.process(ctx, "-rest")
	if err != nil {
		return err
	}
	heard := make(chan error, 1)
	go func() { heard <- k.listen(out, func(word) {}) }()
	done := do(ctx)
	killed := cmd.Process.Kill()
	if misheard := <-heard; misheard != nil {
		return misheard
	}
	_ = cmd.Wait() // it was killed, or had ended by itself, which Kill has said
	if err := errors.Join(done, killed); err != nil {
		return fmt.Errorf("%w\n%s", err, stderr)
	}
	return nil
}

// rests lets a process live until nothing is outstanding.
func (k *killer) rests(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleAtMost)
	defer cancel()
	cmd, out, stderr, err := k.process(ctx, "-rest")
	if err != nil {
		return err
	}
	if err := errors.Join(k.listen(out, func(word) {}), cmd.Wait()); err != nil {
		return fmt.Errorf("%w: not settled within %v: %w\n%s", errViolation, settleAtMost, err, stderr)
	}
	return nil
}

// until waits until something is so, and then a little more.
func until(ctx context.Context, is func() (bool, error), more time.Duration) error {
	look := time.NewTicker(500 * time.Microsecond)
	defer look.Stop()
	for {
		done, err := is()
		if err != nil {
			return err
		}
		if done {
			break
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-time.After(more):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
