package panel_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// stub is a route that remembers what it was told.
type stub struct {
	model  panel.Model
	users  []panel.Report
	facts  []panel.Event
	refuse panel.Field
	down   error // of Open
	lost   error // of Apply
	ticket []byte
	target panel.Target
	got    []panel.Edit
	heard  []panel.Event
	closed bool

	arrivals []panel.Arrival
	deaf     error // of Watch and Arrivals, which it ends
	stray    bool  // answers for another place
}

func (d *stub) Arrivals(context.Context) iter.Seq2[panel.Arrival, error] {
	return func(yield func(panel.Arrival, error) bool) {
		for _, a := range d.arrivals {
			if !yield(a, nil) {
				return
			}
		}
		if d.deaf != nil {
			yield(panel.Arrival{}, d.deaf)
		}
	}
}

func (d *stub) Model() panel.Model { return d.model }
func (d *stub) Open(_ context.Context, t panel.Target) (panel.Session, error) {
	d.target = t
	if d.down != nil {
		return nil, d.down
	}
	return (*stubSession)(d), nil
}

type stubSession stub

func (s *stubSession) Model() panel.Model { return s.model }
func (s *stubSession) Close() error       { s.closed = true; return nil }

func (s *stubSession) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			s.got = append(s.got, e)
			if s.stray {
				e.Slot++
			}
			if s.lost != nil {
				_ = yield(panel.Outcome{Place: e.Place, Unsure: e.Set}, nil) && yield(panel.Outcome{}, s.lost)
				return
			}
			o := panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}, Ticket: s.ticket}
			for f := range e.Set.Each() {
				if s.refuse.Has(f) {
					o.Refused[f] = panel.ErrRefused
				} else {
					o.Done |= f
				}
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (s *stubSession) Read(_ context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for _, e := range s.facts {
			if !yield(e, nil) {
				return
			}
		}
		for _, u := range s.users {
			if (q.All || slices.Contains(q.Places, u.Place)) && !yield(panel.Event{User: &u}, nil) {
				return
			}
		}
	}
}

func (s *stubSession) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for _, e := range s.heard {
			if !yield(e, nil) {
				return
			}
		}
		if s.deaf != nil {
			yield(panel.Event{}, s.deaf)
			return
		}
		<-ctx.Done()
	}
}

// wireAndCloud are two routes to one panel: the wire sets codes and partitions and sees
// that there is a code; the cloud sets labels, and also roles, and sees marks.
func wireAndCloud() (wire, cloud *stub) {
	seen := panel.FieldLabel | panel.FieldRole
	wire = &stub{model: panel.Model{
		Kind: "x", Create: panel.FieldCode | panel.FieldPartitions, Change: panel.FieldCode | panel.FieldPartitions,
		Read: panel.FieldPartitions | panel.FieldRole, Sight: panel.Presence, Slots: panel.Slots{First: 1, Last: 9},
		Roles: []panel.Role{panel.User}, Partitions: 4, Hands: panel.FieldLabel, Evidence: "W",
	}}
	cloud = &stub{model: panel.Model{
		Kind: "x", Change: panel.FieldLabel | panel.FieldRole | panel.FieldPartitions, Read: seen | panel.FieldPartitions,
		Sight: panel.Marked, Roles: []panel.Role{panel.User, panel.Guest}, Label: panel.LabelRule{Max: 9}, Evidence: "C",
	}}
	at := panel.Place{Slot: 3}
	wire.users = []panel.Report{{Place: at, Exists: true, Sight: panel.Presence, Known: panel.FieldPartitions | panel.FieldRole, Editable: panel.FieldCode | panel.FieldPartitions, Values: panel.Values{Role: panel.User, Partitions: 5}}}
	cloud.users = []panel.Report{{Place: at, Exists: true, Sight: panel.Marked, Mark: []byte("m"), Known: seen | panel.FieldPartitions, Editable: panel.FieldLabel, Values: panel.Values{Label: "Side", Role: panel.User, Partitions: 9}}}
	return wire, cloud
}

func combine(wire, cloud *stub) panel.Driver {
	return panel.Combine(panel.Part{Route: "wire", Driver: wire}, panel.Part{Route: "cloud", Driver: cloud})
}

func applied(t *testing.T, d panel.Driver, edits ...panel.Edit) ([]panel.Outcome, error) {
	t.Helper()
	s, err := d.Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	var out []panel.Outcome
	for o, err := range s.Apply(t.Context(), edits) {
		if err != nil {
			return out, err
		}
		out = append(out, o)
	}
	return out, s.Close()
}

// Rules: D2
func TestCombineMergesModels(t *testing.T) {
	m := combine(wireAndCloud()).Model()
	all := panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions
	assert.Equal(t, all, m.Create, "what another route changes later can be wished at once")
	assert.Equal(t, all, m.Change)
	assert.Equal(t, all&^panel.FieldCode, m.Read)
	assert.Zero(t, m.Hands, "what one route writes needs no hands")
	assert.Equal(t, panel.Marked, m.Sight)
	assert.Equal(t, panel.Slots{First: 1, Last: 9}, m.Slots, "the places are those of the route that creates")
	assert.Equal(t, []panel.Role{panel.User, panel.Guest}, m.Roles, "the roles are those of the route that writes them")
	assert.Equal(t, 9, m.Label.Max)
	assert.Equal(t, 4, m.Partitions)
	assert.Equal(t, "W; C", m.Evidence)
}

func TestCombineSendsEachFieldToTheFirstRouteThatWritesIt(t *testing.T) {
	wire, cloud := wireAndCloud()
	all := panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions | panel.FieldLocks
	out, err := applied(t, combine(wire, cloud), panel.Edit{Place: panel.Place{Slot: 4}, Do: panel.Create, Set: all, Unsure: panel.FieldLabel})
	require.NoError(t, err)
	require.Len(t, out, 1)
	assert.Equal(t, all&^panel.FieldLocks, out[0].Done)
	assert.Equal(t, map[panel.Field]error{panel.FieldLocks: panel.ErrUnsupported}, out[0].Refused)

	require.Len(t, wire.got, 1)
	assert.Equal(t, panel.Create, wire.got[0].Do)
	assert.Equal(t, panel.FieldCode|panel.FieldPartitions, wire.got[0].Set)
	assert.Zero(t, wire.got[0].Unsure)
	require.Len(t, cloud.got, 1)
	assert.Equal(t, panel.Change, cloud.got[0].Do, "over the second route the user is there already")
	assert.Equal(t, panel.FieldLabel|panel.FieldRole, cloud.got[0].Set)
	assert.Equal(t, panel.FieldLabel, cloud.got[0].Unsure)
	assert.True(t, wire.closed && cloud.closed)
}

func TestCombineWritesNothingMoreOfAUserWhoWasNotMade(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.refuse = panel.FieldCode
	out, err := applied(t, combine(wire, cloud), panel.Edit{Place: panel.Place{Slot: 4}, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel})
	require.NoError(t, err)
	assert.Empty(t, cloud.got)
	assert.ErrorIs(t, out[0].Refused[panel.FieldCode], panel.ErrRefused)
	assert.Zero(t, out[0].Done|out[0].Unsure, "the label was not sent")
}

func TestCombineRemovesOverTheRouteThatWritesCodes(t *testing.T) {
	wire, cloud := wireAndCloud()
	_, err := applied(t, combine(wire, cloud), panel.Edit{Place: panel.Place{Slot: 3}, Do: panel.Remove})
	require.NoError(t, err)
	assert.Len(t, wire.got, 1)
	assert.Empty(t, cloud.got)
}

func TestCombineComparesListsBeforeItWritesOverASecondRoute(t *testing.T) {
	edits := []panel.Edit{{Place: panel.Place{Slot: 3}, Set: panel.FieldPartitions | panel.FieldLabel, Values: panel.Values{Label: "New", Partitions: 1}}}
	for name, differ := range map[string]func(cloud *stub){
		"another place": func(cloud *stub) { cloud.users[0].Slot = 4 },
		"one more": func(cloud *stub) {
			cloud.users = append(cloud.users, panel.Report{Place: panel.Place{Slot: 8}, Exists: true})
		},
		"another role": func(cloud *stub) { cloud.users[0].Role = panel.Guest },
	} {
		t.Run(name, func(t *testing.T) {
			wire, cloud := wireAndCloud()
			differ(cloud)
			out, err := applied(t, combine(wire, cloud), edits...)
			require.ErrorIs(t, err, panel.ErrRoutesDisagree)
			assert.Equal(t, "cloud", routeOf(t, err))
			assert.Empty(t, cloud.got)
			require.Len(t, out, 1)
			assert.Equal(t, panel.FieldPartitions, out[0].Done, "the first route goes on")
		})
	}
	t.Run("what one does not read cannot differ", func(t *testing.T) {
		wire, cloud := wireAndCloud()
		wire.users[0].Known &^= panel.FieldRole
		cloud.users[0].Role = panel.Guest
		_, err := applied(t, combine(wire, cloud), edits...)
		require.NoError(t, err)
		assert.Len(t, cloud.got, 1)
	})
	t.Run("a list that cannot be had", func(t *testing.T) {
		wire, cloud := wireAndCloud()
		wire.down = panel.ErrUnreachable
		out, err := applied(t, combine(wire, cloud), edits...)
		require.ErrorIs(t, err, panel.ErrUnreachable)
		assert.Empty(t, cloud.got)
		assert.Empty(t, out, "nothing was sent")
	})
}

func routeOf(t *testing.T, err error) string {
	t.Helper()
	r, ok := errors.AsType[*panel.RouteError](err)
	require.True(t, ok, "no RouteError in %v", err)
	return r.Route
}

func TestCombineKeepsTheErrorOfARouteToThatRoute(t *testing.T) {
	edit := panel.Edit{Place: panel.Place{Slot: 3}, Set: panel.FieldPartitions | panel.FieldLabel}
	t.Run("lost while it writes", func(t *testing.T) {
		wire, cloud := wireAndCloud()
		cloud.lost = panel.ErrTimeout
		out, err := applied(t, combine(wire, cloud), edit)
		require.ErrorIs(t, err, panel.ErrTimeout)
		assert.Equal(t, "cloud", routeOf(t, err))
		require.Len(t, out, 1)
		assert.Equal(t, panel.FieldPartitions, out[0].Done)
		assert.Equal(t, panel.FieldLabel, out[0].Unsure)
	})
	t.Run("down from the start", func(t *testing.T) {
		wire, cloud := wireAndCloud()
		cloud.down = panel.ErrSecret
		out, err := applied(t, combine(wire, cloud), edit)
		require.ErrorIs(t, err, panel.ErrSecret)
		assert.Equal(t, "cloud", routeOf(t, err))
		require.Len(t, out, 1)
		assert.Equal(t, panel.FieldPartitions, out[0].Done)
	})
	t.Run("every route down", func(t *testing.T) {
		wire, cloud := wireAndCloud()
		wire.down, cloud.down = panel.ErrBusy, panel.ErrSecret
		_, err := combine(wire, cloud).Open(t.Context(), panel.Target{})
		require.ErrorIs(t, err, panel.ErrBusy)
		require.ErrorIs(t, err, panel.ErrSecret)
	})
}

func TestCombineReadsEachFieldFromItsWitness(t *testing.T) {
	wire, cloud := wireAndCloud()
	read := func(d panel.Driver) (users []panel.Report, last error) {
		s, err := d.Open(t.Context(), panel.Target{})
		require.NoError(t, err)
		for e, err := range s.Read(t.Context(), panel.Query{All: true}) {
			if last = err; e.User != nil {
				users = append(users, *e.User)
			}
		}
		return users, last
	}
	users, err := read(combine(wire, cloud))
	require.NoError(t, err)
	require.Len(t, users, 1)
	u := users[0]
	assert.Equal(t, panel.Partitions(5), u.Partitions, "the wire is named first")
	assert.Equal(t, "Side", u.Label, "only the cloud reads labels")
	assert.Equal(t, panel.Marked, u.Sight, "the cloud sees more of codes")
	assert.Equal(t, panel.FieldPartitions|panel.FieldRole|panel.FieldLabel, u.Known)
	assert.Equal(t, panel.FieldCode|panel.FieldPartitions|panel.FieldLabel, u.Editable, "the cloud says that this role stays")

	wire.down = panel.ErrUnreachable
	users, err = read(combine(wire, cloud))
	require.ErrorIs(t, err, panel.ErrUnreachable, "a list without a witness is not everything")
	assert.Equal(t, panel.FieldLabel, users[0].Known, "nobody stands in for a witness")
}

func TestCombineGivesEachRouteItsOwnState(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.facts, cloud.facts = []panel.Event{{State: []byte("w")}}, []panel.Event{{State: []byte("c")}}
	d := combine(wire, cloud)
	target := panel.Target{Panel: "p", Routes: map[string]panel.Route{"wire": {Addr: "a"}, "cloud": {Addr: "b"}}}
	s, err := d.Open(t.Context(), target)
	require.NoError(t, err)
	for e, err := range s.Read(t.Context(), panel.Query{}) {
		require.NoError(t, err)
		r := target.Routes[e.Route]
		r.State = e.State
		target.Routes[e.Route] = r
	}
	_, err = d.Open(t.Context(), target)
	require.NoError(t, err)
	assert.Equal(t, map[string]panel.Route{"wire": {Addr: "a", State: []byte("w")}}, wire.target.Routes, "a driver gets its own route only")
	assert.Equal(t, map[string]panel.Route{"cloud": {Addr: "b", State: []byte("c")}}, cloud.target.Routes)
}

func TestCombineGivesEachRouteItsOwnTicket(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.ticket, cloud.ticket = []byte("job 1"), []byte("job 2")
	d := combine(wire, cloud)
	e := panel.Edit{Place: panel.Place{Slot: 3}, Set: panel.FieldCode | panel.FieldLabel}
	out, err := applied(t, d, e)
	require.NoError(t, err)
	e.Ticket = out[0].Ticket
	_, err = applied(t, d, e)
	require.NoError(t, err)
	assert.Equal(t, []byte("job 1"), wire.got[1].Ticket)
	assert.Equal(t, []byte("job 2"), cloud.got[1].Ticket)
}

func TestCombineNarrowsWithItsRoutes(t *testing.T) {
	wire, cloud := wireAndCloud()
	narrow := wire.model
	narrow.Partitions = 2
	wire.facts = []panel.Event{{Panel: &panel.Facts{Model: &narrow}}}
	s, err := combine(wire, cloud).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	for e, err := range s.Read(t.Context(), panel.Query{}) {
		require.NoError(t, err)
		assert.Equal(t, 2, e.Panel.Model.Partitions)
		assert.True(t, e.Panel.Model.Change.Has(panel.FieldLabel), "the other route is in it")
	}
	assert.Equal(t, 2, s.Model().Partitions)
}

func TestCombineHearsEveryRoute(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.heard = []panel.Event{{User: &wire.users[0]}}
	cloud.heard = []panel.Event{{Panel: &panel.Facts{Armed: true}}}
	s, err := combine(wire, cloud).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stale, armed bool
	for e, err := range s.Watch(ctx) {
		require.NoError(t, err)
		stale = stale || e.Stale != nil && slices.Contains(e.Stale.Places, panel.Place{Slot: 3})
		armed = armed || e.Panel != nil && e.Panel.Armed
		if stale && armed {
			cancel() // and Watch ends, with both routes
		}
	}
	assert.True(t, stale, "a user is told as stale, so that all witnesses are asked")
	assert.True(t, armed)
}

func TestCombineNamesTheRouteThatIsLostWhileItListens(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.deaf, cloud.deaf = panel.ErrUnreachable, panel.ErrTimeout
	s, err := combine(wire, cloud).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	var lost []string
	for _, err := range s.Watch(t.Context()) {
		lost = append(lost, routeOf(t, err))
	}
	assert.ElementsMatch(t, []string{"wire", "cloud"}, lost, "one that ends does not end the other")
}

// Who takes a panel for one that tells who opened has to learn that it does not, though
// everything else is heard.
//
// Rules: G195
func TestCombineSaysThatTheRouteThatTellsIsDown(t *testing.T) {
	wire, cloud := wireAndCloud()
	cloud.model.Tells, cloud.down, wire.deaf = true, panel.ErrUnreachable, panel.ErrTimeout
	assert.True(t, combine(wire, cloud).Model().Tells)
	s, err := combine(wire, cloud).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	lost := map[string]error{}
	for _, err := range s.Watch(t.Context()) {
		lost[routeOf(t, err)] = err
	}
	require.ErrorIs(t, lost["cloud"], panel.ErrUnreachable)
	require.ErrorIs(t, lost["wire"], panel.ErrTimeout)

	cloud.model.Tells = false
	s, err = combine(wire, cloud).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	for _, err := range s.Watch(t.Context()) {
		require.Equal(t, "wire", routeOf(t, err), "a route that tells nothing is not missed")
	}
}

func TestCombineLetsPanelsArriveOverEveryRoute(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.arrivals = []panel.Arrival{{Ident: "A"}, {Ident: "B"}}
	cloud.deaf = panel.ErrSecret
	var idents []string
	for a, err := range combine(wire, cloud).Arrivals(t.Context()) {
		if err != nil {
			require.ErrorIs(t, err, panel.ErrSecret)
			assert.Equal(t, "cloud", routeOf(t, err))
			continue
		}
		idents = append(idents, a.Ident)
	}
	assert.Equal(t, []string{"A", "B"}, idents)
	for range combine(wire, cloud).Arrivals(t.Context()) {
		break // ends both
	}
}

// What the second witness says of a field is what the combination says, for every field.
func TestCombineTakesEveryFieldFromASecondWitness(t *testing.T) {
	from, err := time.Parse(time.DateOnly, "2026-01-01")
	require.NoError(t, err)
	tag, err := credentials.ParseTag("0A1B", 16)
	require.NoError(t, err)
	all := panel.Values{
		Label: "Side", Role: panel.User, Partitions: 5, LegacyTags: []panel.Tag{tag}, LockTags: []panel.Tag{tag, tag},
		Keypads: []string{"hall"}, Locks: []string{"door"}, Window: panel.Window{From: from, Until: from.Add(time.Hour), Revoked: true},
	}
	rest := panel.AllFields &^ panel.FieldCode
	wire, cloud := wireAndCloud()
	wire.model.Read, wire.model.Sight, cloud.model.Sight = 0, panel.Marked, panel.Presence
	cloud.model.Read = rest
	cloud.users[0].Known, cloud.users[0].Values, cloud.users[0].Tags = rest, all, 3
	s, err := combine(wire, cloud).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	for e, err := range s.Read(t.Context(), panel.Query{All: true}) {
		require.NoError(t, err)
		assert.Equal(t, rest, e.User.Known)
		assert.Equal(t, all, e.User.Values)
		assert.Equal(t, 3, e.User.Tags)
	}
}

func TestCombineReportsADriverThatSpeaksOfOthers(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.stray = true
	_, err := applied(t, combine(wire, cloud), panel.Edit{Place: panel.Place{Slot: 3}, Set: panel.FieldCode})
	require.ErrorIs(t, err, panel.ErrDriver)
	assert.Equal(t, "wire", routeOf(t, err))
}

func TestHears(t *testing.T) {
	assert.False(t, panel.Hears(deaf{}))
	assert.True(t, panel.Hears(struct{ panel.Session }{}))
	wire, cloud := wireAndCloud()
	s, err := combine(wire, cloud).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	assert.True(t, panel.Hears(s))
	s, err = panel.Combine(panel.Part{Route: "a", Driver: deaf{}}, panel.Part{Route: "b", Driver: deaf{}}).Open(t.Context(), panel.Target{})
	require.NoError(t, err)
	assert.False(t, panel.Hears(s), "no route hears anything")
}

// deaf is a driver whose sessions hear nothing.
type deaf struct {
	panel.Dials
	panel.NoWatch
}

func (deaf) Model() panel.Model                                                  { return panel.Model{} }
func (d deaf) Open(context.Context, panel.Target) (panel.Session, error)         { return d, nil }
func (deaf) Close() error                                                        { return nil }
func (deaf) Apply(context.Context, []panel.Edit) iter.Seq2[panel.Outcome, error] { return nil }
func (deaf) Read(context.Context, panel.Query) iter.Seq2[panel.Event, error]     { return nil }

// A field is fixed only if every route says so on which hands can set it.
func TestCombineKeepsWhatHandsGiveOnce(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.model.Hands, wire.model.HandsOnce = panel.FieldKeypads|panel.FieldLockTags, panel.FieldKeypads|panel.FieldLockTags
	cloud.model.Hands, cloud.model.HandsOnce = panel.FieldLockTags|panel.FieldLocks, panel.FieldLocks
	assert.Equal(t, panel.FieldKeypads|panel.FieldLocks, combine(wire, cloud).Model().HandsOnce)
}
