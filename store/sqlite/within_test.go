package sqlite_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// hosted opens a file in which a host keeps a table of its own.
func hosted(t *testing.T) *sqlite.DB {
	t.Helper()
	db := open(t, sqlite.Options{})
	_, err := db.SQL().Exec("CREATE TABLE invoices (id TEXT PRIMARY KEY)")
	require.NoError(t, err)
	return db
}

func begin(t *testing.T, db *sqlite.DB) *sql.Tx {
	t.Helper()
	tx, err := db.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() }) // after a commit there is nothing to roll back
	return tx
}

func invoices(t *testing.T, db *sqlite.DB) int {
	t.Helper()
	var n int
	require.NoError(t, db.SQL().QueryRow("SELECT count(*) FROM invoices").Scan(&n))
	return n
}

func TestHostAndStoreCommitTogether(t *testing.T) {
	db := hosted(t)
	tx := begin(t, db)
	_, err := tx.Exec("INSERT INTO invoices VALUES ('i1')")
	require.NoError(t, err)
	s := db.Main().Within(tx)
	_, err = s.Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	require.Equal(t, "a", body(t, s, "u1"), "the transaction sees its own commit")
	require.Empty(t, body(t, db.Main(), "u1"), "nobody else does yet")
	require.NoError(t, tx.Commit())
	require.Equal(t, "a", body(t, db.Main(), "u1"))
	require.Equal(t, 1, invoices(t, db))
}

func TestHostRollsBackBoth(t *testing.T) {
	db := hosted(t)
	tx := begin(t, db)
	_, err := tx.Exec("INSERT INTO invoices VALUES ('i1')")
	require.NoError(t, err)
	_, err = db.Main().Within(tx).Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	require.Empty(t, body(t, db.Main(), "u1"))
	require.Zero(t, invoices(t, db))
	tenants, err := db.Tenants(t.Context())
	require.NoError(t, err)
	require.Empty(t, tenants)
	r, err := db.Main().Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	require.False(t, r.Again, "what was rolled back was never committed")
	tenants, err = db.Tenants(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"main"}, tenants)
}

func TestRefusalLeavesTheHostsStatements(t *testing.T) {
	db := hosted(t)
	_, err := db.Main().Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	tx := begin(t, db)
	_, err = tx.Exec("INSERT INTO invoices VALUES ('i1')")
	require.NoError(t, err)
	s := db.Main().Within(tx)
	_, err = s.Commit(t.Context(), put("c2", "u2", 0, "b"))
	require.NoError(t, err)
	bad := put("c3", "u3", 0, "c")
	bad.Ops = append(bad.Ops, store.Check{Key: store.Key{Kind: "user", ID: "z"}, If: 9})
	_, err = s.Commit(t.Context(), bad)
	require.ErrorIs(t, err, store.ErrStale)
	_, err = s.Commit(t.Context(), put("c4", "u1", 1, "d"))
	require.NoError(t, err, "the transaction goes on after a refusal")
	require.NoError(t, tx.Commit())
	require.Equal(t, 1, invoices(t, db))
	for id, want := range map[string]string{"u1": "d", "u2": "b", "u3": ""} {
		require.Equal(t, want, body(t, db.Main(), id))
	}
}

// A context that ends between two commits must not end the host's transaction, nor let
// later statements out of it.
func TestCancelledCommitLeavesTheTransaction(t *testing.T) {
	db := hosted(t)
	tx := begin(t, db)
	_, err := tx.Exec("INSERT INTO invoices VALUES ('i1')")
	require.NoError(t, err)
	s := db.Main().Within(tx)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = s.Commit(ctx, put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	cancel()
	_, err = s.Commit(ctx, put("c2", "u2", 0, "b"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = tx.Exec("INSERT INTO invoices VALUES ('i2')")
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	require.Zero(t, invoices(t, db))
	require.Empty(t, body(t, db.Main(), "u1"))
}

// interrupted opens a file whose clock ends a context: commits ask it in their midst.
func interrupted(t *testing.T) (*sqlite.DB, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return open(t, sqlite.Options{Now: func() time.Time { cancel(); return time.Now() }}), ctx
}

// SQLite ends a whole transaction when it interrupts a writing in it; the host's must live.
func TestCommitThatIsCancelledMidwayKeepsTheTransaction(t *testing.T) {
	db, ctx := interrupted(t)
	tx := begin(t, db)
	_, err := tx.Exec("CREATE TABLE invoices (id TEXT PRIMARY KEY)")
	require.NoError(t, err)
	_, err = db.Main().Within(tx).Commit(ctx, put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	require.Error(t, ctx.Err())
	_, err = tx.Exec("INSERT INTO invoices VALUES ('i1')")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.Equal(t, "a", body(t, db.Main(), "u1"))
	require.Equal(t, 1, invoices(t, db))
}

func TestCommitThatIsCancelledMidwayLeavesNothing(t *testing.T) {
	db, ctx := interrupted(t)
	_, err := db.Main().Commit(ctx, put("c1", "u1", 0, "a"))
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, body(t, db.Main(), "u1"))
	r, err := db.Main().Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	require.False(t, r.Again)
}

func TestFleetWithin(t *testing.T) {
	db := open(t, sqlite.Options{})
	tx := begin(t, db)
	bound := db.Within(tx)
	for _, id := range []string{"a", "b"} {
		s, err := bound.Tenant(id)
		require.NoError(t, err)
		_, err = s.Commit(t.Context(), put("c1", "u1", 0, id))
		require.NoError(t, err)
	}
	require.NoError(t, bound.Close(), "closing it does not close the file")
	require.NoError(t, tx.Commit())
	tenants, err := db.Tenants(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, tenants)
}
