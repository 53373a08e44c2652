package signin

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// prove compares the code of an app or a recovery code. do is called in the commit in
// which it is used up: use takes it away, or says that somebody else was faster.
func (s *Service) prove(ctx context.Context, actor accounts.Actor, account string, m Method, code otp.Answer, do func(u *flow.Unit, use func(*rec.Login) error) error) error {
	var use func(*rec.Login) error
	rs, err := s.core.Store.Load(ctx, rec.Logins.Key(account))
	if err != nil {
		return err
	}
	login, _, err := rec.Logins.Decode(rs[0])
	if err != nil {
		return err
	}
	switch {
	case m == App && login.App != nil && s.core.Opener != nil:
		step, err := s.step(account, login.App, code)
		if err != nil {
			return err
		}
		use = func(l *rec.Login) error {
			if l.App == nil || l.App.Generation != login.App.Generation || l.App.Step >= step {
				return ErrFactorWrong
			}
			app := *l.App
			app.Step = step
			l.App = &app
			return nil
		}
	case m == Recovery:
		at, err := s.recovery(account, login.Recovery, code)
		if err != nil {
			return err
		}
		use = func(l *rec.Login) error {
			i := slices.IndexFunc(l.Recovery, func(p rec.Print) bool { return subtle.ConstantTimeCompare(p.Print, at.Print) == 1 })
			if i < 0 {
				return ErrFactorWrong
			}
			l.Recovery = slices.Delete(slices.Clone(l.Recovery), i, i+1)
			return nil
		}
	default:
		return ErrFactor
	}
	_, err = s.core.Act(ctx, actor, func(u *flow.Unit) error { return do(u, use) })
	return err
}

// step finds the step to which the code of an app belongs.
func (s *Service) step(account string, app *rec.Authenticator, code otp.Answer) (int64, error) {
	raw, err := s.core.Opener.Open(appBinding(account, app.Generation), app.Secret)
	if err != nil {
		return 0, err
	}
	secret, err := otp.SecretOf(raw)
	if err != nil {
		return 0, err
	}
	step, ok := secret.Match(code, s.core.Time(), app.Step)
	if !ok {
		return 0, ErrFactorWrong
	}
	return step, nil
}

func appBinding(account string, generation uint64) credentials.Binding {
	return rec.AppBinding(account, generation)
}

// recovery finds a recovery code; all are compared, whichever fits.
func (s *Service) recovery(account string, all []rec.Print, code otp.Answer) (rec.Print, error) {
	var found *rec.Print
	for i := range all {
		f, err := s.printRecovery(account, all[i].KeyID, code)
		if err != nil {
			return rec.Print{}, err
		}
		if subtle.ConstantTimeCompare(f[:], all[i].Print) == 1 {
			found = &all[i]
		}
	}
	if found == nil {
		return rec.Print{}, ErrFactorWrong
	}
	return *found, nil
}

func (s *Service) printRecovery(account, keyID string, code otp.Answer) (credentials.Fingerprint, error) {
	f, err := s.core.Keys.Print(keyID, credentials.Scope{Kind: "recovery", ID: account}, credentials.MarkMaterial([]byte(code.Reveal())))
	if err != nil {
		return f, fmt.Errorf("recovery code: %w", err)
	}
	return f, nil
}
