package main

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// On a file, too, a code that opens once opens once, whoever asks at the same time and
// although the program starts anew between the questions.
func TestACodeThatOpensOnceOpensOnceOnAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door.db")
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	g, err := openGate(t.Context(), db)
	require.NoError(t, err)
	for i, text := range []string{"4826", "4827", "4828", "4829", "4830"} {
		require.NoError(t, g.give(string(rune('a'+i))+"guest", rec.PIN, text, credentials.Disposable))
	}
	for i, text := range []string{"4826", "4827", "4828", "4829", "4830"} {
		account := string(rune('a'+i)) + "guest"
		require.NoError(t, g.enrol(account))
		var all sync.WaitGroup
		var granted atomic.Int64
		for range 16 {
			all.Go(func() {
				if g.ask(text, credentials.Granted) == nil {
					granted.Add(1)
				}
			})
		}
		all.Wait()
		require.Equal(t, int64(1), granted.Load())
	}
	require.NoError(t, db.Close())
	db, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	g.core.Store, err = db.Tenant("gate")
	require.NoError(t, err)
	restricted, err := db.Tenant("gate-restricted")
	require.NoError(t, err)
	require.NoError(t, g.open(restricted))
	for _, text := range []string{"4826", "4830"} {
		require.NoError(t, g.ask(text, credentials.UsedUp))
	}
	for range 5 {
		require.NoError(t, g.ask("9999", credentials.Unknown))
	}
	require.NoError(t, g.open(restricted))
	require.NoError(t, g.ask(gatePIN, credentials.LockedOut))
}
