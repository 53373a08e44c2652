package door_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
)

// What an installer has opens a site's doors while they are accepted there, with the server
// and without it, and stays theirs when they are not.
//
// Rules: S25
func TestAnInstallerEntersWhereTheyWereAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		for _, step := range []struct {
			how  accounts.Approval
			want credentials.Reason
		}{{"", credentials.Disabled}, {accounts.Accepted, credentials.Granted}, {accounts.Rejected, credentials.Disabled}, {accounts.Accepted, credentials.Granted}} {
			e.cut.Store(false)
			e.installer("cleaner", step.how)
			for _, shown := range []door.Entry{typed(t, pin), held(t, card)} {
				require.Equal(t, step.want, e.try(shown).Reason, "online, %q", step.how)
			}
			require.NoError(t, e.edge.Refresh(t.Context()))
			e.cut.Store(true)
			require.Equal(t, step.want, e.ask(typed(t, pin)).Reason, "offline, %q", step.how)
			require.Equal(t, step.want, e.ask(held(t, card)).Reason, "offline, %q", step.how)
		}
		require.NoError(t, e.edge.Close())
	})
}
