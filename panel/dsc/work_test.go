package dsc_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
)

// A thousand users over a wire of 150 ms lock no keypad out for longer than the model
// says, and one set of keys never sees the sequence come round.
//
// Rules: R251
func TestThousandUsersOverASlowWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		r.network.Up, r.network.Down = 75*time.Millisecond, 75*time.Millisecond
		sim := r.call(dscsim.Options{Users: 1000})
		for slot := 2; slot <= 1000; slot += 3 {
			require.NoError(t, sim.Keypad(create(t, slot, digits(slot))))
		}
		s := r.open(ident)
		begun := time.Now()
		got, err := read(t, s, panel.Query{All: true})
		require.NoError(t, err)
		require.Len(t, got, 334)
		t.Logf("1,000 slots read in %s of the panel's time", time.Since(begun))

		var edits []panel.Edit
		for slot := 3; slot <= 1000; slot += 3 {
			edits = append(edits, create(t, slot, digits(slot)))
		}
		done := 0
		begun = time.Now()
		for out, err := range s.Apply(t.Context(), edits) {
			require.NoError(t, err)
			require.Equal(t, everything, out.Done)
			done++
			require.False(t, sim.Programming(), "nothing is handed out while keypads are locked out")
		}
		require.Equal(t, len(edits), done)
		t.Logf("%d users written in %s", done, time.Since(begun))
		t.Logf("keypads were locked out for %s at most, over %d sessions", sim.Held(), sim.Connected())
		require.LessOrEqual(t, sim.Held(), s.Model().Hold)
		require.Less(t, sim.Highest(), byte(255))
		require.Greater(t, sim.Connected(), 10)
	})
}

func digits(slot int) string {
	const figures = "0123456789"
	n := 1000 + slot*7
	return string([]byte{figures[n/1000%10], figures[n/100%10], figures[n/10%10], figures[n%10]})
}

// With KeepSession one session goes on over 255, where 1 follows.
func TestSequenceWrapsWhereSessionsAreKept(t *testing.T) {
	with(t, dsc.Options{KeepSession: true}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		for range 60 {
			_, err := read(t, s, panel.Query{All: true})
			require.NoError(t, err)
		}
		require.Equal(t, 1, sim.Connected())
		require.Equal(t, byte(255), sim.Highest())
		require.Zero(t, sim.Zeroes(), "0 is kept for the first message")
	})
}

// After connecting the panel first says what it has stored up: nobody interrupts.
func TestFirstCommandWaitsForQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		sim := r.call(dscsim.Options{})
		synctest.Wait()
		begun := time.Now()
		r.background(func(context.Context) {
			for range 10 {
				sim.Notify(0x0210, []byte{1, 3, 1})
				time.Sleep(1900 * time.Millisecond)
			}
		})
		r.open(ident)
		require.InDelta(t, 9*1.9+2, time.Since(begun).Seconds(), 0.2)
	})
}

// A silent line is polled, so that the panel does not give it up; one that does not
// answer is given up.
func TestSilentLinesArePolled(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, r *rig, sim *dscsim.Panel, s panel.Session) {
		time.Sleep(10 * time.Minute)
		require.InDelta(t, 10, sim.Received(0x0600), 1)
		require.Equal(t, 1, sim.Connected())
		_, err := read(t, s, panel.Query{All: true})
		require.NoError(t, err)
		sim.Freeze(true)
		time.Sleep(5 * time.Minute)
		require.Contains(t, r.log.String(), "does not answer polls")
		require.True(t, gone(r, ident))
	})
}

// Worn by polls alone, a session is renewed while nobody works on it.
//
// Rules: R251
func TestIdleSessionsAreRenewedBeforeTheWrap(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, r *rig, sim *dscsim.Panel, _ panel.Session) {
		time.Sleep(8 * time.Hour)
		require.Equal(t, 3, sim.Connected())
		require.Less(t, sim.Highest(), byte(255))
		require.False(t, gone(r, ident))
	})
}

// What happens at a keypad is told, gathered, and survives sessions that are renewed.
func TestWatchTellsKeypadChanges(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, r *rig, sim *dscsim.Panel, s panel.Session) {
		stop, events := watch(t, s)
		sim.Notify(0x0250, []byte{1, 1, 2, 1, 5, 1, 6})
		sim.Notify(0x0775, []byte{1, 9, 1, 1, 1, 3})
		synctest.Wait()
		_, err := apply(t, s, create(t, 5, "8264")) // ends this session
		require.NoError(t, err)
		sim.Notify(0x0250, []byte{8, 1, 1, 1, 12, 1, 12})
		time.Sleep(10 * time.Second)
		require.Equal(t, 2, sim.Connected())
		stop()
		var seen []int
		for _, e := range *events {
			require.NotNil(t, e.Stale)
			require.False(t, e.Stale.All)
			for _, p := range e.Stale.Places {
				seen = append(seen, p.Slot)
			}
		}
		require.Equal(t, []int{5, 6, 9, 12}, seen)

		stop, events = watch(t, s)
		sim.Hold(true)
		sim.Hold(false)
		time.Sleep(time.Second)
		stop()
		require.Len(t, *events, 1)
		require.True(t, (*events)[0].Stale.All)
		_ = r
	})
}

// Limits come from the panel where it tells them, never wider than the model.
//
// Rules: R35, R63, D8
func TestCapabilitiesNarrowTheModel(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{Users: 60, Partitions: 3}, func(t *testing.T, _ *rig, _ *dscsim.Panel, s panel.Session) {
		m := s.Model()
		require.Equal(t, 60, m.Slots.Last)
		require.Equal(t, 3, m.Partitions)
		out, err := apply(t, s, create(t, 61, "8264"))
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrSlotOutOfRange)
		e := create(t, 5, "8264")
		e.Partitions = panel.PartitionsOf(1, 9)
		out, err = apply(t, s, e)
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldPartitions], panel.ErrUnknownPartition)
		require.True(t, out.Done.Has(panel.FieldCode))
		_, err = read(t, s, panel.Query{Places: []panel.Place{{Slot: 61}}})
		require.ErrorIs(t, err, panel.ErrSlotOutOfRange)
	})
}
