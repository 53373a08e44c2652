package people_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
)

func keeping(k accounts.SiteKeeping) func(*people.Options) {
	return func(o *people.Options) { o.Policy = accounts.PowerManage(); o.Policy.Sites = k }
}

// Rules: S36
func TestSitesAreAddedAndChangedWithAnEntry(t *testing.T) {
	b := newBench(t, keeping(accounts.SitesHere))
	north := accounts.Site{Name: "north", Label: "North", URL: "https://north.example.com", Enabled: true}
	require.NoError(t, b.op.SetSite(t.Context(), north))
	require.NoError(t, b.op.SetSite(t.Context(), north), "nothing changes")
	require.NoError(t, b.op.SetSite(t.Context(), accounts.Site{Name: "south"}))
	assert.Equal(t, 2, b.entries()[audit.SiteChanged])
	north.Label = "The north"
	require.NoError(t, b.op.SetSite(t.Context(), north))
	assert.Equal(t, 3, b.entries()[audit.SiteChanged])
	require.ErrorIs(t, b.op.SetSite(t.Context(), accounts.Site{Name: "No Name"}), accounts.ErrSiteForm)
	all, err := b.op.Sites(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []accounts.Site{north, {Name: "south"}}, all)
	own, err := b.as("north").Sites(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []accounts.Site{north}, own, "another's site is not listed")
	require.ErrorIs(t, b.as("north").SetSite(t.Context(), north), accounts.ErrSiteMismatch)
}

// Where sites are kept here an account is given none that is not there or is disabled, and
// keeps what it has.
//
// Rules: S36
func TestAnAccountIsGivenOnlySitesThatThereAre(t *testing.T) {
	for _, k := range []accounts.SiteKeeping{accounts.SitesElsewhere, accounts.SitesHere} {
		b := newBench(t, keeping(k))
		var want error = accounts.ErrSiteNotFound
		if k == accounts.SitesElsewhere {
			want = nil
		}
		add := func(address string, ids ...string) (people.Account, error) {
			return b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, address), Sites: accounts.TheseSites(ids...)})
		}
		require.NoError(t, b.op.SetSite(t.Context(), accounts.Site{Name: "north", Enabled: true}))
		require.NoError(t, b.op.SetSite(t.Context(), accounts.Site{Name: "closed"}))
		b.groups()
		a, err := add("owner@example.com", "north")
		require.NoError(t, err)
		_, err = add("typo@example.com", "nroth")
		require.ErrorIs(t, err, want)
		_, err = add("closed@example.com", "closed")
		require.ErrorIs(t, err, want)
		_, err = b.op.IssueVisitor(t.Context(), people.NewVisitor{First: "Guest", Groups: []string{"anywhere"}, Host: a.ID, Sites: accounts.TheseSites("nroth"), Until: time.Now().Add(time.Hour)})
		require.ErrorIs(t, err, want)
		_, err = b.op.SetSites(t.Context(), a.ID, accounts.TheseSites("north", "nroth"))
		require.ErrorIs(t, err, want)
		require.NoError(t, b.op.SetSite(t.Context(), accounts.Site{Name: "north"}))
		_, err = b.op.SetSites(t.Context(), a.ID, accounts.TheseSites("north"))
		require.NoError(t, err, "it has that one")
		_, err = b.op.SetSites(t.Context(), a.ID, accounts.AllSites())
		require.NoError(t, err)
	}
}

// Rules: S36
func TestAManagedServerChangesNoSites(t *testing.T) {
	b := newBench(t, keeping(accounts.SitesHere))
	require.NoError(t, b.op.SetSite(t.Context(), accounts.Site{Name: "north", Enabled: true}))
	managed, err := people.New(people.Options{Store: b.store, Keys: b.keys, Policy: func() accounts.Policy {
		p := accounts.PowerManage()
		p.Sites = accounts.SitesManaged
		return p
	}(), Authority: accounts.StaticAuthority{"operator": everything}})
	require.NoError(t, err)
	op := managed.As(accounts.HostActor("operator", "", "test").Vouched(time.Now()))
	require.ErrorIs(t, op.SetSite(t.Context(), accounts.Site{Name: "north"}), accounts.ErrSiteManaged)
	all, err := op.Sites(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []accounts.Site{{Name: "north", Enabled: true}}, all)
	_, err = op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Sites: accounts.TheseSites("south")})
	require.ErrorIs(t, err, accounts.ErrSiteNotFound)
}
