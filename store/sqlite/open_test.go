package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// blank is the content of an empty database: making one anew takes most of a short test.
var blank = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "keyholder")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "blank.db")
	db, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// open opens an empty file that goes with the test.
func open(t testing.TB, o sqlite.Options) *sqlite.DB {
	t.Helper()
	content, err := blank()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "keyholder.db")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return openAt(t, path, o)
}

// openAt opens a file and closes it with the test.
func openAt(t testing.TB, path string, o sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// clock is a clock that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// leaf is an entry that says nothing.
func leaf(id string) store.Leaf {
	return store.Leaf{ID: id, At: time.Unix(1_800_000_000, 0), Action: "test.done", Targets: [][]byte{[]byte("target")}, Body: []byte("leaf " + id)}
}

// put is a change that writes a user.
func put(change, id string, version uint64, body string) store.Change {
	r := store.Record{Key: store.Key{Kind: "user", ID: id}, Body: []byte(body), Terms: []store.Term{{Name: "label", Value: []byte(body)}}}
	return store.Change{ID: change, Entries: []store.Leaf{leaf("leaf of " + change)}, Ops: []store.Op{store.Put{Record: r, If: version}}}
}

// body loads a user's body, "" if there is none.
func body(t testing.TB, s store.Store, id string) string {
	t.Helper()
	r, err := s.Load(t.Context(), store.Key{Kind: "user", ID: id})
	require.NoError(t, err)
	return string(r[0].Body)
}
