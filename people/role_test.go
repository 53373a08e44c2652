package people_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
)

func helper(rights ...accounts.Right) accounts.Role {
	return accounts.Role{Name: "helper", Allow: accounts.RightsOf(rights...)}
}

// Rules: G106, S4, S5, S8, S34, S35
func TestRolesAreMadeChangedAndRemoved(t *testing.T) {
	b := newBench(t)
	as := b.inside()
	require.NoError(t, b.op.AddRole(t.Context(), helper(accounts.AccountsView)))
	require.ErrorIs(t, b.op.AddRole(t.Context(), helper()), accounts.ErrRoleNameTaken)
	for name, want := range map[string]error{"Helper": accounts.ErrRoleForm, "admin": accounts.ErrBuiltinRole, "viewer": accounts.ErrBuiltinRole} {
		require.ErrorIs(t, b.op.AddRole(t.Context(), accounts.Role{Name: name}), want, name)
		require.Error(t, b.op.ChangeRole(t.Context(), accounts.Role{Name: name}), name)
		require.Error(t, b.op.RemoveRole(t.Context(), name), name)
	}
	require.ErrorIs(t, b.op.AddRole(t.Context(), accounts.Role{Name: "orphan", Parent: "nobody"}), accounts.ErrRoleNotFound)
	require.ErrorIs(t, b.op.ChangeRole(t.Context(), accounts.Role{Name: "nobody"}), accounts.ErrRoleNotFound)

	a := b.hired("helper@example.com", sites, "helper", "helper")
	assert.Equal(t, []string{"helper"}, a.Roles)
	_, err := as(a).Account(t.Context(), a.ID)
	require.NoError(t, err)
	require.NoError(t, b.op.ChangeRole(t.Context(), helper(accounts.AuditView)))
	_, err = as(a).Account(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrPermissionDenied, "a right that is taken away is gone at once")

	require.ErrorIs(t, b.op.RemoveRole(t.Context(), "helper"), accounts.ErrRoleInUse)
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "trainee", Parent: "helper", Allow: accounts.AllRights()}))
	_, err = b.op.SetRoles(t.Context(), a.ID)
	require.NoError(t, err)
	require.ErrorIs(t, b.op.RemoveRole(t.Context(), "helper"), accounts.ErrRoleHasChildren)
	require.ErrorIs(t, b.op.ChangeRole(t.Context(), accounts.Role{Name: "helper", Parent: "trainee"}), accounts.ErrRoleForm, "a circle")
	require.NoError(t, b.op.RemoveRole(t.Context(), "trainee"))
	require.NoError(t, b.op.RemoveRole(t.Context(), "helper"))
	require.ErrorIs(t, b.op.RemoveRole(t.Context(), "helper"), accounts.ErrRoleNotFound)
	require.ErrorIs(t, b.op.AddRole(t.Context(), helper()), accounts.ErrRoleNameTaken, "a name is for ever")
	_, err = b.op.SetRoles(t.Context(), a.ID, "helper")
	require.ErrorIs(t, err, accounts.ErrRoleNotFound)
	assert.Equal(t, 5, b.entries()[audit.RoleChanged])
	list, err := b.op.Roles(t.Context())
	require.NoError(t, err)
	assert.Len(t, list, 5, "the built-in ones")
}

// Of the roles that there are, an operator is shown which the account has, and which it is
// theirs to give.
func TestRolesToChooseFrom(t *testing.T) {
	b := newBench(t, func(o *people.Options) {
		o.Authority = accounts.StaticAuthority{"operator": everything,
			"weaker": {Enabled: true, Rights: accounts.RightsOf(accounts.AccountsView, accounts.RolesManage), Sites: accounts.AllSites()}}
	})
	require.NoError(t, b.op.AddRole(t.Context(), helper(accounts.AccountsView)))
	a := b.hired("helper@example.com", sites, "helper")
	mine := func(op *people.Operator) (given, has []string) {
		list, err := op.RoleChoices(t.Context(), a.ID)
		require.NoError(t, err)
		for _, r := range list {
			assert.Equal(t, r.Name != "helper", r.BuiltIn, r.Name)
			if r.Mine {
				given = append(given, r.Name)
			}
			if r.Has {
				has = append(has, r.Name)
			}
		}
		return given, has
	}
	all, has := mine(b.op)
	assert.Len(t, all, 6)
	assert.Equal(t, []string{"helper"}, has)
	given, _ := mine(b.as("weaker"))
	assert.Contains(t, given, "helper")
	assert.NotContains(t, given, "admin")
}

// A removed account has no role, so its role can go.
func TestARemovedAccountKeepsNoRole(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.op.AddRole(t.Context(), helper()))
	a := b.hired("helper@example.com", sites, "helper")
	require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "helper@example.com"}))
	require.NoError(t, b.op.RemoveRole(t.Context(), "helper"))
}

// Nobody comes to more by way of a role: not by making it, not by changing one that they or
// others have, not by its parent, not by what it opens of the host's own pages.
func TestNobodyEscalatesThroughRoles(t *testing.T) {
	b := newBench(t)
	as := b.inside()
	rights := accounts.RightsOf(accounts.RolesManage, accounts.AccountsView)
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "manager", Allow: rights,
		Rules: []accounts.Rule{{Effect: accounts.Allow, Surface: accounts.Route, Target: "*"}, {Effect: accounts.Deny, Surface: accounts.Route, Target: "/admin*"}}}))
	require.NoError(t, b.op.AddRole(t.Context(), helper(accounts.AuditView)))
	manager := b.hired("manager@example.com", accounts.AllSites(), "manager")
	local := b.hired("local@example.com", sites, "manager")
	op := as(manager)
	for name, r := range map[string]accounts.Role{
		"a right":            helper(accounts.AccountsView, accounts.AuditExport),
		"one that is denied": {Name: "manager", Allow: accounts.AllRights(), Deny: accounts.RightsOf(accounts.AuditView)},
		"of a parent":        {Name: "manager", Allow: accounts.AllRights(), Parent: "viewer"},
		"a stronger role":    {Name: "helper"},
	} {
		require.ErrorIs(t, op.ChangeRole(t.Context(), r), accounts.ErrOutranked, name)
	}
	pages := []accounts.Rule{{Effect: accounts.Allow, Surface: accounts.Route, Target: "/admin/x"}}
	require.ErrorIs(t, op.AddRole(t.Context(), accounts.Role{Name: "pages", Rules: pages}), accounts.ErrOutranked)
	require.NoError(t, op.AddRole(t.Context(), accounts.Role{Name: "pages", Rules: pages, Parent: "manager"}), "its parent denies it")
	require.ErrorIs(t, op.ChangeRole(t.Context(), accounts.Role{Name: "manager", Allow: accounts.RightsOf(accounts.AccountsView)}), accounts.ErrOwnAccount)
	require.NoError(t, op.AddRole(t.Context(), accounts.Role{Name: "reader", Allow: accounts.RightsOf(accounts.AccountsView)}))
	require.ErrorIs(t, as(local).AddRole(t.Context(), accounts.Role{Name: "other"}), accounts.ErrSiteMismatch, "roles are of all sites")
	require.ErrorIs(t, op.RemoveRole(t.Context(), "helper"), accounts.ErrOutranked)
}

// Removing a role and giving it, at once, many times: whoever comes first, no account has a
// role that is not there.
//
// Rules: S5
func TestRemovingARoleAgainstGivingIt(t *testing.T) {
	given := 0
	for range rounds(200, 40) {
		b := newBench(t)
		require.NoError(t, b.op.AddRole(t.Context(), helper()))
		a := b.hired("helper@example.com", sites)
		var all sync.WaitGroup
		var gave, removed error
		all.Go(func() { _, gave = b.op.SetRoles(t.Context(), a.ID, "helper") })
		all.Go(func() { removed = b.op.RemoveRole(t.Context(), "helper") })
		all.Wait()
		if gave == nil {
			given++
			require.ErrorIs(t, removed, accounts.ErrRoleInUse)
		} else {
			require.ErrorIs(t, gave, accounts.ErrRoleNotFound)
			require.NoError(t, removed)
		}
		_, err := b.op.RoleChoices(t.Context(), a.ID)
		require.NoError(t, err)
	}
	t.Logf("the role was given in %d rounds", given)
}

// Rules: G108
func TestExplainSaysWhichClauseRefuses(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "dealer", Allow: accounts.RightsOf(accounts.AuditView)}))
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "helper", Parent: "dealer", Allow: accounts.AllRights()}))
	a := b.hired("helper@example.com", sites, "helper")
	x, err := b.op.Explain(t.Context(), a.ID, "roster.SetCode", "south")
	require.NoError(t, err)
	assert.False(t, x.Allowed)
	assert.Equal(t, accounts.PanelUsersManage, x.Right)
	assert.Equal(t, []error{accounts.ErrSiteMismatch, &accounts.PermissionError{Right: accounts.PanelUsersManage}}, x.Causes)
	assert.Equal(t, []accounts.RoleSays{{Role: "helper", By: "dealer"}}, x.Roles, "the parent lacks it")
	x, err = b.op.Explain(t.Context(), a.ID, "journal.Query", "north")
	require.NoError(t, err)
	assert.True(t, x.Allowed)
	choices, err := b.op.RoleChoices(t.Context(), a.ID)
	require.NoError(t, err)
	require.Len(t, choices, 7)
	for _, c := range choices {
		assert.Equal(t, c.Name == "helper", c.Has, c.Name)
	}
}
