package signin

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// printPhone is the fingerprint of an account's number. What rests on it ends when the
// number is another one.
func (s *Service) printPhone(keyID string, a accounts.Account) (credentials.Fingerprint, error) {
	return s.core.Keys.Print(keyID, credentials.Scope{Kind: "phone", ID: string(a.ID)}, credentials.MarkMaterial([]byte(a.Phone)))
}

// phoneProven reports whether the owner has proven the number that the account has now. A
// proof under a key that is gone is none.
func (s *Service) phoneProven(a accounts.Account, login rec.Login) bool {
	if login.Phone.KeyID == "" || a.Phone == "" {
		return false
	}
	f, err := s.printPhone(login.Phone.KeyID, a)
	return err == nil && subtle.ConstantTimeCompare(f[:], login.Phone.Print) == 1
}

// phoneSecret is whose the code for a number is: a code that went to one number proves no
// other, and it ends with everything else by which the owner is signed in.
func (s *Service) phoneSecret(a accounts.Account, epoch uint64) (string, rec.Print, error) {
	keyID := s.core.Keys.Epoch().Prints[0]
	f, err := s.printPhone(keyID, a)
	return fmt.Sprintf("%s/%d/%s", a.ID, epoch, hex.EncodeToString(f[:8])), rec.Print{KeyID: keyID, Print: f[:]}, err
}

// phonePurpose is the purpose of the code that proves a number.
const phonePurpose = flow.Purpose(PhoneLetter)

// SendPhoneCode sends a code by text message to the owner's number, for [Owner.ProvePhone].
// It needs a fresh factor. Errors: [ErrNoFactor] without text messages or a number,
// [ErrTooManyCodes], [accounts.ErrStepUpRequired].
func (o *Owner) SendPhoneCode(ctx context.Context) error {
	err := o.change(ctx, true, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		a, _, err := flow.Load(u, rec.Accounts, v.Account)
		if err != nil {
			return err
		}
		if o.s.o.SMS == nil {
			return &NoFactorError{Missing: map[Method]string{SMS: "text messages are not configured"}}
		}
		if a.Phone == "" {
			return &NoFactorError{Missing: map[Method]string{SMS: "the account has no phone number"}}
		}
		owner, _, err := o.s.phoneSecret(a, l.Epoch)
		if err != nil {
			return err
		}
		secret, err := u.IssueFor(phonePurpose, owner, v.Account, flow.Short, o.s.p.CodeLife)
		if err != nil {
			return err
		}
		message, err := u.Post(flow.Posting{Account: v.Account, Phone: a.Phone, Lane: flow.SignInLane, Name: a.Name(), Secret: secret})
		if err != nil {
			return err
		}
		for _, g := range guesses("codes/"+v.Account, o.s.p.Limits.Codes, u.Now()) {
			u.Do(store.Count{Counter: g.Counter, By: 1, Max: g.Max, Until: g.Until})
		}
		return o.say(u, audit.FactorAdded, flow.F(audit.FieldMethod, string(SMS)), flow.F(audit.FieldStatus, "waits to be proven"),
			flow.F(audit.FieldMessage, message), flow.F(audit.FieldExpires, secret.Expires.Format(time.RFC3339)))
	})
	if errors.Is(err, store.ErrLimit) {
		return ErrTooManyCodes
	}
	return err
}

// ProvePhone proves the owner's number with the code that was sent to it. Where
// [Policy].ProvenPhone says so, it is a second factor from then on, until it is changed. It
// needs a fresh factor, and the owner is told. Errors: [ErrFactorWrong],
// [ErrFactorExpired], [ErrFactorLocked], [ErrSession], [accounts.ErrStepUpRequired].
func (o *Owner) ProvePhone(ctx context.Context, code otp.Answer) error {
	a, _, err := o.s.account(ctx, string(o.session.Account))
	if err != nil {
		return err
	}
	var epoch uint64
	err = o.change(ctx, true, func(_ *flow.Unit, _ *rec.Session, l *rec.Login) error { epoch = l.Epoch; return nil })
	if err != nil {
		return err
	}
	owner, mark, err := o.s.phoneSecret(a, epoch)
	if err != nil {
		return err
	}
	err = o.s.core.Spend(ctx, o.session.actor, phonePurpose, owner, flow.OneTimeOf(code.Reveal()), func(u *flow.Unit) error {
		return o.decide(u, true, func(v *rec.Session, l *rec.Login) error {
			now, _, err := flow.Load(u, rec.Accounts, v.Account)
			if err != nil {
				return err
			}
			if now.Phone != a.Phone {
				return ErrFactorWrong
			}
			l.Phone = mark
			return errors.Join(flow.Put(u, rec.Logins, v.Account, l), o.tellFactors(u, audit.FactorAdded, SMS))
		})
	})
	return factorError(err)
}
