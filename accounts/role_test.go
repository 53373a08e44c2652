package accounts_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Rules: R233
func TestGroupsShareOutTheRights(t *testing.T) {
	var all accounts.Rights
	for _, g := range accounts.Groups() {
		assert.True(t, all.Within(g.Rights).IsZero(), "%s has a right of another group", g.Name)
		all = all.With(g.Rights)
	}
	assert.Equal(t, accounts.AllRights(), all, "every right is in a group")
	eight, err := accounts.GroupRights("Accounts")
	require.NoError(t, err)
	assert.Len(t, eight.Names(), 8)
	_, err = accounts.GroupRights("Equipment", "Gadgets")
	assert.ErrorIs(t, err, accounts.ErrUnknownRight)
}

// Each group meets each operation: a role with one group alone can do what belongs to
// it and nothing else.
//
// Rules: R16, R17, R18, R19, R20, R233, R21
func TestAGroupOpensItsOwnOperationsOnly(t *testing.T) {
	for _, g := range accounts.Groups() {
		grant := accounts.Grant{Enabled: true, Rights: g.Rights, Sites: accounts.AllSites()}
		for _, p := range accounts.Permissions() {
			err := accounts.Authorise(grant, p.Right, "s1")
			if g.Rights.Has(p.Right) {
				assert.NoError(t, err, "%s does not open %s", g.Name, p.Op)
				continue
			}
			var missing *accounts.PermissionError
			require.ErrorAs(t, err, &missing, "%s opens %s", g.Name, p.Op)
			assert.Equal(t, p.Right, missing.Right)
		}
	}

	equipment, err := accounts.GroupRights("Equipment")
	require.NoError(t, err)
	for _, op := range []string{"roster.Assign", "people.ResetPassword", "people.Remove", "journal.Query"} {
		assert.False(t, equipment.Has(accounts.PermissionFor(op).Right), "Equipment alone opens %s", op)
	}
	for _, op := range []string{"roster.Users", "roster.Count", "roster.SetCode", "roster.SetLabel", "roster.SetPartitions", "roster.Disable"} {
		assert.True(t, equipment.Has(accounts.PermissionFor(op).Right), "Equipment does not open %s", op)
	}
}

// Rules: R239, G129
func TestDefaultRoles(t *testing.T) {
	roles := accounts.DefaultRoles()
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		assert.NoError(t, roles.Check(roles[name]))
		rights, err := roles.Rights(false, name)
		require.NoError(t, err)
		fmt.Fprintf(&text, "%s\n\t%s\n", name, strings.Join(rights.Names(), "\n\t"))
	}
	golden(t, "roles.golden", text.String())
	viewer, err := roles.Rights(false, "viewer")
	require.NoError(t, err)
	for _, p := range accounts.Permissions() {
		if strings.HasPrefix(p.Op, "roster.Set") || p.Takes {
			assert.False(t, viewer.Has(p.Right), "a viewer may not do %s", p.Op)
		}
	}
}

// Rules: G102
func TestDenyingWinsInsideARole(t *testing.T) {
	roles := accounts.Roles{
		"a": {Name: "a", Allow: accounts.RightsOf(accounts.AuditView, accounts.AuditExport), Deny: accounts.RightsOf(accounts.AuditExport)},
		"b": {Name: "b", Allow: accounts.RightsOf(accounts.AuditExport)},
		"c": {Name: "c", Allow: accounts.AllRights(), Disabled: true},
	}
	rights := func(globalDeny bool, names ...string) accounts.Rights {
		r, err := roles.Rights(globalDeny, names...)
		require.NoError(t, err)
		return r
	}
	assert.Equal(t, accounts.RightsOf(accounts.AuditView), rights(false, "a"))
	assert.Equal(t, accounts.RightsOf(accounts.AuditView, accounts.AuditExport), rights(false, "a", "b"), "roles add up")
	assert.Equal(t, accounts.RightsOf(accounts.AuditView), rights(true, "a", "b"), "unless denying is global")
	assert.True(t, rights(false, "c").IsZero(), "a disabled role grants nothing")
	assert.True(t, rights(false).IsZero())
	_, err := roles.Rights(false, "a", "d")
	assert.ErrorIs(t, err, accounts.ErrRoleNotFound)
}

// Rules: G103
func TestRolesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roles := accounts.Roles{}
		for _, name := range []string{"a", "b", "c"} {
			roles[name] = accounts.Role{Name: name, Allow: drawRights(t, "allow"), Deny: drawRights(t, "deny"), Parent: rapid.SampledFrom([]string{"", "p"}).Draw(t, "parent")}
		}
		roles["p"] = accounts.Role{Name: "p", Allow: drawRights(t, "parent's"), Deny: drawRights(t, "parent's deny")}
		both, err := roles.Rights(false, "a", "b")
		require.NoError(t, err)
		strict, err := roles.Rights(true, "a", "b")
		require.NoError(t, err)
		for _, r := range everyRight() {
			want := false
			for _, name := range []string{"a", "b"} {
				one := roles[name]
				own := one.Allow.Has(r) && !one.Deny.Has(r)
				if one.Parent != "" {
					own = own && roles["p"].Allow.Has(r) && !roles["p"].Deny.Has(r)
				}
				want = want || own
			}
			assert.Equal(t, want, both.Has(r), "%s", r)
			if strict.Has(r) {
				assert.False(t, roles["a"].Deny.Has(r) || roles["b"].Deny.Has(r))
			}
		}
		assert.True(t, strict.Without(both).IsZero(), "global denying gives nothing more")
	})
}

// Rules: S4
func TestAChildHasNothingThatItsParentLacks(t *testing.T) {
	roles := accounts.Roles{
		"dealer":    {Name: "dealer", Allow: accounts.RightsOf(accounts.EquipmentView, accounts.PanelsManage)},
		"installer": {Name: "installer", Allow: accounts.AllRights(), Parent: "dealer"},
		"trainee":   {Name: "trainee", Allow: accounts.AllRights(), Deny: accounts.RightsOf(accounts.PanelsManage), Parent: "installer"},
	}
	for name, want := range map[string]accounts.Rights{
		"installer": accounts.RightsOf(accounts.EquipmentView, accounts.PanelsManage),
		"trainee":   accounts.RightsOf(accounts.EquipmentView),
	} {
		got, err := roles.Rights(false, name)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
	}
	dealer := roles["dealer"]
	dealer.Disabled = true
	roles["dealer"] = dealer
	got, err := roles.Rights(false, "trainee")
	require.NoError(t, err)
	assert.True(t, got.IsZero(), "a parent that grants nothing leaves nothing")
}

func TestRolesAreCheckedBeforeTheyAreStored(t *testing.T) {
	roles := accounts.Roles{"a": {Name: "a", Parent: "b"}, "b": {Name: "b"}}
	assert.NoError(t, roles.Check(accounts.Role{Name: "c", Parent: "a"}))
	assert.ErrorIs(t, roles.Check(accounts.Role{Name: "b", Parent: "a"}), accounts.ErrRoleForm, "a circle")
	assert.ErrorIs(t, roles.Check(accounts.Role{Name: "b", Parent: "a", Disabled: true}), accounts.ErrRoleForm, "a circle, disabled")
	assert.ErrorIs(t, roles.Check(accounts.Role{Name: "b", Parent: "b"}), accounts.ErrRoleForm)
	assert.ErrorIs(t, roles.Check(accounts.Role{Name: "c", Parent: "d"}), accounts.ErrRoleNotFound)
	for _, bad := range []string{"", "Admin", "a b", "a-b"} {
		assert.ErrorIs(t, roles.Check(accounts.Role{Name: bad}), accounts.ErrRoleForm, bad)
	}
	assert.Len(t, roles, 2, "checking stores nothing")
	roles["b"] = accounts.Role{Name: "b", Parent: "a"}
	_, err := roles.Rights(false, "a")
	assert.ErrorIs(t, err, accounts.ErrRoleForm, "a circle that was stored nevertheless grants nothing")
}

// A change of a role that is said to take nothing leaves everybody who has it at least what
// they had, whoever is their parent and wherever they are.
//
// Rules: G197
func TestWhatARoleLoses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		role := func(name string) accounts.Role {
			some := func(what string) accounts.Rights {
				return accounts.RightsOf(rapid.SliceOfN(rapid.SampledFrom([]accounts.Right{accounts.PanelUsersView, accounts.AccountsView, accounts.AuditView}), 0, 3).Draw(t, what)...)
			}
			return accounts.Role{Name: name, Allow: some("allow"), Deny: some("deny"), Disabled: rapid.Bool().Draw(t, "off"), LocalOnly: rapid.Bool().Draw(t, "local"),
				Parent: rapid.SampledFrom([]string{"", "parent"}).Draw(t, "parent")}
		}
		parent, other := role("parent"), role("other")
		parent.Parent, other.Parent = "", ""
		was, next := role("role"), role("role")
		for _, deny := range []bool{false, true} {
			for _, local := range []bool{false, true} {
				has := func(r accounts.Role) accounts.Rights {
					a := accounts.Account{Roles: []string{"role", "other"}}
					g, err := a.Grant(accounts.Roles{"parent": parent, "other": other, "role": r}, accounts.Policy{GlobalDeny: deny}, time.Time{}, local)
					require.NoError(t, err)
					return g.Rights
				}
				if lost := has(was).Without(has(next)); !lost.IsZero() {
					assert.True(t, was.Loses(next), "%s is lost", lost)
				}
			}
		}
		assert.False(t, was.Loses(was))
	})
}
