package sqlite_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// More different statements than are kept compiled, each twice: kept or not, the answer
// is the same.
func TestStatementsBeyondThoseThatAreKept(t *testing.T) {
	s := open(t, sqlite.Options{}).Main()
	_, err := s.Commit(t.Context(), typical(0, 0))
	require.NoError(t, err)
	for range 2 {
		keys := []store.Key{{Kind: "user", ID: "u1"}}
		for n := range 200 {
			found, err := s.Load(t.Context(), keys...)
			require.NoError(t, err)
			require.Len(t, found, n+1)
			require.EqualValues(t, 1, found[0].Version)
			keys = append(keys, store.Key{Kind: "user", ID: fmt.Sprint("none", n)})
		}
	}
}

// The only writing connection is not asked for a second time while a transaction has it,
// and a context that has ended stops a commit before it begins.
func TestAnEndedContextCommitsNothing(t *testing.T) {
	s := open(t, sqlite.Options{}).Main()
	_, err := s.Commit(t.Context(), typical(0, 0))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Commit(ctx, typical(1, 1))
	require.ErrorIs(t, err, context.Canceled)
	r, err := s.Load(t.Context(), store.Key{Kind: "user", ID: "u1"})
	require.NoError(t, err)
	require.EqualValues(t, 1, r[0].Version)
	_, err = s.Commit(t.Context(), typical(1, 1))
	require.NoError(t, err, "what was not compiled then is compiled now")
}
