package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Approval is an act that waits for a second person. The policy says which acts do, see
// [accounts.Policy.Approve]; [Operator.PrintPIN] and roster's Tab.PrintCode always do. Its
// author does it again once it is approved.
type Approval struct {
	ID       string
	Op       string      // "people.SetRoles"
	Target   accounts.ID // the account, or the name of the role, that it is about
	Act      []string    // what would be done, word for word
	Author   accounts.ID
	Asked    time.Time
	Expires  time.Time
	Approved time.Time // zero: it waits
}

// approval is second where the policy asks for a second person, else "".
func (op *Operator) approval(u *flow.Unit, name string, about accounts.Account, act ...string) (string, error) {
	if !op.people.o.Policy.Approve.Has(accounts.PermissionFor("people." + name).Right) {
		return "", nil
	}
	return op.second(u, name, about, act...)
}

// second returns who has approved an act, or the error by which that is asked for.
func (op *Operator) second(u *flow.Unit, name string, about accounts.Account, act ...string) (string, error) {
	return flow.SecondPerson(u, flow.Asking{Op: "people." + name, Account: string(about.ID), Sites: about.Sites.IDs(), Act: act})
}

// mayApprove reports whether an operator may know of, and decide about, an act: what is
// about one account only where all of its sites are the operator's.
func mayApprove(g accounts.Grant, a rec.Approval) bool {
	if len(a.Sites) == 0 {
		return g.Sites.All()
	}
	return g.Sites.Covers(accounts.TheseSites(a.Sites...))
}

// Approve approves an act of another person, who has to do it again within a day of having
// asked. Who approves needs the act's own right too, at all sites that it concerns.
// Errors: [accounts.ErrApprovalNotFound], [accounts.ErrOwnApproval],
// [accounts.ErrPermissionDenied], [accounts.ErrOutranked].
func (op *Operator) Approve(ctx context.Context, id string) error {
	const name = "Approve"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, found, err := flow.Load(u, rec.Approvals, id)
		switch {
		case err != nil:
			return err
		case !found || !u.Now().Before(a.Expires) || !mayApprove(g, a):
			return accounts.ErrApprovalNotFound
		case a.Author == rec.Author{Kind: op.actor.Kind(), ID: string(op.actor.ID())}:
			return accounts.ErrOwnApproval
		}
		if right := accounts.PermissionFor(a.Op).Right; !g.Rights.Has(right) {
			return &accounts.PermissionError{Right: right}
		}
		about, found, err := flow.Load(u, rec.Accounts, a.Target)
		if err != nil {
			return err
		}
		if found {
			if op.own(about.ID) {
				return accounts.ErrOwnAccount
			}
			if err := flow.Over(u, g, about); err != nil {
				return err
			}
		}
		a.Approved, a.Approver = u.Now(), string(op.actor.ID())
		if _, err := u.Say(audit.ApprovalGiven, audit.Success, []string{a.Target}, flow.F(audit.FieldOperation, a.Op),
			flow.F(audit.FieldAccount, a.Target), flow.F(audit.FieldAct, strings.Join(a.Act, "; "))); err != nil {
			return err
		}
		return flow.Put(u, rec.Approvals, id, &a)
	})
	return op.refused(ctx, name, nil, err)
}

// Approvals lists the acts that wait for a second person or for their author, the newest
// first, as far as they concern only the operator's sites: at most 100.
func (op *Operator) Approvals(ctx context.Context) ([]Approval, error) {
	g, err := op.allowed(ctx, "Approvals")
	if err != nil {
		return nil, err
	}
	const most = 100
	var out []Approval
	q := store.Query{Kind: rec.Approvals.Name, Term: rec.ByNewest, Limit: most}
	for {
		rs, err := op.people.core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			a, _, err := rec.Approvals.Decode(r)
			if err != nil {
				return nil, err
			}
			q.After = &store.Position{Value: r.Terms[0].Value, ID: r.Key.ID}
			if len(out) < most && op.people.core.Time().Before(a.Expires) && mayApprove(g, a) {
				out = append(out, Approval{ID: r.Key.ID, Op: a.Op, Target: accounts.ID(a.Target), Act: slices.Clone(a.Act),
					Author: accounts.ID(a.Author.ID), Asked: a.Asked, Expires: a.Expires, Approved: a.Approved})
			}
		}
		if len(rs) < most || len(out) == most {
			return out, nil
		}
	}
}
