package people

import (
	"errors"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// own reports whether an account is the one under which the operator works.
func (op *Operator) own(id accounts.ID) bool {
	return op.actor.Kind() == audit.AccountActor && op.actor.ID() == id
}

// never are the acts that nobody does to their own account: they could lock their author
// out, or give more than was given.
var never = []string{"Lend", "Remove", "Revoke", "SetRoles", "SetSites", "SetWindow", "Suspend", "Unlend"}

// guard reports why the operator may not do an act to an account, beside its right: it is
// the operator's own, or it is stronger than the operator.
func (op *Operator) guard(u *flow.Unit, name string, g accounts.Grant, a accounts.Account) error {
	if a.ID == accounts.SystemID {
		return nil // nothing can be done to it
	}
	if op.own(a.ID) && slices.Contains(never, name) {
		return accounts.ErrOwnAccount
	}
	return flow.Over(u, g, a)
}

// keepAdmin reports [accounts.ErrLastAdmin] if before was the last administrator and after
// is none. It rests on the record of another one, which the commit checks, so that two who
// end each other at once do not both succeed. Where the host has an authority of its own
// nobody can lock themselves out, and nothing is asked.
func (s *Service) keepAdmin(u *flow.Unit, before, after accounts.Account) error {
	if s.o.Authority != nil || !before.Administers(u.Now()) || after.Administers(u.Now()) {
		return nil
	}
	q := store.Query{Kind: rec.Accounts.Name, Term: rec.ByAdmin}
	for {
		rs, err := s.core.Store.List(u.Context(), q)
		if err != nil {
			return err
		}
		for _, r := range rs {
			a, _, err := rec.Accounts.Decode(r)
			if err != nil {
				return err
			}
			q.After = &store.Position{Value: []byte(a.ID), ID: r.Key.ID}
			if a.ID == before.ID || !a.Administers(u.Now()) {
				continue
			}
			if a, _, err = flow.Load(u, rec.Accounts, r.Key.ID); err != nil || a.Administers(u.Now()) {
				return err
			}
		}
		if len(rs) < store.Page(q.Limit) {
			return accounts.ErrLastAdmin
		}
	}
}

// mayGive reports the first right that roles have and g lacks.
func mayGive(u *flow.Unit, g accounts.Grant, roles []string) error {
	rs, err := flow.RolesOf(u, roles...)
	if err != nil {
		return err
	}
	rights, err := rs.Rights(false, roles...)
	if err != nil {
		return err
	}
	for r := range rights.Without(g.Rights).Each() {
		return &accounts.PermissionError{Right: r}
	}
	return nil
}

// parentUse is the use under which a role reserves the name of its parent, see
// [flow.RoleUse].
const parentUse = "parent"

// once is a list without repetitions, in its order.
func once(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// claimed returns the name that was refused because somebody has it, if that is what failed.
func claimed(err error) (store.Name, bool) {
	op, ok := errors.AsType[*store.OpError](err)
	if !ok || !errors.Is(err, store.ErrTaken) {
		return "", false
	}
	c, ok := op.Op.(store.Claim)
	return c.Name, ok
}
