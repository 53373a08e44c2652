package flow

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// gather collects roles with their parents. A role that is not there is left out: who
// asks for its rights is told.
func gather(names []string, load func(name string) (accounts.Role, bool, error)) (accounts.Roles, error) {
	rs := accounts.Roles{}
	for _, name := range names {
		for name != "" {
			if _, have := rs[name]; have {
				break
			}
			r, found := accounts.BuiltinRole(name)
			if !found {
				var err error
				if r, found, err = load(name); err != nil {
					return nil, err
				}
			}
			if !found {
				break
			}
			rs[name] = r
			name = r.Parent
		}
	}
	return rs, nil
}

// RolesOf reads roles with their parents for a decision: the commit checks that they are
// still as seen.
func RolesOf(u *Unit, names ...string) (accounts.Roles, error) {
	return gather(names, func(name string) (accounts.Role, bool, error) {
		r, found, err := Load(u, rec.Roles, name)
		return r.Role, found && r.Removed.IsZero(), err
	})
}

// RolesOf reads roles with their parents for a view.
func (c *Core) RolesOf(ctx context.Context, names ...string) (accounts.Roles, error) {
	return gather(names, func(name string) (accounts.Role, bool, error) {
		rs, err := c.Store.Load(ctx, rec.Roles.Key(name))
		if err != nil {
			return accounts.Role{}, false, err
		}
		r, _, err := rec.Roles.Decode(rs[0])
		return r.Role, rs[0].Version != 0 && r.Removed.IsZero(), err
	})
}

// OpenSites is a restriction to sites without those that are kept here and disabled. All
// sites stay all.
func (c *Core) OpenSites(ctx context.Context, sites accounts.Sites) (accounts.Sites, error) {
	ids := slices.DeleteFunc(sites.IDs(), func(id string) bool { return len(id) > store.MaxID })
	if len(ids) == 0 {
		return sites, nil
	}
	keys := make([]store.Key, len(ids))
	for i, id := range ids {
		keys[i] = rec.Sites.Key(id)
	}
	rs, err := c.Store.Load(ctx, keys...)
	if err != nil {
		return accounts.Sites{}, err
	}
	var closed []string
	for i, r := range rs {
		s, _, err := rec.Sites.Decode(r)
		if err != nil {
			return accounts.Sites{}, err
		}
		if r.Version != 0 && !s.Enabled {
			closed = append(closed, ids[i])
		}
	}
	return sites.Without(closed...), nil
}

// Over reports whether somebody with g may decide over an account: see
// [accounts.Grant.Covers]. The commit checks that its roles are still as seen.
func Over(u *Unit, g accounts.Grant, a accounts.Account) error {
	rs, err := RolesOf(u, a.Roles...)
	if err != nil {
		return err
	}
	reach, err := a.Reach(rs, u.now)
	if err != nil {
		return err
	}
	return g.Covers(reach)
}

// Roles returns keyholder's own authority: the roles and sites of accounts, and what an
// actor's scope leaves of them.
func (c *Core) Roles() accounts.Authority { return roles{c} }

type roles struct{ core *Core }

// Grant implements [accounts.Authority].
func (r roles) Grant(ctx context.Context, a accounts.Actor) (accounts.Grant, error) {
	switch a.Kind() {
	case audit.SystemActor:
		return accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}, nil
	case audit.AccountActor:
	default:
		return accounts.Grant{}, nil
	}
	rs, err := r.core.Store.Load(ctx, rec.Accounts.Key(string(a.ID())))
	if err != nil {
		return accounts.Grant{}, err
	}
	acc, _, err := rec.Accounts.Decode(rs[0])
	if err != nil || rs[0].Version == 0 {
		return accounts.Grant{}, err
	}
	have, err := r.core.RolesOf(ctx, acc.Roles...)
	if err != nil {
		return accounts.Grant{}, err
	}
	g, err := acc.Grant(have, accounts.Policy{GlobalDeny: r.core.GlobalDeny}, r.core.Time(), a.Local())
	if err != nil {
		return accounts.Grant{}, fmt.Errorf("account %s: %w", acc.ID, err)
	}
	if g.Sites, err = r.core.OpenSites(ctx, g.Sites); err != nil {
		return accounts.Grant{}, err
	}
	g.Epoch = rs[0].Version
	return a.Limit(g), nil
}
