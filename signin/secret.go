package signin

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// NewPassword is a new password with the code that allows it.
type NewPassword struct {
	Name     string // address or username
	Code     otp.Answer
	Password password.Password
	From     From
	Device   Token // of a remembered device, if the program has one: strangers cannot use up its attempts
}

// SetPassword sets a password with the code from a mail: the first one, which makes the
// account Active, or a new one. The code is spent, the former password never works again,
// and every session ends. Nobody is signed in: a second factor is not passed by.
//
// A password that is not good enough is refused before the code is looked at, as far as
// the owner's names do not matter; then the code stays. Errors: those of
// [password.Policy.Check], [password.ErrTooLong]; everything else is a [*RefusedError] that
// is [ErrCode].
func (s *Service) SetPassword(ctx context.Context, n NewPassword) error {
	if n.Password.Bytes() > s.hasher.Max() {
		return password.ErrTooLong
	}
	if err := s.p.Password.Check(ctx, n.Password, password.Owner{}); err != nil {
		return err
	}
	t, err := s.find(ctx, n.Name, n.Device)
	if err != nil {
		return err
	}
	refuse := func(cause error) error { return s.refuse(ctx, t, n.From, "SetPassword", ErrCode, cause) }
	counted := s.fromThere(t, n.From)
	if err := s.core.Reserve(ctx, nobody(), counted...); err != nil {
		if errors.Is(err, flow.ErrGuesses) {
			return refuse(ErrTooMany)
		}
		return err
	}
	purpose := flow.Reset
	if t.known && t.account.Confirmed.IsZero() {
		purpose = flow.Setup
	}
	hash, err := s.hash(ctx, n.From, n.Password) // before the code is looked at: as much work for everybody
	if err != nil {
		return err
	}
	err = s.core.SpendApart(ctx, signer(t.account), purpose, t.key, t.device, flow.OneTimeOf(n.Code.Reveal()), func(u *flow.Unit) error {
		acc, found, err := flow.Load(u, rec.Accounts, t.key)
		if err != nil {
			return err
		}
		if !found || !acc.Removed.IsZero() {
			return accounts.ErrAccountNotFound
		}
		login, _, err := flow.Load(u, rec.Logins, t.key)
		if err != nil {
			return err
		}
		if err := s.p.Password.Check(ctx, n.Password, about(acc, login)); err != nil {
			return err
		}
		back(u, counted)
		return s.set(u, acc, login, hash, purpose)
	})
	switch {
	case errors.Is(err, flow.ErrNoSecret), errors.Is(err, flow.ErrSecretExpired), errors.Is(err, flow.ErrSecretWrong), errors.Is(err, flow.ErrGuesses),
		errors.Is(err, accounts.ErrInvalidTransition), errors.Is(err, ErrSameMailbox), denied(err):
		return refuse(err)
	}
	return err
}

// set puts a new password into a decision.
func (s *Service) set(u *flow.Unit, acc accounts.Account, login rec.Login, hash password.Hash, by flow.Purpose) error {
	id := string(acc.ID)
	if login.Subject != "" {
		return ErrMethod
	}
	var fields []flow.Field
	if by == flow.Setup {
		after, err := acc.Confirm(u.Now())
		if err != nil {
			return err
		}
		fields = []flow.Field{flow.F(audit.FieldStatusBefore, string(acc.StatusPowerManage(u.Now()))), flow.F(audit.FieldStatus, string(after.StatusPowerManage(u.Now())))}
		if err := errors.Join(flow.Put(u, rec.Accounts, id, &after), say(u, audit.AccountConfirmed, id, fields...)); err != nil {
			return err
		}
		acc = after
	}
	login.Password, login.Set = hash, u.Now()
	login.End()
	if login.Mailed = by == flow.Reset; login.Mailed && s.needsFactor(acc, login, From{Local: true}) {
		if left, _ := s.methods(acc, login); len(left) == 0 {
			return ErrSameMailbox
		}
	}
	other := flow.Setup
	if by == flow.Setup {
		other = flow.Reset
	} else {
		told, err := s.tell(u, acc, PasswordLetter)
		if err != nil {
			return err
		}
		fields = append(fields, told)
	}
	return errors.Join(u.VoidSecret(other, id), flow.Put(u, rec.Logins, id, &login), say(u, audit.PasswordSet, id, fields...))
}
