package panel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// alike returns s or, every other time, s with one thing changed.
func alike(t *rapid.T, name string, s panel.State) panel.State {
	changes := []func(){
		func() { s = panel.State{Known: panel.FieldCode} },
		func() { s.Set = !s.Set },
		func() {
			s.Known &^= rapid.SampledFrom([]panel.Field{panel.FieldCode, panel.FieldLabel, panel.FieldLocks}).Draw(t, name+" unknown")
		},
		func() { s.Label = "gate" },
		func() { s.Role = panel.Supervisor },
		func() { s.Partitions = 1 },
		func() { s.Tags = 0 },
		func() { s.Keypads = nil },
		func() { s.Locks = []string{"back", "side"} },
		func() { s.Window.From = time.Unix(1_700_000_000, 0).UTC() },
		func() { s.Window.Until = time.Time{} },
		func() { s.Window.Revoked = true },
		func() { s.Code.Names = nil },
		func() { s.Code.Names = []string{"b"} },
		func() { s.Code.Mark = "" },
		func() { s.Code.Mark = "n" },
		func() { s.Code.ID++ },
		func() { s.Code.Len++ },
		func() { s.Code.Sealed.Bytes = []byte{1} },
		func() { s.Code.Sealed.KeyID = "k" },
	}
	if i := rapid.IntRange(-len(changes), len(changes)-1).Draw(t, name); i >= 0 {
		changes[i]()
	}
	return s
}

// Still may say no too often, but what it says yes to changes nothing and finds nothing.
//
// Rules: R243, R244
func TestStillNeverPassesAReportThatMatters(t *testing.T) {
	stills := 0
	one := func(t *rapid.T) {
		base := panel.State{Known: panel.AllFields, Set: true, Label: "door", Role: panel.User, Partitions: 3, Tags: 1,
			Keypads: []string{"hall"}, Locks: []string{"back"}, Window: panel.Window{Until: time.Unix(1_900_000_000, 0).UTC()},
			Code: panel.CodeRef{Names: []string{"a"}, Mark: "m"}}
		if rapid.Bool().Draw(t, "empty") {
			base = panel.State{Known: panel.FieldCode}
		}
		s := panel.Slot{Place: panel.Place{Slot: 4}, Reported: alike(t, "reported", base), Agreed: alike(t, "agreed", base), Tenancy: 2, Settled: 2}
		g := panel.Sighting{State: alike(t, "report", s.Reported), At: time.Unix(1_800_000_000, 0),
			Sight: rapid.SampledFrom([]panel.Sight{panel.Presence, panel.Marked, panel.Value}).Draw(t, "sight")}
		open := []func(){
			func() { g.Changed = true },
			func() { s.Settled-- },
			func() { s.Over = true },
			func() { s.Cure = true },
			func() { s.Clearing = true },
			func() { s.Pending, s.Wanted = panel.FieldLabel, panel.State{Label: "shed"} },
			func() { s.Unsure = panel.FieldPartitions },
			func() { s.Sent = []panel.CodeRef{named("b")} },
			func() { s.Flight = &panel.Flight{Do: panel.Change, Set: panel.FieldLabel} },
		}
		if i := rapid.IntRange(-len(open), len(open)-1).Draw(t, "open"); i >= 0 {
			open[i]()
		}
		if !s.Still(&g) {
			return
		}
		stills++
		after, found := s.Observe(g, 0)
		require.Zero(t, found)
		require.True(t, sameSlot(s, after))
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 30 {
			one(t)
		}
	})
	require.NotZero(t, stills)
}

func TestStillAllocatesNothing(t *testing.T) {
	st := panel.State{Known: panel.AllFields, Set: true, Label: "door", Role: panel.User, Partitions: 3, Keypads: []string{"hall"}, Code: named("a")}
	s := panel.Slot{Reported: st, Agreed: st, Tenancy: 1, Settled: 1}
	g := panel.Sighting{State: st, Sight: panel.Value, At: time.Unix(1_800_000_000, 0)}
	require.True(t, s.Still(&g))
	require.Zero(t, testing.AllocsPerRun(100, func() { s.Still(&g) }))
}
