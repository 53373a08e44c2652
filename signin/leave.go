package signin

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// ErrLeave: nobody ends their own account here.
var ErrLeave = fault.New(fault.Unsupported, "signin: owners do not end their accounts here").
	Hinted("Ask an operator to remove the account.")

// Leaver ends the account of who acts; people.Service is one.
type Leaver interface {
	Leave(ctx context.Context, actor accounts.Actor) error
}

// Leave ends the owner's account for good, with the current password. Panel users, their
// codes and the history stay; who has left is in the log. Errors: [ErrLeave] without
// [Options].Leaver, [accounts.ErrBadCredentials], [ErrTooMany], [ErrSession],
// [accounts.ErrLastAdmin], [accounts.ErrDeleteForbidden].
func (o *Owner) Leave(ctx context.Context, typed password.Password) error {
	if o.s.o.Leaver == nil {
		return ErrLeave
	}
	if err := o.proves(ctx, typed); err != nil {
		return err
	}
	// Whoever was signed out meanwhile ends nothing.
	if err := o.change(ctx, false, func(*flow.Unit, *rec.Session, *rec.Login) error { return nil }); err != nil {
		return err
	}
	proven := accounts.Recorded(mint.Token{}, audit.AccountActor, o.session.Account, o.session.Name, sessionVia+o.session.ID, o.s.core.Time())
	return o.s.o.Leaver.Leave(ctx, proven)
}
