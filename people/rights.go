package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// SetRoles replaces the roles of an account. Neither the roles that it had nor those that
// it gets may be above the operator's own, and nobody changes their own. Errors:
// [accounts.ErrRoleNotFound], [accounts.ErrRoleLimit], [accounts.ErrPermissionDenied],
// [accounts.ErrOutranked], [accounts.ErrOwnAccount], [accounts.ErrLastAdmin].
func (op *Operator) SetRoles(ctx context.Context, id accounts.ID, roles ...string) (Account, error) {
	const name = "SetRoles"
	return op.change(ctx, name, id, func(u *flow.Unit, g accounts.Grant, a accounts.Account) (accounts.Account, error) {
		if err := errors.Join(a.May(accounts.Validate, op.people.o.Policy), mayGive(u, g, roles)); err != nil {
			return a, err
		}
		b := a
		b.Roles = once(roles)
		if err := op.people.policy(b).Check(b); err != nil {
			return a, err
		}
		approver, err := op.approval(u, name, a, "roles "+b.RolesText())
		if err != nil {
			return a, err
		}
		flow.ReserveRoles(u, string(id), flow.RoleUse, a.Roles, b.Roles)
		return b, say(u, audit.AccountRoleChanged, b, flow.F(audit.FieldApprover, approver),
			flow.F(audit.FieldRoleBefore, a.RolesText()), flow.F(audit.FieldRole, b.RolesText()))
	})
}

// SetSites replaces the sites of an account. Only the operator's own sites can be given or
// taken, and at least one is left; all sites are given by saying so, never by leaving them
// out. Errors: [ErrNoSites], [accounts.ErrSiteMismatch], [accounts.ErrSiteNotFound], and those of [Operator.SetRoles].
func (op *Operator) SetSites(ctx context.Context, id accounts.ID, sites accounts.Sites) (Account, error) {
	const name = "SetSites"
	return op.change(ctx, name, id, func(u *flow.Unit, g accounts.Grant, a accounts.Account) (accounts.Account, error) {
		switch err := a.May(accounts.Validate, op.people.o.Policy); {
		case err != nil:
			return a, err
		case sites.None():
			return a, ErrNoSites
		case !g.Sites.Covers(sites):
			return a, accounts.ErrSiteMismatch
		}
		if err := op.people.hasSites(u, a.Sites, sites); err != nil {
			return a, err
		}
		approver, err := op.approval(u, name, a, "sites "+sites.String())
		if err != nil {
			return a, err
		}
		b := a.Move(sites)
		return b, say(u, audit.AccountRoleChanged, b, flow.F(audit.FieldApprover, approver),
			flow.F(audit.FieldSitesBefore, a.Sites.String()), flow.F(audit.FieldSites, b.Sites.String()))
	})
}

// Loan is rights for a time and a reason.
type Loan struct {
	Rights accounts.Rights
	From   time.Time // zero: now
	Until  time.Time // the first second without them
	Reason string    // recorded in clear; keep names out of it
}

// Lend gives an account rights for a time, beside those of its roles: none that the
// operator lacks. They end by themselves. They are in the view of the account, with the
// id by which [Operator.Unlend] takes them back early. Errors: [accounts.ErrTemporary],
// [accounts.ErrPermissionDenied], [accounts.ErrOwnAccount], [accounts.ErrApprovalRequired].
func (op *Operator) Lend(ctx context.Context, id accounts.ID, l Loan) (Account, error) {
	const name = "Lend"
	return op.change(ctx, name, id, func(u *flow.Unit, g accounts.Grant, a accounts.Account) (accounts.Account, error) {
		for r := range l.Rights.Without(g.Rights).Each() {
			return a, &accounts.PermissionError{Right: r}
		}
		t := accounts.Temporary{By: op.actor.ID(), From: l.From, ID: flow.NewID(), Reason: l.Reason, Rights: l.Rights, Until: l.Until}
		if t.From.IsZero() {
			t.From = u.Now()
		}
		b, err := a.Lend(t, u.Now())
		if err != nil {
			return a, err
		}
		approver, err := op.approval(u, name, a, "rights "+l.Rights.String(), "from "+stamp(l.From), "until "+stamp(t.Until), "because "+t.Reason)
		if err != nil {
			return a, err
		}
		return b, say(u, audit.AccountRightsLent, b, flow.F(audit.FieldApprover, approver), flow.F(audit.FieldRights, t.Rights.String()),
			flow.F(audit.FieldFrom, stamp(t.From)), flow.F(audit.FieldUntil, stamp(t.Until)), flow.F(audit.FieldReason, t.Reason))
	})
}

// Unlend takes rights for a time back before they end. Errors: [accounts.ErrTemporary].
func (op *Operator) Unlend(ctx context.Context, id accounts.ID, loan string) (Account, error) {
	return op.change(ctx, "Unlend", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		b, t, err := a.Unlend(loan, u.Now())
		if err != nil {
			return a, err
		}
		return b, say(u, audit.AccountRightsTakenBack, b, flow.F(audit.FieldRights, t.Rights.String()), flow.F(audit.FieldUntil, stamp(t.Until)))
	})
}

// MayOpen reports whether an actor may open a target of the host's own surfaces: a page, a
// route, a function. It asks the roles of accounts; an actor that is no account's may open
// nothing. Nothing is recorded. Errors are about the store.
func (s *Service) MayOpen(ctx context.Context, actor accounts.Actor, surface accounts.Surface, target string) (bool, error) {
	if actor.Kind() != audit.AccountActor {
		return false, nil
	}
	a, err := s.peek(ctx, accounts.AllSites(), actor.ID())
	if err != nil || a.Access(s.core.Time()) != nil {
		return false, known(err)
	}
	rs, err := s.core.RolesOf(ctx, a.Roles...)
	if err != nil {
		return false, err
	}
	return rs.Allows(s.o.Policy.GlobalDeny, actor.Local(), surface, target, a.Roles...), nil
}

// known leaves out that an account is not there.
func known(err error) error {
	if errors.Is(err, accounts.ErrAccountNotFound) || errors.Is(err, accounts.ErrAccountRemoved) {
		return nil
	}
	return err
}

// Explanation says why an account may or may not do something, for an operator who looks
// for the cause.
type Explanation struct {
	accounts.Explanation
	Op    string
	Right accounts.Right // the one right that it asks
}

// Explain says why an account may or may not do an operation ("roster.SetCode") at a site:
// its state, the site, what each of its roles says to somebody on the local network, and
// its rights for a time. A session that began with fewer rights, or a token, has fewer.
func (op *Operator) Explain(ctx context.Context, id accounts.ID, operation, site string) (Explanation, error) {
	const name = "Explain"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Explanation{}, err
	}
	a, err := op.people.peek(ctx, g.Sites, id)
	if err != nil {
		return Explanation{}, op.refused(ctx, name, nil, err)
	}
	rs, err := op.people.core.RolesOf(ctx, a.Roles...)
	if err != nil {
		return Explanation{}, err
	}
	p := accounts.PermissionFor(operation)
	return Explanation{Op: operation, Right: p.Right,
		Explanation: a.Explain(rs, op.people.o.Policy, p.Right, site, op.people.core.Time(), true)}, nil
}

// RoleChoice is a role as a form offers it.
type RoleChoice struct {
	accounts.Role
	BuiltIn bool
	Has     bool // the account has it
	Mine    bool // the operator may give it
}

// RoleChoices lists every role, and which of them an account has.
func (op *Operator) RoleChoices(ctx context.Context, id accounts.ID) ([]RoleChoice, error) {
	const name = "RoleChoices"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return nil, err
	}
	a, err := op.people.peek(ctx, g.Sites, id)
	if err != nil {
		return nil, op.refused(ctx, name, nil, err)
	}
	rs, err := op.people.roles(ctx)
	if err != nil {
		return nil, err
	}
	var out []RoleChoice
	for name, r := range rs {
		rights, err := rs.Rights(false, name)
		if err != nil {
			return nil, err
		}
		_, builtin := accounts.BuiltinRole(name)
		out = append(out, RoleChoice{Role: r, BuiltIn: builtin, Has: slices.Contains(a.Roles, name), Mine: rights.Without(g.Rights).IsZero()})
	}
	slices.SortFunc(out, func(x, y RoleChoice) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}
