package accounts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

func rule(text string) accounts.Rule {
	f := strings.Fields(text)
	return accounts.Rule{Effect: accounts.Effect(f[0]), Surface: accounts.Surface(f[1]), Target: f[2]}
}

func rules(texts ...string) []accounts.Rule {
	var out []accounts.Rule
	for _, s := range texts {
		out = append(out, rule(s))
	}
	return out
}

var pages = accounts.Roles{
	"ui":       {Name: "ui", Rules: rules("deny route /admin*", "allow route *", "allow ui *")},
	"admin":    {Name: "admin", Rules: rules("allow route *")},
	"child":    {Name: "child", Parent: "ui", Rules: rules("allow route *")},
	"off":      {Name: "off", Disabled: true, Rules: rules("allow route *")},
	"near":     {Name: "near", LocalOnly: true, Rules: rules("allow route *")},
	"exact":    {Name: "exact", Rules: rules("allow api panels.list", "allow route /p/*/users*")},
	"orphan":   {Name: "orphan", Parent: "nobody", Rules: rules("allow route *")},
	"circular": {Name: "circular", Parent: "circular", Rules: rules("allow route *")},
}

// A role decides over pages, routes and functions; inside it denying wins, whatever the
// order; several roles add up, unless denying is global.
//
// Rules: G101, G102, G103, S31, S32
func TestRulesOfRoles(t *testing.T) {
	for _, c := range []struct {
		roles, surface, target string
		local, add, global     bool
	}{
		{"ui", "route", "/home", false, true, true},
		{"ui", "route", "/admin/x", false, false, false},
		{"ui", "ui", "panels", false, true, true},
		{"ui", "api", "panels.list", false, false, false},
		{"ui admin", "route", "/admin/x", false, true, false},
		{"admin ui", "route", "/admin/x", false, true, false},
		{"child", "route", "/admin/x", false, false, false},
		{"child", "route", "/home", false, true, true},
		{"child", "ui", "panels", false, false, false},
		{"off", "route", "/home", true, false, false},
		{"near", "route", "/home", false, false, false},
		{"near", "route", "/home", true, true, true},
		{"exact", "api", "panels.list", false, true, true},
		{"exact", "api", "panels.lists", false, false, false},
		{"exact", "route", "/p/1/users/2", false, true, true},
		{"exact", "route", "/p/1/locks", false, false, false},
		{"orphan", "route", "/home", false, false, false},
		{"circular", "route", "/home", false, false, false},
		{"nobody", "route", "/home", false, false, false},
	} {
		names := strings.Fields(c.roles)
		assert.Equal(t, c.add, pages.Allows(false, c.local, accounts.Surface(c.surface), c.target, names...), "%v", c)
		assert.Equal(t, c.global, pages.Allows(true, c.local, accounts.Surface(c.surface), c.target, names...), "%v", c)
	}
	assert.False(t, pages.Allows(false, true, accounts.Route, "/home"), "no role, no right")
}

// Rules: G171
func TestRulingsNameTheRuleThatDecides(t *testing.T) {
	got := pages.Rulings(false, accounts.Route, "/admin/x", "admin", "child", "off", "near", "orphan", "circular", "exact")
	assert.Equal(t, []accounts.Ruling{
		{Role: "admin", Allowed: true, Rule: rule("allow route *")},
		{Role: "ui", Rule: rule("deny route /admin*")},
		{Role: "off", Cause: &accounts.RoleDisabledError{Role: "off"}},
		{Role: "near", Cause: accounts.ErrNetworkBlocked},
		{Role: "nobody", Cause: accounts.ErrRoleNotFound},
		{Role: "circular", Cause: accounts.ErrRoleForm},
		{Role: "exact"},
	}, got)
	assert.Equal(t, "deny route /admin*", got[1].Rule.String())
}

func TestRulesAreCheckedBeforeTheyAreStored(t *testing.T) {
	for _, bad := range []accounts.Rule{{}, {Effect: accounts.Allow, Surface: accounts.Route}, {Effect: "maybe", Surface: accounts.Route, Target: "*"},
		{Effect: accounts.Deny, Surface: "door", Target: "*"}, {Effect: accounts.Deny, Surface: accounts.UI, Target: strings.Repeat("x", 257)}} {
		assert.ErrorIs(t, accounts.Roles{}.Check(accounts.Role{Name: "r", Rules: []accounts.Rule{bad}}), accounts.ErrRoleForm, "%v", bad)
	}
	assert.NoError(t, accounts.Roles{}.Check(accounts.Role{Name: "r", Rules: rules("allow route *")}))
}

// An asterisk is any text: compared with the plainest matcher there is.
func TestAsterisksStandForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{1,6}`).Draw(t, "pattern")
		target := rapid.StringMatching(`[ab]{0,6}`).Draw(t, "target")
		r := accounts.Roles{"r": {Name: "r", Rules: []accounts.Rule{{Effect: accounts.Allow, Surface: accounts.UI, Target: pattern}}}}
		assert.Equal(t, glob(pattern, target), r.Allows(false, false, accounts.UI, target, "r"))
	})
}

func glob(pattern, target string) bool {
	switch {
	case pattern == "":
		return target == ""
	case pattern[0] == '*':
		return glob(pattern[1:], target) || target != "" && glob(pattern, target[1:])
	}
	return target != "" && pattern[0] == target[0] && glob(pattern[1:], target[1:])
}

// Who makes a role gives nothing of the host's surfaces that their own roles do not open.
func TestShapingARole(t *testing.T) {
	for _, c := range []struct {
		own    string
		role   accounts.Role
		expect bool
	}{
		{"admin", accounts.Role{Name: "r", Rules: rules("allow route /admin/x")}, true},
		{"admin", accounts.Role{Name: "r", Rules: rules("allow ui x")}, false},
		{"ui", accounts.Role{Name: "r", Rules: rules("allow route /home")}, false},
		{"ui", accounts.Role{Name: "r", Rules: rules("allow ui x")}, true},
		{"ui", accounts.Role{Name: "r", Parent: "child", Rules: rules("allow route *")}, true},
		{"ui", accounts.Role{Name: "r", Rules: rules("deny route *")}, true},
		{"off", accounts.Role{Name: "r", Rules: rules("allow route *")}, false},
		{"child", accounts.Role{Name: "r", Rules: rules("allow route /home")}, false},
		{"ui", accounts.Role{Name: "r", Parent: "circular", Rules: rules("allow route *")}, false},
	} {
		assert.Equal(t, c.expect, pages.Shape(c.role, c.own), "%v", c)
	}
}

// The five common roles on the surfaces: a viewer and a user see no administration,
// api_only has functions and no pages.
//
// Rules: G104, S35
func TestTheCommonRolesOnTheSurfaces(t *testing.T) {
	roles := accounts.DefaultRoles()
	require.Len(t, roles, 5)
	for name, want := range map[string][3]bool{ // /panels, /admin/roles, the function panels.list
		"admin": {true, true, true}, "user": {true, false, false}, "installer": {true, false, false},
		"viewer": {true, false, false}, "api_only": {false, false, true},
	} {
		got := [3]bool{roles.Allows(false, false, accounts.Route, "/panels", name), roles.Allows(false, false, accounts.Route, "/admin/roles", name),
			roles.Allows(false, false, accounts.API, "panels.list", name)}
		assert.Equal(t, want, got, name)
		b, ok := accounts.BuiltinRole(name)
		assert.True(t, ok)
		assert.Equal(t, roles[name], b)
	}
	delete(roles, "admin")
	assert.Len(t, accounts.DefaultRoles(), 5, "the list is the caller's own")
}
