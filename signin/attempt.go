package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Attempt is a name and a password, as somebody typed them.
type Attempt struct {
	Name     string // address or username, as the policy says; case does not matter
	Password password.Password
	From     From
	Device   Token // of a remembered device, if the program has one
	Remember bool  // remember this device, where the policy lets it be
}

// Result is what came of a sign-in: a session, or a challenge.
type Result struct {
	Session   *Session
	Token     Token // the session's
	Device    Token // of the device that is remembered from now on, if that was wanted
	Challenge *Challenge
}

// SignIn compares a password, and begins a session or, where a second factor is needed, a
// challenge.
//
// Everything that keeps an owner out is a [*RefusedError]. Errors beside it: [ErrNoFactor],
// [ErrTooManyCodes] and [ErrTooManySessions], after the right password; [password.ErrBusy]; the store's.
func (s *Service) SignIn(ctx context.Context, a Attempt) (Result, error) {
	t, err := s.find(ctx, a.Name, a.Device)
	if err != nil {
		return Result{}, err
	}
	refuse := func(cause error) (Result, error) {
		return Result{}, s.refuse(ctx, t, a.From, "SignIn", accounts.ErrSignIn, cause)
	}
	counted := s.attempts(t, a.From)
	err = s.core.Reserve(ctx, nobody(), counted...)
	if errors.Is(err, flow.ErrGuesses) {
		return refuse(ErrTooMany)
	}
	if err != nil {
		return Result{}, err
	}
	match, err := s.hasher.Verify(ctx, a.From.source(), t.login.Password, a.Password)
	if err != nil {
		return Result{}, err
	}
	if !match.OK {
		return refuse(s.why(ctx, t, a.From))
	}
	var fresh password.Hash
	if match.Rehash {
		if fresh, err = s.hasher.Hash(ctx, a.From.source(), a.Password); err != nil {
			return Result{}, err
		}
	}
	var r Result
	_, err = s.core.Act(ctx, signer(t.account), func(u *flow.Unit) error {
		acc, login, err := s.enter(u, t.key, a.From)
		if err != nil {
			return err
		}
		if login.Password != t.login.Password { // changed since it was compared
			return accounts.ErrBadCredentials
		}
		if err := s.unspent(u, t.key, login); err != nil {
			return err
		}
		back(u, counted)
		if fresh != "" {
			login.Password = fresh
			if err := flow.Put(u, rec.Logins, t.key, &login); err != nil {
				return err
			}
		}
		asked := s.needsFactor(acc, login, a.From)
		if asked && !(t.trusted && login.Epoch == t.login.Epoch) { // the device may have been forgotten since
			r, err = s.challenge(u, acc, login, a)
			return err
		}
		b := beginning{from: a.From, methods: []Method{Password}, remember: a.Remember}
		if !asked {
			b.factor = u.Now() // a password is the account's factor; a remembered device never is one
		}
		r, err = s.begin(u, acc, login, b)
		return err
	})
	if errors.Is(err, store.ErrLimit) {
		err = ErrTooManyCodes
	}
	switch {
	case denied(err):
		return refuse(err)
	case errors.Is(err, ErrNoFactor), errors.Is(err, ErrTooManyCodes), errors.Is(err, ErrTooManySessions):
		return Result{}, public(s.refuse(ctx, t, a.From, "SignIn", err, err))
	case err != nil:
		return Result{}, err
	}
	s.entered(ctx, r)
	return r, nil
}

// enter loads an account and how it signs in, and judges whether its owner may be let in.
func (s *Service) enter(u *flow.Unit, id string, f From) (accounts.Account, rec.Login, error) {
	acc, found, err := flow.Load(u, rec.Accounts, id)
	if err != nil {
		return acc, rec.Login{}, err
	}
	if !found {
		return acc, rec.Login{}, accounts.ErrAccountNotFound
	}
	login, _, err := flow.Load(u, rec.Logins, id)
	if err != nil {
		return acc, login, err
	}
	roles, err := flow.RolesOf(u, acc.Roles...)
	if err != nil {
		return acc, login, err
	}
	judged := acc
	if judged.Sites, err = s.openSites(u.Context(), acc.Sites, f.Site); err != nil {
		return acc, login, err
	}
	return acc, login, may(judged, roles, s.o.Accounts, f, u.Now())
}

// openSites are the sites of an account as they count for letting its owner in: disabled
// ones do not, and none does where the sign-in is at a disabled one.
func (s *Service) openSites(ctx context.Context, sites accounts.Sites, at string) (accounts.Sites, error) {
	if at != "" {
		here, err := s.core.OpenSites(ctx, accounts.TheseSites(at))
		if err != nil || here.None() {
			return here, err
		}
	}
	return s.core.OpenSites(ctx, sites)
}

// may judges what does not depend on the password.
func may(a accounts.Account, roles accounts.Roles, p accounts.Policy, f From, now time.Time) error {
	if err := a.MayEnter(roles, p, accounts.Arrival{Site: f.Site, Local: f.Local}, now); err != nil {
		return err
	}
	if a.Kind == accounts.ServiceKind {
		return ErrMethod
	}
	return nil
}

// unspent refuses the old password while a code for a new one is out, where the policy
// says so.
func (s *Service) unspent(u *flow.Unit, id string, login rec.Login) error {
	if s.o.Accounts.KeepOldUntilOTP {
		return nil
	}
	o, found, err := flow.Load(u, rec.OneTimes, string(flow.Reset)+"/"+id)
	if err == nil && found && !o.Asked && !o.Issued.Before(login.Set) {
		return &FormerPasswordError{Changed: o.Issued}
	}
	return err
}

// why finds the cause of a password that does not match: the account's state before the
// password. Its roles are left out: to read them takes longer the more there are, and
// strangers could tell.
func (s *Service) why(ctx context.Context, t target, f From) error {
	pending, err := s.core.SecretOpen(ctx, flow.Setup, t.key)
	if err != nil {
		return err
	}
	cause := may(t.account, nil, accounts.Policy{}, f, s.core.Time())
	switch {
	case !t.known:
		return accounts.ErrAccountNotFound
	case errors.Is(cause, accounts.ErrAccountNotConfirmed):
		return &accounts.NotConfirmedError{PendingOTP: pending}
	case cause != nil:
		return cause
	case !t.login.Set.IsZero() && t.login.Set.After(t.account.Confirmed):
		return &FormerPasswordError{Changed: t.login.Set}
	}
	return accounts.ErrBadCredentials
}

// denied reports whether an error is a reason that an outsider must not learn.
func denied(err error) bool {
	return err != nil && (!errors.Is(accounts.PublicError(err), err) || errors.Is(err, ErrMethod))
}

// signer is the owner of an account, as a sign-in has proven them.
func signer(a accounts.Account) accounts.Actor {
	return accounts.Recorded(mint.Token{}, audit.AccountActor, a.ID, a.Name(), "signin", time.Time{})
}

// needsFactor reports whether a password alone is not enough.
func (s *Service) needsFactor(a accounts.Account, login rec.Login, f From) bool {
	return login.Second || login.App != nil || s.p.AdminFactor && slices.Contains(a.Roles, accounts.AdminRole) || s.p.RemoteFactor && !f.Local
}
