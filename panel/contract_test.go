package panel_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// The contract has to carry five shapes that have little in common. Each stays here as
// the smallest driver of its kind: if one no longer compiles, or no longer says what it
// has to say, the contract has become too narrow.

// memory is a panel without a wire. The five drivers embed what they share.
type memory struct {
	users map[panel.Place]panel.Values
	tried int // writes that reached the panel
}

func newMemory() *memory { return &memory{users: map[panel.Place]panel.Values{}} }

// write does what an edit says; who asks has refused what cannot be written.
func (m *memory) write(e panel.Edit) {
	m.tried++
	if e.Do == panel.Remove {
		delete(m.users, e.Place)
		return
	}
	v := m.users[e.Place]
	if e.Set.Has(panel.FieldCode) {
		v.Code = e.Code
	}
	if e.Set.Has(panel.FieldLabel) {
		v.Label = e.Label
	}
	if e.Set.Has(panel.FieldFrom | panel.FieldUntil) {
		v.Window = e.Window
	}
	m.users[e.Place] = v
}

func (m *memory) places() []panel.Place {
	return slices.SortedFunc(maps.Keys(m.users), func(a, b panel.Place) int {
		return a.Slot - b.Slot + slices.Compare([]byte(a.ID), []byte(b.ID))
	})
}

// each makes the sequence of a driver that works edit by edit.
func each(edits []panel.Edit, do func(panel.Edit) (panel.Outcome, error)) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			if o, err := do(e); !yield(o, err) || err != nil {
				return
			}
		}
	}
}

func one(t *testing.T, s panel.Session, e panel.Edit) panel.Outcome {
	t.Helper()
	for o, err := range s.Apply(t.Context(), []panel.Edit{e}) {
		require.NoError(t, err)
		return o
	}
	require.Fail(t, "no outcome")
	return panel.Outcome{}
}

func reports(t *testing.T, s panel.Session, q panel.Query) (out []panel.Report) {
	t.Helper()
	for e, err := range s.Read(t.Context(), q) {
		require.NoError(t, err)
		if e.User != nil {
			out = append(out, *e.User)
		}
	}
	return out
}

func code(t *testing.T, digits string) panel.Code {
	t.Helper()
	c, err := credentials.ParseCode(digits)
	require.NoError(t, err)
	return c
}

// caller is the first shape: the panel calls in, from no address that is known before.
type caller struct {
	arrived chan string
	here    map[string]*memory
}

func (*caller) Model() panel.Model {
	return panel.Model{Create: panel.FieldCode, Change: panel.FieldCode, Sight: panel.Acked}
}

func (d *caller) Arrivals(ctx context.Context) iter.Seq2[panel.Arrival, error] {
	return func(yield func(panel.Arrival, error) bool) {
		for {
			select {
			case ident := <-d.arrived:
				d.here[ident] = newMemory()
				if !yield(panel.Arrival{Ident: ident, Addr: "10.0.0.9:41000"}, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (d *caller) Open(_ context.Context, t panel.Target) (panel.Session, error) {
	if m := d.here[t.Ident]; m != nil {
		return &callerSession{memory: m, model: d.Model()}, nil
	}
	return nil, panel.ErrAbsent
}

type callerSession struct {
	panel.NoWatch
	*memory
	model panel.Model
}

func (s *callerSession) Model() panel.Model { return s.model }
func (*callerSession) Close() error         { return nil }

func (s *callerSession) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return each(edits, func(e panel.Edit) (panel.Outcome, error) {
		s.write(e)
		return panel.Outcome{Place: e.Place, Done: panel.FieldCode}, nil
	})
}

func (s *callerSession) Read(context.Context, panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) { yield(panel.Event{State: []byte("seen")}, nil) }
}

// Rules: D1
func TestContractCarriesPanelsThatCallIn(t *testing.T) {
	d := &caller{arrived: make(chan string, 1), here: map[string]*memory{}}
	target := panel.Target{Ident: "860000000000001"}
	_, err := d.Open(t.Context(), target)
	require.ErrorIs(t, err, panel.ErrAbsent, "a panel that is not here is waited for")

	d.arrived <- target.Ident
	for a, err := range d.Arrivals(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, target.Ident, a.Ident)
		break
	}
	s, err := d.Open(t.Context(), target)
	require.NoError(t, err)
	o := one(t, s, panel.Edit{Place: panel.Place{Slot: 2}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code(t, "4871")}})
	assert.Equal(t, panel.FieldCode, o.Done, "acknowledged is all that such a route can say")
	assert.Empty(t, reports(t, s, panel.Query{All: true}))
}

// jobs is the second shape: a write starts a job at a server, which is asked for.
type jobs struct {
	panel.Dials
	panel.NoWatch
	*memory
	running map[string]panel.Edit
}

func (*jobs) Model() panel.Model {
	return panel.Model{Create: panel.FieldCode | panel.FieldLabel, Change: panel.FieldCode | panel.FieldLabel, Sight: panel.Presence}
}
func (d *jobs) Open(context.Context, panel.Target) (panel.Session, error) { return d, nil }
func (*jobs) Close() error                                                { return nil }

func (d *jobs) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return each(edits, func(e panel.Edit) (panel.Outcome, error) {
		job := string(e.Ticket)
		if job == "" {
			job = "process " + strconv.Itoa(len(d.running)+1)
			d.running[job] = e
			return panel.Outcome{Place: e.Place, Unsure: e.Set, Ticket: []byte(job)}, nil
		}
		d.write(d.running[job])
		return panel.Outcome{Place: e.Place, Done: d.running[job].Set}, nil
	})
}

func (d *jobs) Read(context.Context, panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for _, p := range d.places() {
			if !yield(panel.Event{User: &panel.Report{Place: p, Exists: true, Sight: panel.Presence}}, nil) {
				return
			}
		}
	}
}

// Rules: D1
func TestContractCarriesPolledJobs(t *testing.T) {
	d := &jobs{memory: newMemory(), running: map[string]panel.Edit{}}
	s, err := d.Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	e := panel.Edit{Place: panel.Place{Slot: 5}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code(t, "4871")}}
	o := one(t, s, e)
	assert.Equal(t, panel.FieldCode, o.Unsure, "a job that runs is neither done nor refused")
	assert.Empty(t, reports(t, s, panel.Query{All: true}))

	e.Unsure, e.Ticket = o.Unsure, o.Ticket
	o = one(t, s, e)
	assert.Equal(t, panel.FieldCode, o.Done)
	assert.Nil(t, o.Ticket)
	assert.Len(t, d.running, 1, "following a job starts none")
	assert.Equal(t, 1, d.tried)
}

// window is the third shape: a route that reads and hears, sees codes as marks, and
// writes nothing. A person at the keypad does.
type window struct {
	panel.Dials
	*memory
	said chan panel.Event
}

func (*window) Model() panel.Model {
	return panel.Model{
		Read: panel.FieldLabel, Hands: panel.FieldCode | panel.FieldLabel, Sight: panel.Marked,
		Guides: []panel.Guide{{Set: panel.FieldCode, Language: "en", Steps: []string{"Open Settings, then Users."}, Evidence: "Invented."}},
	}
}
func (d *window) Open(context.Context, panel.Target) (panel.Session, error) { return d, nil }
func (*window) Close() error                                                { return nil }

func (d *window) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return each(edits, func(e panel.Edit) (panel.Outcome, error) {
		o := panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}}
		for f := range e.Set.Each() {
			o.Refused[f] = panel.ErrUnsupported
		}
		return o, nil
	})
}

func (d *window) report(p panel.Place) *panel.Report {
	v := d.users[p]
	mark := sha256.Sum256([]byte("salt of the panel" + v.Code.Reveal()))
	return &panel.Report{Place: p, Exists: true, Sight: panel.Marked, Mark: mark[:8], Known: panel.FieldLabel, Values: panel.Values{Label: v.Label}}
}

func (d *window) Read(context.Context, panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for _, p := range d.places() {
			if !yield(panel.Event{User: d.report(p)}, nil) {
				return
			}
		}
	}
}

func (d *window) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for {
			select {
			case e := <-d.said:
				if !yield(e, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// Rules: D1, D4
func TestContractCarriesRoutesThatOnlyReadAndWatch(t *testing.T) {
	d := &window{memory: newMemory(), said: make(chan panel.Event, 1)}
	p := panel.Place{Slot: 3}
	o := one(t, d, panel.Edit{Place: p, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel})
	assert.Len(t, o.Refused, 2)
	assert.ErrorIs(t, o.Refused[panel.FieldCode], panel.ErrUnsupported)

	byHand := func(digits, label string) panel.Report {
		d.write(panel.Edit{Place: p, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel, Values: panel.Values{Code: code(t, digits), Label: label}})
		d.said <- panel.Event{User: d.report(p)}
		for e, err := range d.Watch(t.Context()) {
			require.NoError(t, err)
			return *e.User
		}
		return panel.Report{}
	}
	first, renamed, changed := byHand("4871", "Side"), byHand("4871", "Back"), byHand("5902", "Back")
	assert.Equal(t, first.Mark, renamed.Mark, "the same code has the same mark")
	assert.NotEqual(t, renamed.Mark, changed.Mark)
	assert.Equal(t, []panel.Report{changed}, reports(t, d, panel.Query{All: true}))
	assert.NotContains(t, fmt.Sprintf("%+v", changed), "5902")
}

// directory is the fourth shape: entries with ids that the service mints, any number of
// them, valid between two instants, and listed page by page.
type directory struct {
	panel.Dials
	panel.NoWatch
	*memory
}

func (*directory) Model() panel.Model {
	all := panel.FieldCode | panel.FieldLabel | panel.FieldFrom | panel.FieldUntil
	return panel.Model{Kind: panel.Access, Create: all, Change: all, Read: all, Sight: panel.Value}
}
func (d *directory) Open(context.Context, panel.Target) (panel.Session, error) { return d, nil }
func (*directory) Close() error                                                { return nil }

func (d *directory) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return each(edits, func(e panel.Edit) (panel.Outcome, error) {
		if _, exists := d.users[e.Place]; exists && e.Do == panel.Create && !e.Unsure.Has(panel.FieldCode) {
			return panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{panel.FieldCode: panel.ErrOccupied}}, nil
		}
		if d.write(e); e.Do == panel.Remove {
			e.Set = panel.FieldCode
		}
		return panel.Outcome{Place: e.Place, Done: e.Set}, nil
	})
}

func (d *directory) Read(_ context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for _, p := range d.places() {
			if p.ID <= q.After.ID {
				continue
			}
			v := d.users[p]
			r := &panel.Report{Place: p, Exists: true, Sight: panel.Value, Known: d.Model().Read &^ panel.FieldCode, Values: panel.Values{Label: v.Label, Window: v.Window}}
			if q.Disclose {
				r.Known, r.Code = d.Model().Read, v.Code
			}
			if !yield(panel.Event{User: r}, nil) {
				return
			}
		}
	}
}

// Rules: D1, D4
func TestContractCarriesDirectoriesOfIDs(t *testing.T) {
	d := &directory{memory: newMemory()}
	valid, err := credentials.Through(time.Unix(1000, 0), time.Unix(2000, 0))
	require.NoError(t, err)
	place := func(n int) panel.Place { return panel.Place{ID: fmt.Sprintf("5e7f0c1a-0000-4000-8000-%012d", n)} }
	for n := range 3 {
		e := panel.Edit{Place: place(n), Do: panel.Create, Set: d.Model().Create, Values: panel.Values{Code: code(t, "487"+strconv.Itoa(n)), Window: valid}}
		assert.Equal(t, e.Set, one(t, d, e).Done)
	}
	again := one(t, d, panel.Edit{Place: place(1), Do: panel.Create, Set: panel.FieldCode})
	assert.ErrorIs(t, again.Refused[panel.FieldCode], panel.ErrOccupied)

	rest := reports(t, d, panel.Query{All: true, After: place(0)})
	require.Len(t, rest, 2)
	assert.Equal(t, place(1), rest[0].Place)
	assert.True(t, rest[0].Window.Contains(time.Unix(2000, 0)), "the last second still opens")
	assert.True(t, rest[0].Code.IsZero(), "digits are told on request only")
	disclosed := reports(t, d, panel.Query{All: true, After: place(1), Disclose: true})
	assert.True(t, disclosed[0].Code.Equal(code(t, "4872")))

	assert.Equal(t, panel.FieldCode, one(t, d, panel.Edit{Place: place(1), Do: panel.Remove}).Done)
	assert.Len(t, reports(t, d, panel.Query{All: true}), 2)
}

// lock is the fifth shape: a device of its own, with its own model and line, that is
// reached through the session of a panel and sleeps most of the time.
type lock struct {
	panel.Dials
	panel.NoWatch
	*memory
	hub    *caller
	asleep bool
}

func (*lock) Model() panel.Model {
	return panel.Model{
		Kind: panel.Access, Create: panel.FieldCode, Change: panel.FieldCode, Sight: panel.Presence,
		Slots: panel.Slots{First: 1, Last: 20}, Lag: time.Minute,
	}
}

// Open needs the panel: its absence is the lock's.
func (d *lock) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	if _, err := d.hub.Open(ctx, panel.Target{Ident: t.Routes["hub"].Addr}); err != nil {
		return nil, err
	}
	if d.asleep {
		return nil, &panel.Later{After: 10 * time.Minute, Err: panel.ErrUnreachable}
	}
	return d, nil
}
func (*lock) Close() error { return nil }

func (d *lock) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return each(edits, func(e panel.Edit) (panel.Outcome, error) {
		d.write(e)
		return panel.Outcome{Place: e.Place, Done: panel.FieldCode}, nil
	})
}

func (d *lock) Read(context.Context, panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for _, p := range d.places() {
			if !yield(panel.Event{User: &panel.Report{Place: p, Exists: true, Sight: panel.Presence}}, nil) {
				return
			}
		}
	}
}

// Rules: D1
func TestContractCarriesLocksBehindAPanel(t *testing.T) {
	hub := &caller{here: map[string]*memory{}}
	d := &lock{memory: newMemory(), hub: hub, asleep: true}
	target := panel.Target{Ident: "lock 7", Routes: map[string]panel.Route{"hub": {Addr: "860000000000001"}}}
	_, err := d.Open(t.Context(), target)
	require.ErrorIs(t, err, panel.ErrAbsent, "without its panel the lock is absent")

	hub.here["860000000000001"] = newMemory()
	_, err = d.Open(t.Context(), target)
	require.ErrorIs(t, err, panel.ErrUnreachable)
	var later *panel.Later
	require.ErrorAs(t, err, &later, "a sleeper says when it wakes")

	d.asleep = false
	s, err := d.Open(t.Context(), target)
	require.NoError(t, err)
	p := panel.Place{Slot: 1}
	atHub, err := hub.Open(t.Context(), panel.Target{Ident: "860000000000001"})
	require.NoError(t, err)
	create := panel.Edit{Place: p, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code(t, "4871")}}
	one(t, atHub, create)
	one(t, s, create)
	one(t, atHub, panel.Edit{Place: p, Do: panel.Remove})
	require.Empty(t, hub.here["860000000000001"].users)
	require.Len(t, reports(t, s, panel.Query{All: true}), 1, "what the panel has forgotten still opens the lock")
	one(t, s, panel.Edit{Place: p, Do: panel.Remove})
	assert.Empty(t, reports(t, s, panel.Query{All: true}))
}
