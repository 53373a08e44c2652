package people

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// roles are all roles that there are.
func (s *Service) roles(ctx context.Context) (accounts.Roles, error) {
	all := accounts.DefaultRoles()
	q := store.Query{Kind: rec.Roles.Name, Term: rec.ByName}
	for {
		rs, err := s.core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			role, _, err := rec.Roles.Decode(r)
			if err != nil {
				return nil, err
			}
			all[role.Name] = role.Role
			q.After = &store.Position{Value: []byte(role.Name), ID: r.Key.ID}
		}
		if len(rs) < store.Page(q.Limit) {
			return all, nil
		}
	}
}

// Roles lists all roles, the built-in ones among them, by name.
func (op *Operator) Roles(ctx context.Context) ([]accounts.Role, error) {
	if _, err := op.allowed(ctx, "Roles"); err != nil {
		return nil, err
	}
	rs, err := op.people.roles(ctx)
	var out []accounts.Role
	for _, r := range rs {
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y accounts.Role) int { return strings.Compare(x.Name, y.Name) })
	return out, err
}

// AddRole adds a role. Roles are of the whole store, so only operators of all sites change
// them, and none gives what its author does not have. The name is for ever. Errors:
// [accounts.ErrRoleForm], [accounts.ErrRoleNameTaken], [accounts.ErrBuiltinRole],
// [accounts.ErrRoleNotFound] for the parent, [accounts.ErrOutranked],
// [accounts.ErrApprovalRequired].
func (op *Operator) AddRole(ctx context.Context, r accounts.Role) error {
	return op.role(ctx, "AddRole", r.Name, func(*rec.Role) (rec.Role, error) { return rec.Role{Role: r}, nil })
}

// ChangeRole puts a role in the place of the one with its name: who has it may do what it
// says from then on. Neither the one before nor the new one may be above the operator's
// own rights, and nobody takes the right to manage roles from themselves. Errors: as
// AddRole, and [accounts.ErrOwnAccount].
func (op *Operator) ChangeRole(ctx context.Context, r accounts.Role) error {
	return op.role(ctx, "ChangeRole", r.Name, func(was *rec.Role) (rec.Role, error) {
		if was == nil {
			return rec.Role{}, accounts.ErrRoleNotFound
		}
		return rec.Role{Role: r}, nil
	})
}

// RemoveRole removes a role for good; its name stays taken. Errors:
// [accounts.ErrRoleNotFound], [accounts.ErrBuiltinRole], [accounts.ErrRoleInUse] while an
// account has it, [accounts.ErrRoleHasChildren] while another descends from it.
func (op *Operator) RemoveRole(ctx context.Context, name string) error {
	return op.role(ctx, "RemoveRole", name, func(was *rec.Role) (rec.Role, error) {
		if was == nil {
			return rec.Role{}, accounts.ErrRoleNotFound
		}
		return rec.Role{Role: accounts.Role{Name: name}, Removed: op.people.core.Time()}, nil
	})
}

// role changes one role in one commit; edit gets nil if there is none.
func (op *Operator) role(ctx context.Context, act, name string, edit func(was *rec.Role) (rec.Role, error)) error {
	g, err := op.allowed(ctx, act)
	if err != nil {
		return err
	}
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if _, builtin := accounts.BuiltinRole(name); builtin {
			return accounts.ErrBuiltinRole
		}
		if !g.Sites.All() {
			return accounts.ErrSiteMismatch
		}
		if len(name) > store.MaxID {
			return accounts.ErrRoleForm
		}
		stored, found, err := flow.Load(u, rec.Roles, name)
		if err != nil {
			return err
		}
		var was *rec.Role
		switch {
		case found && (act == "AddRole" || !stored.Removed.IsZero()):
			if act == "AddRole" {
				return accounts.ErrRoleNameTaken
			}
		case found:
			was = &stored
		}
		next, err := edit(was)
		if err != nil {
			return err
		}
		if err := op.mayShape(u, g, stored.Role, next); err != nil {
			return err
		}
		approver, err := op.approval(u, act, accounts.Account{ID: accounts.ID(name), Sites: accounts.AllSites()}, words(next)...)
		if err != nil {
			return err
		}
		flow.ReserveRoles(u, "role/"+name, parentUse, parents(stored.Role), parents(next.Role))
		if !next.Removed.IsZero() {
			u.Do(store.Claim{Name: flow.RoleName(name), Holder: "role/" + name, Use: "removed"})
		}
		if _, err := u.Say(audit.RoleChanged, audit.Success, []string{"role/" + name}, flow.F(audit.FieldRole, name), flow.F(audit.FieldApprover, approver),
			flow.F(audit.FieldFields, act), flow.F(audit.FieldRightsBefore, stored.Allow.Without(stored.Deny).String()),
			flow.F(audit.FieldRights, next.Allow.Without(next.Deny).String())); err != nil {
			return err
		}
		return errors.Join(flow.Took(u, stored, &next), flow.Put(u, rec.Roles, name, &next))
	})
	if taken, ok := claimed(err); ok {
		err = accounts.ErrRoleNotFound // its parent is being removed
		if taken == flow.RoleName(name) {
			err = op.people.whyInUse(ctx, name)
		}
	}
	return op.refused(ctx, act, nil, err)
}

// parents is the parent of a role, as a list.
func parents(r accounts.Role) []string {
	if r.Parent == "" {
		return nil
	}
	return []string{r.Parent}
}

// words are what a role would be, for the person who approves it.
func words(r rec.Role) []string {
	if !r.Removed.IsZero() {
		return []string{"remove"}
	}
	list := []string{"allow " + r.Allow.String(), "deny " + r.Deny.String(), "parent " + r.Parent}
	for _, rule := range r.Rules {
		list = append(list, rule.String())
	}
	if r.Disabled {
		list = append(list, "disabled")
	}
	if r.LocalOnly {
		list = append(list, "local network only")
	}
	return list
}

// mayShape reports why an operator may not make next of a role.
func (op *Operator) mayShape(u *flow.Unit, g accounts.Grant, was accounts.Role, next rec.Role) error {
	names := []string{was.Name, next.Parent}
	var own []string
	if op.actor.Kind() == audit.AccountActor {
		a, err := load(u, accounts.AllSites(), op.actor.ID())
		if err != nil {
			return err
		}
		own = a.Roles
		names = append(names, own...)
	}
	rs, err := flow.RolesOf(u, slices.DeleteFunc(names, func(s string) bool { return s == "" })...)
	if err != nil {
		return err
	}
	if next.Removed.IsZero() {
		if err := rs.Check(next.Role); err != nil {
			return err
		}
	}
	for _, r := range []accounts.Role{was, next.Role} {
		if err := g.Covers(accounts.Grant{Rights: r.Allow.Without(r.Deny)}); err != nil {
			return err
		}
	}
	if op.actor.Kind() != audit.AccountActor {
		return nil
	}
	if !rs.Shape(next.Role, own...) {
		return accounts.ErrOutranked
	}
	before, err := rs.Rights(false, own...)
	if err != nil {
		return err
	}
	rs[next.Name] = next.Role
	after, err := rs.Rights(false, own...)
	if err == nil && before.Has(accounts.RolesManage) && !after.Has(accounts.RolesManage) {
		err = accounts.ErrOwnAccount
	}
	return err
}

// whyInUse says who keeps a role from being removed.
func (s *Service) whyInUse(ctx context.Context, name string) error {
	rs, err := s.core.Store.List(ctx, store.Query{Kind: rec.Roles.Name, Term: rec.ByParent, From: []byte(name), To: append([]byte(name), 0), Limit: 1})
	switch {
	case err != nil:
		return errors.Join(accounts.ErrRoleInUse, err)
	case len(rs) > 0:
		return accounts.ErrRoleHasChildren
	}
	return accounts.ErrRoleInUse
}
