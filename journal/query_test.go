package journal_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// operations are all that a reader can do, by the name of their permission.
func operations(entry string) map[string]func(context.Context, *journal.Reader) error {
	return map[string]func(context.Context, *journal.Reader) error{
		"journal.Query": func(ctx context.Context, r *journal.Reader) error {
			_, err := r.Query(ctx, journal.Query{})
			return err
		},
		"journal.Query ": func(ctx context.Context, r *journal.Reader) error {
			_, err := r.Count(ctx, journal.Filter{})
			return err
		},
		"journal.Query  ": func(ctx context.Context, r *journal.Reader) error {
			_, err := r.Entry(ctx, entry)
			return err
		},
		"journal.Follow": func(ctx context.Context, r *journal.Reader) error {
			for _, err := range r.Follow(ctx, 0) {
				return err
			}
			return nil
		},
		"journal.Verify": func(ctx context.Context, r *journal.Reader) error {
			_, err := r.Verify(ctx)
			return err
		},
		"journal.Prove": func(ctx context.Context, r *journal.Reader) error {
			_, err := r.Prove(ctx, entry)
			return err
		},
		"journal.Export": func(ctx context.Context, r *journal.Reader) error {
			return r.Export(ctx, io.Discard, journal.ExportOptions{})
		},
	}
}

// Whoever has every other right, or the right and no site, sees nothing of the log, and
// that they tried is an entry.
//
// Rules: R14, R20, R195, S3
func TestReadingTheLogNeedsItsRight(t *testing.T) {
	w := newWorld(t, false, nil)
	entry := w.label("north", "panel-1", "user-1", "Hall")
	for name, do := range operations(entry) {
		require.NoError(t, do(t.Context(), w.journal.As(operator)), name)
		require.ErrorIs(t, do(t.Context(), w.journal.As(stranger)), accounts.ErrPermissionDenied, name)
		require.ErrorIs(t, do(t.Context(), w.journal.As(nowhere)), accounts.ErrSiteMismatch, name)
		require.ErrorIs(t, do(t.Context(), w.journal.As(accounts.Actor{})), accounts.ErrNotEnabled, name)
	}
	denied := walk(t, w.journal.As(operator), journal.Filter{Actor: string(stranger.ID()), Outcome: audit.Denied}, 100)
	var ops []string
	for _, e := range denied {
		assert.Equal(t, audit.AccessDenied, e.Action)
		for _, d := range e.Details {
			if d.Name == audit.FieldOperation {
				ops = append(ops, d.Value)
			}
		}
	}
	assert.ElementsMatch(t, []string{"journal.Query", "journal.Follow", "journal.Verify", "journal.Prove", "journal.Export"}, ops)
}

// Many entries share a time, so that only time and id together tell pages apart.
//
// Rules: S1
func TestPagesMeetBothWays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rapid.Bool().Draw(rt, "late index"), nil)
		for range rapid.IntRange(0, 70).Draw(rt, "entries") {
			site := rapid.SampledFrom([]string{"north", "south"}).Draw(rt, "site")
			w.say(operator, audit.PanelTested, rapid.SampledFrom([]audit.Outcome{audit.Success, audit.Failure}).Draw(rt, "outcome"), []string{flow.Site(site), "panel-" + site})
			w.advance(time.Duration(rapid.IntRange(0, 1).Draw(rt, "step")))
		}
		reader := w.journal.As(rapid.SampledFrom([]accounts.Actor{operator, north, both}).Draw(rt, "reader"))
		f := journal.Filter{
			Outcome: rapid.SampledFrom([]audit.Outcome{"", audit.Failure}).Draw(rt, "outcome asked"),
			Actions: []audit.Action{audit.PanelTested},
		}
		if rapid.Bool().Draw(rt, "about") {
			f.About = []string{"panel-north"}
		}
		whole := ids(walk(t, reader, f, 200))
		n, err := reader.Count(t.Context(), f)
		require.NoError(rt, err)
		require.Len(rt, whole, int(n))

		size := rapid.SampledFrom(journal.PageSizes()[:3]).Draw(rt, "size")
		down := []string{}
		q := journal.Query{Filter: f, Size: size}
		var last journal.Page
		for {
			p, err := reader.Query(t.Context(), q)
			require.NoError(rt, err)
			require.Equal(rt, q.At == "", p.Newer == "", "the newest page and no other has none beside it")
			down = append(down, ids(p.Entries)...)
			last = p
			if p.Older == "" {
				break
			}
			require.Len(rt, p.Entries, size)
			q.At = p.Older
		}
		require.Equal(rt, whole, down)

		up := ids(last.Entries)
		for last.Newer != "" {
			p, err := reader.Query(t.Context(), journal.Query{Filter: f, Size: size, At: last.Newer})
			require.NoError(rt, err)
			require.NotEmpty(rt, p.Entries)
			require.NotEmpty(rt, p.Older)
			up = append(ids(p.Entries), up...)
			last = p
		}
		require.Equal(rt, whole, up)
	})
}

// A cursor stays right while entries are added.
//
// Rules: S1
func TestNewEntriesDoNotMovePages(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(30)
	reader := w.journal.As(north)
	first, err := reader.Query(t.Context(), journal.Query{Size: 10})
	require.NoError(t, err)
	before, err := reader.Query(t.Context(), journal.Query{Size: 10, At: first.Older})
	require.NoError(t, err)
	w.fill(20)
	after, err := reader.Query(t.Context(), journal.Query{Size: 10, At: first.Older})
	require.NoError(t, err)
	assert.Equal(t, ids(before.Entries), ids(after.Entries))
	again, err := reader.Query(t.Context(), journal.Query{Size: 10, At: after.Newer})
	require.NoError(t, err)
	assert.Equal(t, ids(first.Entries), ids(again.Entries))
	assert.NotEmpty(t, again.Newer, "there are newer ones now")
}

// Rules: S1
func TestPageSizesAndCursorsAreChecked(t *testing.T) {
	w := newWorld(t, false, nil)
	reader := w.journal.As(operator)
	p, err := reader.Query(t.Context(), journal.Query{})
	require.NoError(t, err, "a log may be empty")
	assert.Len(t, p.Entries, 1, "but for the reading itself")
	for _, size := range []int{-1, 1, 9, 201, 1000} {
		_, err := reader.Query(t.Context(), journal.Query{Size: size})
		require.ErrorIs(t, err, journal.ErrPageSize)
	}
	for _, c := range []journal.Cursor{"x", "b", "bwAAAAAAAAAA", "eAAAAAAAAAAAYQ"} {
		_, err := reader.Query(t.Context(), journal.Query{At: c})
		require.ErrorIs(t, err, journal.ErrCursor, string(c))
	}
	for _, f := range []journal.Filter{{About: make([]string, 17)}, {About: []string{""}}, {Actions: make([]audit.Action, 101)}, {Actions: []audit.Action{""}}, {Actor: string(make([]byte, 200))}} {
		_, err := reader.Query(t.Context(), journal.Query{Filter: f})
		require.ErrorIs(t, err, journal.ErrFilter)
	}
}

// Rules: S1
func FuzzCursor(f *testing.F) {
	f.Add("bwAAAAAAAAAAYQ")
	f.Add("bg")
	w := newWorld(f, false, nil)
	w.fill(12)
	reader := w.journal.As(north)
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := reader.Query(t.Context(), journal.Query{Size: 10, At: journal.Cursor(cursor)})
		if err != nil {
			require.ErrorIs(t, err, journal.ErrCursor)
			return
		}
		for _, e := range p.Entries {
			require.Contains(t, e.Targets, "site/north")
		}
	})
}

// Whatever a reader of some sites does, they meet only entries that name such a site.
//
// Rules: R240, S2
func TestReadersSeeTheirSitesOnly(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(20)
	moved := w.say(operator, audit.PanelMoved, audit.Success, []string{"panel-north", "site/north", "site/south"})
	nobodys := w.say(operator, audit.KeysRotated, audit.Success, nil)
	souths := w.label("south", "panel-south", "user-10", "Cellar")

	for reader, sites := range map[accounts.Actor][]string{north: {"site/north"}, south: {"site/south"}, both: {"site/north", "site/south"}} {
		r := w.journal.As(reader)
		mine := func(e journal.Entry) bool {
			return slices.ContainsFunc(e.Targets, func(id string) bool { return slices.Contains(sites, id) })
		}
		for _, f := range []journal.Filter{{}, {About: []string{"panel-north"}}, {About: []string{"panel-south", "user-10"}}, {Actor: "operator"}, {Outcome: audit.Success}, {About: []string{"operator"}}} {
			var want []string
			for _, e := range walk(t, w.journal.As(operator), f, 200) {
				if mine(e) {
					want = append(want, e.ID)
				}
			}
			got := walk(t, r, f, 10)
			assert.Equal(t, append([]string{}, want...), ids(got), "%s", f)
			n, err := r.Count(t.Context(), f)
			require.NoError(t, err)
			assert.Len(t, want, int(n))
		}
		all := ids(walk(t, r, journal.Filter{}, 200))
		var followed []string
		for e, err := range r.Follow(t.Context(), 0) {
			require.NoError(t, err)
			require.True(t, mine(e))
			if followed = append(followed, e.ID); len(followed) == len(all) {
				break
			}
		}
		assert.ElementsMatch(t, all, followed)

		_, err := r.Entry(t.Context(), moved)
		require.NoError(t, err, "a move concerns both sites")
		for _, id := range []string{nobodys, "no such entry"} {
			_, err = r.Entry(t.Context(), id)
			require.ErrorIs(t, err, journal.ErrEntryNotFound)
			_, err = r.Prove(t.Context(), id)
			require.ErrorIs(t, err, journal.ErrEntryNotFound)
		}
		_, err = r.Verify(t.Context())
		require.ErrorIs(t, err, journal.ErrWholeLog)
		require.Equal(t, fault.Denied, fault.Of(err))
	}
	_, hidden := w.journal.As(north).Entry(t.Context(), souths)
	_, absent := w.journal.As(north).Entry(t.Context(), "no such entry")
	assert.Equal(t, absent, hidden, "what may not be seen looks as if it were not there")
}

// An entry that waits for its index is shown and counted like any other.
//
// Rules: R194, S1
func TestEntriesAreShownBeforeTheyHaveAnIndex(t *testing.T) {
	w := newWorld(t, true, nil)
	w.fill(4)
	reader := w.journal.As(operator)
	all := walk(t, reader, journal.Filter{}, 10)
	require.Len(t, all, 5)
	for _, e := range all {
		assert.EqualValues(t, -1, e.Index)
	}
	n, err := reader.Count(t.Context(), journal.Filter{})
	require.NoError(t, err)
	assert.EqualValues(t, 5, n)
	_, err = reader.Prove(t.Context(), all[0].ID)
	require.ErrorIs(t, err, journal.ErrPending)

	require.NoError(t, pass(t, w.journal, "journal/sequence"))
	w.fill(2)
	n, err = reader.Count(t.Context(), journal.Filter{})
	require.NoError(t, err)
	assert.EqualValues(t, 7, n)
}
