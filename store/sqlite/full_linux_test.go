package sqlite_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// mount gives a test a disk of a size. Only an administrator may, so that it is done where
// KEYHOLDER_MOUNT is set.
func mount(t *testing.T, size string) (folder string, asked bool) {
	t.Helper()
	if os.Getenv("KEYHOLDER_MOUNT") == "" {
		return "", false
	}
	folder = t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(folder, 0)) })
	return folder, true
}

// The same on a disk that is really full, under the database and under its log, where
// KEYHOLDER_MOUNT is set.
func TestAFullDiskRefusesAndForgetsNothing(t *testing.T) {
	folder, asked := mount(t, "1500k")
	if !asked {
		return
	}
	room := filepath.Join(folder, "room")
	require.NoError(t, os.WriteFile(room, make([]byte, 400<<10), 0o600))
	path := filepath.Join(folder, "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	n := fill(t, db.Main(), 0)
	require.Positive(t, n)
	require.Equal(t, n, fill(t, db.Main(), n), "it stays full")
	require.NoError(t, os.Remove(room))
	more := fill(t, db.Main(), n)
	require.Greater(t, more, n, "there was room again")
	require.NoError(t, db.Close())
	copied := filepath.Join(t.TempDir(), "keyholder.db")
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + end)
		if end != "" && os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied+end, b, 0o600))
	}
	inspect(t, copied, more)
}

// A disk that is full from the beginning is refused as one, where KEYHOLDER_MOUNT is set.
func TestAFullDiskTakesNoNewFile(t *testing.T) {
	folder, asked := mount(t, "64k")
	if !asked {
		return
	}
	_, err := sqlite.Open(t.Context(), filepath.Join(folder, "keyholder.db"), sqlite.Options{})
	require.ErrorIs(t, err, store.ErrFull)
}
