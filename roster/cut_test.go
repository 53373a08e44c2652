package roster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// holds are the records that hold a code.
func (w *world) holds(code string) []string {
	w.mu.Lock()
	name := w.ours[code]
	w.mu.Unlock()
	h, err := w.store.Holders(w.ctx, store.Name(name))
	require.NoError(w, err)
	return h[0].Uses
}

// The panel carries a write of a code out and the connection ends instead of its answer.
// From then on it refuses to write that code again, as its own duplicate. Nobody can see
// which code is live, so both stay held until one is proven gone.
//
// Rules: R48, R49, G190
func TestALostAnswerOnAPanelThatRefusesItsOwnDuplicate(t *testing.T) {
	for _, quirks := range [][]string{{dscsim.OwnDuplicate}, {dscsim.OwnDuplicate, dscsim.FirstPartition}, {dscsim.OwnDuplicate, dscsim.DuplicateIsOne, dscsim.Outlives}} {
		for name, dies := range map[string]bool{"cut": false, "cut and killed": true} {
			t.Run(name+" "+quirks[len(quirks)-1], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := begin(t, worldOptions{quirks: quirks, wire: 20 * time.Millisecond})
					defer w.finish()
					n := w.start("node-1", "10.0.0.2:3072")
					set := func(code string, wish roster.CodeWish) {
						wish.Code = w.code(code)
						_, err := w.tab().SetCode(w.ctx, slot(4), wish)
						require.NoError(t, err)
					}
					set("6137", roster.CodeWish{Label: "Cleaner", Role: panel.Supervisor, Partitions: panel.PartitionsOf(1, 3)})
					require.True(t, w.settled(time.Hour))

					w.sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
					set("8604", roster.CodeWish{})
					inDoubt := 0
					for end := time.Now().Add(time.Hour); len(w.open()) > 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
						u := w.records()[4]
						require.Contains(t, w.holds("8604"), rec.UserID(w.id, slot(4)))
						if u.Unsure.Has(panel.FieldCode) {
							inDoubt++
							require.Contains(t, w.holds("6137"), rec.UserID(w.id, slot(4)), "it may be live")
						}
						_, err := w.tab().SetCode(w.ctx, slot(5), roster.CodeWish{Code: w.code("8604")})
						require.Error(t, err, "it may be live")
						if dies && inDoubt == 3 && w.sim.Accepts("8604") {
							n.crash()
							n = w.start("node-2", "10.0.0.3:3072")
							dies = false
						}
					}
					require.Greater(t, inDoubt, 2, "the answer was lost")
					require.Empty(t, w.open())
					require.Equal(t, []paneltest.User{{Place: slot(4), Code: "8604", Label: "Cleaner", Role: panel.Supervisor, Partitions: panel.PartitionsOf(1, 3)}}, w.sim.Users()[1:])
					require.Empty(t, w.holds("6137"), "gone from the panel, so it is free")
					require.Empty(t, w.wrong)
					n.shut()
				})
			})
		}
	}
}
