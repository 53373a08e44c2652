package journal_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// readings are the entries about reading, oldest first, as "actor count".
func readings(t *testing.T, w *world) []string {
	t.Helper()
	found, err := w.store.Entries(t.Context(), store.EntryQuery{ByIndex: true, Actions: []string{string(audit.LogRead)}})
	require.NoError(t, err)
	list := []string{}
	for _, l := range found {
		e, err := audit.Decode(l.Body)
		require.NoError(t, err)
		list = append(list, e.Value(audit.FieldActorID)+" "+e.Value(audit.FieldCount))
	}
	return list
}

// Each hour in which somebody reads has one entry for them; it tells of all readings
// since the one before.
//
// Rules: R256
func TestReadingIsAnEntryOnceAnHour(t *testing.T) {
	w := newWorld(t, false, nil)
	entry := w.label("north", "panel-1", "user-1", "Hall")
	read := func(actor accounts.Actor) {
		t.Helper()
		_, err := w.journal.As(actor).Query(t.Context(), journal.Query{})
		require.NoError(t, err)
	}
	read(operator)
	read(operator)
	read(north)
	_, err := w.journal.As(operator).Prove(t.Context(), entry)
	require.NoError(t, err)
	require.NoError(t, w.journal.As(operator).Export(t.Context(), io.Discard, journal.ExportOptions{}))
	assert.Equal(t, []string{"operator 1", "reader-n 1"}, readings(t, w))

	w.advance(3 * time.Hour)
	read(operator)
	assert.Equal(t, []string{"operator 1", "reader-n 1", "operator 3"}, readings(t, w))
	w.advance(time.Hour)
	read(operator)
	assert.Equal(t, []string{"operator 1", "reader-n 1", "operator 3", "operator 1"}, readings(t, w))
}

// Whatever shows what happened is on record, whichever way it was asked.
//
// Rules: R256
func TestEveryWayOfReadingIsOnRecord(t *testing.T) {
	for name, read := range map[string]func(r *journal.Reader, entry string) error{
		"a page": func(r *journal.Reader, _ string) error {
			_, err := r.Query(t.Context(), journal.Query{})
			return err
		},
		"an entry": func(r *journal.Reader, entry string) error {
			_, err := r.Entry(t.Context(), entry)
			return err
		},
		"who could enter": func(r *journal.Reader, _ string) error {
			_, err := r.CouldEnter(t.Context(), journal.Whereabouts{Site: "north"}, began)
			return err
		},
		"a count": func(r *journal.Reader, _ string) error {
			_, _, err := r.CountAtMost(t.Context(), journal.Filter{Actor: "owner"}, 5)
			return err
		},
		"a review": func(r *journal.Reader, _ string) error {
			_, err := r.Review(t.Context(), journal.ReviewQuery{})
			return err
		},
		"a proof": func(r *journal.Reader, entry string) error {
			_, err := r.Prove(t.Context(), entry)
			return err
		},
	} {
		w := newWorld(t, false, nil)
		require.NoError(t, read(w.journal.As(operator), w.label("north", "panel-1", "user-1", "Hall")), name)
		assert.Equal(t, []string{"operator 1"}, readings(t, w), name)
		if name != "a proof" { // which leaves the house
			entry := w.label("north", "panel-1", "user-1", "Hall")
			require.NoError(t, read(w.journal.As(looker), entry), name)
			require.ErrorIs(t, read(w.journal.As(taker), entry), accounts.ErrPermissionDenied, name)
		}
	}
}

// How many entries there are altogether says nothing about anybody.
//
// Rules: R256
func TestTheLengthOfTheLogIsNoReading(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(3)
	for _, reader := range []accounts.Actor{operator, north} {
		_, err := w.journal.As(reader).Count(t.Context(), journal.Filter{})
		require.NoError(t, err)
	}
	assert.Empty(t, readings(t, w))
}

// Who follows the log for hours is on record in each hour in which they saw something.
//
// Rules: R256
func TestFollowingIsReadingToo(t *testing.T) {
	w := newWorld(t, false, func(o *journal.Options) { o.Poll = time.Millisecond })
	w.label("north", "panel-1", "user-1", "Hall")
	n := 0
	for _, err := range w.journal.As(north).Follow(t.Context(), 0) {
		require.NoError(t, err)
		if n++; n == 4 {
			break
		}
		w.advance(time.Hour)
		w.label("north", "panel-1", "user-1", "Hall")
	}
	require.Equal(t, 4, n)
	assert.Equal(t, []string{"reader-n 1", "reader-n 1", "reader-n 1", "reader-n 1"}, readings(t, w))
}

// Rules: R256
func TestReadingsAtOnceAreOneEntryAndAllCounted(t *testing.T) {
	w := newWorld(t, false, nil)
	const n = 20
	together := gate{Store: w.store, left: &sync.WaitGroup{}}
	together.left.Add(n)
	j := w.open(together, nil)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := j.As(operator).Query(t.Context(), journal.Query{})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, []string{"operator 1"}, readings(t, w))
	w.advance(time.Hour)
	_, err := w.journal.As(operator).Query(t.Context(), journal.Query{})
	require.NoError(t, err)
	assert.Equal(t, []string{"operator 1", fmt.Sprint("operator ", n)}, readings(t, w))
}

// gate is a store that answers about counters when everybody has asked.
type gate struct {
	store.Store
	left *sync.WaitGroup
}

func (g gate) Counters(ctx context.Context, counters ...string) ([]int64, error) {
	found, err := g.Store.Counters(ctx, counters...)
	g.left.Done()
	g.left.Wait()
	return found, err
}

// Nobody reads without it being on record.
//
// Rules: R194, R256
func TestNothingIsShownIfReadingCannotBeRecorded(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(3)
	broken := w.open(failing{w.store}, nil)
	p, err := broken.As(operator).Query(t.Context(), journal.Query{})
	require.ErrorIs(t, err, flow.ErrAuditWrite)
	assert.Empty(t, p.Entries)
	_, err = broken.As(operator).Count(t.Context(), journal.Filter{Actor: "owner"})
	require.ErrorIs(t, err, flow.ErrAuditWrite)
	assert.ErrorIs(t, broken.As(operator).Export(t.Context(), io.Discard, journal.ExportOptions{}), flow.ErrAuditWrite)
}

// failing is a store that cannot be written.
type failing struct{ store.Store }

func (failing) Commit(context.Context, store.Change) (store.Result, error) {
	return store.Result{}, io.ErrUnexpectedEOF
}
