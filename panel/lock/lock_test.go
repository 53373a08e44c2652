package lock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

const node = "7"

func target() panel.Target {
	return panel.Target{Panel: "lock-1", Routes: map[string]panel.Route{lock.Route: {Addr: node}}}
}

func bench(o lock.Options) func(*testing.T) paneltest.Bench {
	return func(*testing.T) paneltest.Bench {
		sim := locksim.New(locksim.Options{Slots: panel.Slots{First: 1, Last: 50}})
		return paneltest.Bench{
			Driver: lock.New(sim, lock.ZWave(), o), Target: target(), Sim: sim,
			// No radio arms or locks out; an answer that comes twice ends at the controller.
			Immune: []paneltest.FaultKind{paneltest.Armed, paneltest.Lockout, paneltest.Duplicate},
		}
	}
}

// Rules: D1, D2, D4
func TestConformance(t *testing.T) {
	paneltest.Run(t, bench(lock.Options{}))
}

func TestConformanceDisclosing(t *testing.T) {
	paneltest.Run(t, bench(lock.Options{DiscloseCodes: true}))
}

func apply(t *testing.T, s panel.Session, e panel.Edit) panel.Outcome {
	t.Helper()
	for o, err := range s.Apply(t.Context(), []panel.Edit{e}) {
		require.NoError(t, err)
		return o
	}
	require.Fail(t, "no outcome")
	return panel.Outcome{}
}

func edit(t *testing.T, do panel.Do, slot int, digits string) panel.Edit {
	t.Helper()
	c, err := panel.ParseCode(digits)
	require.NoError(t, err)
	return panel.Edit{Place: panel.Place{Slot: slot}, Do: do, Set: panel.FieldCode, Values: panel.Values{Code: c}}
}

func open(t *testing.T, sim *locksim.Lock, m panel.Model) panel.Session {
	t.Helper()
	s, err := lock.New(sim, m, lock.Options{}).Open(t.Context(), target())
	require.NoError(t, err)
	return s
}

// What a lock cannot hold is refused before anything is sent.
//
// Rules: D2
func TestCapacityAndLengthAreCheckedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		sim := locksim.New(locksim.Options{
			Slots: panel.Slots{First: 1, Last: 20}, Lens: [2]int{4, 6}, Asked: func(string) { asked++ },
		})
		s := open(t, sim, lock.ZWave())
		assert.Equal(t, panel.Slots{First: 1, Last: 20}, s.Model().Slots)
		assert.Equal(t, []int{4, 5, 6}, s.Model().Code.Lens)
		standing := panel.Standing{Place: panel.Place{Slot: 21}}
		assert.ErrorIs(t, s.Model().Allow(standing, panel.EditCode), panel.ErrSlotOutOfRange, "the model says so before the driver is asked")

		before := asked
		for _, e := range []panel.Edit{edit(t, panel.Create, 21, "4871"), edit(t, panel.Create, 0, "4871"), edit(t, panel.Create, 3, "4871234"), edit(t, panel.Create, 3, "487")} {
			o := apply(t, s, e)
			require.ErrorIs(t, o.Refused[panel.FieldCode], panel.ErrRefused)
		}
		assert.Equal(t, before, asked)
		assert.Empty(t, sim.Users())
	})
}

// Every model is whole, and an empty lock of each reads as one.
//
// Rules: D2
func TestModels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, m := range lock.Models() {
			sim := locksim.New(locksim.Options{})
			require.NoError(t, paneltest.Check(t.Context(), lock.New(sim, m, lock.Options{}), target()), m.Name)
		}
		sim := locksim.New(locksim.Options{Lens: [2]int{12, 12}})
		_, err := lock.New(sim, lock.ZWave(), lock.Options{}).Open(t.Context(), target())
		require.ErrorIs(t, err, panel.ErrProtocol, "no length that we could write")
	})
}

// The maker's own slots are nobody's, and a ZigBee lock counts from 0.
func TestSlotMaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{Slots: panel.Slots{First: 1, Last: 20}})
		for _, c := range []struct {
			model       panel.Model
			first, last int
		}{
			{lock.ZWave(), 1, 20}, {lock.ZigBee(), 1, 19}, {lock.YaleDoorman(), 1, 9}, {lock.YaleV2N(), 3, 9},
		} {
			s := open(t, sim, c.model)
			assert.Equal(t, panel.Slots{First: c.first, Last: c.last}, s.Model().Slots, c.model.Name)
			for _, slot := range []int{c.first - 1, c.last + 1} {
				o := apply(t, s, edit(t, panel.Create, slot, "4871"))
				assert.ErrorIs(t, o.Refused[panel.FieldCode], panel.ErrSlotOutOfRange, c.model.Name)
			}
		}
	})
}

// A code that is overwritten in a lock which neither confirms nor shows is in doubt; done
// again with the slot cleared first, it is certain.
func TestWhatIsHiddenAndUnconfirmedIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		sim.Quirk(locksim.Masked, true)
		sim.Quirk(locksim.Unconfirmed, true)
		s := open(t, sim, lock.ZWave())
		o := apply(t, s, edit(t, panel.Create, 3, "4871"))
		require.Equal(t, panel.FieldCode, o.Done, "an empty slot that is enabled now has our code")
		e := edit(t, panel.Change, 3, "5902")
		o = apply(t, s, e)
		require.Equal(t, panel.FieldCode, o.Unsure)
		e.Do, e.Unsure = panel.Replace, o.Unsure
		o = apply(t, s, e)
		require.Equal(t, panel.FieldCode, o.Done)
		require.Equal(t, "5902", sim.Users()[0].Code)
	})
}

// A duplicate that is dropped in silence is a refusal, and a place that was cleared for
// it is reported empty.
func TestAnIgnoredDuplicateIsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		sim.Quirk(locksim.Silent, true)
		s := open(t, sim, lock.ZWave())
		apply(t, s, edit(t, panel.Create, 3, "4871"))
		apply(t, s, edit(t, panel.Create, 4, "4872"))
		o := apply(t, s, edit(t, panel.Change, 4, "4871"))
		require.ErrorIs(t, o.Refused[panel.FieldCode], lock.ErrIgnored)
		require.Nil(t, o.Report)
		require.Len(t, sim.Users(), 2)
		o = apply(t, s, edit(t, panel.Replace, 4, "4871"))
		require.ErrorIs(t, o.Refused[panel.FieldCode], lock.ErrIgnored)
		require.NotNil(t, o.Report)
		require.False(t, o.Report.Exists)
		require.Len(t, sim.Users(), 1)
	})
}

// A lock that answers a duplicate of an unsure code, hidden, may hold that very code.
func TestAnUnsureCodeMayBeItsOwnDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		sim.Quirk(locksim.Masked, true)
		sim.Quirk(locksim.OwnDuplicate, true)
		s := open(t, sim, lock.ZigBee())
		apply(t, s, edit(t, panel.Create, 3, "4871"))
		e := edit(t, panel.Change, 3, "4871")
		o := apply(t, s, e)
		require.ErrorIs(t, o.Refused[panel.FieldCode], lock.ErrDuplicate)
		e.Unsure = panel.FieldCode
		o = apply(t, s, e)
		require.Equal(t, panel.FieldCode, o.Unsure)
	})
}

// The report of an unsure code is late, and the lock calls it a duplicate of itself: it is
// waited for.
func TestALateReportIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		s := open(t, sim, lock.ZigBee())
		apply(t, s, edit(t, panel.Create, 3, "4871"))
		time.Sleep(time.Minute)
		sim.Quirk(locksim.LateReport, true)
		sim.Quirk(locksim.OwnDuplicate, true)
		e := edit(t, panel.Change, 3, "5902")
		sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
		for o, err := range s.Apply(t.Context(), []panel.Edit{e}) {
			e.Unsure |= o.Unsure
			if err != nil {
				require.ErrorIs(t, err, panel.ErrUnreachable)
			}
		}
		require.Equal(t, panel.FieldCode, e.Unsure)
		o := apply(t, s, e)
		require.Equal(t, panel.FieldCode, o.Done, "%+v", o)
	})
}

// A confirmed write is not waited for where digits are hidden.
func TestConfirmedAndHiddenIsDoneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		sim.Quirk(locksim.Masked, true)
		s := open(t, sim, lock.ZWave())
		start := time.Now()
		require.Equal(t, panel.FieldCode, apply(t, s, edit(t, panel.Create, 3, "4871")).Done)
		require.Equal(t, panel.FieldCode, apply(t, s, edit(t, panel.Change, 3, "5902")).Done)
		require.Zero(t, time.Since(start))
	})
}

// What a lock has already is not sent again.
func TestACodeThatIsThereIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := 0
		sim := locksim.New(locksim.Options{Asked: func(name string) {
			if name == "set" {
				sets++
			}
		}})
		s := open(t, sim, lock.ZWave())
		apply(t, s, edit(t, panel.Create, 3, "4871"))
		require.Equal(t, panel.FieldCode, apply(t, s, edit(t, panel.Change, 3, "4871")).Done)
		require.Equal(t, 1, sets)
	})
}

// deaf is a lock that takes the command to clear and does nothing.
type deaf struct{ *locksim.Lock }

func (deaf) ClearUserCode(context.Context, string, int) (lock.Result, error) {
	return lock.Unconfirmed, nil
}

// A slot that does not show empty is not called empty, and nobody else is put into it.
func TestAClearThatIsNotSeenIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		s := open(t, sim, lock.ZWave())
		apply(t, s, edit(t, panel.Create, 3, "4871"))
		s, err := lock.New(deaf{sim}, lock.ZWave(), lock.Options{}).Open(t.Context(), target())
		require.NoError(t, err)
		for _, e := range []panel.Edit{{Place: panel.Place{Slot: 3}, Do: panel.Remove}, edit(t, panel.Replace, 3, "5902")} {
			o := apply(t, s, e)
			require.Equal(t, panel.FieldCode, o.Unsure, e.Do)
			require.Zero(t, o.Done)
		}
		require.Equal(t, "4871", sim.Users()[0].Code)
	})
}

// A write that cannot be finished in time is not begun.
func TestNoWriteIsBegunNearTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		s := open(t, sim, lock.ZWave())
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		for _, err := range s.Apply(ctx, []panel.Edit{edit(t, panel.Create, 3, "4871")}) {
			require.ErrorIs(t, err, panel.ErrTimeout)
		}
		require.Empty(t, sim.Users())
	})
}

// A dead node holds nobody longer than its time, and a removal that is not seen is in
// doubt.
func TestADeadNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := locksim.New(locksim.Options{})
		s := open(t, sim, lock.ZWave())
		apply(t, s, edit(t, panel.Create, 3, "4871"))
		sim.Fault(paneltest.Fault{Do: paneltest.Away})
		_, err := lock.New(sim, lock.ZWave(), lock.Options{}).Open(t.Context(), target())
		require.ErrorIs(t, err, panel.ErrUnreachable)
		for o, err := range s.Apply(t.Context(), []panel.Edit{{Place: panel.Place{Slot: 3}, Do: panel.Remove}}) {
			require.Zero(t, o.Unsure, "nothing left")
			require.ErrorIs(t, err, panel.ErrUnreachable)
		}
		sim.Fault(paneltest.Fault{Do: paneltest.Back})
		sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
		var doubt panel.Field
		for o, err := range s.Apply(t.Context(), []panel.Edit{{Place: panel.Place{Slot: 3}, Do: panel.Remove}}) {
			if err != nil {
				require.ErrorIs(t, err, panel.ErrUnreachable)
				continue
			}
			doubt |= o.Unsure
		}
		require.Equal(t, panel.FieldCode, doubt)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		sim.Fault(paneltest.Fault{Do: paneltest.Drop})
		start := time.Now()
		for _, err := range s.Apply(ctx, []panel.Edit{{Place: panel.Place{Slot: 3}, Do: panel.Remove}}) {
			require.ErrorIs(t, err, panel.ErrTimeout)
		}
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}
