package sqlite_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
	"github.com/seed-a2d3eaca/keyholder/store/sqlstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// mark is a change that marks a line.
func mark(id string) store.Change {
	return store.Change{ID: id, Ops: []store.Op{store.Mark{Line: "panel/1"}}}
}

func TestWakeAfterAMark(t *testing.T) {
	db := open(t, sqlite.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hints := db.Main().Wake(ctx)
	other, err := db.Tenant("other")
	require.NoError(t, err)
	foreign := other.Wake(ctx)

	_, err = db.Main().Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	require.Empty(t, hints, "nothing was marked")
	_, err = db.Main().Commit(t.Context(), mark("c2"))
	require.NoError(t, err)
	<-hints
	_, err = db.Main().Commit(t.Context(), mark("c2"))
	require.NoError(t, err)
	require.Empty(t, foreign, "a hint is its tenant's")

	tx := begin(t, db)
	_, err = db.Main().Within(tx).Commit(t.Context(), mark("c3"))
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	for len(hints) > 0 {
		<-hints
	}
	cancel()
	_, more := <-hints
	require.False(t, more)
}

func TestWakeNeedsNoGoroutine(t *testing.T) {
	db := open(t, sqlite.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := runtime.NumGoroutine()
	for range 1000 {
		db.Main().Wake(ctx)
	}
	require.Less(t, runtime.NumGoroutine(), before+100)
}

// A transaction that lost a race for a row is begun again where the dialect says that it
// was one.
func TestConflictIsTriedAgain(t *testing.T) {
	db := open(t, sqlite.Options{})
	_, err := db.Main().Commit(t.Context(), put("before", "u1", 0, "a"))
	require.NoError(t, err)
	d := sqlstore.SQLite()
	conflicts := 0
	d.Conflict = func(err error) bool {
		conflicts++
		if conflicts == 3 { // the winner goes away
			_, err := db.Main().Commit(t.Context(), store.Change{ID: "away", Entries: []store.Leaf{leaf("away")}, Ops: []store.Op{store.Drop{Key: store.Key{Kind: "user", ID: "u1"}, If: 1}}})
			require.NoError(t, err)
		}
		return errors.Is(err, store.ErrStale)
	}
	s := sqlstore.New(db.SQL(), db.SQL(), d, sqlstore.Options{}).Main()
	_, err = s.Commit(t.Context(), put("c1", "u1", 0, "b"))
	require.NoError(t, err)
	require.Equal(t, 3, conflicts)
	require.Equal(t, "b", body(t, s, "u1"))

	conflicts = 10
	_, err = s.Commit(t.Context(), put("c2", "u1", 0, "c"))
	require.ErrorIs(t, err, store.ErrStale, "not for ever")
	require.Equal(t, 10+7, conflicts)
}

// What nobody needs any more goes, a part of it with every so many commits.
func TestOldRowsAreForgotten(t *testing.T) {
	var c clock
	db := open(t, sqlite.Options{Now: c.now})
	s := db.Main()
	rows := func(table string) (n int) {
		require.NoError(t, db.SQL().QueryRow("SELECT count(*) FROM "+table).Scan(&n))
		return n
	}
	churn := func(name string) {
		for i := range 130 {
			_, err := s.Commit(t.Context(), mark(name+string(rune('A'+i))))
			require.NoError(t, err)
		}
	}
	_, err := s.Commit(t.Context(), store.Change{ID: "c1", Entries: []store.Leaf{leaf("l1")}, Ops: []store.Op{
		store.Count{Counter: "day", By: 1, Max: 9}, store.Claim{Name: "n", Holder: "h", Use: "u"}, store.Claim{Name: "kept", Holder: "h", Use: "u"},
	}})
	require.NoError(t, err)
	_, err = s.Commit(t.Context(), store.Change{ID: "c2", Entries: []store.Leaf{leaf("l2")}, Ops: []store.Op{
		store.Release{Name: "n", Holder: "h", Use: "u", RestUntil: c.now().Add(time.Hour)},
	}})
	require.NoError(t, err)
	_, err = s.Beat(t.Context(), "n1", time.Minute)
	require.NoError(t, err)
	churn("first")
	require.Equal(t, 132, rows("kh_changes"))
	require.Equal(t, 2, rows("kh_names"))
	require.Equal(t, 1, rows("kh_counters"))

	c.advance(25 * time.Hour)
	churn("second")
	require.Equal(t, 130, rows("kh_changes"))
	require.Equal(t, 1, rows("kh_names"))
	require.Zero(t, rows("kh_counters"))
	require.Zero(t, rows("kh_nodes"))
	require.Equal(t, 2, rows("kh_leaves"), "the log is never forgotten")
}

// A service that sends a change again after it lost the answer finds it committed once.
func TestLostAnswer(t *testing.T) {
	db := open(t, sqlite.Options{})
	lossy := storetest.Faulty(db.Main(), func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit && c.N == 1 {
			return storetest.Lose
		}
		return storetest.Pass
	})
	_, err := lossy.Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.ErrorIs(t, err, storetest.ErrInjected)
	r, err := lossy.Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	require.True(t, r.Again)
	require.Equal(t, "a", body(t, lossy, "u1"))
}
