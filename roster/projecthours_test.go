package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// A person whose hours come rarely, within hours that change often, is looked at when they
// begin, however far ahead that is.
//
// Rules: G206, G73
func TestRareHoursAreLookedAtWhenTheyBegin(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		var spans []credentials.Span
		for h := range credentials.Clock(12) {
			spans = append(spans, credentials.Span{Days: []credentials.Weekday{0, 1, 2, 3, 4, 5, 6}, From: h * 120, Until: h*120 + 60})
		}
		f.rule(roster.AccessRule{ID: "staff", Site: "north", Schedule: &credentials.Schedule{Week: spans}}, []accounts.ID{"guest"}, "lobby")
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
		begin := time.Now().AddDate(0, 0, 60).Truncate(24 * time.Hour)
		local := func(t time.Time) credentials.LocalTime {
			return credentials.LocalTime(t.UTC().Format("2006-01-02T15:04"))
		}
		require.NoError(f, f.person("guest").SetLimits(f.ctx, roster.Limits{Schedule: &credentials.Schedule{
			Periods: []credentials.Period{{From: local(begin), Until: local(begin.Add(24 * time.Hour))}}}}))
		pass(settling)
		f.stop()
		f.ctx = f.Context()
		due := func() time.Time {
			lines, err := f.store.Lines(f.ctx, flow.ProjectLine("guest"), "", 1)
			require.NoError(f, err)
			require.Len(f, lines, 1)
			return lines[0].Due
		}
		looks := 0
		for ; due().Before(begin); looks++ {
			require.False(f, due().IsZero(), "it is never looked at")
			pass(time.Until(due()))
			require.NoError(f, f.desk.Project(f.ctx))
		}
		require.Equal(f, begin.UTC(), due().UTC())
		require.Less(f, looks, 4, "nor more often than that takes")
		pass(time.Until(begin))
		f.start()
		pass(settling)
		require.Len(f, f.on("6137"), 1)
	})
}
