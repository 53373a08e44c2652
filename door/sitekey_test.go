package door_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// A site's key is shown with an entry about it or not at all, and a factor that was proven
// for it is spent: it shows one key of one site.
func TestASiteKeyIsShownWithItsEntry(t *testing.T) {
	w := newWorld(t)
	key, err := w.as("operator").SiteKey(t.Context(), "site")
	require.NoError(t, err)
	require.NotZero(t, key)
	shown := w.entries("main", audit.DoorSiteKeyShown)
	require.Len(t, shown, 1)
	require.Equal(t, "site", shown[0].Value(audit.FieldSite))

	w.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit {
			return storetest.Fail
		}
		return storetest.Pass
	})
	key, err = w.as("operator").SiteKey(t.Context(), "site")
	require.Error(t, err)
	require.Zero(t, key)
	w.failing(nil)

	for _, id := range []accounts.ID{"other", "nobody"} {
		key, err = w.as(id).SiteKey(t.Context(), "site")
		require.Error(t, err)
		require.Zero(t, key)
	}
	require.Len(t, w.entries("main", audit.DoorSiteKeyShown), 1)

	proven := func(site string) accounts.Actor {
		put(w, rec.Sessions, "session", func(s *rec.Session) { s.Proof = &rec.Proof{At: noon, ID: "p", Op: "door.SiteKey", Target: "site/site"} })
		p := accounts.Proof{ID: "p", Session: "session", Op: "door.SiteKey", Target: "site/" + site, At: noon}
		return accounts.Bound(mint.Token{}, accounts.HostActor("operator", "Somebody", "test"), p)
	}
	_, err = w.door.As(proven("elsewhere")).SiteKey(t.Context(), "site")
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	first, second := proven("site"), proven("site")
	_, err = w.door.As(first).SiteKey(t.Context(), "site")
	require.NoError(t, err)
	for _, again := range []accounts.Actor{first, second} {
		_, err = w.door.As(again).SiteKey(t.Context(), "site")
		require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	}
	require.Len(t, w.entries("main", audit.DoorSiteKeyShown), 2)
}
