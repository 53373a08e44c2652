package signin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// A disabled site is nobody's: nobody signs in there, who has no other site signs in
// nowhere, and a session may do nothing there from that moment.
//
// Rules: S36
func TestADisabledSiteIsNobodys(t *testing.T) {
	w := newWorld(t)
	everywhere := func(n *people.NewAccount) { n.Sites = accounts.AllSites(); n.Roles = []string{accounts.AdminRole} }
	w.owner("tower")
	w.owner("both", func(n *people.NewAccount) { n.Sites = accounts.TheseSites("north", "south") })
	w.owner("admin", everywhere)
	at := func(site string) func(*signin.Attempt) {
		return func(a *signin.Attempt) { a.From.Site = site }
	}
	set := func(enabled bool) {
		require.NoError(t, w.post.As(accounts.HostActor("operator", "", "test").Vouched(time.Now())).SetSite(t.Context(), accounts.Site{Name: "north", Enabled: enabled}))
	}
	set(true)
	r := w.in("both", at("north"))
	sites := func() accounts.Sites {
		g, err := w.signin.Authority().Grant(t.Context(), r.Session.Actor())
		require.NoError(t, err)
		return g.Sites
	}
	assert.Equal(t, accounts.TheseSites("north", "south"), sites())
	set(false)
	assert.Equal(t, accounts.TheseSites("south"), sites())
	for name, site := range map[string]string{"tower": "", "both": "north", "admin": "north"} {
		_, err := w.try(name, first, at(site))
		require.ErrorIs(t, w.cause(err), accounts.ErrSiteMismatch, name)
	}
	w.in("both", at("south"))
	w.in("admin")
	set(true)
	w.in("tower", at("north"))
	assert.Equal(t, accounts.TheseSites("north", "south"), sites())
}
