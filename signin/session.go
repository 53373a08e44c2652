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
	Idle    time.Duration // it ends after so long without a request; 0: it does not
	Seen    time.Time     // the last request, give or take a minute
	Factor  time.Time     // when a factor was proven last; zero: a remembered device stood in
	Methods []Method      // by which the owner was proven
	Device  string        // as [From] named it, personal
	actor   accounts.Actor
}

// Actor is the owner, for the other services: with the rights that the session has.
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
}

// begin makes a session in the decision that lets its owner in.
func (s *Service) begin(u *flow.Unit, acc accounts.Account, login rec.Login, b beginning) (Result, error) {
	id := string(acc.ID)
	if err := s.room(u, id, &login); err != nil {
		return Result{}, err
	}
	rights, scoped, err := s.scope(u, acc, b.from)
	if err != nil {
		return Result{}, err
	}
	token := newToken(sessionToken, "")
	session := rec.Session{Account: id, Began: u.Now(), Device: b.from.device(), Ends: s.ends(acc, u.Now()), Epoch: login.Epoch, Factor: b.factor,
		Hash: token.hash(), Idle: int64(s.p.Idle.Seconds()), Local: b.from.Local, Methods: words(b.methods), Rights: rights, Scoped: scoped}
	if acc.Session != nil && *acc.Session == 0 {
		session.Idle = 0
	}
	r := Result{Token: token}
	fields := []flow.Field{flow.F(audit.FieldAccount, id), flow.F(audit.FieldSession, token.id), flow.F(audit.FieldMethod, strings.Join(session.Methods, ", ")),
		{Name: audit.FieldSource, Value: b.from.address(), Of: subject(id)}, flow.F(audit.FieldSite, b.from.Site)}
	if b.remember && s.p.Remember > 0 {
		r.Device = newToken(deviceToken, "")
		d := rec.Device{Account: id, Ends: u.Now().Add(s.p.Remember), Epoch: login.Epoch, Hash: r.Device.hash(), Name: b.from.device(), Since: u.Now()}
		if err := flow.Put(u, rec.Devices, r.Device.id, &d); err != nil {
			return Result{}, err
		}
		fields = append(fields, flow.F(audit.FieldDevice, r.Device.id))
	}
	view := s.view(token.id, session, acc, rec.Seen{}, b.from)
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
		if v.Epoch == epoch && now.Before(v.Ends) {
			out = append(out, s.view(key, v, accounts.Account{ID: accounts.ID(id)}, rec.Seen{}, From{}))
		}
		return nil
	})
	return out, err
}

// end ends a session with an entry.
func end(u *flow.Unit, session, account, why string) error {
	v, found, err := flow.Load(u, rec.Sessions, session)
	if err != nil {
		return err
	}
	if !found || v.Account != account {
		return ErrSession
	}
	flow.Drop(u, rec.Sessions, session)
	_, err = u.Say(audit.SessionEnded, audit.Success, []string{account, session}, flow.F(audit.FieldAccount, account), flow.F(audit.FieldSession, session), flow.F(audit.FieldReason, why))
	return err
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
	out := Session{ID: id, Account: accounts.ID(v.Account), Name: a.Name(), Began: v.Began, Ends: v.Ends, Idle: time.Duration(v.Idle) * time.Second,
		Seen: v.Began, Factor: v.Factor, Device: v.Device}
	if seen.At.After(out.Seen) {
		out.Seen = seen.At
	}
	for _, m := range v.Methods {
		out.Methods = append(out.Methods, Method(m))
	}
	out.actor = accounts.Recorded(mint.Token{}, audit.AccountActor, out.Account, out.Name, sessionVia+id, v.Factor)
	if f.Local {
		out.actor = accounts.Locally(mint.Token{}, out.actor)
	}
	if v.Scoped {
		out.actor = accounts.Scoped(mint.Token{}, out.actor, accounts.Scope{Rights: rights(v.Rights), Sites: accounts.AllSites()})
	}
	return out
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

// Check tells whose session a token is, at every request. Errors: [ErrSession], whatever
// the reason: it never was, was ended, has run out, the account was suspended, revoked or
// removed, its password was changed.
func (s *Service) Check(ctx context.Context, token Token, f From) (Session, error) {
	id := token.of(sessionToken)
	v, account, seen, err := s.alive(ctx, id)
	if err != nil {
		return Session{}, err
	}
	if !token.matches(v.Hash) {
		return Session{}, ErrSession
	}
	out := s.view(id, v, account, seen, f)
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

// alive reads a session and judges everything but its token.
func (s *Service) alive(ctx context.Context, id string) (rec.Session, accounts.Account, rec.Seen, error) {
	var seen rec.Seen
	rs, err := s.core.Store.Load(ctx, rec.Sessions.Key(id), rec.Seens.Key(seenID("session/", id)), rec.Quarantines.Key(rec.QuarantineID))
	if err != nil {
		return rec.Session{}, accounts.Account{}, seen, err
	}
	v, _, err := rec.Sessions.Decode(rs[0])
	if err != nil {
		return v, accounts.Account{}, seen, err
	}
	seen, _, err = rec.Seens.Decode(rs[1])
	if err != nil {
		return v, accounts.Account{}, seen, err
	}
	q, _, err := rec.Quarantines.Decode(rs[2])
	if err != nil {
		return v, accounts.Account{}, seen, err
	}
	now, last := s.core.Time(), v.Began
	if seen.At.After(last) {
		last = seen.At
	}
	idle := time.Duration(v.Idle) * time.Second
	if rs[0].Version == 0 || !now.Before(v.Ends) || idle > 0 && now.Sub(last) >= idle || !q.Since.IsZero() && !v.Began.After(q.Since) {
		return v, accounts.Account{}, seen, ErrSession
	}
	rs, err = s.core.Store.Load(ctx, rec.Logins.Key(v.Account), rec.Accounts.Key(v.Account))
	if err != nil {
		return v, accounts.Account{}, seen, err
	}
	login, _, err := rec.Logins.Decode(rs[0])
	if err != nil {
		return v, accounts.Account{}, seen, err
	}
	account, _, err := rec.Accounts.Decode(rs[1])
	if err != nil {
		return v, account, seen, err
	}
	if rs[1].Version == 0 || login.Epoch != v.Epoch || ended(account, now) {
		return v, account, seen, ErrSession
	}
	return v, account, seen, nil
}

// ended reports whether an account's state ends its sessions. A lock concerns new sign-ins
// only: else whoever guesses could throw the owner out.
func ended(a accounts.Account, now time.Time) bool {
	a.LockedUntil = time.Time{}
	return a.Access(now) != nil
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
		return end(u, session.ID, string(session.Account), "signed out")
	})
	if errors.Is(err, ErrSession) {
		return nil
	}
	return err
}
