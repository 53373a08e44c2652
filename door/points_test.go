package door_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

type (
	outages = map[string]door.Outage
	bounds  = map[string]time.Duration
)

func (w *world) points(points outages, bounds bounds) {
	w.t.Helper()
	require.NoError(w.t, w.as("operator").SetPoints(w.t.Context(), w.key.Reader(), points, bounds))
}

// Each point has its own bound, which is the server's; an edge may shorten it and never
// makes it longer.
//
// Rules: G205
func TestAPointHasItsOwnBound(t *testing.T) {
	for name, c := range map[string]struct {
		own   time.Duration
		front time.Duration
		back  time.Duration
	}{
		"the points'":          {0, 5 * time.Minute, time.Hour},
		"the edge's is longer": {2 * time.Hour, 5 * time.Minute, time.Hour},
		"between":              {10 * time.Minute, 5 * time.Minute, 10 * time.Minute},
		"shorter":              {time.Minute, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, func(o *door.EdgeOptions) { o.Bound = c.own })
				e.point("back", "site")
				put(e.world, rec.Rules, "all", func(r *rec.Rule) { r.Points = append(r.Points, "back") })
				e.world.points(outages{"front": door.OutageCached, "back": door.OutageCached}, bounds{"front": 5 * time.Minute, "back": time.Hour})
				time.Sleep(2 * time.Hour) // so that nobody was changed lately
				require.NoError(t, e.edge.Refresh(t.Context()))
				e.cut.Store(true)
				told := time.Now()
				back := typed(t, pin)
				back.Point = "back"
				for range 14 {
					require.Equal(t, time.Since(told) < c.front, e.ask(typed(t, pin)).Granted, time.Since(told))
					require.Equal(t, time.Since(told) < c.back, e.ask(back).Granted, time.Since(told))
					time.Sleep(5 * time.Minute)
				}
				e.cut.Store(false)
				require.NoError(t, e.edge.Refresh(t.Context()))
				require.Empty(t, e.entries("main", audit.DoorJournalRefused))
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// Whom a change reached late is in doubt for as long as the point's bound.
//
// Rules: G205
func TestWhatWasChangedLatelyIsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.world.points(outages{"front": door.OutageCached}, bounds{"front": 5 * time.Minute})
		e.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Changed = time.Now() })
		for _, want := range []credentials.Reason{door.Outaged, credentials.Granted} {
			e.cut.Store(false)
			require.NoError(t, e.edge.Refresh(t.Context()))
			e.cut.Store(true)
			require.Equal(t, want, e.ask(typed(t, pin)).Reason)
			time.Sleep(5 * time.Minute)
		}
		require.NoError(t, e.edge.Close())
	})
}

// A reader's points are changed at the server: from then on it speaks for the new ones, and
// its edge does what it is told of them. It is an entry that each point that changed leads to.
//
// Rules: G199, G205
func TestAReadersPointsAreChangedAtTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.point("back", "site")
		put(e.world, rec.Rules, "all", func(r *rec.Rule) { r.Points = append(r.Points, "back") })
		back := typed(t, pin)
		back.Point = "back"
		_, err := e.door.Decide(t.Context(), door.ByKey(e.key), back)
		require.ErrorIs(t, err, door.ErrPoint)
		before := len(e.entries("main", audit.DoorReaderChanged))
		e.world.points(outages{"front": door.OutageDeny, "back": door.OutageCached}, nil)
		require.True(t, e.try(back).Granted)
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.True(t, e.ask(back).Granted)
		require.Equal(t, door.Outaged, e.ask(typed(t, pin)).Reason)
		e.cut.Store(false)
		e.world.points(outages{"back": door.OutageCached}, nil)
		e.world.points(outages{"back": door.OutageCached}, nil)
		_, err = e.door.Decide(t.Context(), door.ByKey(e.key), typed(t, pin))
		require.ErrorIs(t, err, door.ErrPoint)
		changed := e.entries("main", audit.DoorReaderChanged)[before:]
		require.Len(t, changed, 2, "what changes nothing is no entry")
		for i, want := range []map[string]bool{{"back": true, "front": true}, {"back": false, "front": true}} {
			for id, leads := range want {
				require.Equal(t, leads, slices.ContainsFunc(changed[i].Targets, func(to []byte) bool { return string(to) == id }), id)
			}
			require.Equal(t, e.key.Reader(), changed[i].Value(audit.FieldReader))
		}
		list, err := e.as("operator").Readers(t.Context(), "site")
		require.NoError(t, err)
		require.Equal(t, outages{"back": door.OutageCached}, list[0].Points)
		require.Equal(t, bounds{"back": 15 * time.Minute}, list[0].Bounds)
		require.NoError(t, e.edge.Close())
	})
}

// What an edge decided before it could know that its points are others is taken over; what
// it says to have decided when it had to know is not.
//
// Rules: G199, G205
func TestADecisionAboutAFormerPoint(t *testing.T) {
	for _, after := range []time.Duration{14 * time.Minute, 17 * time.Minute} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				e.point("back", "site")
				if after > 15*time.Minute { // the edge is told that its bound is longer
					e.lied(func(feed map[string]any) {
						feed["points"] = []map[string]any{{"id": "front", "bound": time.Hour}}
					})
				}
				e.cut.Store(true)
				e.world.points(outages{"back": door.OutageCached}, nil)
				e.world.points(outages{"front": door.OutageDeny}, nil)
				time.Sleep(after)
				require.True(t, e.ask(typed(t, pin)).Granted)
				e.cut.Store(false)
				require.NoError(t, e.edge.Refresh(t.Context()))
				known := after < 15*time.Minute
				require.Equal(t, known, len(e.entries("main", audit.DoorDecided)) == 1)
				require.Equal(t, !known, len(e.entries("main", audit.DoorJournalRefused)) == 1)
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// Rules: G205
func TestPointsThatAReaderCannotHave(t *testing.T) {
	w := newWorld(t)
	w.point("away", "elsewhere")
	op := w.as("operator")
	many := outages{}
	for i := range 33 {
		many[string(rune('A'+i))] = door.OutageDeny
	}
	for name, c := range map[string]struct {
		points outages
		bounds bounds
	}{
		"none":               {},
		"too many":           {many, nil},
		"not there":          {outages{"none": door.OutageDeny}, nil},
		"of another site":    {outages{"away": door.OutageDeny}, nil},
		"no such behaviour":  {outages{"front": "open"}, nil},
		"a bound of none":    {outages{"front": door.OutageCached}, bounds{"away": time.Minute}},
		"a bound of a deny":  {outages{"front": door.OutageDeny}, bounds{"front": time.Minute}},
		"a bound of nothing": {outages{"front": door.OutageCached}, bounds{"front": 0}},
		"a negative bound":   {outages{"front": door.OutageCached}, bounds{"front": -1}},
		"too long a bound":   {outages{"front": door.OutageCached}, bounds{"front": 24*time.Hour + 1}},
	} {
		require.ErrorIs(t, op.SetPoints(t.Context(), w.key.Reader(), c.points, c.bounds), door.ErrReaderForm, name)
		_, err := op.AddReader(t.Context(), door.NewReader{Site: "site", Points: c.points, Bounds: c.bounds})
		require.ErrorIs(t, err, door.ErrReaderForm, name)
	}
	require.Error(t, w.door.As(accounts.HostActor("operator", "Somebody", "test")).SetPoints(t.Context(), w.key.Reader(), outages{"front": door.OutageDeny}, nil), "without a fresh factor")
	list, err := op.Readers(t.Context(), "site")
	require.NoError(t, err)
	require.Equal(t, []string{"front"}, slices.Collect(maps.Keys(list[0].Points)))
	require.NoError(t, op.EndReader(t.Context(), w.key.Reader()))
	require.ErrorIs(t, op.SetPoints(t.Context(), w.key.Reader(), outages{"front": door.OutageDeny}, nil), door.ErrReaderNotFound)
}
