package signin

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// ErrSetByOperator: the policy has operators set no passwords.
var ErrSetByOperator = fault.New(fault.Unsupported, "signin: operators set no passwords here").
	Hinted("Have a code sent to the owner instead.")

// Operator is the service in the hands of somebody who looks after others' accounts.
type Operator struct {
	s     *Service
	actor accounts.Actor
}

// As gives the service to an actor: everything is done under their rights and in their
// name.
func (s *Service) As(actor accounts.Actor) *Operator { return &Operator{s: s, actor: actor} }

// allowed asks whether the operator may do an operation anywhere, and returns where.
func (op *Operator) allowed(ctx context.Context, name string) (accounts.Grant, error) {
	if err := op.s.core.Allowed(ctx, op.actor, "signin."+name, ""); err != nil {
		return accounts.Grant{}, op.s.core.Refused(ctx, op.actor, "signin."+name, nil, err)
	}
	return op.s.core.Authority.Grant(ctx, op.actor)
}

// sees judges whether an account is one that the operator may know of.
func sees(g accounts.Grant, a accounts.Account, found bool) error {
	switch {
	case !found, !g.Sites.All() && !g.Sites.Overlaps(a.Sites):
		return accounts.ErrAccountNotFound
	case !a.Removed.IsZero():
		return accounts.ErrAccountRemoved
	}
	return nil
}

// change is an act on how an account signs in. Nobody changes an account that may do more
// than they.
func (op *Operator) change(ctx context.Context, name string, id accounts.ID, do func(u *flow.Unit, a accounts.Account, l *rec.Login) error) error {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	_, err = op.s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, found, err := flow.Load(u, rec.Accounts, string(id))
		if err != nil {
			return err
		}
		if err := sees(g, a, found); err != nil {
			return err
		}
		if err := flow.Over(u, g, a); err != nil {
			return err
		}
		l, _, err := flow.Load(u, rec.Logins, string(id))
		if err != nil {
			return err
		}
		return do(u, a, &l)
	})
	return op.s.core.Refused(ctx, op.actor, "signin."+name, []string{string(id)}, err)
}

// SetPassword sets an account's password, where the policy lets operators do so: the owner
// is told by mail that it was done, and should change it. An account that is not confirmed is from then on.
// Every session of the account ends. Errors: [ErrSetByOperator], those of
// [password.Policy.Check], [accounts.ErrAccountNotFound], [accounts.ErrOutranked].
func (op *Operator) SetPassword(ctx context.Context, id accounts.ID, p password.Password) error {
	if !op.s.o.Accounts.SetByOperator {
		return ErrSetByOperator
	}
	hash, err := op.s.hash(ctx, From{}, p)
	if err != nil {
		return err
	}
	return op.change(ctx, "SetPassword", id, func(u *flow.Unit, a accounts.Account, l *rec.Login) error {
		if err := op.s.p.Password.Check(ctx, p, about(a, *l)); err != nil {
			return err
		}
		if a.Confirmed.IsZero() {
			return errors.Join(u.VoidSecret(flow.Setup, string(id)), op.s.set(u, a, *l, hash, flow.Setup))
		}
		if l.Subject != "" {
			return ErrMethod
		}
		l.Password, l.Set, l.Mailed = hash, u.Now(), false
		l.End()
		told, err := op.s.tell(u, a, PasswordLetter)
		return errors.Join(err, u.VoidSecrets(string(id)), flow.Put(u, rec.Logins, string(id), l), say(u, audit.PasswordSet, string(id), told))
	})
}

// RequireFactor says whether an account needs a second factor to sign in. Sessions go on.
// The owner is told when it is not asked for any more.
func (op *Operator) RequireFactor(ctx context.Context, id accounts.ID, required bool) error {
	return op.change(ctx, "RequireFactor", id, func(u *flow.Unit, a accounts.Account, l *rec.Login) error {
		status := "required"
		var told flow.Field
		var err error
		if !required {
			status = "not required"
			if l.Second {
				told, err = op.s.tell(u, a, FactorsLetter)
			}
		}
		l.Second = required
		return errors.Join(err, flow.Put(u, rec.Logins, string(id), l), say(u, audit.FactorRequired, string(id), flow.F(audit.FieldStatus, status), told))
	})
}

// ResetFactors takes an account's app and recovery codes off, for an owner who has lost
// both. Every session of the account ends, and the owner is told.
func (op *Operator) ResetFactors(ctx context.Context, id accounts.ID) error {
	return op.change(ctx, "ResetFactors", id, func(u *flow.Unit, a accounts.Account, l *rec.Login) error {
		l.App, l.Recovery = nil, nil
		l.End()
		told, err := op.s.tell(u, a, FactorsLetter)
		return errors.Join(err, u.VoidSecrets(string(id)), flow.Put(u, rec.Logins, string(id), l), say(u, audit.FactorRemoved, string(id), flow.F(audit.FieldMethod, string(App)), told))
	})
}

// EndSessions ends every session of an account and forgets its remembered devices.
func (op *Operator) EndSessions(ctx context.Context, id accounts.ID) error {
	return op.change(ctx, "EndSessions", id, func(u *flow.Unit, _ accounts.Account, _ *rec.Login) error {
		return errors.Join(u.EndSessions(string(id)), say(u, audit.SessionEnded, string(id), flow.F(audit.FieldReason, "every sign-in was ended by an operator")))
	})
}

// see asks for a right to look at an account.
func (op *Operator) see(ctx context.Context, name string, id accounts.ID) error {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	a, found, err := op.s.account(ctx, string(id))
	if err != nil {
		return err
	}
	return op.s.core.Refused(ctx, op.actor, "signin."+name, nil, sees(g, a, found))
}

// Sessions lists where an account is signed in.
func (op *Operator) Sessions(ctx context.Context, id accounts.ID) ([]Session, error) {
	if err := op.see(ctx, "Sessions", id); err != nil {
		return nil, err
	}
	return op.s.sessions(ctx, string(id))
}

// Factors is how an account is proven.
type Factors struct {
	Password bool
	Required bool // a second factor is asked for
	App      bool
	Recovery int // codes that are left
	Usable   []Method
	Issuer   string    // of the provider at which the owner signs in, see Bind; "" for none
	Last     time.Time // the last sign-in; zero for never
}

// Factors tells how an account is proven.
func (op *Operator) Factors(ctx context.Context, id accounts.ID) (Factors, error) {
	if err := op.see(ctx, "Factors", id); err != nil {
		return Factors{}, err
	}
	a, _, err := op.s.account(ctx, string(id))
	if err != nil {
		return Factors{}, err
	}
	rs, err := op.s.core.Store.Load(ctx, rec.Logins.Key(string(id)), rec.Seens.Key(rec.SignedIn(string(id))))
	if err != nil {
		return Factors{}, err
	}
	l, _, err := rec.Logins.Decode(rs[0])
	if err != nil {
		return Factors{}, err
	}
	seen, _, err := rec.Seens.Decode(rs[1])
	if err != nil {
		return Factors{}, err
	}
	var bound rec.Subject
	if l.Subject != "" {
		if rs, err = op.s.core.Store.Load(ctx, rec.Subjects.Key(l.Subject)); err != nil {
			return Factors{}, err
		}
		if bound, _, err = rec.Subjects.Decode(rs[0]); err != nil {
			return Factors{}, err
		}
	}
	usable, _ := op.s.methods(a, l)
	return Factors{Issuer: bound.Issuer, Password: l.Password != "", Required: op.s.needsFactor(a, l, From{Local: true}), App: l.App != nil, Recovery: len(l.Recovery), Usable: usable, Last: seen.At}, nil
}
