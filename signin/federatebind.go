package signin

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Bind binds an account to who a provider says its owner is, by the provider's own id of
// the person. From then on the owner signs in there: the account has no password, every
// session ends, and a code that was sent sets none. An account that waits for its first
// password is confirmed by it. One person at a provider is one account. Errors: [ErrBound],
// [ErrExternal], [ErrMethod] for a service account.
func (op *Operator) Bind(ctx context.Context, id accounts.ID, issuer, subject string) error {
	if issuer == "" || subject == "" {
		return ErrExternal
	}
	return op.change(ctx, "Bind", id, func(u *flow.Unit, a accounts.Account, l *rec.Login) error {
		if err := op.s.bind(u, a, l, issuer, subject); err != nil {
			return err
		}
		l.End()
		return errors.Join(u.VoidSecrets(string(id)), flow.Put(u, rec.Logins, string(id), l))
	})
}

// bind puts a binding into a decision, which has to store the login.
func (s *Service) bind(u *flow.Unit, a accounts.Account, l *rec.Login, issuer, subject string) error {
	account, id := string(a.ID), rec.SubjectID(issuer, subject)
	taken, err := isTaken(u, id)
	switch {
	case err != nil:
		return err
	case a.Kind == accounts.ServiceKind:
		return ErrMethod
	case taken, l.Subject != "":
		return ErrBound
	}
	if a.Confirmed.IsZero() {
		if a, err = a.Confirm(u.Now()); err != nil {
			return err
		}
		if err := errors.Join(flow.Put(u, rec.Accounts, account, &a), say(u, audit.AccountConfirmed, account)); err != nil {
			return err
		}
	}
	l.Subject, l.Password, l.Set, l.Mailed = id, "", time.Time{}, false
	told, err := s.tell(u, a, FactorsLetter)
	return errors.Join(err, flow.Put(u, rec.Subjects, id, &rec.Subject{Account: account, Issuer: issuer, Since: u.Now()}),
		say(u, audit.ProviderBound, account, flow.F(audit.FieldMethod, string(Provider)), flow.F(audit.FieldIssuer, issuer), told))
}

// isTaken reports whether somebody at a provider is bound to an account. One that was
// removed since has lost how its owner signed in, and binds nobody.
func isTaken(u *flow.Unit, subject string) (bool, error) {
	b, found, err := flow.Load(u, rec.Subjects, subject)
	if err != nil || !found {
		return false, err
	}
	l, _, err := flow.Load(u, rec.Logins, b.Account)
	return l.Subject == subject, err
}

// Unbind frees an account from its provider: every session ends, and the owner signs in
// again once a new password was set. Errors: [ErrNotBound].
func (op *Operator) Unbind(ctx context.Context, id accounts.ID) error {
	return op.change(ctx, "Unbind", id, func(u *flow.Unit, a accounts.Account, l *rec.Login) error {
		if l.Subject == "" {
			return ErrNotBound
		}
		b, _, err := flow.Load(u, rec.Subjects, l.Subject)
		if err != nil {
			return err
		}
		flow.Drop(u, rec.Subjects, l.Subject)
		l.Subject = ""
		l.End()
		told, err := op.s.tell(u, a, FactorsLetter)
		return errors.Join(err, u.VoidSecrets(string(id)), flow.Put(u, rec.Logins, string(id), l),
			say(u, audit.ProviderUnbound, string(id), flow.F(audit.FieldMethod, string(Provider)), flow.F(audit.FieldIssuer, b.Issuer), told))
	})
}

// Link binds the owner's account to who a provider has just proven them to be, see
// [Operator.Bind]. It needs a fresh factor; every other session ends, and this one gets a
// new token. Errors: [ErrBound], [ErrExternal], [ErrReplayed], [accounts.ErrStepUpRequired].
func (o *Owner) Link(ctx context.Context, e External) (Token, error) {
	if err := o.s.spend(ctx, e); err != nil {
		return Token{}, err
	}
	var token Token
	err := o.change(ctx, true, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		a, _, err := flow.Load(u, rec.Accounts, v.Account)
		if err != nil {
			return err
		}
		if err := o.s.bind(u, a, l, e.Issuer, e.Subject); err != nil {
			return err
		}
		token, err = renew(u, o.session.ID, v, l, v.Factor)
		return err
	})
	return token, err
}

// StepUpExternal is [Owner.StepUp] with a proof by the provider to which the account is
// bound: of the last five minutes, and Strong where the account needs a second factor.
// Errors: [ErrNotBound], [ErrWeak], [ErrExternal], [ErrReplayed].
func (o *Owner) StepUpExternal(ctx context.Context, e External) (Token, error) {
	return o.vouched(ctx, e, nil, func(v *rec.Session, at time.Time) { v.Factor = at })
}

// ProveExternal is [Owner.Prove] with a proof by the provider, as [Owner.StepUpExternal]
// asks for it. Errors: as there, and [ErrAct].
func (o *Owner) ProveExternal(ctx context.Context, act Act, e External) (Token, error) {
	if err := act.check(); err != nil {
		return Token{}, err
	}
	return o.vouched(ctx, e, []flow.Field{flow.F(audit.FieldOperation, act.Op), flow.F(audit.FieldRow, act.Target)}, func(v *rec.Session, at time.Time) {
		v.Proof = &rec.Proof{At: at, ID: flow.NewID(), Op: act.Op, Target: act.Target}
	})
}

// vouched takes a provider's proof of the owner and gives the session a new token.
func (o *Owner) vouched(ctx context.Context, e External, what []flow.Field, keep func(*rec.Session, time.Time)) (Token, error) {
	if err := o.s.spend(ctx, e); err != nil {
		return Token{}, err
	}
	var token Token
	err := o.change(ctx, false, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		a, _, err := flow.Load(u, rec.Accounts, v.Account)
		switch {
		case err != nil:
			return err
		case l.Subject != rec.SubjectID(e.Issuer, e.Subject):
			return ErrNotBound
		case u.Now().Sub(e.At) > stepUp, o.s.needsFactor(a, *l, o.from) && !e.Strong:
			return ErrWeak
		}
		token = newToken(sessionToken, o.session.ID)
		v.Hash, v.Serial = token.hash(), v.Serial+1
		keep(v, e.proven(u.Now()))
		return errors.Join(flow.Put(u, rec.Sessions, o.session.ID, v), o.say(u, audit.SignInStepUp,
			append(what, flow.F(audit.FieldMethod, string(Provider)), flow.F(audit.FieldIssuer, e.Issuer))...))
	})
	return token, err
}
