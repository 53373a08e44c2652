package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// sector is what a disk writes as a whole.
const sector = 512

// disk is the two files that last: the database and its write-ahead log. The shared memory
// is gone with the machine.
type disk struct{ db, wal []byte }

func diskOf(t *testing.T, path string) disk {
	t.Helper()
	var d disk
	var err error
	d.db, err = os.ReadFile(path)
	require.NoError(t, err)
	d.wal, err = os.ReadFile(path + "-wal")
	require.NoError(t, err)
	return d
}

// torn is a file of which some sectors were written and some were not when the power
// went. A longer file may have grown less far, and at the end at any byte.
func torn(random *rand.Rand, before, after []byte) []byte {
	out := bytes.Clone(after)
	for at := 0; at < len(out); at += sector {
		if random.IntN(2) == 0 {
			continue
		}
		end := min(at+sector, len(out))
		clear(out[at:end]) // as where a file grew and nothing was written yet
		copy(out[at:end], before[min(at, len(before)):])
	}
	if len(after) > len(before) {
		out = out[:len(before)+random.IntN(len(after)-len(before)+1)]
	}
	return out
}

// The power goes at any moment: while a commit is written to the log, and while the log is
// moved into the database. Whatever of what was not synced yet reached the disk, the file
// opens, has every acknowledged change whole, and at most the one under way.
func TestPowerIsLost(t *testing.T) {
	t.Parallel()
	commits := 30
	if testing.Short() {
		commits = 20
	}
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	_, err := db.SQL().Exec("PRAGMA wal_autocheckpoint = 60") // often
	require.NoError(t, err)
	moved, restarted := 0, 0
	for n := uint64(1); n <= uint64(commits); n++ {
		before := diskOf(t, path)
		_, err := db.Main().Commit(t.Context(), nth(n))
		require.NoError(t, err)
		after := diskOf(t, path)
		if n == 1 {
			continue // the schema's own commits are in the log before it
		}
		for range 2 {
			// The log is written and synced first, then the database.
			lost(t, disk{before.db, torn(random, before.wal, after.wal)}, n-1, n)
		}
		if len(after.wal) == len(before.wal) {
			restarted++ // it is written from its beginning again
		}
		if !bytes.Equal(before.db, after.db) {
			moved++
			for range 3 {
				lost(t, disk{torn(random, before.db, after.db), after.wal}, n, n)
			}
		}
		lost(t, after, n, n)
	}
	require.Positive(t, moved, "the log was never moved into the database")
	require.Positive(t, restarted, "the log was never begun again")
}

// lost opens what a disk has, and finds the changes up to acknowledged, and none beyond
// asked.
func lost(t *testing.T, d disk, acknowledged, asked uint64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyholder.db")
	require.NoError(t, os.WriteFile(path, d.db, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", d.wal, 0o600))
	inspect(t, path, acknowledged)
	require.LessOrEqual(t, applied(t, path), asked)
	require.NoError(t, os.Remove(path))
}

// applied is the number of the last change in a file, and tries that it can be written to.
func applied(t *testing.T, path string) uint64 {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	n := left(t.Context(), t, db.Main())
	_, err = db.Main().Commit(t.Context(), nth(n+1))
	require.NoError(t, err)
	return n
}

// left is the number of the last change in a store.
func left(ctx context.Context, t *testing.T, s store.Store) uint64 {
	t.Helper()
	r, err := s.Load(ctx, store.Key{Kind: "user", ID: "left"})
	require.NoError(t, err)
	if r[0].Version > 0 {
		require.Equal(t, fmt.Sprint(r[0].Version), string(r[0].Body))
	}
	return r[0].Version
}

// A log of which the synced part is damaged loses what it had, which shows that the
// check above can fail.
func TestADamagedLogIsMissed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	for n := uint64(1); n <= 5; n++ {
		_, err := db.Main().Commit(t.Context(), nth(n))
		require.NoError(t, err)
	}
	d := diskOf(t, path)
	d.wal[len(d.wal)-1]++
	copied := filepath.Join(t.TempDir(), "keyholder.db")
	require.NoError(t, os.WriteFile(copied, d.db, 0o600))
	require.NoError(t, os.WriteFile(copied+"-wal", d.wal, 0o600))
	require.EqualValues(t, 4, applied(t, copied))
}
