package signin

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Owner is somebody who is signed in and looks after how they do.
type Owner struct {
	s       *Service
	session Session
	from    From
}

// Owner checks a session's token, as [Service.Check] does. A session that began with a PIN
// is [ErrPINSession].
func (s *Service) Owner(ctx context.Context, token Token, f From) (*Owner, error) {
	session, err := s.Check(ctx, token, f)
	if err != nil {
		return nil, err
	}
	if session.AAL == AALPIN {
		return nil, ErrPINSession
	}
	return &Owner{s: s, session: session, from: f}, nil
}

// Session is the one by which the owner is here.
func (o *Owner) Session() Session { return o.session }

// stepUp is how fresh a factor has to be for changes of how one signs in.
const stepUp = 5 * time.Minute

// change is an act on how the owner signs in: the session still lives when it commits.
func (o *Owner) change(ctx context.Context, fresh bool, do func(u *flow.Unit, v *rec.Session, l *rec.Login) error) error {
	_, err := o.s.core.Act(ctx, o.session.actor, func(u *flow.Unit) error {
		return o.decide(u, fresh, func(v *rec.Session, l *rec.Login) error { return do(u, v, l) })
	})
	return err
}

// decide is change inside a decision.
func (o *Owner) decide(u *flow.Unit, fresh bool, do func(v *rec.Session, l *rec.Login) error) error {
	id := string(o.session.Account)
	v, found, err := flow.Load(u, rec.Sessions, o.session.ID)
	if err != nil {
		return err
	}
	l, _, err := flow.Load(u, rec.Logins, id)
	if err != nil {
		return err
	}
	a, _, err := flow.Load(u, rec.Accounts, id)
	switch {
	case err != nil:
		return err
	case !found, v.Over != "", v.Epoch != l.Epoch, !u.Now().Before(v.Ends), ended(a, u.Now()):
		return ErrSession
	case fresh && (v.Factor.IsZero() || u.Now().Sub(v.Factor) > stepUp):
		return accounts.ErrStepUpRequired
	}
	return do(&v, &l)
}

// renew ends everything by which the owner is signed in but this session, which gets a new
// token.
func renew(u *flow.Unit, id string, v *rec.Session, l *rec.Login, factor time.Time) (Token, error) {
	token := newToken(sessionToken, id)
	l.End()
	v.Epoch, v.Hash, v.Factor, v.Serial = l.Epoch, token.hash(), factor, v.Serial+1
	return token, errors.Join(u.VoidSecrets(v.Account), flow.Put(u, rec.Sessions, id, v), flow.Put(u, rec.Logins, v.Account, l))
}

// say adds an entry about the owner's own account.
func (o *Owner) say(u *flow.Unit, action audit.Action, fields ...flow.Field) error {
	return say(u, action, string(o.session.Account), append(fields, flow.F(audit.FieldSession, o.session.ID))...)
}

func say(u *flow.Unit, action audit.Action, account string, fields ...flow.Field) error {
	_, err := u.Say(action, audit.Success, []string{account}, append([]flow.Field{flow.F(audit.FieldAccount, account)}, fields...)...)
	return err
}

// Sessions lists where the owner is signed in.
func (o *Owner) Sessions(ctx context.Context) ([]Session, error) {
	return o.s.sessions(ctx, string(o.session.Account))
}

// sessions lists an account's sessions with when they were used last.
func (s *Service) sessions(ctx context.Context, id string) ([]Session, error) {
	rs, err := s.core.Store.Load(ctx, rec.Logins.Key(id))
	if err != nil {
		return nil, err
	}
	login, _, err := rec.Logins.Decode(rs[0])
	if err != nil {
		return nil, err
	}
	var out []Session
	live, err := s.live(ctx, id, login.Epoch, s.core.Time())
	for _, v := range live {
		at, err := s.alive(ctx, v.ID)
		if errors.Is(err, ErrSession) {
			continue
		}
		if err != nil {
			return nil, err
		}
		shown := s.view(v.ID, at.session, at.account, at.seen, From{})
		shown.actor = accounts.Actor{} // who looks has not shown its token
		out = append(out, shown)
	}
	return out, err
}

// End ends one of the owner's sessions. Errors: [ErrSession].
func (o *Owner) End(ctx context.Context, session string) error {
	return o.change(ctx, false, func(u *flow.Unit, _ *rec.Session, _ *rec.Login) error {
		return end(u, session, string(o.session.Account), EndedByUser)
	})
}

// EndOthers ends every other session of the owner's, forgets every remembered device, and
// gives this session a new token.
func (o *Owner) EndOthers(ctx context.Context) (Token, error) {
	var token Token
	err := o.change(ctx, false, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		var err error
		if token, err = renew(u, o.session.ID, v, l, v.Factor); err != nil {
			return err
		}
		return o.say(u, audit.SessionEnded, flow.F(audit.FieldReason, "every other sign-in was ended by the owner"))
	})
	return token, err
}

// EndAll ends every session of the owner's, this one included, and forgets every
// remembered device.
func (o *Owner) EndAll(ctx context.Context) error {
	return o.change(ctx, false, func(u *flow.Unit, v *rec.Session, _ *rec.Login) error {
		return errors.Join(u.EndSessions(v.Account), o.say(u, audit.SessionEnded, flow.F(audit.FieldReason, "every sign-in was ended by the owner")))
	})
}

// Device is a device that is remembered.
type Device struct {
	ID          string
	Name        string // as [From] named it, personal
	Since, Ends time.Time
}

// Devices lists the remembered devices.
func (o *Owner) Devices(ctx context.Context) ([]Device, error) {
	id := string(o.session.Account)
	rs, err := o.s.core.Store.Load(ctx, rec.Logins.Key(id))
	if err != nil {
		return nil, err
	}
	login, _, err := rec.Logins.Decode(rs[0])
	if err != nil {
		return nil, err
	}
	var out []Device
	err = each(ctx, o.s.core.Store, rec.Devices, id, func(key string, d rec.Device) error {
		if d.Epoch == login.Epoch && o.s.core.Time().Before(d.Ends) {
			out = append(out, Device{ID: key, Name: d.Name, Since: d.Since, Ends: d.Ends})
		}
		return nil
	})
	return out, err
}

// Forget forgets a remembered device. One that is not there is no error.
func (o *Owner) Forget(ctx context.Context, device string) error {
	return o.change(ctx, false, func(u *flow.Unit, v *rec.Session, _ *rec.Login) error {
		d, found, err := flow.Load(u, rec.Devices, device)
		if err != nil || !found || d.Account != v.Account {
			return err
		}
		flow.Drop(u, rec.Devices, device)
		return o.say(u, audit.DeviceForgotten, flow.F(audit.FieldDevice, device))
	})
}

// ChangePassword replaces the owner's password. Every other session ends, and this one
// gets a new token. Errors: [accounts.ErrBadCredentials], [ErrTooMany], [ErrMethod] for an
// account that was bound to a provider meanwhile, those of [password.Policy.Check],
// [password.ErrTooLong].
func (o *Owner) ChangePassword(ctx context.Context, old, to password.Password) (Token, error) {
	if err := o.proves(ctx, old); err != nil {
		return Token{}, err
	}
	hash, err := o.s.hash(ctx, o.from, to)
	if err != nil {
		return Token{}, err
	}
	var token Token
	err = o.change(ctx, false, func(u *flow.Unit, v *rec.Session, l *rec.Login) error {
		if l.Subject != "" {
			return ErrMethod
		}
		a, _, err := flow.Load(u, rec.Accounts, v.Account)
		if err != nil {
			return err
		}
		if err := o.s.p.Password.Check(ctx, to, about(a, *l)); err != nil {
			return err
		}
		l.Password, l.Set = hash, u.Now()
		if token, err = renew(u, o.session.ID, v, l, u.Now()); err != nil {
			return err
		}
		told, err := o.s.tell(u, a, PasswordLetter)
		return errors.Join(err, o.say(u, audit.PasswordSet, told))
	})
	return token, err
}

// proves compares the owner's password, counted.
func (o *Owner) proves(ctx context.Context, typed password.Password) error {
	id := string(o.session.Account)
	t := target{key: id, known: true}
	if err := o.s.read(ctx, &t, Token{}); err != nil {
		return err
	}
	refuse := func(cause error) error {
		return public(o.s.refuse(ctx, t, o.from, "Password", cause, cause))
	}
	counted := o.s.factors(id)
	if err := o.s.core.Reserve(ctx, o.session.actor, counted...); err != nil {
		if errors.Is(err, flow.ErrGuesses) {
			return refuse(ErrTooMany)
		}
		return err
	}
	match, err := o.s.hasher.Verify(ctx, o.from.source(), t.login.Password, typed)
	if err != nil {
		return err
	}
	if !match.OK {
		return refuse(accounts.ErrBadCredentials)
	}
	_, err = o.s.core.Act(ctx, o.session.actor, func(u *flow.Unit) error { back(u, counted); return nil })
	return err
}

// about is what a password must not be like.
func about(a accounts.Account, l rec.Login) password.Owner {
	return password.Owner{Names: []string{a.First, a.Last, a.Username, a.Email.String()}, SecondFactor: l.Second || l.App != nil}
}

// hash makes the hash of a new password, if it is one.
func (s *Service) hash(ctx context.Context, f From, p password.Password) (password.Hash, error) {
	if p.Bytes() > s.hasher.Max() {
		return "", password.ErrTooLong
	}
	return s.hasher.Hash(ctx, f.source(), p)
}
