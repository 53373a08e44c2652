package people

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Hold keeps what is known about an account from being erased, removed or not, until
// [Operator.Unhold]: an erasure is refused, and one that was asked for waits. The reason is
// recorded in clear. Only operators of all sites hold.
func (op *Operator) Hold(ctx context.Context, id accounts.ID, reason string) error {
	return op.holding(ctx, "Hold", id, func(u *flow.Unit, held bool) error {
		if held {
			return nil
		}
		h := rec.Hold{At: u.Now(), By: rec.Author{Kind: op.actor.Kind(), ID: string(op.actor.ID())}, Reason: reason}
		if err := flow.Put(u, rec.Holds, string(id), &h); err != nil {
			return err
		}
		_, err := u.Say(audit.AccountHeld, audit.Success, []string{string(id)}, flow.F(audit.FieldAccount, string(id)), flow.F(audit.FieldReason, reason))
		return err
	})
}

// Unhold ends a hold; without one it does nothing.
func (op *Operator) Unhold(ctx context.Context, id accounts.ID) error {
	return op.holding(ctx, "Unhold", id, func(u *flow.Unit, held bool) error {
		if !held {
			return nil
		}
		flow.Drop(u, rec.Holds, string(id))
		_, err := u.Say(audit.AccountUnheld, audit.Success, []string{string(id)}, flow.F(audit.FieldAccount, string(id)))
		return err
	})
}

func (op *Operator) holding(ctx context.Context, name string, id accounts.ID, edit func(u *flow.Unit, held bool) error) error {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		_, known, err := flow.Load(u, rec.Salts, subject(id))
		if err != nil {
			return err
		}
		if !known || !g.Sites.All() {
			return accounts.ErrAccountNotFound
		}
		_, held, err := flow.Load(u, rec.Holds, string(id))
		if err != nil {
			return err
		}
		return edit(u, held)
	})
	return op.refused(ctx, name, nil, err)
}
