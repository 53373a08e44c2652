package makers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// a2NThatTells is an intercom whose event log is read.
func a2NThatTells(network *paneltest.Network) made {
	m := a2N(network)
	m.driver = func(func() *roster.Desk) panel.Driver {
		return twon.New(twon.Options{Plain: true, Dial: network.DialContext, Log: true})
	}
	return m
}

// entries counts the log's entries of an action.
func (r *rig) entries(action audit.Action) int {
	r.Helper()
	es, err := r.store.Entries(r.Context(), store.EntryQuery{ByIndex: true})
	require.NoError(r, err)
	n := 0
	for _, e := range es {
		if e.Action == string(action) {
			n++
		}
	}
	return n
}

// Whoever an intercom lets in is entered within seconds; who was let in while it was out of
// reach is entered when it is back, once.
func TestWhoAnIntercomLetInIsEntered(t *testing.T) {
	with(t, a2NThatTells, nil, func(r *rig) {
		sim := r.sim.(*twonsim.Device)
		place := panel.Place{ID: "00000000-0000-4000-8000-000000000004"}
		_, err := r.tab.SetCode(r.Context(), place, roster.CodeWish{Code: digits(r.T, "6137")})
		require.NoError(r, err)
		pass(time.Minute)
		require.True(r, sim.Enter("6137"))
		pass(20 * time.Second)
		require.Equal(r, 1, r.entries(audit.DoorDecided))

		sim.Fault(paneltest.Fault{Do: paneltest.Away})
		pass(10 * time.Minute)
		require.True(r, sim.Enter("6137"))
		pass(time.Hour)
		require.Equal(r, 1, r.entries(audit.DoorDecided))
		sim.Fault(paneltest.Fault{Do: paneltest.Back})
		pass(time.Hour)
		require.Equal(r, 2, r.entries(audit.DoorDecided))
	})
}
