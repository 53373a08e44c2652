package signin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Provider is the method of a session whose owner was proven by an identity provider.
const Provider Method = "provider"

// Errors of signing in at a provider.
var (
	// ErrExternal: not a proof as a provider gives it.
	ErrExternal = fault.New(fault.Invalid, "signin: not a proof by a provider").
			Hinted("Give issuer, subject, the nonce of this sign-in, no time to come, and no role of administrators.")
	// ErrReplayed: the proof was used before.
	ErrReplayed = fault.New(fault.Denied, "signin: the proof by the provider was used before").
			Hinted("Begin again at the provider.")
	// ErrNotBound: no account, or another one, is bound to who the provider says it is.
	ErrNotBound = fault.New(fault.Denied, "signin: no account is bound to this person").
			Hinted("Have an operator bind the account, or sign in with name and password and link it.")
	// ErrBound: the account, or the person at the provider, is bound already.
	ErrBound = fault.New(fault.Conflict, "signin: already bound").
			Hinted("One person at a provider is one account. Free the other account first.")
	// ErrWeak: the provider's proof is not strong or not fresh enough for this.
	ErrWeak = fault.New(fault.Precondition, "signin: the provider's proof is not strong or fresh enough").
		Hinted("Ask the provider to prove the person again, with a second factor.")
)

// External is who a provider says somebody is: verified by a library for its protocol, such
// as package signin/oidc. There is no address in it: an address never tells who somebody is.
type External struct {
	Issuer  string    // as the provider names itself, one of those that the host trusts
	Subject string    // its own id of the person, which it never gives to another
	Nonce   string    // of the one sign-in that the provider answers: a proof counts once in a day
	At      time.Time // when the provider proved the person; zero: it does not say
	Strong  bool      // by more than a password
	// Roles are those that the provider's groups give, of all that they can give, Governs:
	// what an account has of these follows the provider at each sign-in, and the rest of its
	// roles stays. [accounts.AdminRole] is never one of them.
	Roles, Governs []string
}

// The bounds of a proof.
const (
	externalFor  = 24 * time.Hour // it is remembered for so long
	externalSkew = time.Minute    // a provider's clock may be so far ahead
)

// check judges a proof as far as that is possible without the store.
func (e External) check(now time.Time) error {
	foreign := func(role string) bool { return !slices.Contains(e.Governs, role) }
	if e.Issuer == "" || e.Subject == "" || e.Nonce == "" || e.At.After(now.Add(externalSkew)) ||
		slices.Contains(e.Governs, accounts.AdminRole) || slices.ContainsFunc(e.Roles, foreign) {
		return ErrExternal
	}
	return nil
}

// proven is when the provider proved the person, by our clock; zero: it does not say.
func (e External) proven(now time.Time) time.Time {
	if e.At.After(now) {
		return now
	}
	return e.At
}

// spend uses a proof up, also among those who show it at once. Errors: [ErrExternal],
// [ErrReplayed].
func (s *Service) spend(ctx context.Context, e External) error {
	now := s.core.Time()
	if err := e.check(now); err != nil {
		return err
	}
	err := s.core.Reserve(ctx, nobody(), flow.Guesses{Counter: "external/" + rec.SubjectID(e.Issuer, e.Nonce), Max: 1, Until: now.Add(externalFor)})
	if errors.Is(err, flow.ErrGuesses) {
		return ErrReplayed
	}
	return err
}

// Federate begins a session for somebody whom a provider has proven, in the account that is
// bound to them and in no other, whatever address the provider has for them. Before, the
// account's roles follow the provider's groups; where one is taken away, every session from
// before ends. The session is keyholder's own: it ends as every other does, whatever becomes
// of the provider's.
//
// Errors: [ErrExternal], [ErrReplayed], [ErrWeak] where the account needs a second factor
// and the proof is not Strong, [ErrTooManySessions], [accounts.ErrRoleNotFound]; everything
// else that keeps somebody out is a [*RefusedError].
func (s *Service) Federate(ctx context.Context, e External, f From) (Result, error) {
	t, err := s.bound(ctx, e)
	if err != nil {
		return Result{}, err
	}
	refuse := func(cause error) (Result, error) {
		return Result{}, s.refuse(ctx, t, f, "Federate", accounts.ErrSignIn, cause)
	}
	switch err := s.spend(ctx, e); {
	case errors.Is(err, ErrReplayed):
		return Result{}, public(s.refuse(ctx, t, f, "Federate", err, err))
	case err != nil:
		return Result{}, err
	case !t.known:
		return refuse(ErrNotBound)
	}
	if err := s.follow(ctx, t.key, e); err != nil && !errors.Is(err, ErrNotBound) { // then the decision refuses
		return Result{}, err
	}
	var r Result
	_, err = s.core.Act(ctx, signer(t.account), func(u *flow.Unit) error {
		acc, login, err := s.enter(u, t.key, f)
		if err != nil {
			return err
		}
		if login.Subject != rec.SubjectID(e.Issuer, e.Subject) { // freed since
			return ErrNotBound
		}
		if s.needsFactor(acc, login, f) && !e.Strong {
			return ErrWeak
		}
		r, err = s.begin(u, acc, login, beginning{from: f, methods: []Method{Provider}, factor: e.proven(u.Now()), also: []flow.Field{flow.F(audit.FieldIssuer, e.Issuer)}})
		return err
	})
	switch {
	case errors.Is(err, ErrWeak), errors.Is(err, ErrTooManySessions):
		return Result{}, public(s.refuse(ctx, t, f, "Federate", err, err))
	case errors.Is(err, ErrNotBound), denied(err):
		return refuse(err)
	case err != nil:
		return Result{}, err
	}
	s.entered(ctx, r)
	return r, nil
}

// bound finds the account that is bound to somebody at a provider.
func (s *Service) bound(ctx context.Context, e External) (target, error) {
	rs, err := s.core.Store.Load(ctx, rec.Subjects.Key(rec.SubjectID(e.Issuer, e.Subject)))
	if err != nil {
		return target{}, err
	}
	b, _, err := rec.Subjects.Decode(rs[0])
	if err != nil {
		return target{}, err
	}
	t := target{key: b.Account}
	t.account, t.known, err = s.account(ctx, b.Account)
	return t, err
}

// follow gives an account the roles that the provider's groups give, and takes those away
// that they do not give any more. Errors: [ErrNotBound] for an account that was freed since.
func (s *Service) follow(ctx context.Context, id string, e External) error {
	_, err := s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
		a, found, err := flow.Load(u, rec.Accounts, id)
		if err != nil || !found || !a.Removed.IsZero() {
			return err
		}
		l, _, err := flow.Load(u, rec.Logins, id)
		if err != nil {
			return err
		}
		if l.Subject != rec.SubjectID(e.Issuer, e.Subject) {
			return ErrNotBound
		}
		b := a
		b.Roles = slices.DeleteFunc(slices.Clone(a.Roles), func(r string) bool { return slices.Contains(e.Governs, r) && !slices.Contains(e.Roles, r) })
		for _, r := range e.Roles {
			if !slices.Contains(b.Roles, r) {
				b.Roles = append(b.Roles, r)
			}
		}
		if slices.Equal(a.Roles, b.Roles) {
			return nil
		}
		have, err := flow.RolesOf(u, b.Roles...)
		if err != nil {
			return err
		}
		for _, r := range b.Roles {
			if _, there := have[r]; !there {
				return accounts.ErrRoleNotFound
			}
		}
		if err := s.o.Accounts.Check(b); err != nil {
			return err
		}
		flow.ReserveRoles(u, id, flow.RoleUse, a.Roles, b.Roles)
		u.Project(id)
		return errors.Join(u.Took(a, b), flow.Put(u, rec.Accounts, id, &b), say(u, audit.AccountRoleChanged, id,
			flow.F(audit.FieldReason, "the groups at "+e.Issuer), flow.F(audit.FieldRoleBefore, strings.Join(a.Roles, ", ")), flow.F(audit.FieldRole, strings.Join(b.Roles, ", "))))
	})
	return err
}
