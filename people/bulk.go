package people

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// maxBulk is how many accounts one call acts on at most.
const maxBulk = 100

// Row is one account of a bulk act, with the confirmation that the single act asks for.
type Row struct {
	Account accounts.ID
	Confirm Confirmation
}

// Outcome is what became of one row of a bulk act.
type Outcome struct {
	Account  accounts.ID
	Err      error    // nil: it was done
	Delivery Delivery // of [Operator.ResetPasswords]: the message, which is sent later
	Offer    Offer    // of [Operator.HandOverMany]
}

// SuspendMany is [Operator.Suspend] for each of at most 100 accounts: each is judged,
// done and recorded for itself, and has one outcome, in the order given. Errors beside the
// outcomes: [ErrBulk], [accounts.ErrPermissionDenied], [accounts.ErrStepUpRequired].
func (op *Operator) SuspendMany(ctx context.Context, reason string, ids ...accounts.ID) ([]Outcome, error) {
	return op.bulk(ctx, "SuspendMany", rows(ids), func(op *Operator, r Row, _ *Outcome) error {
		_, err := op.Suspend(ctx, r.Account, reason)
		return err
	})
}

// EnableMany is [Operator.Enable] for many, as [Operator.SuspendMany] is.
func (op *Operator) EnableMany(ctx context.Context, ids ...accounts.ID) ([]Outcome, error) {
	return op.bulk(ctx, "EnableMany", rows(ids), func(op *Operator, r Row, _ *Outcome) error {
		_, err := op.Enable(ctx, r.Account)
		return err
	})
}

// RemoveMany is [Operator.Remove] for many, as [Operator.SuspendMany] is: each row confirms
// its own account.
func (op *Operator) RemoveMany(ctx context.Context, list ...Row) ([]Outcome, error) {
	return op.bulk(ctx, "RemoveMany", list, func(op *Operator, r Row, _ *Outcome) error {
		return op.Remove(ctx, r.Account, r.Confirm)
	})
}

// ResetPasswords is [Operator.ResetPassword] for many, as [Operator.SuspendMany] is. It
// waits for no message; see [Operator.Delivery].
func (op *Operator) ResetPasswords(ctx context.Context, list ...Row) ([]Outcome, error) {
	return op.bulk(ctx, "ResetPasswords", list, func(op *Operator, r Row, out *Outcome) (err error) {
		var confirm []Confirmation
		if r.Confirm != (Confirmation{}) {
			confirm = []Confirmation{r.Confirm}
		}
		out.Delivery, err = op.ResetPassword(ctx, r.Account, confirm...)
		return err
	})
}

// HandOverMany is [Operator.HandOver] for many, as [Operator.SuspendMany] is: a wave of new
// PINs, as after a key became known. It waits for no message; see [Operator.Delivery].
func (op *Operator) HandOverMany(ctx context.Context, h HandOver, ids ...accounts.ID) ([]Outcome, error) {
	return op.bulk(ctx, "HandOverMany", rows(ids), func(op *Operator, r Row, out *Outcome) (err error) {
		out.Offer, err = op.HandOver(ctx, r.Account, h)
		return err
	})
}

func rows(ids []accounts.ID) []Row {
	out := make([]Row, len(ids))
	for i, id := range ids {
		out[i].Account = id
	}
	return out
}

// bulk does an act to each account, by the hands of the same operator, who waits for no
// message.
func (op *Operator) bulk(ctx context.Context, name string, list []Row, do func(*Operator, Row, *Outcome) error) ([]Outcome, error) {
	if _, err := op.allowed(ctx, name); err != nil {
		return nil, err
	}
	if len(list) > maxBulk {
		return nil, op.refused(ctx, name, nil, ErrBulk)
	}
	hands := *op
	hands.people = op.people.patient()
	out := make([]Outcome, len(list))
	for i, r := range list {
		out[i].Account = r.Account
		out[i].Err = do(&hands, r, &out[i])
	}
	return out, nil
}
