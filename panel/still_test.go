package panel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// drawState draws from so few values that two states are often the same.
func drawState(t *rapid.T, name string) panel.State {
	few := func(what string) bool { return rapid.IntRange(0, 7).Draw(t, name+what) == 0 }
	s := panel.State{Known: panel.AllFields, Set: true, Label: "door", Role: panel.User, Partitions: 3, Tags: 1,
		Keypads: []string{"hall"}, Locks: []string{"back"}, Window: panel.Window{Until: time.Unix(1_900_000_000, 0).UTC()},
		Code: panel.CodeRef{Names: []string{"a"}, Mark: "m"}}
	if few("empty") {
		return panel.State{Known: panel.FieldCode}
	}
	for f := range panel.AllFields.Each() {
		if few("unknown " + f.String()) {
			s.Known &^= f
		}
	}
	change := []struct {
		what string
		do   func()
	}{
		{"label", func() { s.Label = "gate" }}, {"role", func() { s.Role = panel.Supervisor }},
		{"partitions", func() { s.Partitions = 1 }}, {"tags", func() { s.Tags = 0 }},
		{"keypads", func() { s.Keypads = nil }}, {"locks", func() { s.Locks = []string{"back", "side"} }},
		{"from", func() { s.Window.From = time.Unix(1_700_000_000, 0).UTC() }}, {"until", func() { s.Window.Until = time.Time{} }},
		{"revoked", func() { s.Window.Revoked = true }}, {"names", func() { s.Code.Names = nil }}, {"mark", func() { s.Code.Mark = "" }},
	}
	for _, c := range change {
		if few(c.what) {
			c.do()
		}
	}
	return s
}

// Still may say no too often, but what it says yes to changes nothing and finds nothing.
//
// Rules: R243, R244
func TestStillNeverPassesAReportThatMatters(t *testing.T) {
	x := &explorer{t: t}
	stills := 0
	rapid.Check(t, func(t *rapid.T) {
		s := panel.Slot{Place: panel.Place{Slot: 4}, Reported: drawState(t, "reported"), Agreed: drawState(t, "agreed"),
			Tenancy: 2, Settled: 2 - uint64(rapid.IntRange(0, 9).Draw(t, "behind")/9)}
		odd := func(what string) bool { return rapid.IntRange(0, 9).Draw(t, what) == 0 }
		s.Over, s.Cure, s.Clearing = odd("over"), odd("cure"), odd("clearing")
		if odd("pending") {
			s.Pending, s.Wanted = panel.FieldLabel, panel.State{Label: "shed"}
		}
		if odd("unsure") {
			s.Unsure = panel.FieldPartitions
		}
		if odd("sent") {
			s.Sent = []panel.CodeRef{named("b")}
		}
		if odd("flight") {
			s.Flight = &panel.Flight{Do: panel.Change, Set: panel.FieldLabel}
		}
		g := panel.Sighting{State: s.Reported, At: time.Unix(1_800_000_000, 0), Changed: odd("changed"),
			Sight: rapid.SampledFrom([]panel.Sight{panel.Presence, panel.Marked, panel.Value}).Draw(t, "sight")}
		if odd("other report") {
			g.State = drawState(t, "report")
		}
		if !s.Still(&g) {
			return
		}
		stills++
		after, found := s.Observe(g, 0)
		require.Zero(t, found)
		require.Equal(t, x.key(world{Slot: s}), x.key(world{Slot: after}))
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
