package signin

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// ErrNoApp: no authenticator app is waiting to be proven.
var ErrNoApp = fault.New(fault.Precondition, "signin: no authenticator app is being set up").
	Hinted("Begin with a new secret.")

// recoveryCodes is how many an owner gets.
const recoveryCodes = 10

// EnrolApp begins to set up an authenticator app: show the secret to the owner, who proves
// the app with [Owner.ConfirmApp]. Until then nothing changes. It needs a fresh factor.
// Errors: [accounts.ErrStepUpRequired].
func (o *Owner) EnrolApp(ctx context.Context) (otp.Secret, error) {
	secret := otp.NewSecret()
	err := o.change(ctx, true, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		app := rec.Authenticator{Generation: 1, Since: u.Now()}
		for _, was := range []*rec.Authenticator{l.App, l.Pending} {
			if was != nil {
				app.Generation = max(app.Generation, was.Generation+1)
			}
		}
		var err error
		if app.Secret, err = o.s.core.Keys.Seal(appBinding(v.Account, app.Generation), secret.Reveal()); err != nil {
			return err
		}
		l.Pending = &app
		return errors.Join(flow.Put(u, rec.Logins, v.Account, l),
			o.say(u, audit.FactorAdded, flow.F(audit.FieldMethod, string(App)), flow.F(audit.FieldStatus, "waits to be proven")))
	})
	return secret, err
}

// URI is a secret as an authenticator app's camera reads it, under the host's name and the
// owner's.
func (o *Owner) URI(secret otp.Secret) string { return secret.URI(o.s.o.Issuer, o.session.Name) }

// ConfirmApp proves the app that is being set up with a code from it. From now on a second
// factor is asked for; an app that was there before is none any more. It returns the
// owner's recovery codes, which are shown once and take the place of older ones; every
// other session ends, and this one gets a new token. Errors: [ErrNoApp],
// [ErrFactorWrong], [ErrFactorLocked], [accounts.ErrStepUpRequired].
func (o *Owner) ConfirmApp(ctx context.Context, code otp.Answer) ([]otp.Answer, Token, error) {
	id := string(o.session.Account)
	counted, err := o.counted(ctx)
	if err != nil {
		return nil, Token{}, err
	}
	codes := otp.NewRecovery(recoveryCodes)
	var token Token
	err = o.change(ctx, true, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		if l.Pending == nil || o.s.core.Opener == nil {
			return ErrNoApp
		}
		step, err := o.s.step(id, l.Pending, code)
		if err != nil {
			return err
		}
		app := *l.Pending
		app.Step = step
		l.App, l.Pending = &app, nil
		if l.Recovery, err = o.s.prints(id, codes); err != nil {
			return err
		}
		back(u, counted)
		if token, err = renew(u, o.session.ID, v, l, u.Now()); err != nil {
			return err
		}
		return o.tellFactors(u, audit.FactorAdded, App)
	})
	if err != nil {
		return nil, Token{}, err
	}
	return codes, token, nil
}

// tellFactors says that a second factor was changed, in the log and to the owner.
func (o *Owner) tellFactors(u *flow.Unit, action audit.Action, m Method) error {
	a, _, err := flow.Load(u, rec.Accounts, string(o.session.Account))
	if err != nil {
		return err
	}
	told, err := o.s.tell(u, a, FactorsLetter)
	return errors.Join(err, o.say(u, action, flow.F(audit.FieldMethod, string(m)), told))
}

// counted reserves an attempt at the owner's second factors.
func (o *Owner) counted(ctx context.Context) ([]flow.Guesses, error) {
	counted := o.s.factors(string(o.session.Account))
	err := o.s.core.Reserve(ctx, o.session.actor, counted...)
	return counted, factorError(err)
}

func (s *Service) prints(account string, codes []otp.Answer) ([]rec.Print, error) {
	keyID := s.core.Keys.Epoch().Prints[0]
	out := make([]rec.Print, len(codes))
	for i, c := range codes {
		f, err := s.printRecovery(account, keyID, c)
		if err != nil {
			return nil, err
		}
		out[i] = rec.Print{KeyID: keyID, Print: f[:]}
	}
	return out, nil
}

// NewRecoveryCodes replaces the owner's recovery codes. It needs a fresh factor.
func (o *Owner) NewRecoveryCodes(ctx context.Context) ([]otp.Answer, error) {
	codes := otp.NewRecovery(recoveryCodes)
	err := o.change(ctx, true, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		var err error
		if l.Recovery, err = o.s.prints(v.Account, codes); err != nil {
			return err
		}
		return errors.Join(flow.Put(u, rec.Logins, v.Account, l), o.tellFactors(u, audit.FactorAdded, Recovery))
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// RemoveApp takes the owner's app and recovery codes off, also one that is being set up.
// It needs a fresh factor. Every other session ends, and this one gets a new token.
func (o *Owner) RemoveApp(ctx context.Context) (Token, error) {
	var token Token
	err := o.change(ctx, true, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		l.App, l.Pending, l.Recovery = nil, nil, nil
		var err error
		if token, err = renew(u, o.session.ID, v, l, v.Factor); err != nil {
			return err
		}
		return o.tellFactors(u, audit.FactorRemoved, App)
	})
	return token, err
}
