package people

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// pinDigits is how long the first PIN is that is drawn here.
const pinDigits = 6

// HandOver is how a new PIN reaches its holder. The zero value: as many digits as the PIN before
// had, else 6, within a day.
type HandOver struct {
	Digits int           // of the PIN; 0: as many as the one before has, else 6
	Life   time.Duration // how long the word works; 0: a day, at most a week
	Mail   bool          // the word goes to the holder's address and to nobody else
}

// Offer is a new PIN that waits for its holder.
type Offer struct {
	// Word opens it, once: the part of a link that is nobody else's. Empty if it was mailed.
	Word     panel.Secret
	Expires  time.Time
	Delivery Delivery // of the message with the word
}

// HandOver draws a new PIN for somebody and sets it. Nobody sees it but whoever has the
// word: its holder, by [Service.Collect]. The PIN before works no more, and neither does a
// word that was given out before. Errors: [accounts.ErrHandOver], [accounts.ErrAccountNotFound],
// [accounts.ErrNoEmail] and [accounts.ErrMailerNotConfigured] for Mail,
// [credentials.ErrCodeLength], [credentials.ErrExhausted], [accounts.ErrConsentRequired],
// those of changing an account.
func (op *Operator) HandOver(ctx context.Context, id accounts.ID, h HandOver) (Offer, error) {
	var out flow.Handed
	_, err := op.drawPIN(ctx, "HandOver", id, h.Digits, func(u *flow.Unit, a accounts.Account, was rec.Credential, now *flow.Holding) error {
		if h.Mail && op.people.o.Mailer == nil {
			return accounts.ErrMailerNotConfigured
		}
		if err := u.VoidSecret(flow.HandOverPIN, flow.PINOwner(was)); err != nil {
			return err
		}
		var err error
		out, err = u.HandOver(flow.Handing{Purpose: flow.HandOverPIN, Whose: string(id), Owner: flow.PINOwner(now.PIN.Credential), Account: string(id),
			To: a.Email, Name: a.Name(), Life: h.Life, Mail: h.Mail, PIN: now.PIN.Generation})
		return err
	})
	if err != nil {
		return Offer{}, err
	}
	d, err := op.people.await(ctx, out.Message)
	return Offer{Word: out.Word, Expires: out.Expires, Delivery: d}, err
}

// drawPIN draws a PIN that is free, of as many digits as the one before if 0, sets it and does
// what belongs to it, in one commit.
func (op *Operator) drawPIN(ctx context.Context, name string, id accounts.ID, digits int,
	also func(u *flow.Unit, a accounts.Account, was rec.Credential, now *flow.Holding) error) (credentials.Code, error) {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return credentials.Code{}, err
	}
	s := op.people
	if digits == 0 {
		if digits, err = s.core.PINDigits(ctx, string(id), pinDigits); err != nil {
			return credentials.Code{}, err
		}
	}
	var targets []string
	pin, err := flow.Draw(digits, s.o.Codes, func(c credentials.Code) error {
		_, err := s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
			a, err := load(u, g.Sites, id)
			if err != nil {
				return err
			}
			targets = []string{string(id)}
			if err := op.guard(u, name, g, a); err != nil {
				return err
			}
			if err := a.May(accounts.Validate, s.o.Policy); err != nil {
				return err
			}
			if err := op.consented(u, a); err != nil {
				return err
			}
			h, err := flow.HoldingOf(u, string(id))
			if err != nil {
				return err
			}
			h.Codes = s.o.Codes
			was := h.PIN.Credential
			if err := h.SetCode(rec.PIN, c); err != nil {
				return err
			}
			if err := also(u, a, was, h); err != nil {
				return err
			}
			return h.Write("PIN", "")
		})
		return taken(err)
	})
	return pin, op.refused(ctx, name, targets, err)
}

// Collect shows a code that was handed over to whoever has the word, and to nobody again: a
// PIN, or the code of a panel user that roster's Tab.HandOver has drawn. The word is spent by
// the commit that says so in the log, so of many who ask at once one sees the code. It needs
// a keyring that opens and asks no right.
//
// A panel user's code is shown once the panel has confirmed it, so that what is shown opens:
// until then the right word answers [accounts.ErrCodePending] and is not spent.
//
// It is safe behind a public page, as [Operator.Confirm] is: [ErrCode] is the one answer to
// everything that does not work. The page must ask for a tap and collect then, and not when
// it is opened: programs that look into mail open every link.
func (s *Service) Collect(ctx context.Context, word panel.Secret) (credentials.Code, error) {
	code, err := s.core.Collect(ctx, "people.Collect", word, s.core.Accounts().Receives)
	return code, outsider(err)
}

// SealedLetter is what is printed into a sealed letter for the holder of a new PIN. It is
// for the printer and for no screen.
type SealedLetter struct {
	Name  string // personal
	PIN   credentials.Code
	Until time.Time // when it ends with the account; zero: it does not
}

// PrintPIN draws a new PIN for somebody and sets it, for a letter that is printed and
// sealed: for holders without an address. One person never does it alone: it answers
// [accounts.ErrApprovalRequired] whatever the policy says, somebody else calls
// [Operator.Approve], and its author does it again. The PIN before works no more. Errors:
// as [Operator.HandOver].
func (op *Operator) PrintPIN(ctx context.Context, id accounts.ID) (SealedLetter, error) {
	const name = "PrintPIN"
	var out SealedLetter
	pin, err := op.drawPIN(ctx, name, id, 0, func(u *flow.Unit, a accounts.Account, was rec.Credential, _ *flow.Holding) error {
		approver, err := op.second(u, name, a, "print a new PIN")
		if err != nil {
			return err
		}
		if err := u.VoidSecret(flow.HandOverPIN, flow.PINOwner(was)); err != nil {
			return err
		}
		out.Name, out.Until = a.Name(), a.Window.Until
		_, err = u.Say(audit.CredentialHandedOver, audit.Success, []string{string(id)}, flow.F(audit.FieldAccount, string(id)),
			flow.F(audit.FieldFields, "PIN"), flow.F(audit.FieldApprover, approver))
		return err
	})
	if err != nil {
		return SealedLetter{}, err
	}
	out.PIN = pin
	return out, nil
}
