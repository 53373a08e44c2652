package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// casbinModel is casbin's own example of roles, with a site as its domain.
const casbinModel = `
[request_definition]
r = sub, dom, act
[policy_definition]
p = sub, dom, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.dom == p.dom && r.act == p.act
`

// rights compares asking for a right with casbin, for as many accounts and roles.
func rights(m *meter, t *table, s accountSizes) error {
	mod, err := model.NewModelFromString(casbinModel)
	if err != nil {
		return err
	}
	e, err := casbin.NewEnforcer(mod)
	if err != nil {
		return err
	}
	now := time.Now()
	given := accounts.RightsOf(accounts.EquipmentView, accounts.PanelUsersView, accounts.PanelUsersManage, accounts.AccountsView, accounts.AuditView)
	roles, grants := accounts.Roles{}, accounts.StaticAuthority{}
	role := func(i int) string { return fmt.Sprintf("role_%d", i%s.roles) }
	for i := range s.roles {
		roles[role(i)] = accounts.Role{Name: role(i), Allow: given}
		for r := range given.Each() {
			if _, err := e.AddPolicy(role(i), site, r.String()); err != nil {
				return err
			}
		}
	}
	actors := make([]accounts.Actor, s.accounts)
	for i := range actors {
		a := accounts.Account{ID: accounts.ID(fmt.Sprintf("account-%d", i)), Created: now, Confirmed: now, Roles: []string{role(i)}, Sites: accounts.TheseSites(site)}
		if grants[a.ID], err = a.Grant(roles, accounts.PowerManage(), now, false); err != nil {
			return err
		}
		if _, err := e.AddGroupingPolicy(string(a.ID), role(i)); err != nil {
			return err
		}
		actors[i] = accounts.HostActor(a.ID, "", "bench")
	}
	core := flow.Core{Authority: grants}
	i, j := 0, 0
	ours := func() error {
		i = (i + 7919) % len(actors)
		return core.Allowed(m.ctx, actors[i], "roster.SetCode", site)
	}
	p, err := m.pair(ours, func() error {
		j = (j + 7919) % len(actors)
		ok, err := e.Enforce(string(actors[j].ID()), site, accounts.PanelUsersManage.String())
		if err == nil && !ok {
			err = errors.New("casbin denies")
		}
		return err
	})
	if err != nil {
		return err
	}
	_, ratio, _ := p.ratios()
	allocs := testing.AllocsPerRun(1000, func() { err = errors.Join(err, ours()) })
	t.score(fmt.Sprintf("asking a right, %d accounts, %d roles [a7]", s.accounts, s.roles), fmt.Sprintf("%s, %g allocs", span(median(p.ours)), allocs),
		fmt.Sprintf("casbin: %s, %.0fx", span(median(p.reference)), 1/ratio), "0 allocs, ≥ 100x faster", allocs == 0 && ratio <= 0.01)
	t.note("[a7] Another account each time, grants in memory. Each role gives five rights at one site. casbin has its enforcer without a cache, as its documentation begins. " +
		"Where keyholder's own accounts decide, the account and its roles are read from the store each time: the row below.")
	return errors.Join(err, storedRights(m, t, s))
}

// storedRights measures the same question where the roles of accounts answer it.
func storedRights(m *meter, t *table, s accountSizes) error {
	r, err := openReception(m.ctx, memstore.Open(), min(s.cost, rivalCost), unlimited())
	if err != nil {
		return err
	}
	if err := r.owner(); err != nil {
		return err
	}
	in, err := r.signin.SignIn(m.ctx, signin.Attempt{Name: "owner", Password: password.Of(right)})
	if err != nil {
		return err
	}
	core := flow.Core{Store: r.store, Keys: r.keys}
	core.Authority = core.Roles()
	p, err := m.alone(func() error { return core.Allowed(m.ctx, in.Session.Actor(), "roster.Users", site) })
	if err != nil {
		return err
	}
	t.plain("asking a right of an account in the store, memory", p)
	return nil
}

// sessions compares what becomes of a session that ends, and what looking it up costs.
func sessions(m *meter, t *table, s accountSizes) error {
	r, err := openReception(m.ctx, memstore.Open(), min(s.cost, rivalCost), unlimited())
	if err != nil {
		return err
	}
	if err := r.owner(); err != nil {
		return err
	}
	in, err := r.signin.SignIn(m.ctx, signin.Attempt{Name: "owner", Password: password.Of(right)})
	if err != nil {
		return err
	}
	theirs := scs.New()
	ctx, err := theirs.Load(m.ctx, "")
	if err != nil {
		return err
	}
	theirs.Put(ctx, "account", "owner")
	token, _, err := theirs.Commit(ctx)
	if err != nil {
		return err
	}
	p, err := m.pair(func() error {
		_, err := r.signin.Check(m.ctx, in.Token, signin.From{})
		return err
	}, func() error {
		ctx, err := theirs.Load(m.ctx, token)
		if err == nil && theirs.GetString(ctx, "account") != "owner" {
			err = errors.New("scs lost a session")
		}
		return err
	})
	if err != nil {
		return err
	}
	t.ratio("whose session a token is, memory [a6]", p, "scs", 0)

	// One request is on its way while the owner signs out.
	o, err := r.signin.Owner(m.ctx, in.Token, signin.From{})
	if err != nil {
		return err
	}
	if err := r.signin.SignOut(m.ctx, in.Token); err != nil {
		return err
	}
	_, errLate := o.EndOthers(m.ctx) // the late request's write
	_, errCheck := r.signin.Check(m.ctx, in.Token, signin.From{})
	late, err := theirs.Load(m.ctx, token)
	if err != nil {
		return err
	}
	gone, err := theirs.Load(m.ctx, token)
	if err != nil {
		return err
	}
	if err := theirs.Destroy(gone); err != nil {
		return err
	}
	theirs.Put(late, "seen", "now")
	if _, _, err := theirs.Commit(late); err != nil {
		return err
	}
	after, err := theirs.Load(m.ctx, token)
	if err != nil {
		return err
	}
	lives := map[bool]string{true: "lives again", false: "stays ended"}
	t.score("a session that ends while a request of it writes [a6]", lives[errLate == nil || errCheck == nil],
		"scs: "+lives[theirs.GetString(after, "account") != ""], "stays ended", errLate != nil && errCheck != nil)
	t.note("[a6] keyholder also reads the account, whose suspension ends the session, and says since when a factor is proven; scs reads the session alone. " +
		"The request loads the session, the owner signs out, the request writes.")
	return nil
}
