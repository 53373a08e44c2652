package people

import (
	"context"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrHandOver: not how a code can be handed over.
var ErrHandOver = fault.New(fault.Invalid, "people: a code is handed over within a week").
	Hinted("Let the word work for a minute at least and a week at most.")

// How a code is handed over.
const (
	handOver     flow.Purpose = "handover"
	handOverLife              = 24 * time.Hour
	longHandOver              = 7 * 24 * time.Hour
	pinDigits                 = 6
)

// HandOver is how a new PIN reaches its holder. The zero value is 6 digits, within a day.
type HandOver struct {
	Digits int           // of the PIN; 0: 6
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
// word that was given out before. Errors: [ErrHandOver], [accounts.ErrAccountNotFound],
// [accounts.ErrNoEmail] and [accounts.ErrMailerNotConfigured] for Mail,
// [credentials.ErrCodeLength], [credentials.ErrExhausted], [accounts.ErrConsentRequired],
// those of changing an account.
func (op *Operator) HandOver(ctx context.Context, id accounts.ID, h HandOver) (Offer, error) {
	if h.Digits == 0 {
		h.Digits = pinDigits
	}
	if h.Life == 0 {
		h.Life = handOverLife
	}
	var out Offer
	var message string
	_, err := op.drawPIN(ctx, "HandOver", id, h.Digits, func(u *flow.Unit, a accounts.Account, was rec.Credential, now *flow.Holding) error {
		switch {
		case h.Life < time.Minute, h.Life > longHandOver:
			return ErrHandOver
		case h.Mail && a.Email.IsZero():
			return accounts.ErrNoEmail
		case h.Mail && op.people.o.Mailer == nil:
			return accounts.ErrMailerNotConfigured
		}
		if err := u.VoidSecret(handOver, offered(was)); err != nil {
			return err
		}
		secret, err := u.IssueFor(handOver, offered(now.PIN.Credential), string(id), flow.Token, h.Life)
		if err != nil {
			return err
		}
		word := string(id) + "." + secret.Secret.Reveal()
		out.Word, out.Expires = panel.SecretOf(word), secret.Expires
		if h.Mail {
			out.Word, secret.Secret = panel.Secret{}, flow.OneTimeOf(word)
			message, err = u.Post(flow.Posting{Account: string(id), To: a.Email, Name: a.Name(), Secret: secret, PIN: now.PIN.Generation})
		}
		return err
	})
	if err != nil {
		return Offer{}, err
	}
	out.Delivery, err = op.people.await(ctx, message)
	return out, err
}

// offered is whose the secret is by which a PIN is collected: this PIN's, and not that of
// one before or after it.
func offered(c rec.Credential) string {
	return rec.CredentialID(c.Account, rec.PIN, c.Generation)
}

// drawPIN draws a PIN that is free, sets it and does what belongs to it, in one commit.
func (op *Operator) drawPIN(ctx context.Context, name string, id accounts.ID, digits int,
	also func(u *flow.Unit, a accounts.Account, was rec.Credential, now *flow.Holding) error) (credentials.Code, error) {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return credentials.Code{}, err
	}
	s := op.people
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

// Collect shows a PIN that was handed over to whoever has the word, and to nobody again:
// it is spent by the commit that says so in the log, so of many who ask at once one sees
// it. It needs a keyring that opens and asks no right.
//
// It is safe behind a public page, as [Operator.Confirm] is: [ErrCode] is the one answer to
// everything that does not work. The page must ask for a tap and collect then, and not when
// it is opened: programs that look into mail open every link.
func (s *Service) Collect(ctx context.Context, word panel.Secret) (credentials.Code, error) {
	if s.core.Opener == nil {
		return credentials.Code{}, flow.ErrNoOpener
	}
	op := s.As(accounts.SystemActor("collect"))
	id, token, _ := strings.Cut(word.Reveal(), ".")
	owner, err := s.offer(ctx, id)
	if err != nil {
		return credentials.Code{}, err
	}
	var targets []string
	var pin credentials.Code
	err = s.core.Spend(ctx, op.actor, handOver, owner, flow.OneTimeOf(token), func(u *flow.Unit) error {
		targets = []string{id}
		a, err := load(u, accounts.AllSites(), accounts.ID(id))
		if err != nil {
			return err
		}
		c, _, err := flow.Load(u, rec.Credentials, rec.CredentialID(id, rec.PIN, 0))
		if err != nil {
			return err
		}
		if offered(c) != owner || c.Sealed.IsZero() || !collects(a, u.Now()) {
			return flow.ErrNoSecret
		}
		pin, err = credentials.OpenNamedCode(s.core.Opener, s.core.Keys, rec.CredentialBinding(id, rec.PIN, c.Generation), c.Sealed, flow.Tenant(), c.Names)
		if err != nil {
			return err
		}
		_, err = u.Say(audit.CredentialHandedOver, audit.Success, targets, flow.F(audit.FieldAccount, id), flow.F(audit.FieldFields, "PIN"))
		return err
	})
	if err != nil {
		return credentials.Code{}, outsider(op.refused(ctx, "Collect", targets, err))
	}
	return pin, nil
}

// collects reports whether an account's owner may be shown a PIN: before the account is
// confirmed or valid too.
func collects(a accounts.Account, now time.Time) bool {
	switch a.State(now) {
	case accounts.Active, accounts.NotConfirmed, accounts.NotYetValid, accounts.Locked:
		return true
	}
	return false
}

// offer is whose the secret is that opens somebody's PIN; of nobody it is one that stands
// for what was typed.
func (s *Service) offer(ctx context.Context, id string) (string, error) {
	nobody := func() (string, error) { return s.stranger(ByID(accounts.ID(id))) }
	record := rec.CredentialID(id, rec.PIN, 0)
	if id == "" || len(record) > store.MaxID {
		return nobody()
	}
	rs, err := s.core.Store.Load(ctx, rec.Credentials.Key(record))
	if err != nil {
		return "", err
	}
	c, _, err := rec.Credentials.Decode(rs[0])
	if err == nil && rs[0].Version == 0 {
		return nobody()
	}
	return offered(c), err
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
	pin, err := op.drawPIN(ctx, name, id, pinDigits, func(u *flow.Unit, a accounts.Account, was rec.Credential, _ *flow.Holding) error {
		approver, err := op.second(u, name, a, "print a new PIN")
		if err != nil {
			return err
		}
		if err := u.VoidSecret(handOver, offered(was)); err != nil {
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
