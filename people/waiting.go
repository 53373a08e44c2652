package people

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Waiting is a request for an account that waits for an operator. After 30 days it is
// forgotten.
type Waiting struct {
	ID string
	At time.Time
	Registrant
}

// Registrations lists the requests that wait, the oldest 100. What people would get is of
// the sites in [Registering], so only operators of all of those see and decide them.
func (op *Operator) Registrations(ctx context.Context) ([]Waiting, error) {
	g, err := op.allowed(ctx, "Registrations")
	if err != nil || !g.Sites.Covers(op.people.o.Registering.Sites) {
		return nil, err
	}
	rs, err := op.people.core.Store.List(ctx, store.Query{Kind: rec.Registrations.Name, Term: rec.ByWaits, Limit: 100})
	if err != nil {
		return nil, err
	}
	var out []Waiting
	for _, r := range rs {
		v, _, err := rec.Registrations.Decode(r)
		if err != nil {
			return nil, err
		}
		id := r.Key.ID[len(registerID("")):]
		who, err := op.people.registrant(id, v)
		if err != nil {
			return nil, err
		}
		out = append(out, Waiting{ID: id, At: v.At, Registrant: who})
	}
	return out, nil
}

// Accept adds the account that was asked for and mails its owner the code that sets it up.
// The default role may give no more than the operator has. Errors: [ErrNoRegistration],
// [accounts.ErrPermissionDenied], [accounts.ErrEmailInUse].
func (op *Operator) Accept(ctx context.Context, id string) (Account, error) {
	var made Account
	err := op.settle(ctx, "Accept", id, func(u *flow.Unit, g accounts.Grant, r rec.Registration) error {
		return op.people.enrol(u, op, g, id, r, &made)
	})
	return made, err
}

// Reject forgets a request. Nobody is told. Errors: [ErrNoRegistration].
func (op *Operator) Reject(ctx context.Context, id string) error {
	return op.settle(ctx, "Reject", id, func(u *flow.Unit, _ accounts.Grant, _ rec.Registration) error {
		_, err := u.Say(audit.AccountRegistrationRejected, audit.Success, nil)
		return err
	})
}

// settle ends a request that waits.
func (op *Operator) settle(ctx context.Context, name, id string, do func(*flow.Unit, accounts.Grant, rec.Registration) error) error {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if len(id) > store.MaxID-len(registerID("")) || !g.Sites.Covers(op.people.o.Registering.Sites) {
			return ErrNoRegistration
		}
		r, found, err := flow.Load(u, rec.Registrations, registerID(id))
		if err != nil {
			return err
		}
		if !found || !r.Waits {
			return ErrNoRegistration
		}
		flow.Drop(u, rec.Registrations, registerID(id))
		return do(u, g, r)
	})
	return op.refused(ctx, name, nil, taken(err))
}
