package panel_test

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// The explorer walks every interleaving, within stated bounds, of what can happen to one
// slot: wishes of two persons, an edit at the keypad, and at each step of each edit a
// crash, a lost answer or a refusal. After every step it asks the panel.
//
// Bounds: three wishes out of six, one keypad edit out of three, two mishaps (one where
// edits are jobs), each for
// three grades of sight, for a panel that does or does not refuse its own duplicate, for a
// driver that calls such a refusal final or unsure, and for a server that makes jobs of
// edits.
//
// One new state in sixteen goes on as a store would give it back; with
// KEYHOLDER_EXPLORE=all every one does, which takes twice as long.

// wall is the panel's side of one slot.
type wall struct {
	Code  string // digits that open, "" none
	Parts panel.Partitions
	Ours  bool // the code was written by us, not at the keypad
}

// world is everything that the next step depends on.
type world struct {
	Slot    panel.Slot
	Wall    wall
	Wishes  int // left
	Keypad  int // left
	Mishaps int // left
	Banned  []string
	Job     *job
}

// job is an edit that a server between us and the panel has taken.
type job struct {
	Work          panel.Work
	Ran           bool
	Done, Refused panel.Field
}

// run is the job's own time: it does what it was asked for, as far as the panel lets it.
func (j job) run(p wall, r rules) (job, wall) {
	j.Ran = true
	for _, step := range steps(j.Work) {
		after, err := p.write(step, j.Work, r)
		switch {
		case err != nil:
			j.Refused |= field(step)
			if p.Code == "" {
				return j, p
			}
		case step != "clear" || j.Work.Do == panel.Remove:
			j.Done |= field(step)
		}
		p = after
	}
	return j, p
}

type rules struct {
	sight  panel.Sight
	ownDup bool // the panel refuses to write the code that the slot has
	shy    bool // the driver calls such a refusal unsure, if an earlier edit may have written it
	jobs   bool // edits are jobs that run when they like, and are followed by a ticket
}

func (r rules) model() panel.Model { return panel.Model{Sight: r.sight} }

const everything = panel.Partitions(3)

func named(code string) panel.CodeRef { return panel.CodeRef{Names: []string{code}, Len: len(code)} }

func wishes() map[string]panel.Wish {
	set := func(code string, parts panel.Partitions) panel.Wish {
		w := panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true, Code: named(code)}}
		if parts != 0 {
			w.Set |= panel.FieldPartitions
			w.State.Partitions = parts
		}
		return w
	}
	return map[string]panel.Wish{
		"A":       set("A", 0),
		"B":       set("B", 1),
		"refused": set("R", 0), // another slot of the panel has it
		"disable": {Remove: true},
		"narrow":  {Set: panel.FieldPartitions, State: panel.State{Partitions: 1}},
		"wide":    {Set: panel.FieldPartitions, State: panel.State{Partitions: 3}},
	}
}

// steps are the writes of one edit, in the order in which a driver sends them.
func steps(w panel.Work) []string {
	var s []string
	if w.Do == panel.Replace || w.Do == panel.Remove {
		s = append(s, "clear")
	}
	if w.Do != panel.Remove && w.Set.Has(panel.FieldCode) {
		s = append(s, "code")
	}
	if w.Set.Has(panel.FieldPartitions) {
		s = append(s, "partitions")
	}
	return s
}

func field(step string) panel.Field {
	if step == "partitions" {
		return panel.FieldPartitions
	}
	return panel.FieldCode
}

// write is the panel's own behaviour.
func (p wall) write(step string, w panel.Work, r rules) (wall, error) {
	switch step {
	case "clear":
		return wall{}, nil
	case "code":
		code := w.State.Code.Names[0]
		if code == "R" || r.ownDup && p.Code == code {
			return p, panel.ErrRefused
		}
		if p.Code == "" {
			p.Parts = everything // a new code starts with the master's rights
		}
		p.Code, p.Ours = code, true
	case "partitions":
		if p.Code == "" {
			return p, panel.ErrRefused
		}
		p.Parts = w.State.Partitions
	}
	return p, nil
}

// report is what the panel says now, as far as the route sees.
func (w world) report(r rules, at time.Time) panel.Sighting {
	g := panel.Sighting{Sight: r.sight, At: at}
	g.State.Known = panel.FieldCode
	if w.Wall.Code == "" {
		return g
	}
	g.State.Set = true
	g.State.Known |= panel.FieldPartitions
	g.State.Partitions = w.Wall.Parts
	switch r.sight {
	case panel.Value:
		g.State.Code = named(w.Wall.Code)
		g.State.Code.Mark = "mark of " + w.Wall.Code
	case panel.Marked:
		g.State.Code.Mark = "mark of " + w.Wall.Code
	}
	return g
}

func reportOf(p wall) *panel.Report {
	rep := &panel.Report{Exists: p.Code != "", Known: panel.FieldCode}
	if rep.Exists {
		rep.Known |= panel.FieldPartitions
		rep.Partitions = p.Parts
	}
	return rep
}

type explorer struct {
	t      *testing.T
	rules  rules
	seen   map[string]bool
	queue  []node
	all    bool // every state goes through the store's format, not a share of them
	now    time.Time
	stills int // states that a report leaves as they are
	// step takes where a step from a state leads.
	step func(from *node, w world, step string)
}

// node is a state with the way to it.
type node struct {
	world
	key  string
	from *node
	line string
}

func (n *node) trail() string {
	if n == nil {
		return ""
	}
	return n.from.trail() + n.line
}

// share is how many states come to one that goes through the store's format.
const share = 16

// visit checks the invariant and queues a state that is new.
func (x *explorer) visit(from *node, w world, step string) {
	w.Slot.Revision = 0 // counts only; would make equal states differ
	k := key(w)
	if x.seen[k] {
		return
	}
	x.seen[k] = true
	claims := w.Slot.Claims()
	n := node{w, k, from, fmt.Sprintf("\n  %s  panel=%q claims=%v pending=%v unsure=%v", step, w.Wall.Code, claims, w.Slot.Pending, w.Slot.Unsure)}
	if w.Wall.Code != "" && w.Wall.Ours && !slices.Contains(claims, w.Wall.Code) {
		x.t.Fatalf("the panel opens for %q, which nobody holds:%s", w.Wall.Code, n.trail())
	}
	if x.all || len(x.seen)%share == 0 {
		n.world = afterStore(x.t, w)
		if key(n.world) != k {
			x.t.Fatalf("what the store gives back is another state:%s", n.trail())
		}
	}
	x.queue = append(x.queue, n)
}

// afterStore is what a store gives back of a state.
func afterStore(t *testing.T, w world) (back world) {
	b, err := json.Marshal(w)
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// key tells every two states apart that differ in any field.
func key(w world) string { return string(appendKey(make([]byte, 0, 256), reflect.ValueOf(&w).Elem())) }

func sameSlot(a, b panel.Slot) bool { return key(world{Slot: a}) == key(world{Slot: b}) }

// appendKey writes what is not zero, with its length or its number in front.
func appendKey(b []byte, v reflect.Value) []byte {
	if t, ok := reflect.TypeAssert[time.Time](v); ok {
		return binary.AppendVarint(b, t.UnixNano())
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() {
				b = appendKey(append(b, byte(i+1)), f)
			}
		}
		return append(b, 0)
	case reflect.Slice:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		for i := range v.Len() {
			b = appendKey(b, v.Index(i))
		}
		return b
	case reflect.Map:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.Uint(), b.Uint()) })
		for _, k := range keys {
			b = appendKey(appendKey(b, k), v.MapIndex(k))
		}
		return b
	case reflect.Pointer:
		return appendKey(b, v.Elem())
	case reflect.String:
		return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...)
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int:
		return binary.AppendVarint(b, v.Int())
	}
	return binary.AppendUvarint(b, v.Uint()) // panics for a kind that no state has yet
}

// next yields every step that is possible from w.
func (x *explorer) next(w *node) {
	if w.Wishes > 0 { // also while an edit is on the wire
		for name, wish := range wishes() {
			if s, err := w.Slot.Wish(wish); err == nil {
				v := w.world
				v.Slot, v.Wishes, v.Banned = s, w.Wishes-1, nil
				x.step(w, v, "wish "+name)
			}
		}
	}
	if s, err := w.Slot.Cancel(); err == nil {
		v := w.world
		v.Slot = s
		x.step(w, v, "cancel")
	}
	if w.Keypad > 0 && w.Wall.Code != "" {
		for _, p := range []wall{{}, {Code: "X", Parts: w.Wall.Parts}, {Code: w.Wall.Code, Parts: 2, Ours: w.Wall.Ours}} {
			v := w.world
			v.Wall, v.Keypad = p, w.Keypad-1
			x.step(w, v, fmt.Sprintf("keypad %+v", p))
		}
	}
	if w.Job != nil && !w.Job.Ran {
		v := w.world
		v.Job, v.Wall = ran(*w.Job, w.Wall, x.rules)
		x.step(w, v, "the job runs")
	}
	if w.Slot.Flight != nil {
		x.fly(w)
		return
	}
	v := w.world
	var found panel.Finding
	report := w.report(x.rules, x.now)
	v.Slot, found = w.Slot.Observe(report, 0)
	x.still(w, v.Slot, report, found)
	if found&(panel.FoundRemoved|panel.FoundChanged) != 0 {
		v.Banned = w.Slot.Claims() // somebody at the panel took these away: no edit brings them back
	}
	x.step(w, v, "read")
	if v.Slot.Flight == nil {
		if work, ok := v.Slot.Compose(); ok && sameSlot(v.Slot, w.Slot) {
			if work.State.Set && slices.ContainsFunc(work.State.Code.Names, func(n string) bool { return slices.Contains(v.Banned, n) }) {
				x.t.Fatalf("a code that was taken away at the panel is written back:%s", w.trail())
			}
			v.Slot = v.Slot.Dispatch(work, x.now)
			x.step(w, v, "dispatch")
		}
	}
}

// still checks that the short way past a report that moves nothing says so exactly where
// nothing is open and Observe, which was asked too, moved nothing.
func (x *explorer) still(w *node, after panel.Slot, report panel.Sighting, found panel.Finding) {
	got, open := w.Slot.Still(&report), !w.Slot.Idle() || len(w.Slot.Sent) != 0
	if got || !open && found == 0 {
		same := found == 0 && sameSlot(after, w.Slot)
		if got && !same || same && !open && !got {
			x.t.Fatalf("Still is %v, though a report changes nothing is %v and found %v:%s", got, same, found, w.trail())
		}
	}
	if got {
		x.stills++
	}
	report.Changed = true
	if w.Slot.Still(&report) {
		x.t.Fatalf("Still, though the panel says that the code was changed:%s", w.trail())
	}
}

func ran(j job, p wall, r rules) (*job, wall) {
	j, p = j.run(p, r)
	return &j, p
}

// follow is the edit on the wire where edits are jobs.
func (x *explorer) follow(w *node) {
	f := *w.Slot.Flight
	all := panel.Work{Do: f.Do, Set: f.Set, State: f.State}
	v := w.world
	switch {
	case f.Ticket == nil:
		if w.Mishaps > 0 { // the ticket is lost, whether the job has run or never will
			for _, done := range []bool{false, true} {
				m := w.world
				m.Mishaps, m.Slot = w.Mishaps-1, w.Slot.Lost()
				if done {
					_, m.Wall = ran(job{Work: all}, w.Wall, x.rules)
				}
				x.step(w, m, fmt.Sprintf("crash before the ticket, landed=%v", done))
			}
		}
		v.Job = &job{Work: all}
		v.Slot = w.Slot.Settle(panel.Outcome{Unsure: f.Set, Ticket: []byte("1")}, x.rules.model())
		x.step(w, v, "taken as a job")
	case !w.Job.Ran:
		v.Slot = w.Slot.Settle(panel.Outcome{Unsure: f.Set, Ticket: f.Ticket}, x.rules.model())
		x.step(w, v, "the job has not ended")
	default:
		if w.Mishaps > 0 {
			m := w.world
			m.Mishaps, m.Slot = w.Mishaps-1, w.Slot.Lost()
			x.step(w, m, "crash while the job is followed")
			m.Job = nil
			m.Slot = w.Slot.Settle(panel.Outcome{Unsure: f.Set}, x.rules.model()).Again(panel.FieldPartitions)
			x.step(w, m, "the server has forgotten the job")
		}
		v.Job = nil
		out := panel.Outcome{Done: w.Job.Done, Refused: map[panel.Field]error{}}
		for one := range w.Job.Refused.Each() {
			out.Refused[one] = panel.ErrRefused
		}
		x.settle(w, v, w.Wall, out, "the job has ended")
	}
}

// fly carries out the edit on the wire with every mishap at every step.
func (x *explorer) fly(w *node) {
	f := *w.Slot.Flight
	work := panel.Work{Do: f.Do, Set: f.Set, State: f.State}
	p := w.Wall
	var out panel.Outcome
	out.Refused = map[panel.Field]error{}
	if x.rules.jobs {
		x.follow(w)
		return
	}
	if f.Do == panel.Create && p.Code != "" {
		out.Refused[panel.FieldCode] = panel.ErrOccupied
		out.Report = reportOf(p)
		x.settle(w, w.world, p, out, "occupied")
		return
	}
	if f.Do == panel.Change && p.Code == "" {
		for one := range f.Set.Each() {
			out.Refused[one] = panel.ErrRefused
		}
		out.Report = reportOf(p)
		x.settle(w, w.world, p, out, "nobody there")
		return
	}
	for _, step := range steps(work) {
		after, err := p.write(step, work, x.rules)
		if w.Mishaps > 0 {
			for _, q := range []wall{p, after} {
				m := w.world
				m.Wall, m.Mishaps = q, w.Mishaps-1
				m.Slot = w.Slot.Lost()
				x.step(w, m, fmt.Sprintf("crash at %s, landed=%v", step, q == after))
				cut := out
				cut.Unsure = field(step)
				cut.Done = out.Done &^ cut.Unsure
				m.Slot = w.Slot.Settle(cut, x.rules.model()).Again(panel.FieldPartitions)
				x.step(w, m, fmt.Sprintf("answer lost at %s, landed=%v", step, q == after))
			}
		}
		if err != nil {
			if x.rules.shy && f.Before.Has(field(step)) {
				out.Unsure |= field(step)
			} else {
				out.Refused[field(step)] = err
			}
			if p.Code == "" {
				break
			}
			continue // whoever is there is still given the rest
		}
		p = after
		if step != "clear" || f.Do == panel.Remove {
			out.Done |= field(step)
		}
	}
	x.settle(w, w.world, p, out, "answered, not read back")
	out.Report = reportOf(p)
	x.settle(w, w.world, p, out, "answered")
}

func (x *explorer) settle(from *node, v world, p wall, out panel.Outcome, step string) {
	v.Wall = p
	v.Slot = v.Slot.Settle(out, x.rules.model()).Again(panel.FieldPartitions)
	if out.Report != nil {
		v.Slot, _ = v.Slot.Observe(v.report(x.rules, x.now), 0)
	}
	x.step(from, v, step)
}

// finish lets a worker run without mishaps: everything has to come to rest.
func (x *explorer) finish(w world) error {
	for range 24 {
		if w.Job != nil && !w.Job.Ran {
			w.Job, w.Wall = ran(*w.Job, w.Wall, x.rules)
		}
		if w.Slot.Flight != nil {
			w.Slot = w.Slot.Lost()
		}
		w.Slot, _ = w.Slot.Observe(w.report(x.rules, x.now), 0)
		work, ok := w.Slot.Compose()
		if !ok {
			break
		}
		w.Slot = w.Slot.Dispatch(work, x.now)
		w.Mishaps = 0
		y := &explorer{t: x.t, rules: x.rules, now: x.now, step: func(_ *node, to world, _ string) { w = to }}
		y.fly(&node{world: w})
	}
	s := w.Slot
	report := w.report(x.rules, x.now)
	if _, found := s.Observe(report, 0); found == 0 && !s.Still(&report) {
		return fmt.Errorf("settled, and not still: %+v", w)
	}
	switch {
	case !s.Idle():
		return fmt.Errorf("never comes to rest: pending %v, unsure %v", s.Pending, s.Unsure)
	case w.Wall.Code == "" && s.Agreed.Set:
		return errors.New("agreed to a user that the panel does not have")
	case w.Wall.Code != "" && !s.Agreed.Set && !s.Unmanaged():
		return errors.New("the panel has a user that nobody knows")
	case w.Wall.Ours && w.Wall.Code != "" && s.Agreed.Set && !slices.Contains(s.Agreed.Code.Names, w.Wall.Code):
		return fmt.Errorf("agreed to another code than the panel's %q", w.Wall.Code)
	case s.Agreed.Set && s.Agreed.Known.Has(panel.FieldPartitions) && s.Agreed.Partitions != w.Wall.Parts && s.Drift() == 0:
		return fmt.Errorf("agreed to partitions %v, the panel has %v, and it is no drift", s.Agreed.Partitions, w.Wall.Parts)
	case len(s.Sent) != 0:
		return errors.New("a sent code is held for ever")
	}
	return nil
}

// Rules: R48, R49, R236, R242, R243, R247
func TestExploreOneSlot(t *testing.T) {
	var total atomic.Int64
	t.Cleanup(func() { t.Logf("%d states in all", total.Load()) })
	for _, r := range []rules{
		{sight: panel.Presence}, {sight: panel.Presence, ownDup: true}, {sight: panel.Presence, ownDup: true, shy: true},
		{sight: panel.Marked}, {sight: panel.Marked, ownDup: true}, {sight: panel.Marked, ownDup: true, shy: true},
		{sight: panel.Value}, {sight: panel.Value, ownDup: true},
		{sight: panel.Presence, jobs: true}, {sight: panel.Presence, ownDup: true, jobs: true},
	} {
		t.Run(fmt.Sprintf("sight=%d ownDuplicateRefused=%v shy=%v jobs=%v", r.sight, r.ownDup, r.shy, r.jobs), func(t *testing.T) {
			t.Parallel()
			x := &explorer{t: t, rules: r, seen: map[string]bool{}, all: os.Getenv("KEYHOLDER_EXPLORE") == "all", now: time.Unix(1_800_000_000, 0)}
			x.step = x.visit
			start := world{Wishes: 3, Keypad: 1, Mishaps: 2}
			if r.jobs {
				start.Mishaps = 1 // a job adds steps of its own to each edit
			}
			if testing.Short() {
				start.Wishes = 2 // what the race detector can bear; the full bounds run without it
			}
			x.visit(nil, start, "start")
			for len(x.queue) > 0 {
				n := &x.queue[len(x.queue)-1]
				x.queue = x.queue[:len(x.queue)-1]
				w := *n
				x.next(&w)
				if err := x.finish(w.world); err != nil {
					t.Fatalf("%v:%s", err, w.trail())
				}
				if key(w.world) != w.key {
					t.Fatalf("a step changed the state that it began from:%s", w.trail())
				}
			}
			require.NotZero(t, x.stills)
			t.Logf("%d states, %d of them still", len(x.seen), x.stills)
			total.Add(int64(len(x.seen)))
		})
	}
}
