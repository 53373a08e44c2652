package roster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// A record that is passed over is one that observe would have left alone, and each thing
// in it that observe tidies keeps it from being passed over.
//
// Rules: R244
func TestAStillRecordIsOneThatAReportLeavesAlone(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	w := &turn{panel: rec.Panel{Baseline: at, Model: panel.Model{Slots: panel.Slots{First: 1, Last: 9}}}}
	seen := panel.State{Set: true, Known: panel.FieldCode | panel.FieldLabel, Label: "Hall"}
	g := panel.Sighting{State: seen, Sight: panel.Presence, At: at}
	settled := func() rec.User {
		u := rec.User{Panel: "p", Slot: panel.Slot{Place: panel.Place{Slot: 4}, Reported: seen, Agreed: seen, Tenancy: 1, Settled: 1}}
		u.Agreed.Code.Names = []string{"name"}
		return u
	}
	for name, untidy := range map[string]func(u *rec.User){
		"tidy":              nil,
		"first seen":        func(u *rec.User) { u.FirstSeen = at },
		"of the baseline":   func(u *rec.User) { u.Baseline = true },
		"over since":        func(u *rec.User) { u.OverSince = at },
		"digits still kept": func(u *rec.User) { u.Agreed.Code.Sealed = credentials.Sealed{KeyID: "k", Bytes: []byte{1}} },
		"carried":           func(u *rec.User) { u.Carry = &panel.State{Label: "Hall"} },
		"adopted":           func(u *rec.User) { u.Adopted = &rec.Adopted{Reason: "moved in"} },
		"another label":     func(u *rec.User) { u.Reported.Label = "Gate" },
		"a wish":            func(u *rec.User) { u.Pending, u.Wanted.Label = panel.FieldLabel, "Hall" },
		"unknown to us":     func(u *rec.User) { u.Agreed = panel.State{} },
		"removed meanwhile": func(u *rec.User) {
			u.Agreed, u.Reported = panel.State{Known: panel.FieldCode}, panel.State{Known: panel.FieldCode}
		},
		"not yet said before": func(u *rec.User) { u.Reported = panel.State{} },
	} {
		t.Run(name, func(t *testing.T) {
			before := settled()
			if untidy != nil {
				untidy(&before)
			}
			after := before
			found, err := w.observe(nil, &after, g)
			require.NoError(t, err)
			if untidy == nil {
				require.True(t, still(&before, &g, &panel.Model{}))
				require.Zero(t, found)
				require.True(t, unchanged(before, after))
				return
			}
			require.False(t, still(&before, &g, &panel.Model{}))
		})
	}
}
