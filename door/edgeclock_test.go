package door_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// An edge whose clock is not the server's lets nobody in who may only at certain times,
// from when it was told on or from when the clock went wrong, and says so; whoever may
// always gets in. A clock that is set right again counts again.
//
// Rules: G204, G205
func TestAnEdgeFindsOutThatItsClockIsWrong(t *testing.T) {
	for _, off := range []time.Duration{-240 * time.Hour, -30 * time.Minute, -62 * time.Second, 62 * time.Second, 30 * time.Minute, 240 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var moved time.Duration
				e := newEdge(t, func(o *door.EdgeOptions) {
					o.Clock = func() credentials.Now {
						return credentials.Now{T: time.Now().Add(moved), Quality: credentials.ClockTrusted}
					}
				})
				for id, text := range map[string]string{"past": "4826", "present": "4926", "future": "5026"} {
					e.account(id)
					e.give(id, rec.PIN, text)
				}
				window := func(id string, from, until time.Duration) {
					e.changeAccount(id, func(a *accounts.Account) {
						a.Window.From, a.Window.Until = time.Now().Add(from), time.Now().Add(until)
					})
				}
				window("past", -48*time.Hour, -30*time.Second)
				window("present", -48*time.Hour, 48*time.Hour)
				window("future", 30*time.Minute, 48*time.Hour)
				reasons := func(past, present, future credentials.Reason) {
					t.Helper()
					require.Equal(t, past, e.ask(typed(t, "4826")).Reason)
					require.Equal(t, present, e.ask(typed(t, "4926")).Reason)
					require.Equal(t, future, e.ask(typed(t, "5026")).Reason)
					require.True(t, e.ask(typed(t, pin)).Granted)
				}
				refresh := func() {
					t.Helper()
					e.cut.Store(false)
					require.NoError(t, e.edge.Refresh(t.Context()))
					e.cut.Store(true)
				}
				refresh()
				reasons(credentials.Expired, credentials.Granted, credentials.NotYet)
				refresh()
				time.Sleep(5 * time.Minute) // the log says nothing new
				refresh()
				moved = off // during the outage
				reasons(credentials.NoClock, credentials.NoClock, credentials.NoClock)
				refresh()
				reasons(credentials.NoClock, credentials.NoClock, credentials.NoClock)
				h := e.edge.Health()
				require.Equal(t, credentials.ClockDoubtful, h.Clock)
				require.Len(t, h.Problems, 1)
				require.Contains(t, h.Problems[0], door.ErrClock.Error())
				moved = 0
				time.Sleep(10 * time.Minute)
				reasons(credentials.Expired, credentials.Granted, credentials.NotYet)
				require.True(t, e.edge.Health().OK())
				moved = max(-58*time.Second, min(off, 58*time.Second)) // as far as clocks may differ
				refresh()
				require.True(t, e.ask(typed(t, "4926")).Granted)
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// How long an answer was under way says nothing about the clock.
//
// Rules: G204
func TestASlowAnswerPutsNoClockInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Until = time.Now().Add(48 * time.Hour) })
		e.slow = 10 * time.Minute
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.NoError(t, e.edge.Close())
	})
}

// A server whose clock went back before its own log is no measure for an edge: both are in
// doubt, until somebody confirms that the log was ahead.
//
// Rules: G204
func TestAnEdgeDoubtsAClockFromBeforeTheLog(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Until = noon.Add(48 * time.Hour) })
	site, err := w.as("operator").SiteKey(t.Context(), "site")
	require.NoError(t, err)
	e := &edge{world: w, wire: &wire{w: w}}
	e.o = door.EdgeOptions{Key: w.key, SiteKeys: []credentials.SiteKey{site}, Journal: t.TempDir() + "/journal", Clock: w.now}
	e.start()
	for _, confirmed := range []bool{false, true} {
		want := credentials.NoClock
		if confirmed {
			want, w.opts.LogAhead = credentials.Granted, noon
			w.open()
		} else {
			w.later(-10 * time.Minute)
		}
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Equal(t, want, w.try(typed(t, pin)).Reason)
		e.cut.Store(true)
		require.Equal(t, want, e.ask(typed(t, pin)).Reason)
	}
	require.NoError(t, e.edge.Close())
}

// A time before the program was built is in doubt, whoever agrees with it.
//
// Rules: G204
func TestAnEdgeDoubtsAClockFromBeforeItsBuild(t *testing.T) {
	require.True(t, door.Contradicts(noon, noon, noon, noon.Add(time.Second), time.Hour))
	require.False(t, door.Contradicts(noon, noon, noon, noon, time.Minute))
}
