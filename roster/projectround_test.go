package roster_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// However many come and go at the same second, nobody has come to a device before the last
// one has gone from it.
//
// Rules: G218
func TestAllWhoGoAreGoneBeforeTheFirstComes(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		const shift = 150
		m := codesOnly()
		m.Slots.Last, m.Code.Lens = 2*shift, []int{6}
		f.device("lobby", "north", m, func(d *device) { d.pace = 100 * time.Millisecond })
		pass(time.Minute)
		change := time.Now().Add(2 * time.Minute).Truncate(time.Second)
		var who []accounts.ID
		for i := range shift {
			for name, w := range map[string]credentials.Window{"comes": {From: change}, "goes": {Until: change}} { // in this order they are due
				id := accounts.ID(fmt.Sprintf("%s%03d", name, i))
				who = append(who, id)
				_, err := f.person(id).GeneratePIN(f.ctx, 6)
				require.NoError(f, err)
				require.NoError(f, f.person(id).SetWindow(f.ctx, w))
			}
		}
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, who, "lobby")
		pass(time.Until(change) - time.Second)
		var before map[string]bool
		f.do(func() { before = f.all["lobby"].live(time.Now()) })
		require.Len(f, before, shift)
		for gone := 0; gone < shift; {
			pass(100 * time.Millisecond)
			require.Less(f, time.Since(change), time.Minute)
			came := 0
			f.do(func() {
				gone = shift
				for code := range f.all["lobby"].live(time.Now()) {
					if before[code] {
						gone--
					} else {
						came++
					}
				}
			})
			require.True(f, gone == shift || came == 0, "%d came while only %d had gone", came, gone)
		}
		pass(time.Minute)
		f.do(func() { require.Len(f, f.all["lobby"].live(time.Now()), shift) })
		f.swept(0)
	})
}

// A round ends although a store that lets lines be begun takes none back, and the next one
// does what is left.
//
// Rules: G187
func TestARoundEndsWhateverTheStoreRefuses(t *testing.T) {
	var refuses atomic.Bool
	inFleet(t, func(st store.Store) store.Store {
		return storetest.Faulty(st, func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.Commit && refuses.Load() {
				return storetest.Fail
			}
			return storetest.Pass
		})
	}, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "lobby")
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{Until: time.Now().Add(time.Hour)}))
		pass(settling)
		f.stop()
		f.ctx = f.Context()
		pass(time.Hour)
		refuses.Store(true)
		require.NoError(f, f.desk.Project(f.ctx))
		require.Len(f, f.on("6137"), 1)
		refuses.Store(false)
		f.start()
		pass(time.Minute)
		require.Empty(f, f.on("6137"))
	})
}
