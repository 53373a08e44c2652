package signin

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// ErrTooManyDevices: the owner has enrolled as many devices as there may be.
var ErrTooManyDevices = fault.New(fault.Conflict, "signin: too many devices are enrolled").
	Hinted("Take one off that is not used any more.")

// maxEnrolled is how many devices an owner has.
const maxEnrolled = 10

// NewEnrolment is a device that is to be enrolled.
type NewEnrolment struct {
	Key  DeviceKey
	Name string // what its owner knows it by, personal
}

// Enrolment is a device on which its owner's PIN signs in.
type Enrolment struct {
	ID          string // not secret: the device shows it with every challenge
	Name        string // personal
	Since, Ends time.Time
}

// Enrol lets the owner's PIN sign in on a device, until a password, a factor or the
// account's state changes, at most as long as the policy says. It needs a fresh factor, and
// the owner is told. Errors: [ErrQuickOff], [ErrDeviceKey], [ErrTooManyDevices],
// [accounts.ErrStepUpRequired].
func (o *Owner) Enrol(ctx context.Context, n NewEnrolment) (Enrolment, error) {
	switch {
	case o.s.p.Quick.Life <= 0:
		return Enrolment{}, ErrQuickOff
	case n.Key.key == nil:
		return Enrolment{}, ErrDeviceKey
	}
	id := flow.NewID()
	var out Enrolment
	err := o.change(ctx, true, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		// The list is not part of the decision; that two devices at once do not both take the
		// last place is: they write one record.
		if err := flow.Put(u, rec.Logins, v.Account, l); err != nil {
			return err
		}
		live := 0
		err := each(ctx, o.s.core.Store, rec.Enrolments, v.Account, func(key string, e rec.Enrolment) error {
			if e.Epoch == l.Epoch && u.Now().Before(e.Ends) {
				live++
				return nil
			}
			return gone(u, rec.Enrolments, key)
		})
		if err != nil {
			return err
		}
		if live >= maxEnrolled {
			return ErrTooManyDevices
		}
		a, _, err := flow.Load(u, rec.Accounts, v.Account)
		if err != nil {
			return err
		}
		e := rec.Enrolment{Account: v.Account, Ends: u.Now().Add(o.s.p.Quick.Life), Epoch: l.Epoch, Key: n.Key.pkix,
			Name: From{Device: n.Name}.device(), Since: u.Now()}
		out = enrolment(id, e)
		told, err := o.s.tell(u, a, FactorsLetter)
		return errors.Join(err, flow.Put(u, rec.Enrolments, id, &e), o.say(u, audit.DeviceEnrolled, flow.F(audit.FieldDevice, id),
			flow.F(audit.FieldMethod, string(PIN)), flow.F(audit.FieldExpires, e.Ends.Format(time.RFC3339)), told))
	})
	if err != nil {
		return Enrolment{}, err
	}
	return out, nil
}

func enrolment(id string, e rec.Enrolment) Enrolment {
	return Enrolment{ID: id, Name: e.Name, Since: e.Since, Ends: e.Ends}
}

// Enrolments lists the devices on which the owner's PIN signs in.
func (o *Owner) Enrolments(ctx context.Context) ([]Enrolment, error) {
	return o.s.enrolments(ctx, string(o.session.Account))
}

func (s *Service) enrolments(ctx context.Context, account string) ([]Enrolment, error) {
	rs, err := s.core.Store.Load(ctx, rec.Logins.Key(account))
	if err != nil {
		return nil, err
	}
	login, _, err := rec.Logins.Decode(rs[0])
	if err != nil {
		return nil, err
	}
	var out []Enrolment
	err = each(ctx, s.core.Store, rec.Enrolments, account, func(key string, e rec.Enrolment) error {
		if e.Epoch == login.Epoch && s.core.Time().Before(e.Ends) {
			out = append(out, enrolment(key, e))
		}
		return nil
	})
	return out, err
}

// EndEnrolment takes a device of the owner's off, with the sessions that their PIN began
// there. Errors: [ErrNotEnrolled].
func (o *Owner) EndEnrolment(ctx context.Context, device string) error {
	return o.change(ctx, false, func(u *flow.Unit, v *rec.Session, _ *rec.Login) error {
		return o.s.endEnrolment(u, v.Account, device, "ended by its owner")
	})
}

// Enrolments lists the devices on which an account's PIN signs in.
func (op *Operator) Enrolments(ctx context.Context, id accounts.ID) ([]Enrolment, error) {
	if err := op.see(ctx, "Enrolments", id); err != nil {
		return nil, err
	}
	return op.s.enrolments(ctx, string(id))
}

// EndEnrolment takes a device of an account's off, with the sessions that the PIN began
// there, for example because it was lost. Errors: [ErrNotEnrolled].
func (op *Operator) EndEnrolment(ctx context.Context, id accounts.ID, device string) error {
	return op.change(ctx, "EndEnrolment", id, func(u *flow.Unit, _ accounts.Account, _ *rec.Login) error {
		return op.s.endEnrolment(u, string(id), device, "ended by an operator")
	})
}

// endEnrolment takes a device off that is the account's.
func (s *Service) endEnrolment(u *flow.Unit, account, device, why string) error {
	e, found, err := flow.Load(u, rec.Enrolments, device)
	if err != nil {
		return err
	}
	if !found || e.Account != account {
		return ErrNotEnrolled
	}
	return s.unenrol(u, device, why)
}

// unenrol takes a device off if it is still there, and tells its owner.
func (s *Service) unenrol(u *flow.Unit, device, why string) error {
	e, found, err := flow.Load(u, rec.Enrolments, device)
	if err != nil || !found {
		return err
	}
	a, _, err := flow.Load(u, rec.Accounts, e.Account)
	if err != nil {
		return err
	}
	told, err := s.tell(u, a, FactorsLetter)
	flow.Drop(u, rec.Enrolments, device)
	return errors.Join(err, say(u, audit.DeviceEnded, e.Account, flow.F(audit.FieldDevice, device), flow.F(audit.FieldReason, why), told))
}
