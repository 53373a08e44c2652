package sqlite_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

func TestFilesAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	_, err := db.Main().Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	backup := filepath.Join(t.TempDir(), "backup.db")
	require.NoError(t, db.Backup(t.Context(), backup))
	for _, file := range []string{path, path + "-wal", path + "-shm", backup} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), file)
	}
}

// What was promised about durability and erasure is what SQLite was told.
func TestPragmas(t *testing.T) {
	db := open(t, sqlite.Options{})
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "foreign_keys": "1", "busy_timeout": "10000",
	} {
		var got string
		require.NoError(t, db.SQL().QueryRow("PRAGMA "+pragma).Scan(&got))
		require.Equal(t, want, got, pragma)
	}
}

func TestPathsAreTakenLiterally(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=memory", "a#b", "a%20b", "a&_pragma=x", "é😀.db", "'quoted'.db"} {
		path := filepath.Join(t.TempDir(), name)
		db := openAt(t, path, sqlite.Options{})
		_, err := db.Main().Commit(t.Context(), put("c1", "u1", 0, "a"))
		require.NoError(t, err)
		require.NoError(t, db.Checkpoint(t.Context()))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Positive(t, info.Size(), name)
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	for _, path := range []string{"", ":memory:", "file::memory:", "file:x.db?mode=memory"} {
		_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.ErrorIs(t, err, sqlite.ErrPath, path)
	}
	require.Contains(t, sqlite.ErrPath.FaultHint(), "memstore")
	_, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "none", "x.db"), sqlite.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// holds reports whether any of the database's files contains the bytes.
func holds(t *testing.T, path string, planted []byte) bool {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		if bytes.Contains(content, planted) {
			return true
		}
	}
	return false
}

// Bytes of a dropped record, large or small, and of its terms, are in no file afterwards,
// and neither in a fresh backup.
func TestDroppedBytesAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	s := db.Main()
	planted := []byte("PLANTED-0123456789-SECRET")
	large := strings.Repeat("x", 100_000) + string(planted) + strings.Repeat("y", 100_000)
	records := []store.Record{
		{Key: store.Key{Kind: "user", ID: "small"}, Body: planted, Terms: []store.Term{{Name: "label", Value: planted}}},
		{Key: store.Key{Kind: "user", ID: "large"}, Body: []byte(large)},
		{Key: store.Key{Kind: "user", ID: "replaced"}, Body: planted, Terms: []store.Term{{Name: "label", Value: planted}}},
	}
	var puts []store.Op
	for _, r := range records {
		puts = append(puts, store.Put{Record: r})
	}
	_, err := s.Commit(t.Context(), store.Change{ID: "c1", Entries: []store.Leaf{leaf("l1")}, Ops: puts})
	require.NoError(t, err)
	require.True(t, holds(t, path, planted), "what is not there to begin with proves nothing")

	_, err = s.Commit(t.Context(), store.Change{ID: "c2", Entries: []store.Leaf{leaf("l2")}, Ops: []store.Op{
		store.Drop{Key: records[0].Key, If: 1}, store.Drop{Key: records[1].Key, If: 1},
		store.Put{Record: store.Record{Key: records[2].Key, Body: []byte("{}")}, If: 1},
	}})
	require.NoError(t, err)
	require.NoError(t, db.Checkpoint(t.Context()))
	require.False(t, holds(t, path, planted))
	backup := filepath.Join(t.TempDir(), "backup.db")
	require.NoError(t, db.Backup(t.Context(), backup))
	require.False(t, holds(t, backup, planted))
}

func TestCheckpointIsRefusedWhileSomebodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db, other := openAt(t, path, sqlite.Options{}), openAt(t, path, sqlite.Options{})
	_, err := db.Main().Commit(t.Context(), put("c1", "u1", 0, "a"))
	require.NoError(t, err)
	reading, err := other.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var n int
	require.NoError(t, reading.QueryRow("SELECT count(*) FROM kh_records").Scan(&n))
	_, err = db.SQL().Exec("PRAGMA busy_timeout = 20") // instead of ten seconds
	require.NoError(t, err)
	require.ErrorIs(t, db.Checkpoint(t.Context()), sqlite.ErrBusy)
	require.NoError(t, reading.Rollback())
	require.NoError(t, db.Checkpoint(t.Context()))
}

func TestBackupOpensAsAStore(t *testing.T) {
	db := open(t, sqlite.Options{})
	for i, text := range []string{"a", "b", "c"} {
		_, err := db.Main().Commit(t.Context(), put("change "+text, "u", uint64(i), text))
		require.NoError(t, err)
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	require.NoError(t, db.Backup(t.Context(), path))
	require.ErrorIs(t, db.Backup(t.Context(), path), fs.ErrExist, "a backup overwrites nothing")
	_, err := db.Main().Commit(t.Context(), put("later", "u", 3, "d"))
	require.NoError(t, err)

	copied := openAt(t, path, sqlite.Options{})
	require.Equal(t, "c", body(t, copied.Main(), "u"))
	size, _, err := copied.Main().Tree(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, size)
	r, err := copied.Main().Commit(t.Context(), put("change c", "u", 2, "c"))
	require.NoError(t, err)
	require.True(t, r.Again)
}

func TestReopenKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	c := put("c1", "u1", 0, "a")
	c.Ops = append(c.Ops, store.Claim{Name: "n", Holder: "h", Use: "u"}, store.Count{Counter: "c", By: 3, Max: 9}, store.Mark{Line: "panel/1"})
	first, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	done, err := first.Main().Commit(t.Context(), c)
	require.NoError(t, err)
	line, err := first.Main().Own(t.Context(), "n1", "panel/1")
	require.NoError(t, err)
	require.NoError(t, first.Close())

	db := openAt(t, path, sqlite.Options{})
	s := db.Main()
	require.Equal(t, "a", body(t, s, "u1"))
	held, err := s.Holders(t.Context(), "n")
	require.NoError(t, err)
	require.Equal(t, []store.Held{{Name: "n", Holder: "h", Uses: []string{"u"}}}, held)
	counters, err := s.Counters(t.Context(), "c")
	require.NoError(t, err)
	require.Equal(t, []int64{3}, counters)
	lines, err := s.Lines(t.Context(), "", "", 0)
	require.NoError(t, err)
	require.Equal(t, []store.Line{line}, lines)
	again, err := s.Commit(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, store.Result{Counts: done.Counts, Index: done.Index, Again: true}, again)
	tenants, err := db.Tenants(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"main"}, tenants)
}
