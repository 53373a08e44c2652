package roster_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// A panel of a thousand users, 150 ms away in each direction, is given a code for every
// one. No keypad is locked out longer than the model says, and when the line is cut at
// random bytes, and the process killed once, the next turn resumes until all are set.
//
// Rules: R49, R264
func TestAThousandUsersOverASlowWire(t *testing.T) {
	for name, cuts := range map[string]int{"quiet": 0, "cut at random": 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := 1000
			if cuts == 0 || testing.Short() || raceDetector {
				users = 100
			}
			synctest.Test(t, func(t *testing.T) {
				w := begin(t, worldOptions{sim: dscsim.Options{Users: users, Master: "472916", Partitions: 8}, wire: 150 * time.Millisecond})
				defer w.finish()
				n := w.start("node-1", "10.0.0.2:3072")
				require.True(t, w.settled(time.Hour))
				entered, begun := w.sim.Entered(), time.Now()
				for i, code := range codes(t, 4, 6, users-1) {
					_, err := w.tab().SetCode(w.ctx, slot(i+2), roster.CodeWish{Code: w.code(code)})
					require.NoError(t, err)
				}
				rnd := rand.New(rand.NewPCG(4, 0))
				for left := cuts; left > 0 && len(w.sim.Users()) < users; left-- {
					w.network.CutAfter(200 + rnd.Int64N(8000))
					time.Sleep(time.Duration(10+rnd.Int64N(50)) * time.Second)
					if left == cuts/2 {
						n.crash()
						n = w.start("node-2", "10.0.0.3:3072")
					}
				}
				require.True(t, w.settled(12*time.Hour), "%d users set", len(w.sim.Users()))
				took := time.Since(begun)
				require.Len(t, w.sim.Users(), users)
				records := w.records()
				for _, u := range w.sim.Users() {
					stored, err := json.Marshal(records[u.Slot].Slot)
					require.NoError(t, err)
					require.NoError(t, w.agrees(records[u.Slot], u, true), "%s", stored)
				}
				require.LessOrEqual(t, w.sim.Held(), dsc.Widest().Hold)
				require.Empty(t, w.wrong)
				w.noHalf()
				t.Logf("%d users: programming entered %d times, %.0f minutes, keypads locked out for at most %s", users, w.sim.Entered()-entered, took.Minutes(), w.sim.Held())
				n.shut()
			})
		})
	}
}
