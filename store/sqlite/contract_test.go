package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
	"github.com/seed-a2d3eaca/keyholder/store/sqlstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// Rules: G57, G111, G190
func TestContract(t *testing.T) {
	t.Parallel()
	var c clock
	storetest.RunWith(t, storetest.Options{Advance: c.advance}, func(t *testing.T) store.Fleet {
		return open(t, sqlite.Options{Now: c.now})
	})
}

// Rules: G57, G190
func TestConcurrency(t *testing.T) {
	t.Parallel()
	storetest.RunConcurrency(t, func(t *testing.T) store.Fleet { return open(t, sqlite.Options{}) })
}

// variant runs the contract once more on another way to the same code. Under the race
// detector it leaves out the part that runs in one goroutine, unless KEYHOLDER_LONG is set.
func variant(t *testing.T, fleet func(t *testing.T) store.Fleet) {
	t.Parallel()
	if !raced || os.Getenv("KEYHOLDER_LONG") != "" {
		storetest.Run(t, fleet)
	}
	storetest.RunConcurrency(t, fleet)
}

// within binds a fleet to a transaction that is rolled back with the test.
func within(t *testing.T) store.Fleet {
	db := open(t, sqlite.Options{})
	tx, err := db.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() }) // the test's context may have ended it
	return db.Within(tx)
}

// A store bound to a host's transaction keeps the whole contract in it.
//
// Rules: G57, G111, G190
func TestContractWithinTransaction(t *testing.T) {
	variant(t, within)
}

// The parts of a dialect that SQLite does not need: numbered placeholders and indexes
// that come later.
//
// Rules: G57, G190
func TestContractOfDialect(t *testing.T) {
	d := sqlstore.SQLite()
	d.LateIndex = true
	d.Placeholder = func(n int) string { return fmt.Sprint("?", n) }
	d.Text = func(s string) any { return s }
	variant(t, func(t *testing.T) store.Fleet {
		db := open(t, sqlite.Options{})
		return sqlstore.New(db.SQL(), db.SQL(), d, sqlstore.Options{})
	})
}

// split commits through one handle and does everything else through another.
type split struct {
	store.Store
	writer store.Store
}

func (s split) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	return s.writer.Commit(ctx, c)
}

type splitFleet struct {
	store.Fleet
	writer store.Fleet
}

func (f splitFleet) Tenant(id string) (store.Store, error) {
	reads, err := f.Fleet.Tenant(id)
	if err != nil {
		return nil, err
	}
	writer, err := f.writer.Tenant(id)
	return split{reads, writer}, err
}

// Two handles on one file, as two processes have them, see each other's commits at once.
//
// Rules: G57, G190
func TestContractOverTwoHandles(t *testing.T) {
	variant(t, func(t *testing.T) store.Fleet {
		path := filepath.Join(t.TempDir(), "keyholder.db")
		return splitFleet{openAt(t, path, sqlite.Options{}), openAt(t, path, sqlite.Options{})}
	})
}
