package roster_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

var (
	modelRuns = flag.Int("model.runs", 12, "random runs of the model test")
	modelSeed = flag.Uint64("model.seed", 1, "seed of the first random run")
)

// run is one random run: what was asked of each slot, and what happened to it at the wall.
type run struct {
	*world
	rnd    *rand.Rand
	node   *node
	nodes  int
	pool   []string // codes that are asked for
	wall   []string // codes that only the keypad uses
	wishes map[int]asked
	trace  []string
}

// asked is the last wish of a slot that was accepted.
type asked struct {
	receipt roster.Receipt
	code    string          // "" and not gone: no code
	gone    bool            // disabled
	with    roster.CodeWish // what goes with the code
	keypad  bool            // somebody was at the slot at the keypad since
}

func (r *run) log(format string, args ...any) {
	r.trace = append(r.trace, fmt.Sprintf("%10s  ", r.now().Sub(r.begun()).Truncate(time.Millisecond))+fmt.Sprintf(format, args...))
}

// begun is when every bubble begins.
func (r *run) begun() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func (r *run) pick(list []string) string { return list[r.rnd.IntN(len(list))] }

func (r *run) slot() int { return 2 + r.rnd.IntN(6) }

// codes draws different codes that nobody would call easy.
func codes(t *testing.T, seed uint64, length, n int) []string {
	t.Helper()
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	source := rand.NewChaCha8(key)
	var out []string
	for range n {
		c, err := credentials.Generate(source, length, credentials.Policy{}, func(c panel.Code) bool { return slices.Contains(out, c.Reveal()) })
		require.NoError(t, err)
		out = append(out, c.Reveal())
	}
	return out
}

// steps are everything that can happen, with how often.
func (r *run) steps() []func() {
	var out []func()
	for _, s := range []struct {
		often int
		do    func()
	}{
		{10, r.setCode}, {3, r.setLabel}, {3, r.setPartitions}, {2, r.setRole}, {4, r.disable}, {2, r.cancel}, {1, r.setMaster},
		{4, r.keypad}, {8, r.fault}, {2, r.cut}, {3, r.crash}, {3, r.crashSoon}, {1, r.restart}, {2, r.clock}, {8, r.wait},
	} {
		for range s.often {
			out = append(out, s.do)
		}
	}
	return out
}

// took notes a wish that was accepted.
func (r *run) took(what string, n int, rec roster.Receipt, err error, a asked) {
	r.log("%s at %d: %v", what, n, err)
	if err == nil {
		a.receipt = rec
		r.wishes[n] = a
	}
}

func (r *run) setCode() {
	n, code := r.slot(), r.pick(r.pool)
	w := roster.CodeWish{Code: r.code(code)}
	if r.rnd.IntN(2) == 0 {
		w.Label = r.pick([]string{"Cleaner", "Night", "Guest"})
	}
	if r.rnd.IntN(2) == 0 {
		w.Partitions = panel.Partitions(1 + r.rnd.IntN(15))
	}
	if r.rnd.IntN(3) == 0 {
		w.Role = []panel.Role{panel.User, panel.Supervisor, panel.OneTime, panel.DuressRole}[r.rnd.IntN(4)]
	}
	rec, err := r.tab().SetCode(r.ctx, slot(n), w)
	r.took(fmt.Sprintf("set %s %q %s %s", code, w.Label, w.Role, w.Partitions), n, rec, err, asked{code: code, with: w})
}

// setMaster changes the code that opens the panel.
func (r *run) setMaster() {
	code := r.pick(r.pool)
	rec, err := r.tab().SetCode(r.ctx, slot(1), roster.CodeWish{Code: r.code(code)})
	r.took("set master "+code, 1, rec, err, asked{code: code})
}

func (r *run) setLabel() {
	n, label := r.slot(), r.pick([]string{"Cleaner", "Night", "Guest", "Day"})
	rec, err := r.tab().SetLabel(r.ctx, slot(n), label)
	r.took("label "+label, n, rec, err, asked{})
}

func (r *run) setPartitions() {
	n, p := r.slot(), panel.Partitions(1+r.rnd.IntN(15))
	rec, err := r.tab().SetPartitions(r.ctx, slot(n), p)
	r.took("partitions "+p.String(), n, rec, err, asked{})
}

func (r *run) setRole() {
	n, role := r.slot(), []panel.Role{panel.User, panel.Supervisor, panel.OneTime}[r.rnd.IntN(3)]
	rec, err := r.tab().SetRole(r.ctx, slot(n), role)
	r.took("role "+string(role), n, rec, err, asked{})
}

func (r *run) disable() {
	n := r.slot()
	rec, err := r.tab().Disable(r.ctx, slot(n))
	r.took("disable", n, rec, err, asked{gone: true})
}

func (r *run) cancel() {
	n := r.slot()
	_, err := r.tab().Cancel(r.ctx, slot(n))
	r.log("cancel at %d: %v", n, err)
}

// keypad is somebody at the wall.
func (r *run) keypad() {
	n := r.slot()
	e := panel.Edit{Place: slot(n)}
	switch r.rnd.IntN(3) {
	case 0:
		e.Do = panel.Remove
	case 1:
		e.Set, e.Code = panel.FieldCode, digits(r.T, r.pick(r.wall))
	case 2:
		e.Set, e.Partitions = panel.FieldPartitions, panel.Partitions(1+r.rnd.IntN(15))
	}
	err := r.sim.Keypad(e)
	r.log("keypad %s %s at %d: %v", e.Do, e.Set, n, err)
	if a, ok := r.wishes[n]; ok && err == nil {
		a.keypad = true
		r.wishes[n] = a
	}
}

func (r *run) fault() {
	f := paneltest.Fault{Do: paneltest.FaultKind(1 + r.rnd.IntN(int(paneltest.Back))), Times: 1 + r.rnd.IntN(2), After: r.rnd.IntN(20)}
	switch f.Do {
	case paneltest.Delay, paneltest.Late:
		f.For = time.Duration(r.rnd.IntN(30)) * time.Second
	case paneltest.Busy, paneltest.Lockout:
		f.For = time.Duration(1+r.rnd.IntN(90)) * time.Second
	case paneltest.Refuse:
		f.Field = []panel.Field{panel.FieldCode, panel.FieldLabel, panel.FieldRole, panel.FieldPartitions}[r.rnd.IntN(4)]
	}
	r.sim.Fault(f)
	r.log("fault %+v", f)
}

func (r *run) cut() {
	n := r.rnd.Int64N(1500)
	r.network.CutAfter(n)
	r.log("cut after %d bytes", n)
}

// next starts another process where the last one ended.
func (r *run) next() {
	r.nodes++
	r.node = r.start(fmt.Sprintf("node-%d", r.rnd.IntN(3)), fmt.Sprintf("10.0.0.%d:3072", 100+r.nodes))
}

func (r *run) crash() {
	r.log("crash")
	r.node.crash()
	r.next()
}

// crashSoon lets the process die at one of its next commits, which is done or not.
func (r *run) crashSoon() {
	r.node.lose.Store(r.rnd.IntN(2) == 0)
	n := 1 + r.rnd.Int64N(6)
	r.node.fuse.Store(n)
	r.log("crash at commit %d, done %v", n, r.node.lose.Load())
}

func (r *run) restart() {
	r.log("restart")
	r.node.shut()
	r.next()
}

func (r *run) clock() {
	by := time.Duration(r.rnd.Int64N(int64(2 * time.Hour)))
	if r.rnd.IntN(4) == 0 {
		by *= 100
	}
	if r.rnd.IntN(2) == 0 {
		by = -by
	}
	r.step.Add(int64(by))
	r.log("clock steps by %s", by)
}

func (r *run) wait() {
	d := time.Duration(r.rnd.Int64N(int64(90 * time.Second)))
	if r.rnd.IntN(6) == 0 {
		d *= 20
	}
	time.Sleep(d)
	r.log("waited %s", d)
}

// check is asked after every step.
func (r *run) check() error {
	if bad := r.unheld(); len(bad) > 0 {
		return fmt.Errorf("the panel opens for what nobody holds: %v", bad)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wrong) > 0 {
		return errors.New(r.wrong[0])
	}
	return nil
}

// rest ends all faults, and everything has to come to rest.
func (r *run) rest() error {
	r.log("all faults end")
	r.sim.Fault(paneltest.Fault{Do: paneltest.Back})
	r.sim.Fault(paneltest.Fault{Do: paneltest.Disarm})
	r.step.Store(0)
	r.node.crash()
	r.next()
	if !r.settled(24 * time.Hour) {
		p, _ := r.tab().Info(r.ctx)
		return fmt.Errorf("never settles: %v, line %+v", r.open(), p.Line)
	}
	for range 2 * 24 { // everything is read once more
		time.Sleep(time.Hour)
		r.unpark()
	}
	if err := r.check(); err != nil {
		return err
	}
	if left := r.open(); len(left) > 0 {
		return fmt.Errorf("does not stay settled: %v", left)
	}
	records := r.records()
	for n, u := range records {
		if len(u.Sent) > 0 {
			return fmt.Errorf("slot %d: a superseded code is held for ever", n)
		}
	}
	for n := 1; n <= 12; n++ {
		seen, exists := r.user(n)
		if err := r.agrees(records[n], seen, exists); err != nil {
			return fmt.Errorf("slot %d: %w", n, err)
		}
		if err := r.fulfilled(n, records[n], seen, exists); err != nil {
			return fmt.Errorf("slot %d: %w", n, err)
		}
	}
	return nil
}

// fulfilled compares the last wish of a slot with the panel: it is as wanted, or what
// became of the wish says why not.
func (r *run) fulfilled(n int, u rec.User, seen paneltest.User, exists bool) error {
	a, asked := r.wishes[n]
	if !asked || a.keypad {
		return nil
	}
	p, err := r.tab().Receipt(r.ctx, a.receipt)
	if err != nil {
		return err
	}
	switch {
	case !p.Fate.Ended():
		return fmt.Errorf("the last wish has not ended: %+v", p)
	case a.gone && exists && !u.Unmanaged():
		return fmt.Errorf("disabled, and the panel has %+v", seen)
	case p.Fate != roster.Settled || a.gone:
		return nil
	case a.code != "" && (!exists || seen.Code != a.code) && u.Gone == panel.NeverSet:
		return fmt.Errorf("settled, and the panel has %+v instead of %s", seen, a.code)
	case a.with.Partitions != 0 && seen.Partitions != a.with.Partitions,
		a.with.Role != "" && seen.Role != a.with.Role,
		a.with.Label != "" && seen.Label != a.with.Label:
		return fmt.Errorf("settled, and the panel has %+v", seen)
	}
	return nil
}

// Random wishes, edits at the keypad, faults of every kind, deaths and restarts of the
// process that delivers and steps of its clock. After every step the simulated panel is
// asked: a code of ours that opens is held by the user that has it, and no commit
// releases a claim while the panel opens for it. At the end everything settles.
//
// More runs: go test ./roster -run Model -model.runs 5000 -model.seed 1000
//
// Rules: R48, R49, R189, R194, R242, R243, R247, G190
func TestModelOfEverythingAtOnce(t *testing.T) {
	runs := *modelRuns
	if raceDetector || testing.Short() {
		runs = min(runs, 8)
	}
	for i := range runs {
		seed := *modelSeed + uint64(i)
		var o worldOptions
		for bit, q := range []string{dscsim.OwnDuplicate, dscsim.FirstPartition, dscsim.LabelStays} {
			if seed>>bit&1 == 1 {
				o.quirks = append(o.quirks, q)
			}
		}
		o.disclose = seed>>3&1 == 1
		o.wire = 30 * time.Millisecond
		t.Run(fmt.Sprintf("seed %d %v disclose=%v", seed, o.quirks, o.disclose), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &run{world: begin(t, o), rnd: rand.New(rand.NewPCG(seed, 0)), wishes: map[int]asked{}}
				defer r.finish()
				all := codes(t, seed, 4, 14)
				r.pool, r.wall = all[:9], all[9:]
				r.next()
				steps := r.steps()
				err := error(nil)
				for range 60 {
					steps[r.rnd.IntN(len(steps))]()
					if r.node.dead.Load() {
						r.log("the process is dead")
						r.crash()
					}
					if err = r.check(); err != nil {
						break
					}
				}
				if err == nil {
					err = r.rest()
				}
				if err != nil {
					t.Errorf("%v\n%s", err, strings.Join(r.trace, "\n"))
				}
				r.noHalf()
				r.node.shut()
			})
		})
	}
}
