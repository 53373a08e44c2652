package roster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// A node changes a code, sets another and disables a third user while one of its calls
// to the store, each in turn, fails or is done without its answer, also when it is sent
// again. Whatever it was, everything settles, no claim is freed too early, and the next
// wish is carried out as ever.
//
// Rules: R48, R194, G190
func TestAnyCallToTheStoreMayFail(t *testing.T) {
	calls := 0
	deliver(t, func(storetest.Call) storetest.Fault {
		calls++
		return storetest.Pass
	})
	require.Greater(t, calls, 40)
	step := 4 // each fault starts at another call, so that together they meet them all
	if testing.Short() || raceDetector {
		step = 20
	}
	first := 0
	for _, fault := range []storetest.Fault{storetest.Fail, storetest.Lose} {
		for times := 1; times <= 3; times += 2 {
			first++
			for nth := first; nth <= calls; nth += step {
				seen := 0 // calls so far
				var verb storetest.Verb
				t.Run(fmt.Sprintf("call %d fault %d times %d", nth, fault, times), func(t *testing.T) {
					deliver(t, func(c storetest.Call) storetest.Fault {
						if seen++; seen == nth {
							verb = c.Verb
						}
						if seen < nth || seen >= nth+times || c.Verb != verb {
							return storetest.Pass
						}
						return fault
					})
				})
			}
		}
	}
}

func deliver(t *testing.T, plan func(storetest.Call) storetest.Fault) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, worldOptions{quirks: []string{dscsim.OwnDuplicate}})
		defer w.finish()
		n := w.start("node-1", "10.0.0.2:3072")
		set := func(slotNumber int, code string) {
			_, err := w.tab().SetCode(w.ctx, slot(slotNumber), roster.CodeWish{Code: w.code(code), Role: panel.User, Partitions: panel.PartitionsOf(1, 2)})
			require.NoError(t, err)
		}
		set(4, "6137")
		set(6, "7283")
		require.True(t, w.settled(time.Hour))

		n.plan.Store(&plan)
		set(4, "8604")
		set(5, "7490")
		_, err := w.tab().Disable(w.ctx, slot(6))
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		n.plan.Store(nil)
		require.True(t, w.settled(time.Hour), "%v", w.open())
		parts := panel.PartitionsOf(1, 2)
		require.Equal(t, []paneltest.User{
			{Place: slot(4), Code: "8604", Label: "User 4", Role: panel.User, Partitions: parts},
			{Place: slot(5), Code: "7490", Label: "User 5", Role: panel.User, Partitions: parts},
		}, w.sim.Users()[1:])

		require.NoError(t, w.sim.Keypad(panel.Edit{Place: slot(5), Do: panel.Remove}))
		set(6, "6137")
		time.Sleep(time.Minute)
		require.Empty(t, w.open())
		require.True(t, w.sim.Accepts("6137"))
		require.False(t, w.records()[5].Agreed.Set, "what is done at the keypad is still noticed")
		require.Empty(t, w.holds("7490"))
		require.Empty(t, w.wrong)
		w.noHalf()
		n.shut()
	})
}
