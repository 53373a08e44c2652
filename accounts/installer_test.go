package accounts_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// installer works for two sites, and nobody has decided yet.
func installer(sites accounts.Sites) accounts.Account {
	return accounts.Account{ID: "i1", Kind: accounts.InstallerKind, Confirmed: now, Sites: sites, Roles: []string{"installer"}}
}

// An installer may do at a site what the roles say from the moment of being accepted there
// and as long as that holds; at every other site nothing.
//
// Rules: S25
func TestAnInstallerWorksWhereTheyAreAccepted(t *testing.T) {
	roles, p := accounts.DefaultRoles(), accounts.PowerManage()
	for name, sites := range map[string]accounts.Sites{"two sites": accounts.TheseSites("s1", "s2"), "all sites": accounts.AllSites()} {
		a := installer(sites)
		may := func(site string) bool {
			g, err := a.Grant(roles, p, now, true)
			require.NoError(t, err)
			may := accounts.Authorise(g, accounts.PanelUsersManage, site) == nil
			x := a.Explain(roles, p, accounts.PanelUsersManage, site, now, true)
			assert.Equal(t, may, x.Allowed, "%s: the explanation says the same", name)
			enter := a.MayEnter(roles, p, accounts.Arrival{Site: site}, now)
			assert.Equal(t, may, enter == nil, "%s: so does the door", name)
			if !may {
				assert.Equal(t, []error{enter}, x.Causes)
			}
			return may
		}
		decide := func(site string, how accounts.Approval) {
			var err error
			a, err = a.Decide(accounts.Decision{Approval: how, At: now, By: "owner", Site: site})
			require.NoError(t, err)
			assert.Equal(t, how, a.Approval(site))
		}
		assert.Equal(t, accounts.Pending, a.Approval("s1"), name)
		require.ErrorIs(t, a.MayEnter(roles, p, accounts.Arrival{Site: "s1"}, now), accounts.ErrInstallerPending)
		assert.False(t, may("s1"))
		decide("s1", accounts.Accepted)
		assert.True(t, may("s1"))
		assert.False(t, may("s2"), "%s: one site's yes is not another's", name)
		decide("s1", accounts.Rejected)
		assert.False(t, may("s1"))
		require.ErrorIs(t, a.MayEnter(roles, p, accounts.Arrival{Site: "s1"}, now), accounts.ErrInstallerRejected)
		decide("s1", accounts.Accepted)
		assert.True(t, may("s1"), "%s: it can be decided anew", name)
		assert.Len(t, a.Decided, 1)
		a = a.Move(accounts.TheseSites("s2"))
		assert.Empty(t, a.Approval("s1"))
		a = a.Move(sites)
		assert.Equal(t, accounts.Pending, a.Approval("s1"), "%s: who comes back is decided about again", name)
	}
}

// Nobody else has an approval, and it does not concern what they may do.
func TestOnlyInstallersAreApproved(t *testing.T) {
	for _, kind := range []accounts.Kind{accounts.PersonKind, accounts.ServiceKind, accounts.VisitorKind} {
		a := installer(accounts.TheseSites("s1"))
		a.Kind = kind
		assert.Empty(t, a.Approval("s1"))
		_, err := a.Decide(accounts.Decision{Approval: accounts.Rejected, Site: "s1"})
		require.ErrorIs(t, err, accounts.ErrNotInstaller)
		g, err := a.Grant(accounts.DefaultRoles(), accounts.PowerManage(), now, true)
		require.NoError(t, err)
		assert.Equal(t, a.Sites, g.Sites)
	}
	a := installer(accounts.TheseSites("s1"))
	for _, site := range []string{"", "s2"} {
		_, err := a.Decide(accounts.Decision{Approval: accounts.Accepted, Site: site})
		require.ErrorIs(t, err, accounts.ErrNotInstaller)
	}
	a.Removed = now
	_, err := a.Decide(accounts.Decision{Approval: accounts.Accepted, Site: "s1"})
	require.ErrorIs(t, err, accounts.ErrInvalidTransition)
}

// Whatever is decided and moved: the sites of the grant are exactly the accepted ones.
func TestTheLastDecisionHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := []string{"s1", "s2", "s3"}
		a, want := installer(accounts.TheseSites(all...)), map[string]accounts.Approval{}
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			site := rapid.SampledFrom(all).Draw(t, "site")
			if rapid.Bool().Draw(t, "move") {
				without := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == site })
				a = a.Move(accounts.TheseSites(without...)).Move(accounts.TheseSites(all...))
				delete(want, site)
				continue
			}
			how := rapid.SampledFrom([]accounts.Approval{accounts.Accepted, accounts.Rejected}).Draw(t, "how")
			before, err := json.Marshal(a)
			require.NoError(t, err)
			next, err := a.Decide(accounts.Decision{Approval: how, At: now.Add(time.Minute), Site: site})
			require.NoError(t, err)
			after, err := json.Marshal(a)
			require.NoError(t, err)
			require.Equal(t, string(before), string(after), "the one before stays as it was")
			a, want[site] = next, how
		}
		var accepted []string
		for site, how := range want {
			if how == accounts.Accepted {
				accepted = append(accepted, site)
			}
		}
		g, err := a.Grant(accounts.DefaultRoles(), accounts.PowerManage(), now, true)
		require.NoError(t, err)
		require.Equal(t, accounts.TheseSites(accepted...).String(), g.Sites.String())
	})
}
