package makers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// rows are the first users that the grid shows.
func (r *rig) rows() []roster.Row {
	r.Helper()
	page, err := r.tab.Users(r.Context(), 1, 0)
	require.NoError(r, err)
	return page.Rows
}

// Duress on an IQ panel is one code for each partition that the installer sets there, after
// turning duress on. No wish reaches such a code, before or after: its places are the
// panel's own, the role cannot be wished for, and whether one is set shows nowhere.
//
// Rules: D18, G195
func TestDuressOnAnIQPanelIsThePanelsOwn(t *testing.T) {
	with(t, aQolsys, nil, func(r *rig) {
		require.Equal(r, panel.DuressPerPartition, r.info().Model.Duress)
		refused := func() {
			r.Helper()
			_, err := r.tab.SetCode(r.Context(), slot(4), roster.CodeWish{Role: panel.DuressRole})
			require.ErrorIs(r, err, panel.ErrUserProtected)
			for _, own := range []int{240, 241, 242} {
				_, err := r.tab.SetCode(r.Context(), slot(own), roster.CodeWish{})
				require.ErrorIs(r, err, panel.ErrSlotReserved)
			}
			_, err = r.tab.SetCode(r.Context(), slot(243), roster.CodeWish{})
			require.ErrorIs(r, err, panel.ErrSlotOutOfRange)
		}
		refused()
		before, alerts, sim := r.rows(), r.alerted(), r.sim.(*qolsyssim.Panel)
		require.ErrorIs(r, sim.DuressCode(1, "5111"), panel.ErrRefused, "it is off")
		sim.SetDuress(true)
		for partition := 1; partition <= 4; partition++ {
			require.NoError(r, sim.DuressCode(partition, fmt.Sprintf("511%d", partition)))
		}
		pass(time.Hour)
		refused()
		require.Equal(r, before, r.rows())
		require.Equal(r, alerts, r.alerted())
	})
}

// A Visonic panel has one duress code for the whole panel, which is nobody's: no wish for a
// duress user is taken, whatever the route.
//
// Rules: D26, G195
func TestDuressOnAVisonicPanelIsNoUsersCode(t *testing.T) {
	for name, maker := range map[string]func(*paneltest.Network) made{"frames": aFrames, "service": aRPC, "PowerLink": aPowerLink} {
		t.Run(name, func(t *testing.T) {
			with(t, maker, nil, func(r *rig) {
				require.Equal(r, panel.DuressPerPanel, r.info().Model.Duress)
				before := r.rows()
				_, err := r.tab.SetCode(r.Context(), slot(4), roster.CodeWish{Role: panel.DuressRole})
				require.ErrorIs(r, err, panel.ErrUserProtected)
				require.Equal(r, before, r.rows())
			})
		})
	}
}
