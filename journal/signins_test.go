package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// From where somebody signed in, and who tried, is found by account, site and time, and read
// by those with the right alone.
//
// Rules: G138
func TestSignInsFromNewPlacesAreFound(t *testing.T) {
	w := newWorld(t, false, nil)
	const home, elsewhere = "203.0.113.7", "198.51.100.9"
	signs := func(action audit.Action, how audit.Outcome, site, from string) string {
		defer w.advance(time.Hour)
		return w.say(operator, action, how, []string{"cleaner", flow.Site(site)}, flow.F(audit.FieldSite, site),
			flow.Field{Name: audit.FieldSource, Value: from, Of: "account/cleaner"})
	}
	for range 3 {
		signs(audit.SignInDone, audit.Success, "north", home)
	}
	day := w.core.Time()
	odd := signs(audit.SignInDone, audit.Success, "north", elsewhere)
	tried := signs(audit.SignInRefused, audit.Denied, "north", elsewhere)
	signs(audit.SignInDone, audit.Success, "south", home)

	f := journal.ByAccount("cleaner")
	f.Actions, f.Site, f.Since = []audit.Action{audit.SignInDone, audit.SignInRefused}, "north", day
	found := walk(t, w.journal.As(north), f, 10)
	require.Equal(t, []string{tried, odd}, ids(found))
	for _, e := range found {
		require.Contains(t, e.Details, journal.Detail{Name: audit.FieldSource, Value: elsewhere, Personal: true})
	}
	require.Empty(t, walk(t, w.journal.As(south), f, 10), "another site's")
	_, err := w.journal.As(stranger).Query(t.Context(), journal.Query{Filter: f})
	require.Error(t, err)
}
