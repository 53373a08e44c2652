package people

import (
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Self is an account in its owner's hands: what customers do for themselves; about their
// panel users they do it with package roster's Self. It asks for
// no right, because nothing here is about anybody else, and for an account that can sign
// in. It is cheap and safe for concurrent use.
type Self struct {
	op *Operator
}

// Self gives the service to the owner of an account. An actor that is no account's may do
// nothing with it.
func (s *Service) Self(actor accounts.Actor) *Self { return &Self{op: s.As(actor)} }

// NewPIN draws another PIN for the owner, where the policy lets them
// ([accounts.Policy.SelfService]), after a factor that was proven just now. It is drawn and not
// chosen, so that nobody finds out by trying which PINs others have. It is shown once, here;
// the one before works no more. A few times a day ([accounts.Policy.OwnChanges]) and no more.
// Errors: [accounts.ErrSelfService], [accounts.ErrOwnChanges], [accounts.ErrStepUpRequired], [credentials.ErrExhausted].
func (s *Self) NewPIN(ctx context.Context) (credentials.Code, error) {
	const name = "Self.NewPIN"
	id, err := s.who(ctx)
	if err != nil {
		return credentials.Code{}, err
	}
	p, targets := s.op.people, []string{string(id)}
	switch {
	case !p.o.Policy.SelfService:
		return credentials.Code{}, s.op.refused(ctx, name, targets, accounts.ErrSelfService)
	case !s.op.actor.Fresh(p.core.Time(), ownFresh):
		return credentials.Code{}, s.op.refused(ctx, name, targets, accounts.ErrStepUpRequired)
	}
	digits, err := p.core.PINDigits(ctx, string(id), pinDigits)
	if err != nil {
		return credentials.Code{}, err
	}
	pin, err := flow.Draw(digits, p.o.Codes, func(c credentials.Code) error {
		_, err := p.core.Act(ctx, s.op.actor, func(u *flow.Unit) error {
			if _, err := s.load(u); err != nil {
				return err
			}
			h, err := flow.HoldingOf(u, string(id))
			if err != nil {
				return err
			}
			h.Codes = p.o.Codes
			if err := h.SetCode(rec.PIN, c); err != nil {
				return err
			}
			u.OwnChange(string(id), p.o.Policy)
			return h.Write("PIN", "")
		})
		return taken(flow.OwnChanges(err))
	})
	return pin, s.op.refused(ctx, name, targets, err)
}

// Consents lists who may set the owner's codes, and until when.
func (s *Self) Consents(ctx context.Context) ([]Consent, error) {
	id, err := s.who(ctx)
	if err != nil {
		return nil, err
	}
	return s.op.people.consents(ctx, id)
}

// Consent lets an operator, "" for whoever has the right, set the owner's codes until a
// time, after a factor that was proven just now. It returns the consent's id. Errors:
// [ErrConsent], [accounts.ErrStepUpRequired].
func (s *Self) Consent(ctx context.Context, c Consent) (string, error) {
	const name = "Self.Consent"
	id, err := s.who(ctx)
	if err != nil {
		return "", err
	}
	if !s.op.actor.Fresh(s.op.people.core.Time(), ownFresh) {
		return "", s.op.refused(ctx, name, []string{string(id)}, accounts.ErrStepUpRequired)
	}
	var made string
	_, err = s.op.people.core.Act(ctx, s.op.actor, func(u *flow.Unit) error {
		a, err := s.load(u)
		if err != nil {
			return err
		}
		if err := c.check(u.Now()); err != nil {
			return err
		}
		made, err = consent(u, a, c, "")
		return err
	})
	return made, s.op.refused(ctx, name, []string{string(id)}, err)
}

// Withdraw ends a consent at once, also one that operators have opened. Errors:
// [ErrNoConsent].
func (s *Self) Withdraw(ctx context.Context, consent string) error {
	id, err := s.who(ctx)
	if err != nil {
		return err
	}
	_, err = s.op.people.core.Act(ctx, s.op.actor, func(u *flow.Unit) error {
		a, err := s.load(u)
		if err != nil {
			return err
		}
		list, _, err := flow.Load(u, rec.ConsentLists, string(id))
		if err != nil {
			return err
		}
		before := holding(list, u.Now())
		list.Given = slices.DeleteFunc(slices.Clone(before), func(c rec.Consent) bool { return c.ID == consent })
		if len(list.Given) == len(before) {
			return ErrNoConsent
		}
		if err := say(u, audit.AccountConsentWithdrawn, a); err != nil {
			return err
		}
		return flow.Put(u, rec.ConsentLists, string(id), &list)
	})
	return s.op.refused(ctx, "Self.Withdraw", []string{string(id)}, err)
}

// ownFresh is how fresh a factor has to be for what owners do about their codes.
const ownFresh = leaveFresh

// who is the account, if its owner may sign in now.
func (s *Self) who(ctx context.Context) (accounts.ID, error) {
	id := s.op.actor.ID()
	if s.op.actor.Kind() != audit.AccountActor {
		return id, s.op.refused(ctx, "Self", nil, accounts.ErrSelfService)
	}
	a, err := s.op.people.peek(ctx, accounts.AllSites(), id)
	if err == nil {
		err = a.Access(s.op.people.core.Time())
	}
	return id, s.op.refused(ctx, "Self", []string{string(id)}, err)
}

// load reads the account for a decision.
func (s *Self) load(u *flow.Unit) (accounts.Account, error) {
	a, err := load(u, accounts.AllSites(), s.op.actor.ID())
	if err == nil {
		err = a.Access(u.Now())
	}
	return a, err
}
