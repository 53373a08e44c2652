package twon_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// opened waits a little and returns who opened since, and the last state.
func (e *ear) opened(wait time.Duration) (who []panel.Opened, state []byte) {
	time.Sleep(wait)
	synctest.Wait()
	for len(e.said) > 0 {
		ev := <-e.said
		if ev.Opened != nil {
			who = append(who, *ev.Opened)
		}
		if ev.State != nil {
			state = ev.State
		}
	}
	return who, state
}

// with opens a session that goes on where another one left off.
func (r *rig) with(state []byte) panel.Session {
	r.t.Helper()
	to := target()
	route := to.Routes[twon.Route]
	route.State = state
	to.Routes[twon.Route] = route
	s, err := r.driver.Open(r.t.Context(), to)
	require.NoError(r.t, err)
	return s
}

// Who opens is told within seconds, and so is, once and in order, who opened while nobody
// listened: after a lost session and after days, but not what the device forgot when it
// started anew.
func TestWatchTellsWhoOpened(t *testing.T) {
	for _, quirk := range []string{"", twonsim.Capitals, twonsim.HastyPull, twonsim.NoClock, twonsim.Chunked} {
		t.Run("quirk "+quirk, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, twon.Options{Log: true}, twonsim.Options{})
				r.sim.Quirk(quirk, true)
				require.NoError(t, r.sim.Keypad(edit(t, panel.Create, 1, "4871")))
				require.NoError(t, r.sim.Keypad(edit(t, panel.Create, 2, "4872")))
				at := func() time.Time { return time.Unix(time.Now().Unix(), 0).UTC() }
				enters := func(n int, pin string) panel.Opened {
					t.Helper()
					o := panel.Opened{Place: panel.Place{ID: uuid(n)}, At: at()}
					require.True(t, r.sim.Enter(pin))
					time.Sleep(2 * time.Second)
					return o
				}
				s := r.with(nil)
				e := listen(t, s)
				first := enters(1, "4871")
				require.False(t, r.sim.Enter("9999"))
				who, state := e.opened(6 * time.Second)
				require.Equal(t, []panel.Opened{first}, who)
				require.NotNil(t, state, "what was told is not told again by the next session")
				require.NoError(t, s.Close())
				time.Sleep(time.Minute)

				second, third := enters(2, "4872"), enters(1, "4871")
				time.Sleep(3 * 24 * time.Hour)
				s = r.with(state)
				e = listen(t, s)
				who, _ = e.opened(6 * time.Second)
				require.Equal(t, []panel.Opened{second, third}, who)

				r.sim.Restart()
				fourth := enters(2, "4872")
				who, _ = e.opened(20 * time.Second)
				require.Equal(t, []panel.Opened{fourth}, who, "a new subscription after a restart")
				who, last := e.opened(time.Hour)
				require.Empty(t, who)
				require.NotNil(t, last, "how far was listened is kept although nobody opens")
				require.NoError(t, s.Close())

				s = r.with(last)
				e = listen(t, s)
				who, _ = e.opened(time.Minute)
				require.Empty(t, who)
				require.NoError(t, s.Close())
			})
		})
	}
}

// A device without a log, or without this event in it, is watched as before; so is one for
// which nobody asked.
func TestWatchGoesOnWithoutALog(t *testing.T) {
	for _, c := range []struct {
		quirk string
		log   bool
		asked int
	}{{twonsim.NoLog, true, 1}, {twonsim.NoAuthenticated, true, 1}, {"", false, 0}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, twon.Options{Log: c.log}, twonsim.Options{})
			r.sim.Quirk(c.quirk, true)
			require.NoError(t, r.sim.Keypad(edit(t, panel.Create, 1, "4871")))
			s := r.open()
			e := listen(t, s)
			require.True(t, r.sim.Enter("4871"))
			require.NoError(t, r.sim.Keypad(edit(t, panel.Change, 1, "5902")))
			places, _, _ := e.stale()
			assert.Equal(t, []panel.Place{{ID: uuid(1)}}, places, "%+v", c)
			assert.Equal(t, c.asked, r.sim.Asked("/api/log/caps"), "%+v", c)
			assert.Zero(t, r.sim.Asked("/api/log/pull"), "%+v", c)
		})
	}
}

// A device that tells of openings without end is heard a batch a second, and one whose
// batch has no end is given up.
func TestALogWithoutEndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{Log: true}, twonsim.Options{})
		require.NoError(t, r.sim.Keypad(edit(t, panel.Create, 1, "4871")))
		s := r.with(nil)
		e := listen(t, s)
		e.opened(time.Minute)
		for range 1000 {
			r.sim.Enter("4871")
		}
		who, _ := e.opened(2500 * time.Millisecond)
		require.Less(t, len(who), 500)
		who, _ = e.opened(time.Minute)
		require.NotEmpty(t, who, "the rest comes later")
		require.NoError(t, s.Close())
	})
}
