package accounts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// town is 10,000 accounts and 200 roles, each with a parent.
func town() ([]accounts.Account, accounts.Roles) {
	roles := accounts.DefaultRoles()
	for i := range 195 {
		name := fmt.Sprintf("role_%d", i)
		roles[name] = accounts.Role{Name: name, Parent: "admin", Allow: accounts.AllRights(), Deny: accounts.RightsOf(accounts.ImportRun)}
	}
	all := make([]accounts.Account, 10_000)
	for i := range all {
		all[i] = accounts.Account{ID: accounts.ID(fmt.Sprintf("a%d", i)), Confirmed: now, Sites: accounts.TheseSites("s1", fmt.Sprintf("s%d", i)),
			Roles:     []string{fmt.Sprintf("role_%d", i%195), fmt.Sprintf("role_%d", (i+7)%195), "viewer"},
			Temporary: []accounts.Temporary{{ID: "t", Rights: accounts.RightsOf(accounts.DuressView), From: now, Until: now.Add(time.Hour)}}}
	}
	return all, roles
}

// Deciding costs no memory, however many accounts and roles there are.
func TestDecidingCostsNoMemory(t *testing.T) {
	all, roles := town()
	require.Len(t, roles, 200)
	p, i := accounts.GEM(), 0
	assert.Zero(t, testing.AllocsPerRun(20_000, func() {
		a := &all[i%len(all)]
		i++
		g, err := a.Grant(roles, p, now, true)
		if err != nil || accounts.Authorise(g, accounts.DuressView, "s1") != nil {
			panic("refused")
		}
	}))
}

func BenchmarkGrantAndAuthorise(b *testing.B) {
	all, roles := town()
	p, i := accounts.GEM(), 0
	b.ReportAllocs()
	for b.Loop() {
		g, _ := all[i%len(all)].Grant(roles, p, now, true)
		_ = accounts.Authorise(g, accounts.DuressView, "s1")
		i++
	}
}

// Access is: enabled, and the site matches, and a role allows. The whole table, each
// refusal with its own reasons.
//
// Rules: G109, G110, G112, G160, G161
func TestAccessIsEnabledAndSiteAndRole(t *testing.T) {
	roles := accounts.DefaultRoles()
	for _, enabled := range []bool{true, false} {
		for _, sites := range []accounts.Sites{accounts.AllSites(), accounts.TheseSites("s1"), accounts.TheseSites("s2"), {}} {
			for _, role := range []string{"viewer", "user"} {
				for _, site := range []string{"s1", ""} {
					a := accounts.Account{ID: "a1", Confirmed: now, Sites: sites, Roles: []string{role}}
					if !enabled {
						a.Suspended.At = now
					}
					want := enabled && (sites.All() || site != "" && sites.Has(site)) && role == "viewer"
					g, err := a.Grant(roles, accounts.GEM(), now, false)
					require.NoError(t, err)
					name := fmt.Sprintf("enabled %v, %s, %s at %q", enabled, sites, role, site)
					assert.Equal(t, want, accounts.Authorise(g, accounts.AuditView, site) == nil, name)
					x := a.Explain(roles, accounts.GEM(), accounts.AuditView, site, now, false)
					assert.Equal(t, want, x.Allowed, name)
					causes := 0
					for _, failed := range []bool{!enabled, !sites.Has(site), role != "viewer"} {
						if failed {
							causes++
						}
					}
					assert.Len(t, x.Causes, causes, name)
				}
			}
		}
	}
}

// An explanation says the same as the decision.
func TestExplanationsAgreeWithDecisions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roles := accounts.Roles{}
		for _, name := range []string{"a", "b", "c"} {
			roles[name] = accounts.Role{Name: name, Allow: drawRights(t, "allow"), Deny: drawRights(t, "deny"),
				Disabled: rapid.Bool().Draw(t, "disabled"), LocalOnly: rapid.Bool().Draw(t, "local only"), Parent: rapid.SampledFrom([]string{"", "p"}).Draw(t, "parent")}
		}
		roles["p"] = accounts.Role{Name: "p", Allow: drawRights(t, "parent's"), Disabled: rapid.Bool().Draw(t, "parent disabled")}
		a := accounts.Account{ID: "a1", Confirmed: now, Sites: accounts.TheseSites("s1"), Roles: []string{"a", "b", "c"},
			Temporary: []accounts.Temporary{{ID: "t", Rights: drawRights(t, "lent"), From: now.Add(-time.Hour), Until: now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "end")) * time.Minute)}}}
		p := accounts.Policy{GlobalDeny: rapid.Bool().Draw(t, "global")}
		local := rapid.Bool().Draw(t, "local")
		g, err := a.Grant(roles, p, now, local)
		require.NoError(t, err)
		reach, err := a.Reach(roles, now)
		require.NoError(t, err)
		assert.NoError(t, reach.Covers(g), "nobody can do more than they could come to do")
		for _, r := range everyRight() {
			x := a.Explain(roles, p, r, "s1", now, local)
			assert.Equal(t, accounts.Authorise(g, r, "s1") == nil, x.Allowed, "%s", r)
		}
	})
}

// Rules: G171
func TestExplanationsNameTheClause(t *testing.T) {
	roles := accounts.Roles{
		"off":    {Name: "off", Allow: accounts.AllRights(), Disabled: true},
		"near":   {Name: "near", Allow: accounts.AllRights(), LocalOnly: true},
		"denies": {Name: "denies", Allow: accounts.AllRights(), Deny: accounts.RightsOf(accounts.AuditView)},
		"dealer": {Name: "dealer", Allow: accounts.RightsOf(accounts.AccountsView)},
		"child":  {Name: "child", Allow: accounts.AllRights(), Parent: "dealer"},
		"gives":  {Name: "gives", Allow: accounts.RightsOf(accounts.AuditView)},
		"circle": {Name: "circle", Allow: accounts.AllRights(), Parent: "circle"},
	}
	a := accounts.Account{ID: "a1", Confirmed: now, Sites: accounts.AllSites(), Roles: []string{"off", "near", "denies", "child", "gives", "gone", "circle"}}
	x := a.Explain(roles, accounts.Policy{}, accounts.AuditView, "s1", now, false)
	assert.True(t, x.Allowed)
	assert.Equal(t, []accounts.RoleSays{
		{Role: "off", By: "off", Cause: &accounts.RoleDisabledError{Role: "off"}},
		{Role: "near", By: "near", Cause: accounts.ErrNetworkBlocked},
		{Role: "denies", Denies: true, By: "denies"},
		{Role: "child", By: "dealer"},
		{Role: "gives", Gives: true},
		{Role: "gone", By: "gone", Cause: accounts.ErrRoleNotFound},
		{Role: "circle", By: "circle", Cause: accounts.ErrRoleForm},
	}, x.Roles)
	assert.Contains(t, x.Roles[0].Cause.Error(), "off")
	assert.False(t, a.Explain(roles, accounts.Policy{GlobalDeny: true}, accounts.AuditView, "s1", now, false).Allowed)
	a.Roles, a.Temporary = nil, []accounts.Temporary{{ID: "t1", Rights: accounts.RightsOf(accounts.AuditView), From: now, Until: now.Add(1)}}
	assert.Equal(t, []string{"t1"}, a.Explain(roles, accounts.Policy{}, accounts.AuditView, "s1", now, false).Temporary)
}

// Causes why somebody cannot sign in come in one order: what is wrong first hides what is
// wrong behind it.
//
// Rules: G107, G120, G124, G125, G151, G152, G162, G164, G166, G167, G168
func TestWhoMayEnter(t *testing.T) {
	roles := accounts.DefaultRoles()
	roles["near"] = accounts.Role{Name: "near", Allow: accounts.RightsOf(accounts.SignIn), LocalOnly: true}
	roles["nothing"] = accounts.Role{Name: "nothing"}
	a := accounts.Account{ID: accounts.SystemID, LockedUntil: now.Add(time.Minute), Suspended: accounts.Suspension{At: now},
		Window: credentials.Window{From: now.Add(time.Hour), Until: now.Add(2 * time.Hour), Revoked: true}, Sites: accounts.TheseSites("s2"), Roles: []string{"nothing"}}
	at := accounts.Arrival{Site: "s1"}
	for _, c := range []struct {
		cause error
		cure  func(a *accounts.Account)
	}{
		{accounts.ErrSystemAccount, func(a *accounts.Account) { a.ID = "a1" }},
		{accounts.ErrAccountLocked, func(a *accounts.Account) { a.LockedUntil = time.Time{} }},
		{accounts.ErrAccountRevoked, func(a *accounts.Account) { a.Window.Revoked = false }},
		{accounts.ErrAccountSuspended, func(a *accounts.Account) { a.Suspended = accounts.Suspension{} }},
		{accounts.ErrAccountNotConfirmed, func(a *accounts.Account) { a.Confirmed = now }},
		{accounts.ErrAccountNotYetValid, func(a *accounts.Account) { a.Window = credentials.Window{} }},
		{accounts.ErrSiteMismatch, func(a *accounts.Account) { a.Sites = accounts.TheseSites("s1") }},
		{accounts.ErrNoLoginRole, func(a *accounts.Account) { a.Roles = []string{"near"} }},
		{accounts.ErrNetworkBlocked, func(a *accounts.Account) { a.Roles = []string{"near", "user"} }},
		{nil, func(*accounts.Account) {}},
	} {
		err := a.MayEnter(roles, accounts.GEM(), at, now)
		require.ErrorIs(t, err, c.cause)
		if c.cause != nil {
			assert.Equal(t, accounts.ErrSignIn, accounts.PublicError(err), "an outsider hears one answer")
		}
		c.cure(&a)
	}
	a.Roles = []string{"near"}
	assert.NoError(t, a.MayEnter(roles, accounts.GEM(), accounts.Arrival{Site: "s1", Local: true}, now))
	assert.NoError(t, a.MayEnter(roles, accounts.GEM(), accounts.Arrival{Local: true}, now), "a program without a site")
	a.Roles = nil
	assert.ErrorIs(t, a.MayEnter(roles, accounts.GEM(), at, now), accounts.ErrNoLoginRole)
	assert.NoError(t, a.MayEnter(roles, accounts.PowerManage(), at, now), "a customer has no role")
	a.Roles = []string{"gone"}
	assert.ErrorIs(t, a.MayEnter(roles, accounts.GEM(), at, now), accounts.ErrRoleNotFound)
	a.Sites = accounts.Sites{}
	assert.ErrorIs(t, a.MayEnter(roles, accounts.PowerManage(), accounts.Arrival{}, now), accounts.ErrSiteMismatch, "nowhere is not everywhere")
}

func TestWhoAdministers(t *testing.T) {
	admin := accounts.Account{ID: "a1", Confirmed: now, Roles: []string{"user", "admin"}, Sites: accounts.AllSites(), LockedUntil: now.Add(time.Hour)}
	assert.True(t, admin.Administers(now), "a lock passes")
	for name, change := range map[string]func(a *accounts.Account){
		"a site":        func(a *accounts.Account) { a.Sites = accounts.TheseSites("s1") },
		"an end":        func(a *accounts.Account) { a.Window.Until = now.Add(time.Hour) },
		"suspended":     func(a *accounts.Account) { a.Suspended.At = now },
		"not confirmed": func(a *accounts.Account) { a.Confirmed = time.Time{} },
		"another role":  func(a *accounts.Account) { a.Roles = []string{"installer"} },
	} {
		a := admin
		change(&a)
		assert.False(t, a.Administers(now), name)
	}
}

// Authority over another is having all that they have, in rights and in sites.
func TestCovers(t *testing.T) {
	g := accounts.Grant{Rights: accounts.RightsOf(accounts.AccountsView, accounts.AuditView), Sites: accounts.TheseSites("s1", "s2")}
	for _, c := range []struct {
		rights accounts.Rights
		sites  accounts.Sites
		want   []error
	}{
		{accounts.RightsOf(accounts.AuditView), accounts.TheseSites("s1"), nil},
		{accounts.Rights{}, accounts.Sites{}, nil},
		{accounts.RightsOf(accounts.AuditExport), accounts.TheseSites("s1"), []error{accounts.ErrOutranked, accounts.ErrPermissionDenied}},
		{accounts.Rights{}, accounts.TheseSites("s1", "s3"), []error{accounts.ErrOutranked, accounts.ErrSiteMismatch}},
		{accounts.Rights{}, accounts.AllSites(), []error{accounts.ErrOutranked, accounts.ErrSiteMismatch}},
	} {
		err := g.Covers(accounts.Grant{Rights: c.rights, Sites: c.sites})
		if c.want == nil {
			assert.NoError(t, err)
		}
		for _, want := range c.want {
			assert.ErrorIs(t, err, want)
			assert.True(t, strings.HasPrefix(err.Error(), accounts.ErrOutranked.Error()))
		}
	}
}
