package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// ErrAct: not an act for which a factor can be proven.
var ErrAct = fault.New(fault.Invalid, "signin: no act that asks for a fresh factor").
	Hinted("Name an operation that asks for one, such as people.SetRoles, and the id of what it is done to.")

// StepUp is for what a proven factor counts.
type StepUp uint8

// The kinds.
const (
	// Timed: for every act in the five minutes after it was proven, at the sign-in too.
	Timed StepUp = iota
	// Bound: for one act on one target, see [Owner.Prove]. What owners do to their own second
	// factors stays timed: it asks for nothing else.
	Bound
)

// Act is what somebody is about to do.
type Act struct {
	Op string // as [accounts.Permissions] name it: "people.SetRoles"
	// Target is the id of what it is done to: an account, a panel, a panel user, the row of a
	// rule, "site/" or "role/" and a name. "" only for acts that are Loose in the table.
	Target string
}

// check reports [ErrAct].
func (a Act) check() error {
	p := accounts.PermissionFor(a.Op)
	if !p.StepUp && p.Inner == "" || a.Target == "" && !p.Loose || len(a.Target) > maxName || strings.Contains(a.Target, "@") { // an address is nobody's id, and personal
		return ErrAct
	}
	return nil
}

// StepUp proves the owner again, for acts that ask for a fresh factor: with a code of
// their app where they have one (or a recovery code), else with the password. A remembered
// device and a code by mail are no fresh factors. The session gets a new token. Under
// [Bound] it counts for the owner's own second factors alone. Errors: [ErrFactor],
// [ErrFactorWrong], [ErrFactorLocked], [accounts.ErrBadCredentials], [ErrTooMany].
func (o *Owner) StepUp(ctx context.Context, m Method, code otp.Answer, typed password.Password) (Token, error) {
	return o.again(ctx, m, code, typed, nil, func(v *rec.Session, now time.Time) { v.Factor = now })
}

// Prove proves the owner again as [Owner.StepUp] does, for one act on one target. Under the
// session's new token [Session.Actor] may do it, once and within five minutes: the change
// that is the act spends the proof; asking another person to approve it does not. A newer
// proof takes its place. Errors: as StepUp, and [ErrAct].
func (o *Owner) Prove(ctx context.Context, act Act, m Method, code otp.Answer, typed password.Password) (Token, error) {
	if err := act.check(); err != nil {
		return Token{}, err
	}
	return o.again(ctx, m, code, typed, []flow.Field{flow.F(audit.FieldOperation, act.Op), flow.F(audit.FieldRow, act.Target)}, func(v *rec.Session, now time.Time) {
		v.Proof = &rec.Proof{At: now, ID: flow.NewID(), Op: act.Op, Target: act.Target}
	})
}

// again proves the owner and gives the session a new token.
func (o *Owner) again(ctx context.Context, m Method, code otp.Answer, typed password.Password, what []flow.Field, keep func(*rec.Session, time.Time)) (Token, error) {
	var token Token
	renewed := func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		if m == Password && l.App != nil {
			return ErrFactor
		}
		token = newToken(sessionToken, o.session.ID)
		v.Hash, v.Serial = token.hash(), v.Serial+1
		keep(v, u.Now())
		return errors.Join(flow.Put(u, rec.Sessions, o.session.ID, v), o.say(u, audit.SignInStepUp, append(what, flow.F(audit.FieldMethod, string(m)))...))
	}
	if m == Password {
		if err := o.proves(ctx, typed); err != nil {
			return Token{}, err
		}
		if err := o.change(ctx, false, renewed); err != nil {
			return Token{}, err
		}
		return token, nil
	}
	counted, err := o.counted(ctx)
	if err != nil {
		return Token{}, err
	}
	id := string(o.session.Account)
	err = o.s.prove(ctx, o.session.actor, id, m, code, func(u *flow.Unit, use func(*rec.Login) error) error {
		return o.decide(u, false, func(v *rec.Session, l *rec.Login) error {
			if err := use(l); err != nil {
				return err
			}
			back(u, counted)
			return errors.Join(flow.Put(u, rec.Logins, id, l), renewed(u, v, l))
		})
	})
	if errors.Is(err, ErrFactorWrong) {
		t := target{key: id, known: true, account: accounts.Account{ID: o.session.Account}}
		return Token{}, public(o.s.refuse(ctx, t, o.from, "StepUp", err, err))
	}
	if err != nil {
		return Token{}, err
	}
	return token, nil
}

// counts is when a factor was proven that counts for every act.
func (s *Service) counts(v rec.Session) time.Time {
	if s.p.StepUp == Bound {
		return time.Time{}
	}
	return v.Factor
}

// withProof gives an actor the proof that its session keeps.
func (s *Service) withProof(a accounts.Actor, session string, v rec.Session) accounts.Actor {
	if v.Proof == nil {
		return a
	}
	p := *v.Proof
	return accounts.Bound(mint.Token{}, a, accounts.Proof{ID: p.ID, Session: session, Op: p.Op, Target: p.Target, At: p.At})
}
