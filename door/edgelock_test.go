package door_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Where an edge denies everybody, because the point does or because it was told too long
// ago, a lock-out still says the same to a right code as to a wrong one, and wrong codes
// are counted as the server counts them: nobody tries codes there for free.
//
// Rules: G199, G205
func TestAnEdgeThatDeniesEverybodyIsNoOracle(t *testing.T) {
	for name, begin := range map[string]func(e *edge){
		"the point denies": func(e *edge) {
			put(e.world, rec.Readers, e.key.Reader(), func(r *rec.Reader) { r.Points[0].OnOutage = rec.OutageDeny })
			require.NoError(e.world.t, e.edge.Refresh(e.world.t.Context()))
		},
		"told too long ago": func(*edge) { time.Sleep(16 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				begin(e)
				e.cut.Store(true)
				same := func(want credentials.Reason) {
					t.Helper()
					right, wrong := e.ask(typed(t, pin)), e.ask(typed(t, "9999"))
					right.Decision, wrong.Decision = "", ""
					require.Equal(t, door.Answer{Reason: want}, right)
					require.Equal(t, right, wrong)
				}
				for range 5 {
					same(door.Outaged)
				}
				same(credentials.LockedOut)
				require.Equal(t, door.Outaged, e.ask(held(t, card)).Reason, "the other medium")
				e.cut.Store(false)
				require.NoError(t, e.edge.Refresh(t.Context()))
				require.Contains(t, e.locked(), credentials.Keypad, "the server has counted the same")
				e.cut.Store(true)
				same(credentials.LockedOut)
				time.Sleep(31 * time.Second)
				require.NotContains(t, e.locked(), credentials.Keypad)
				require.NotEqual(t, credentials.LockedOut, e.ask(typed(t, pin)).Reason)
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// An edge that was told nothing knows no code, so it takes none for a wrong one.
//
// Rules: G205
func TestAnEdgeThatWasToldNothingCountsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		require.NoError(t, e.edge.Close())
		e.start()
		e.cut.Store(true)
		for range 6 {
			require.Equal(t, door.Outaged, e.ask(typed(t, pin)).Reason)
		}
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Empty(t, e.locked())
		require.NoError(t, e.edge.Close())
	})
}

// locked is what the server says is locked.
func (e *edge) locked() map[credentials.Medium]time.Time {
	e.world.t.Helper()
	all, err := e.as("operator").Readers(e.world.t.Context(), "site")
	require.NoError(e.world.t, err)
	require.Len(e.world.t, all, 1)
	return all[0].Locked
}
