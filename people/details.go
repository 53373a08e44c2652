package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Details are what an operator edits about an account, apart from what identifies it and
// from what it may do.
type Details struct {
	First, Last string
	Session     *int   // minutes until a session ends, for sign-ins to come; nil: the host's default, 0: none
	Profile     string // id of the notification profile, "" for none
}

// SetDetails replaces the details of an account. Its username never changes. Errors:
// [accounts.ErrTokenDuration], [accounts.ErrProfileNotFound], [accounts.ErrVisitor] for a
// visitor without a first name.
func (op *Operator) SetDetails(ctx context.Context, id accounts.ID, d Details) (Account, error) {
	return op.change(ctx, "SetDetails", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		if err := a.May(accounts.Validate, op.people.o.Policy); err != nil {
			return a, err
		}
		b := a
		b.First, b.Last, b.Session, b.Profile = d.First, d.Last, d.Session, d.Profile
		if err := op.people.policy(b).Check(b); err != nil {
			return a, err
		}
		if err := hasProfile(u, b.Profile); err != nil {
			return a, err
		}
		of := subject(id)
		return b, say(u, audit.AccountChanged, b, flow.F(audit.FieldFields, differing(a, b)),
			flow.Field{Name: audit.FieldNameBefore, Value: fullName(a), Of: of}, flow.Field{Name: audit.FieldName, Value: fullName(b), Of: of},
			flow.F(audit.FieldProfileBefore, a.Profile), flow.F(audit.FieldProfile, b.Profile))
	})
}

func fullName(a accounts.Account) string { return strings.TrimSpace(a.First + " " + a.Last) }

// differing names the details in which two accounts differ.
func differing(a, b accounts.Account) string {
	var names []string
	if a.First != b.First || a.Last != b.Last {
		names = append(names, "name")
	}
	if (a.Session == nil) != (b.Session == nil) || a.Session != nil && *a.Session != *b.Session {
		names = append(names, "session")
	}
	if a.Profile != b.Profile {
		names = append(names, "profile")
	}
	return strings.Join(names, ", ")
}

// hasProfile reports [accounts.ErrProfileNotFound] unless there is such a profile.
func hasProfile(u *flow.Unit, name string) error {
	if name == "" {
		return nil
	}
	if len(name) > store.MaxID {
		return accounts.ErrProfileNotFound
	}
	_, found, err := flow.Load(u, rec.Profiles, name)
	if err == nil && !found {
		err = accounts.ErrProfileNotFound
	}
	return err
}

// SetContact replaces the address and the phone number of an account. Codes that were sent
// to the former address work no more. Where a mail server is configured the address that a
// confirmed account had is told of both changes: of a new address with a code by which its
// owner can object for 72 hours, see [Operator.Object]. Errors: those of [accounts.Policy.Check],
// [accounts.ErrEmailInUse].
func (op *Operator) SetContact(ctx context.Context, id accounts.ID, email accounts.Email, phone string) (Account, error) {
	return op.change(ctx, "SetContact", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		if err := a.May(accounts.Validate, op.people.o.Policy); err != nil {
			return a, err
		}
		b := a
		b.Email, b.Phone = email, phone
		if err := op.people.policy(b).Check(b); err != nil {
			return a, err
		}
		if b.Email.Canonical() != a.Email.Canonical() {
			if err := op.people.rename(u, a, b); err != nil {
				return a, err
			}
		}
		if err := op.people.tell(u, a, b); err != nil {
			return a, err
		}
		of := subject(id)
		return b, say(u, audit.AccountContactChanged, b, flow.Field{Name: audit.FieldEmailBefore, Value: a.Email.String(), Of: of},
			flow.Field{Name: audit.FieldPhone, Value: b.Phone, Of: of})
	})
}

// rename moves the claim of an address from the one before to the one after, and voids
// what was sent to the one before.
func (s *Service) rename(u *flow.Unit, before, after accounts.Account) error {
	if err := s.release(u, before); err != nil {
		return err
	}
	after.Username = "" // stays claimed
	if err := s.claim(u, after); err != nil {
		return err
	}
	return u.VoidSecrets(string(after.ID))
}

// moved is the purpose of the code by which an owner objects to a new address, and
// objection how long it works.
const (
	moved     flow.Purpose = "moved"
	objection              = 72 * time.Hour
)

// tell posts to the address that an account had what happened to its address and its phone
// number.
func (s *Service) tell(u *flow.Unit, before, after accounts.Account) error {
	if s.o.Mailer == nil || before.Email.IsZero() || before.Confirmed.IsZero() {
		return nil
	}
	if before.Phone != after.Phone {
		if _, err := u.Tell(flow.Purpose(PhoneLetter), flow.PeopleLane, before); err != nil {
			return err
		}
	}
	if before.Email.Canonical() == after.Email.Canonical() {
		return nil
	}
	return tellMoved(u, s.core, before)
}

// tellMoved tells of a new address, with a code to object by. While the owner can still
// object to an earlier change, that code stays, and this one is told without.
func tellMoved(u *flow.Unit, core *flow.Core, before accounts.Account) error {
	id := string(before.ID)
	open, err := core.SecretOpen(u.Context(), moved, id)
	if err != nil {
		return err
	}
	if open {
		_, err := u.Tell(flow.Purpose(AddressLetter), flow.PeopleLane, before)
		return err
	}
	secret, err := u.IssueFor(moved, id, id, flow.Digits, objection)
	if err != nil {
		return err
	}
	_, err = u.Post(flow.Posting{Account: id, To: before.Email, Name: before.Name(), Secret: secret})
	return err
}

// Object suspends an account whose address was changed, with the code that went to the
// address before: an operator then looks who the owner is. It is safe behind a public page
// as [Operator.Confirm] is, and answers [ErrCode] for everything that does not work.
func (op *Operator) Object(ctx context.Context, id accounts.ID, code credentials.Code) error {
	const name = "Object"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	s := op.people
	known, err := s.find(ctx, g.Sites, ByID(id))
	if err != nil {
		return err
	}
	target, targets := string(known), []string{string(known)}
	if known == "" {
		if target, err = s.stranger(ByID(id)); err != nil {
			return err
		}
		targets = nil
	}
	err = s.core.Spend(ctx, op.actor, moved, target, flow.OneTimeCode(code), func(u *flow.Unit) error {
		a, err := load(u, g.Sites, known)
		if err != nil {
			return err
		}
		b, err := a.Suspend(u.Now(), "the owner objects to the new address", s.o.Policy)
		if err != nil {
			return err
		}
		if err := s.keepAdmin(u, a, b); err != nil {
			return err
		}
		if err := say(u, audit.AccountSuspended, b, append(changed(u, a, b), flow.F(audit.FieldReason, b.Suspended.Reason))...); err != nil {
			return err
		}
		return errors.Join(u.Took(a, b), flow.Put(u, rec.Accounts, string(known), &b))
	})
	return outsider(op.refused(ctx, name, targets, err))
}
