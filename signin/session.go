package signin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Session is a sign-in that goes on.
type Session struct {
	ID      string // not secret
	Account accounts.ID
	Name    string // of the owner, personal
	Began   time.Time
	Ends    time.Time
	Idle    time.Duration  // it ends after so long without a request; 0: it does not
	Seen    time.Time      // the last request, give or take a minute
	Factor  time.Time      // when a factor was proven last; zero: a remembered device stood in
	Methods []Method       // by which the owner was proven
	AAL     AAL            // how well
	Device  string         // as [From] named it, personal
	Sites   accounts.Sites // of the account
	// PasswordOld: the owner should change the password, or has to, see [Policy].PasswordAge.
	PasswordOld bool
	actor       accounts.Actor
}

// Actor is the owner, for the other services: with the rights that the session has. Of a
// session in a list it is nobody.
func (s Session) Actor() accounts.Actor { return s.actor }

// sessionVia is what an actor's way begins with: a session's or an API token's id follows.
const (
	sessionVia = "session/"
	tokenVia   = "token/"
)

// seenEvery is how exactly it is kept when a session was used last.
const seenEvery = time.Minute

// beginning is how a session begins.
type beginning struct {
	from     From
	methods  []Method
	factor   time.Time
	remember bool

	enrolment string       // the device on which a PIN begins it
	pins      uint64       // and which PINs there are, see newest
	also      []flow.Field // of its entry
}

// begin makes a session in the decision that lets its owner in.
func (s *Service) begin(u *flow.Unit, acc accounts.Account, login rec.Login, b beginning) (Result, error) {
	id := string(acc.ID)
	if err := s.room(u, id, &login); err != nil {
		return Result{}, err
	}
	taken, _, err := flow.Load(u, rec.Takings, rec.TakingID)
	if err != nil {
		return Result{}, err
	}
	rights, scoped, err := s.scope(u, acc, b.from)
	if err != nil {
		return Result{}, err
	}
	token := newToken(sessionToken, "")
	session := rec.Session{Account: id, Began: u.Now(), Device: b.from.device(), Ends: s.ends(acc, u.Now()), Epoch: login.Epoch, Factor: b.factor,
		Hash: token.hash(), Idle: int64(s.p.Idle.Seconds()), Local: b.from.Local, Methods: words(b.methods), Rights: rights, Scoped: scoped, Taken: taken.N}
	if acc.Session != nil && *acc.Session == 0 {
		session.Idle = 0
	}
	if b.enrolment != "" {
		s.pinned(&session, b.enrolment, b.pins)
	}
	r := Result{Token: token}
	fields := []flow.Field{flow.F(audit.FieldAccount, id), flow.F(audit.FieldSession, token.id), flow.F(audit.FieldMethod, strings.Join(session.Methods, ", ")),
		{Name: audit.FieldSource, Value: b.from.address(), Of: subject(id)}, flow.F(audit.FieldSite, b.from.Site)}
	fields = append(fields, b.also...)
	if b.remember && s.p.Remember > 0 {
		r.Device = newToken(deviceToken, "")
		d := rec.Device{Account: id, Ends: u.Now().Add(s.p.Remember), Epoch: login.Epoch, Hash: r.Device.hash(), Name: b.from.device(), Since: u.Now()}
		if err := flow.Put(u, rec.Devices, r.Device.id, &d); err != nil {
			return Result{}, err
		}
		fields = append(fields, flow.F(audit.FieldDevice, r.Device.id))
	}
	view := s.view(token.id, session, acc, rec.Seen{}, b.from)
	s.ages(&view, login, u.Now())
	r.Session = &view
	if _, err := u.Say(audit.SignInDone, audit.Success, []string{id, token.id}, fields...); err != nil {
		return Result{}, err
	}
	return r, flow.Put(u, rec.Sessions, token.id, &session)
}

// entered keeps when an account's owner signed in last.
func (s *Service) entered(ctx context.Context, r Result) {
	if r.Session != nil {
		s.touch(ctx, rec.SignedIn(string(r.Session.Account)))
	}
}

// seenID keeps the quiet records of sessions and tokens apart.
func seenID(of, id string) string { return "signin/" + of + id }

// ends is when a session ends whatever happens: as the account says, else as the policy,
// and never later than the account's validity.
func (s *Service) ends(a accounts.Account, now time.Time) time.Time {
	life := s.p.Life
	if a.Session != nil {
		if life = time.Duration(*a.Session) * time.Minute; life == 0 {
			life = s.p.Cap
		}
	}
	ends := now.Add(life)
	if until := a.Window.Until; !until.IsZero() && until.Before(ends) {
		return until
	}
	return ends
}

// scope is what a session's rights are limited to: those of its beginning, where rights
// that are added later wait for the next sign-in.
func (s *Service) scope(u *flow.Unit, acc accounts.Account, f From) ([]string, bool, error) {
	if s.o.Accounts.RoleRefresh != accounts.NextLogin {
		return nil, false, nil
	}
	roles, err := flow.RolesOf(u, acc.Roles...)
	if err != nil {
		return nil, false, err
	}
	g, err := acc.Grant(roles, s.o.Accounts, u.Now(), f.Local)
	return g.Rights.Names(), true, err
}

// live lists an account's sessions that have not ended, without when they were used last.
func (s *Service) live(ctx context.Context, id string, epoch uint64, now time.Time) ([]Session, error) {
	var out []Session
	err := each(ctx, s.core.Store, rec.Sessions, id, func(key string, v rec.Session) error {
		if v.Over == "" && v.Epoch == epoch && now.Before(v.Ends) {
			out = append(out, s.view(key, v, accounts.Account{ID: accounts.ID(id)}, rec.Seen{}, From{}))
		}
		return nil
	})
	return out, err
}

func words(ms []Method) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = string(m)
	}
	return out
}

// view is a session as its owner sees it.
func (s *Service) view(id string, v rec.Session, a accounts.Account, seen rec.Seen, f From) Session {
	out := Session{ID: id, Account: accounts.ID(v.Account), Name: a.Name(), Sites: a.Sites, Began: v.Began, Ends: v.Ends, Idle: time.Duration(v.Idle) * time.Second,
		Seen: v.Began, Factor: v.Factor, AAL: aal(v), Device: v.Device}
	if seen.At.After(out.Seen) {
		out.Seen = seen.At
	}
	for _, m := range v.Methods {
		out.Methods = append(out.Methods, Method(m))
	}
	out.actor = s.withProof(accounts.Recorded(mint.Token{}, audit.AccountActor, out.Account, out.Name, sessionVia+id, s.counts(v)), id, v)
	if f.Local {
		out.actor = accounts.Locally(mint.Token{}, out.actor)
	}
	if v.Scoped {
		out.actor = accounts.Scoped(mint.Token{}, out.actor, accounts.Scope{Rights: rights(v.Rights), Sites: accounts.AllSites(), Waits: true})
	}
	return out
}

// ages judges how old the password is. Where it must be changed, the owner has no rights
// until it is: changing it asks for none.
func (s *Service) ages(v *Session, l rec.Login, now time.Time) {
	v.PasswordOld = s.p.PasswordAge > 0 && l.Password != "" && now.Sub(l.Set) >= s.p.PasswordAge
	if v.PasswordOld && s.p.ForcePassword {
		v.actor = accounts.Scoped(mint.Token{}, v.actor, accounts.Scope{})
	}
}

// rights reads the names of rights, without what they include; one that this version does
// not know gives nothing.
func rights(names []string) accounts.Rights {
	known := slices.DeleteFunc(slices.Clone(names), func(n string) bool { _, err := accounts.ParseRight(n); return err != nil })
	var out accounts.Rights
	b, _ := json.Marshal(known)
	_ = json.Unmarshal(b, &out) // all are known
	return out
}

// Check tells whose session a token is, at every request. Nothing is remembered between
// requests: the store is asked each time, and without it nobody is let in. Errors:
// [ErrSession], for a token that was a session's as an [*EndedError] that says why it ended.
func (s *Service) Check(ctx context.Context, token Token, f From) (Session, error) {
	id := token.of(sessionToken)
	at, err := s.alive(ctx, id)
	if err != nil && !errors.Is(err, ErrSession) {
		return Session{}, err
	}
	if !token.matches(at.session.Hash) {
		return Session{}, ErrSession // who only guesses an id learns nothing about it
	}
	if err != nil {
		return Session{}, err
	}
	out := s.view(id, at.session, at.account, at.seen, f)
	s.ages(&out, at.login, s.core.Time())
	every := seenEvery
	if out.Idle > 0 {
		every = min(every, out.Idle/4)
	}
	if s.core.Time().Sub(out.Seen) >= every {
		s.touch(ctx, seenID("session/", id))
	}
	return out, nil
}

// touch keeps when something was used last. It is no reason to refuse anything.
func (s *Service) touch(ctx context.Context, id string) {
	_, err := s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
		if _, _, err := flow.Load(u, rec.Seens, id); err != nil {
			return err
		}
		return flow.Put(u, rec.Seens, id, &rec.Seen{At: u.Now()})
	})
	if err != nil {
		s.core.Logger().WarnContext(ctx, "last use not kept", slog.Any("error", err))
	}
}

// SignOut ends the session of a token. A token that opens nothing is no error.
func (s *Service) SignOut(ctx context.Context, token Token) error {
	session, err := s.Check(ctx, token, From{})
	if errors.Is(err, ErrSession) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.core.Act(ctx, session.actor, func(u *flow.Unit) error {
		return end(u, session.ID, string(session.Account), SignedOut)
	})
	if errors.Is(err, ErrSession) {
		return nil
	}
	return err
}
