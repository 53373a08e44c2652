package sqlite_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// fill commits until there is no room, and returns how many changes were acknowledged.
func fill(t *testing.T, s store.Store, from uint64) (n uint64) {
	t.Helper()
	for n = from; ; n++ {
		_, err := s.Commit(t.Context(), nth(n+1))
		if err == nil {
			require.Less(t, n, from+1000, "the disk never fills up")
			continue
		}
		require.ErrorIs(t, err, store.ErrFull)
		require.Equal(t, fault.Unavailable, fault.Of(err))
		require.Contains(t, fault.Hint(err), "Make room")
		require.Equal(t, n, left(t.Context(), t, s), "reading goes on, and nothing of the change is there")
		return n
	}
}

// When there is no room, what is asked is refused and says so, nothing acknowledged is
// lost, and when there is room again the same change is done.
func TestAFullFileRefusesAndForgetsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	var pages int
	require.NoError(t, db.SQL().QueryRow("PRAGMA page_count").Scan(&pages))
	n := uint64(0)
	for range 3 {
		pages += 100
		_, err := db.SQL().Exec("PRAGMA max_page_count = " + strconv.Itoa(pages))
		require.NoError(t, err)
		n = fill(t, db.Main(), n)
		for range 3 {
			require.Equal(t, n, fill(t, db.Main(), n), "it stays full")
		}
	}
	_, err := db.SQL().Exec("PRAGMA max_page_count = 4294967294")
	require.NoError(t, err)
	_, err = db.Main().Commit(t.Context(), nth(n+1))
	require.NoError(t, err)
	inspect(t, path, n+1)
}
