package flow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// settle stores roles and accounts as they are.
func settle(t *testing.T, c *flow.Core, roles []rec.Role, list ...accounts.Account) {
	t.Helper()
	_, err := c.Act(t.Context(), operator, func(u *flow.Unit) error {
		for _, r := range roles {
			if _, _, err := flow.Load(u, rec.Roles, r.Name); err != nil {
				return err
			}
			if err := flow.Put(u, rec.Roles, r.Name, &r); err != nil {
				return err
			}
		}
		for _, a := range list {
			if err := flow.Put(u, rec.Accounts, string(a.ID), &a); err != nil {
				return err
			}
		}
		_, err := u.Say(audit.RoleChanged, audit.Success, nil)
		return err
	})
	require.NoError(t, err)
}

func role(name, parent string, allow accounts.Rights) rec.Role {
	return rec.Role{Role: accounts.Role{Name: name, Parent: parent, Allow: allow}}
}

// What an account may do is what its stored roles, their parents, the network and the
// scope of its session leave, at every call anew.
//
// Rules: G102
func TestTheAuthorityOfStoredRoles(t *testing.T) {
	c := core(t, memstore.Open())
	view, log := accounts.RightsOf(accounts.AccountsView), accounts.RightsOf(accounts.AuditView)
	near := role("near", "", log)
	near.LocalOnly = true
	gone := role("gone", "", log)
	gone.Removed = time.Now()
	settle(t, c, []rec.Role{role("dealer", "", view), role("child", "dealer", accounts.AllRights()), near, gone},
		accounts.Account{ID: "a1", Confirmed: time.Now(), Sites: accounts.TheseSites("s1", "s2"), Roles: []string{"child", "near"}},
		accounts.Account{ID: "a2", Confirmed: time.Now(), Sites: accounts.AllSites(), Roles: []string{"gone"}})
	a := accounts.Recorded(mint.Token{}, audit.AccountActor, "a1", "", "test", time.Time{})
	grant := func(a accounts.Actor) accounts.Grant {
		g, err := c.Roles().Grant(t.Context(), a)
		require.NoError(t, err)
		return g
	}
	assert.Equal(t, accounts.Grant{Enabled: true, Rights: view, Sites: accounts.TheseSites("s1", "s2"), Epoch: 1}, grant(a))
	assert.Equal(t, view.With(log), grant(accounts.Locally(mint.Token{}, a)).Rights)
	scoped := grant(accounts.Scoped(mint.Token{}, accounts.Locally(mint.Token{}, a), accounts.Scope{Rights: log.With(accounts.RightsOf(accounts.ImportRun)), Sites: accounts.TheseSites("s2", "s3")}))
	assert.Equal(t, log, scoped.Rights, "a scope gives nothing")
	assert.Equal(t, accounts.TheseSites("s2"), scoped.Sites)

	settle(t, c, []rec.Role{role("dealer", "", accounts.Rights{})})
	assert.True(t, grant(a).Rights.IsZero(), "a right that the parent loses is gone at once")
	_, err := c.Roles().Grant(t.Context(), accounts.Recorded(mint.Token{}, audit.AccountActor, "a2", "", "test", time.Time{}))
	require.ErrorIs(t, err, accounts.ErrRoleNotFound, "a role that is not there refuses everything")
}

// A decision over an account rests on its roles: if one gains a right meanwhile, it is made
// again, and refused.
func TestAuthorityOverAnotherRestsOnItsRoles(t *testing.T) {
	st := memstore.Open()
	c := core(t, st)
	settle(t, c, []rec.Role{role("helper", "", accounts.Rights{})},
		accounts.Account{ID: "a1", Confirmed: time.Now(), Sites: accounts.TheseSites("s1"), Roles: []string{"helper"}})
	g := accounts.Grant{Enabled: true, Rights: accounts.RightsOf(accounts.AccountsSuspend), Sites: accounts.TheseSites("s1")}
	tries := 0
	_, err := c.Act(t.Context(), operator, func(u *flow.Unit) error {
		a, _, err := flow.Load(u, rec.Accounts, "a1")
		if err != nil {
			return err
		}
		if err := flow.Over(u, g, a); err != nil {
			return err
		}
		if tries++; tries == 1 {
			settle(t, c, []rec.Role{role("helper", "", accounts.RightsOf(accounts.AuditView))})
		}
		u.Do(store.Mark{Line: "test/a1"})
		_, err = u.Say(audit.AccountSuspended, audit.Success, nil)
		return err
	})
	require.ErrorIs(t, err, accounts.ErrOutranked)
	assert.Equal(t, 1, tries)
}
