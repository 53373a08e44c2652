package door_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// person is somebody in the hands of an operator of a desk over the same store.
func (w *world) person(operator, id accounts.ID) *roster.Person {
	w.t.Helper()
	rights := accounts.StaticAuthority{}
	for who, sites := range map[accounts.ID]accounts.Sites{"operator": accounts.AllSites(), "warden": accounts.TheseSites("site"), "other": accounts.TheseSites("elsewhere")} {
		rights[who] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: sites}
	}
	desk, err := roster.New(roster.Options{Store: w.opts.Store, Keys: w.keys, Authority: rights, Now: w.core.Now})
	require.NoError(w.t, err)
	return desk.As(accounts.HostActor(operator, "Somebody", "test").Vouched(w.now().T)).Person(id)
}

// Whose access is ended everywhere is let in at no door either, by the server from the
// commit on and by an edge once it was told; a duress code raises its alarm all the same.
// It holds at the sites of whoever ended it, and until it is lifted.
//
// Rules: R262, G205
func TestWhoIsEndedEverywhereIsLetInAtNoDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		everywhere := func(want credentials.Reason) {
			t.Helper()
			for _, entry := range []door.Entry{typed(t, pin), typed(t, duress), held(t, card)} {
				require.Equal(t, want, e.try(entry).Reason)
			}
			require.NoError(t, e.edge.Refresh(t.Context()))
			e.cut.Store(true)
			for _, entry := range []door.Entry{typed(t, pin), held(t, card)} {
				require.Equal(t, want, e.ask(entry).Reason, "at the edge")
			}
			e.cut.Store(false)
		}
		everywhere(credentials.Granted)
		require.NoError(t, e.person("other", "cleaner").End(t.Context(), roster.Confirmed("yes")))
		everywhere(credentials.Granted) // it is ended at another site
		for _, who := range []accounts.ID{"warden", "operator"} {
			require.NoError(t, e.person(who, "cleaner").End(t.Context(), roster.Confirmed("yes")))
			everywhere(credentials.Disabled)
			require.NoError(t, e.person("operator", "cleaner").Lift(t.Context()))
			everywhere(credentials.Granted)
		}
		require.NoError(t, e.door.Work(t.Context()))
		require.Len(t, e.alarms, 6, "as many as duress codes")
		require.NoError(t, e.edge.Close())
	})
}

// An end that is committed while somebody is decided about is not overlooked: the decision's
// commit checks that nothing of it has changed.
//
// Rules: R262
func TestADecisionRestsOnWhatWasEnded(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	put(w, rec.Projections, "cleaner", func(p *rec.Projection) { p.Since = noon })
	w.wrote()
	require.True(t, w.try(typed(t, pin)).Granted)
	changes := w.wrote()
	require.Len(t, changes, 1)
	require.Contains(t, changes[0].Ops, store.Check{Key: rec.Projections.Key("cleaner"), If: 1})
}
