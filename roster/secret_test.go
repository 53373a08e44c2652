package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// The answer to a change of the master code is lost and somebody changes the code once
// more at the keypad: each of the two codes is tried once, and the line waits for a person,
// who gives both another chance.
//
// Rules: R241
func TestNeitherOfTwoMasterCodesIsRight(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
		r.set(1, "6137", roster.CodeWish{})
		r.until("the panel has the new code", func() bool { return r.sim.Accepts("6137") && !r.sim.Programming() })
		require.NoError(t, r.sim.Keypad(panel.Edit{Place: slot(1), Do: panel.Change, Set: panel.FieldCode, Values: panel.Values{Code: digits(t, "8604")}}))
		before := r.sim.Entered()
		parked := func() bool {
			p, err := r.tab.Info(r.ctx)
			require.NoError(t, err)
			return len(p.Line.Parked) > 0
		}
		r.until("the line is parked", parked)
		tries := r.sim.Entered() - before
		require.LessOrEqual(t, tries, 2)
		require.Positive(t, tries)
		r.wait(48 * time.Hour)
		require.Equal(t, tries, r.sim.Entered()-before)

		r.renew()
		require.NoError(t, r.tab.SetSecret(r.ctx, dsc.Route, roster.Route{Secrets: map[string]panel.Secret{dsc.MasterSecret: panel.SecretOf("8604")}}))
		require.NoError(t, r.tab.Resume(r.ctx))
		r.settles(r.set(4, "7283", roster.CodeWish{}), roster.Settled)
		require.False(t, parked())
	})
}
