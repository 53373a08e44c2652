package people

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// resetsAnHour is how many messages a reset may send to one account in an hour. A message
// that never left does not count.
const resetsAnHour = 3

// ResetPassword mails a code to the account's owner, with which a new password can be set.
// Nothing changes before it is used: the old password works where the policy says so. A
// newer code takes the place of an older one. The owner of an account that is not
// confirmed gets the setup code again, and the account stays Not confirmed.
//
// The call waits for the first try to send the message. If that fails the error says why,
// the [Delivery] is there all the same, and after [accounts.ErrMailerUnavailable] the
// message stays posted: it is sent when the mail server is back, as long as its code
// lives. confirm is needed where the policy asks for it.
//
// Errors: [accounts.ErrMailerNotConfigured], [accounts.ErrMailerUnavailable],
// [accounts.ErrEmailRejected], [ErrResetLimit], [accounts.ErrNoEmail],
// [accounts.ErrResetUnsupported], [accounts.ErrAtProvider], [accounts.ErrConfirmationRequired],
// [accounts.ErrConfirmationMismatch], [accounts.ErrAccountNotFound].
func (op *Operator) ResetPassword(ctx context.Context, id accounts.ID, confirm ...Confirmation) (Delivery, error) {
	const name = "ResetPassword"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Delivery{}, err
	}
	s := op.people
	var targets []string
	var message string
	_, err = s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, err := load(u, g.Sites, id)
		if err != nil {
			return err
		}
		targets = []string{string(id)}
		if err := a.May(accounts.Reset, s.o.Policy); err != nil {
			return err
		}
		if err := s.confirmed(a, confirm); err != nil {
			return err
		}
		if err := op.guard(u, name, g, a); err != nil {
			return err
		}
		switch login, _, err := flow.Load(u, rec.Logins, string(id)); {
		case err != nil:
			return err
		case login.Subject != "":
			return accounts.ErrAtProvider // the code would set nothing
		}
		purpose := flow.Reset
		if a.Confirmed.IsZero() {
			purpose = flow.Setup
		}
		hour := u.Now().Truncate(time.Hour)
		budget := "mail/" + string(id) + "/" + hour.Format("2006-01-02T15")
		u.Do(store.Count{Counter: budget, By: 1, Max: resetsAnHour, Until: hour.Add(2 * time.Hour)})
		var fields []flow.Field
		if message, fields, err = op.mail(u, purpose, a, budget); err != nil {
			return err
		}
		return say(u, audit.AccountPasswordResetSent, a, fields...)
	})
	if errors.Is(err, store.ErrLimit) {
		err = ErrResetLimit
	}
	if err != nil {
		return Delivery{}, op.refused(ctx, name, targets, err)
	}
	d, err := s.await(ctx, message)
	if err != nil {
		return d, err
	}
	return d, d.Err()
}

// confirmed judges the confirmation that the policy may ask for. One that is given is
// judged in any case.
func (s *Service) confirmed(a accounts.Account, given []Confirmation) error {
	if len(given) == 0 && !s.o.Policy.RequireConfirm {
		return nil
	}
	var c Confirmation
	if len(given) > 0 {
		c = given[0]
	}
	return c.check(a)
}
