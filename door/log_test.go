package door_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// Both logs verify, each with a tree of its own, and whoever reads or exports the log that
// everybody may read finds no value where the flag is: the journal cannot open it.
//
// Rules: G193
func TestBothLogsVerifyAndTheFlagStaysSealed(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.try(typed(t, pin))
	w.try(typed(t, duress))
	w.try(typed(t, "9999"))
	require.NoError(t, w.as("operator").Unlock(t.Context(), w.key.Reader(), credentials.Keypad))
	require.NoError(t, w.door.Work(t.Context()))
	require.NoError(t, w.as("operator").Acknowledge(t.Context(), w.alarms[0].ID))
	key, err := audit.GenerateKey("example.org/log")
	require.NoError(t, err)
	for _, tenant := range []string{"main", "restricted"} {
		st, err := w.fleet.Tenant(tenant)
		require.NoError(t, err)
		j, err := journal.New(journal.Options{Store: st, Keys: w.keys, Authority: w.opts.Authority, Signer: key})
		require.NoError(t, err)
		r := j.As(accounts.HostActor("operator", "Somebody", "test").Vouched(noon))
		var out bytes.Buffer
		require.NoError(t, r.Export(t.Context(), &out, journal.ExportOptions{Personal: true}))
		report, err := r.Verify(t.Context())
		require.NoError(t, err)
		require.True(t, report.OK(), "%s: %s", tenant, report)
		require.Positive(t, report.Rows)
		if tenant == "restricted" {
			continue
		}
		require.NotContains(t, out.String(), `"duress":`)
		page, err := r.Query(t.Context(), journal.Query{Filter: journal.Filter{Actions: []audit.Action{audit.DoorDecided}}})
		require.NoError(t, err)
		require.Len(t, page.Entries, 3)
		shown := map[string]bool{}
		for _, e := range page.Entries {
			for _, d := range e.Details {
				if d.Name == audit.FieldDuress {
					shown[d.Value] = true
				}
			}
		}
		require.Len(t, shown, 1, "the name of the key that opens it, whatever it says")
	}
}
