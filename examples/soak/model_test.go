package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

var (
	modelRuns = flag.Int("soak.runs", 4, "random runs")
	modelSeed = flag.Uint64("soak.seed", 1, "seed of the first random run")
)

// run is one random run.
type run struct {
	*world
	rnd    *rand.Rand
	pool   []string // codes that are asked for
	wall   []string // codes that only the keypad uses
	wishes map[int]asked
	trace  []string
}

// asked is the last wish of a slot that was accepted.
type asked struct {
	receipt roster.Receipt
	code    string
	gone    bool // disabled
	keypad  bool // somebody was at the slot at the keypad since
}

func (r *run) log(format string, args ...any) {
	r.trace = append(r.trace, fmt.Sprintf(format, args...))
}

func (r *run) slot() int { return 2 + r.rnd.IntN(slots-3) }

func (r *run) took(what string, n int, rec roster.Receipt, err error, a asked) {
	r.log("%s at %d: %v", what, n, err)
	if err == nil {
		a.receipt = rec
		r.wishes[n] = a
	}
}

func (r *run) setCode() {
	n, code := r.slot(), r.pool[r.rnd.IntN(len(r.pool))]
	w := roster.CodeWish{Code: r.code(code)}
	if r.rnd.IntN(2) == 0 {
		w.Label, w.Partitions = "Cleaner", panel.Partitions(1+r.rnd.IntN(15))
	}
	rec, err := r.tab().SetCode(r.ctx, slot(n), w)
	r.took("set "+code, n, rec, err, asked{code: code})
}

func (r *run) setLabel() {
	n := r.slot()
	rec, err := r.tab().SetLabel(r.ctx, slot(n), "Night")
	r.took("label", n, rec, err, asked{})
}

func (r *run) setPartitions() {
	n := r.slot()
	rec, err := r.tab().SetPartitions(r.ctx, slot(n), panel.Partitions(1+r.rnd.IntN(15)))
	r.took("partitions", n, rec, err, asked{})
}

func (r *run) setRole() {
	n := r.slot()
	rec, err := r.tab().SetRole(r.ctx, slot(n), []panel.Role{panel.User, panel.Supervisor, panel.OneTime}[r.rnd.IntN(3)])
	r.took("role", n, rec, err, asked{})
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

func (r *run) keypad() {
	n := r.slot()
	e := panel.Edit{Place: slot(n), Do: panel.Remove}
	if r.rnd.IntN(2) == 0 {
		c, err := panel.ParseCode(r.wall[r.rnd.IntN(len(r.wall))])
		require.NoError(r, err)
		e.Do, e.Set, e.Code = panel.Change, panel.FieldCode, c
	}
	err := r.sim.Keypad(e)
	r.log("keypad %s at %d: %v", e.Do, n, err)
	if a, ok := r.wishes[n]; ok && err == nil {
		a.keypad = true
		r.wishes[n] = a
	}
}

func (r *run) fault() {
	kinds := []paneltest.FaultKind{paneltest.Drop, paneltest.Delay, paneltest.Corrupt, paneltest.Duplicate, paneltest.Late, paneltest.Refuse,
		paneltest.Busy, paneltest.Cut, paneltest.CutBefore, paneltest.CutBefore, paneltest.Lockout, paneltest.Away, paneltest.Back}
	f := paneltest.Fault{Do: kinds[r.rnd.IntN(len(kinds))], After: r.rnd.IntN(20), For: time.Duration(1+r.rnd.IntN(300)) * time.Millisecond}
	if f.Do == paneltest.Refuse {
		f.Field = []panel.Field{panel.FieldCode, panel.FieldLabel, panel.FieldRole, panel.FieldPartitions}[r.rnd.IntN(4)]
	}
	if f.Do == paneltest.Away {
		f.For = 0
	}
	r.sim.Fault(f)
	r.log("fault %+v", f)
}

func (r *run) cut() {
	n := r.rnd.Int64N(1500)
	r.network.CutAfter(n)
	r.log("cut after %d bytes", n)
}

func (r *run) crashNow() {
	r.log("crash")
	r.crash()
}

func (r *run) crashSoon() {
	r.node.lose.Store(r.rnd.IntN(2) == 0)
	n := 1 + r.rnd.Int64N(6)
	r.node.fuse.Store(n)
	r.log("crash at commit %d, done %v", n, r.node.lose.Load())
}

func (r *run) restart() {
	r.log("restart")
	r.node.shut()
	r.start()
}

func (r *run) wait() {
	d := time.Duration(r.rnd.Int64N(int64(200 * time.Millisecond)))
	<-time.After(d)
	if r.rnd.IntN(2) == 0 {
		r.pass(time.Minute)
	}
	r.log("waited %s", d)
}

// step does something at random.
func (r *run) step() {
	var all []func()
	for _, s := range []struct {
		often int
		do    func()
	}{
		{10, r.setCode}, {2, r.setLabel}, {2, r.setPartitions}, {2, r.setRole}, {4, r.disable}, {2, r.cancel}, {3, r.keypad},
		{6, r.fault}, {2, r.cut}, {2, r.crashNow}, {3, r.crashSoon}, {1, r.restart}, {9, r.wait},
	} {
		all = append(all, slices.Repeat([]func(){s.do}, s.often)...)
	}
	all[r.rnd.IntN(len(all))]()
	if r.node.dead.Load() {
		r.log("the process is dead")
		r.crash()
	}
}

// rest ends all faults: everything settles, and the panel is as wanted or what became of
// the wish says why not.
func (r *run) rest() error {
	r.sim.Fault(paneltest.Fault{Do: paneltest.Back})
	r.log("all faults end")
	r.crash()
	if !r.settled() {
		p, err := r.tab().Info(r.ctx)
		return fmt.Errorf("never settles: %d users open, line %+v, %w", r.open(), p.Line, err)
	}
	if err := r.check(); err != nil {
		return err
	}
	there := map[int]paneltest.User{}
	for _, u := range r.sim.Users() {
		there[u.Slot] = u
	}
	for n, a := range r.wishes {
		d := r.details(n)
		held, exists := there[n]
		p, err := r.tab().Receipt(r.ctx, a.receipt)
		switch {
		case err != nil:
			return err
		case !p.Fate.Ended():
			return fmt.Errorf("slot %d: the last wish has not ended: %+v", n, p)
		case a.keypad:
		case a.gone && exists && !d.Unmanaged:
			return fmt.Errorf("slot %d: disabled, and the panel has a user", n)
		case a.code != "" && p.Fate == roster.Settled && held.Code != a.code:
			return fmt.Errorf("slot %d: settled, and the panel has %q instead of %s", n, held.Code, a.code)
		case exists != (d.Code == roster.Check):
			return fmt.Errorf("slot %d: shown as %v, and the panel says %v", n, d.Code, exists)
		case exists && d.Partitions != held.Partitions:
			return fmt.Errorf("slot %d: shown with partitions %v, and the panel has %v", n, d.Partitions, held.Partitions)
		}
	}
	return nil
}

// Random wishes, edits at the keypad, faults, deaths and restarts on a SQLite file. After
// every step the simulated panel is asked; at the end everything settles and the log
// verifies against every stored row.
//
// More runs: go test ./examples/soak -soak.runs 200 -soak.seed 100
//
// Rules: R48, R49, R189, R194, R242, R243, G190
func TestModelOnSQLite(t *testing.T) {
	runs := *modelRuns
	if testing.Short() {
		runs = min(runs, 2)
	}
	for i := range runs {
		seed := *modelSeed + uint64(i)
		var quirks []string
		for bit, q := range []string{dscsim.OwnDuplicate, dscsim.FirstPartition} {
			if seed>>bit&1 == 1 {
				quirks = append(quirks, q)
			}
		}
		disclose := seed>>2&1 == 1
		t.Run(fmt.Sprintf("seed %d %v disclose=%v", seed, quirks, disclose), func(t *testing.T) {
			r := &run{world: begin(t, disclose, quirks...), rnd: rand.New(rand.NewPCG(seed, 0)), wishes: map[int]asked{}}
			r.start()
			defer r.finish()
			all := drawn(t, seed, 12)
			r.pool, r.wall = all[:8], all[8:]
			err := error(nil)
			for range 40 {
				r.step()
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
			r.verified()
		})
	}
}

// drawn are different codes that nobody would call easy.
func drawn(t *testing.T, seed uint64, n int) []string {
	t.Helper()
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	var out []string
	for range n {
		c, err := credentials.Generate(source, len(master), credentials.Policy{}, func(c panel.Code) bool { return slices.Contains(out, c.Reveal()) })
		require.NoError(t, err)
		out = append(out, c.Reveal())
	}
	return out
}
