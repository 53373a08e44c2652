package twon_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// ear collects what a Watch says.
type ear struct {
	t    *testing.T
	said chan panel.Event
}

func listen(t *testing.T, s panel.Session) *ear {
	e := &ear{t: t, said: make(chan panel.Event, 1000)}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // it ends before the bubble does, by hand
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ev, err := range s.Watch(ctx) {
			if err != nil {
				return
			}
			e.said <- ev
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	synctest.Wait()
	return e
}

// stale waits and returns what was named since, and the last state.
func (e *ear) stale() (places []panel.Place, all bool, state []byte) {
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	for len(e.said) > 0 {
		ev := <-e.said
		switch {
		case ev.Stale != nil:
			places = append(places, ev.Stale.Places...)
			all = all || ev.Stale.All
		case ev.State != nil:
			state = ev.State
		}
	}
	return places, all, state
}

// Watch names what others change and not what this driver writes, in whichever session,
// and whatever order answers come in.
func TestWatchTellsOthersDoingsFromOurs(t *testing.T) {
	for _, quirk := range append(twonsim.New(twonsim.Options{}).Quirks(), "") {
		t.Run("quirk "+quirk, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, twon.Options{}, twonsim.Options{})
				r.sim.Quirk(quirk, true)
				e := listen(t, r.open())
				other := r.open()
				_, err := apply(t, other, edit(t, panel.Create, 1, "4871"), edit(t, panel.Create, 2, "4872"))
				require.NoError(t, err)
				places, all, _ := e.stale()
				require.Empty(t, places)
				require.False(t, all)

				require.NoError(t, r.sim.Keypad(edit(t, panel.Change, 2, "5902")))
				places, all, _ = e.stale()
				require.Equal(t, []panel.Place{{ID: uuid(2)}}, places)
				require.False(t, all)

				require.NoError(t, r.sim.Keypad(edit(t, panel.Change, 1, "5901")))
				places, _, _ = e.stale()
				require.Equal(t, []panel.Place{{ID: uuid(1)}}, places, "the other was told already")

				_, err = apply(t, other, edit(t, panel.Create, 3, "4873"))
				require.NoError(t, err)
				_, err = apply(t, other, panel.Edit{Place: panel.Place{ID: uuid(3)}, Do: panel.Remove})
				require.NoError(t, err)
				places, all, _ = e.stale()
				require.Empty(t, places)
				require.False(t, all, "our own removal leaves no tombstone either")

				_, err = apply(t, other, edit(t, panel.Change, 2, "4872"), panel.Edit{Place: panel.Place{ID: uuid(1)}, Do: panel.Remove})
				require.NoError(t, err)
				places, all, _ = e.stale()
				require.Empty(t, places)
				require.False(t, all)

				require.NoError(t, r.sim.Keypad(panel.Edit{Place: panel.Place{ID: uuid(2)}, Do: panel.Remove}))
				places, all, _ = e.stale()
				require.True(t, all || assert.ObjectsAreEqual([]panel.Place{{ID: uuid(2)}}, places), "a removal leaves a tombstone, or nothing")
			})
		})
	}
}

// While a write is under way nothing that is read is taken for somebody else's.
func TestWatchWaitsForWritesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{Poll: 7 * time.Millisecond}, twonsim.Options{})
		r.network.Up, r.network.Down = 20*time.Millisecond, 20*time.Millisecond
		e := listen(t, r.open())
		s := r.open()
		for n := range 40 {
			_, err := apply(t, s, edit(t, panel.Replace, n%3+1, "4871"))
			require.NoError(t, err)
		}
		places, all, _ := e.stale()
		assert.Empty(t, places)
		assert.False(t, all)
	})
}

// A session goes on where the one before left off: what was changed meanwhile is named.
// A device that was reset has a new series, and everything is read again.
func TestWatchGoesOnAndStartsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		require.NoError(t, r.sim.Keypad(edit(t, panel.Create, 1, "4871")))
		_, _, state := list(t, r.open(), panel.Query{All: true})
		require.NotEmpty(t, state)
		require.NoError(t, r.sim.Keypad(edit(t, panel.Create, 2, "4872")))

		from := func(state []byte) panel.Session {
			where := target()
			route := where.Routes[twon.Route]
			route.State = state
			where.Routes[twon.Route] = route
			s, err := r.driver.Open(t.Context(), where)
			require.NoError(t, err)
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		places, all, state := listen(t, from(state)).stale()
		assert.Equal(t, []panel.Place{{ID: uuid(2)}}, places)
		assert.False(t, all)

		s := from(state)
		r.sim.FactoryReset()
		require.NoError(t, r.sim.Keypad(edit(t, panel.Create, 3, "4873")))
		e := listen(t, s)
		_, all, state = e.stale()
		assert.True(t, all)
		places, all, _ = listen(t, from(state)).stale()
		assert.Empty(t, places, "the new series is the cursor now")
		assert.False(t, all)
		require.NoError(t, r.sim.Keypad(edit(t, panel.Change, 3, "5903")))
		places, _, _ = e.stale()
		assert.Equal(t, []panel.Place{{ID: uuid(3)}}, places)

		places, all, state = listen(t, from([]byte("nonsense"))).stale()
		assert.Empty(t, places)
		assert.False(t, all, "what is no state is none")
		assert.NotEmpty(t, state)
	})
}
