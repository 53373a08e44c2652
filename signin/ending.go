package signin

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Ending is why a session ended.
type Ending string

// The endings.
const (
	Idle        Ending = "idle"       // no request for as long as the policy says
	RanOut      Ending = "ran out"    // it was as old as it may get, or the account's validity ended
	SignedOut   Ending = "signed out" // by its owner, here
	EndedByUser Ending = "ended"      // by its owner, from elsewhere
	Superseded  Ending = "superseded" // another sign-in took its place
	Revoked     Ending = "revoked"    // with everything else of the account's: something was taken from it, or its password or factors changed
)

// EndedError is [ErrSession] for somebody who shows the token of a session that was theirs.
// A larger limit is for sessions that begin later: the cure is to change it and to sign in
// again.
type EndedError struct {
	By    Ending
	Began time.Time
	Limit time.Duration // of Idle and RanOut: how long the session could be
}

// Error says why the session ended.
func (e *EndedError) Error() string {
	if e.Limit > 0 {
		return fmt.Sprintf("%v: %s after %s", ErrSession, e.By, e.Limit)
	}
	return fmt.Sprintf("%v: %s", ErrSession, e.By)
}

// Unwrap returns the sentinel.
func (e *EndedError) Unwrap() error { return ErrSession }

// standing is a session with what it rests on.
type standing struct {
	session rec.Session
	account accounts.Account
	login   rec.Login
	seen    rec.Seen
}

// alive reads a session and judges everything but its token. Errors: [ErrSession] for one
// that is not there, an [*EndedError] for one that has ended.
func (s *Service) alive(ctx context.Context, id string) (standing, error) {
	var at standing
	rs, err := s.core.Store.Load(ctx, rec.Sessions.Key(id), rec.Seens.Key(seenID("session/", id)), rec.Quarantines.Key(rec.QuarantineID))
	if err != nil {
		return at, err
	}
	if at.session, _, err = rec.Sessions.Decode(rs[0]); err != nil {
		return at, err
	}
	if at.seen, _, err = rec.Seens.Decode(rs[1]); err != nil {
		return at, err
	}
	q, _, err := rec.Quarantines.Decode(rs[2])
	if err != nil {
		return at, err
	}
	if rs[0].Version == 0 {
		return at, ErrSession
	}
	if by := ending(at.session, at.seen, q, s.core.Time()); by != "" {
		return at, &EndedError{By: by, Began: at.session.Began, Limit: limit(at.session, by)}
	}
	rs, err = s.core.Store.Load(ctx, rec.Logins.Key(at.session.Account), rec.Accounts.Key(at.session.Account))
	if err != nil {
		return at, err
	}
	if at.login, _, err = rec.Logins.Decode(rs[0]); err != nil {
		return at, err
	}
	if at.account, _, err = rec.Accounts.Decode(rs[1]); err != nil {
		return at, err
	}
	if rs[1].Version == 0 || at.login.Epoch != at.session.Epoch || ended(at.account, s.core.Time()) {
		return at, &EndedError{By: Revoked, Began: at.session.Began}
	}
	taken, err := s.core.Taken(ctx, at.account.Roles...)
	if err == nil && taken > at.session.Taken {
		err = &EndedError{By: Revoked, Began: at.session.Began}
	}
	if err == nil {
		err = s.stillEnrolled(ctx, at.session)
	}
	return at, err
}

// ending judges what a session says of itself.
func ending(v rec.Session, seen rec.Seen, q rec.Quarantine, now time.Time) Ending {
	last := v.Began
	if seen.At.After(last) {
		last = seen.At
	}
	idle := time.Duration(v.Idle) * time.Second
	switch {
	case v.Over != "":
		return Ending(v.Over)
	case !q.Since.IsZero() && !v.Began.After(q.Since):
		return Revoked
	case !now.Before(v.Ends):
		return RanOut
	case idle > 0 && now.Sub(last) >= idle:
		return Idle
	}
	return ""
}

// limit is how long a session could be, where it ended by that.
func limit(v rec.Session, by Ending) time.Duration {
	switch by {
	case Idle:
		return time.Duration(v.Idle) * time.Second
	case RanOut:
		return v.Ends.Sub(v.Began)
	}
	return 0
}

// ended reports whether an account's state ends its sessions. A lock concerns new sign-ins
// only: else whoever guesses could throw the owner out.
func ended(a accounts.Account, now time.Time) bool {
	a.LockedUntil = time.Time{}
	return a.Access(now) != nil
}

// end ends a session with an entry. Its record stays for a while without what it says of a
// person, so that who still shows its token is told why.
func end(u *flow.Unit, session, account string, why Ending) error {
	v, found, err := flow.Load(u, rec.Sessions, session)
	if err != nil {
		return err
	}
	if !found || v.Account != account || v.Over != "" {
		return ErrSession
	}
	v.Over, v.Device = string(why), ""
	if _, err := u.Say(audit.SessionEnded, audit.Success, []string{account, session}, flow.F(audit.FieldAccount, account), flow.F(audit.FieldSession, session),
		flow.F(audit.FieldReason, string(why))); err != nil {
		return err
	}
	return flow.Put(u, rec.Sessions, session, &v)
}
