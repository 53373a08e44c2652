package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// QuickPolicy is about signing in with the PIN on an enrolled device. The zero value is
// that nobody does.
//
// A duress PIN signs in as the PIN does and raises the duress alarm, which waits in the
// store until the loops of package door carry it: run them over the same store.
type QuickPolicy struct {
	Life    time.Duration // of an enrolment; 0: there are none
	Session time.Duration // of a session that a PIN begins, at most; 0: 10 minutes
}

// PIN is the method of a session that began with a PIN on an enrolled device.
const PIN Method = "pin"

// AAL says how well the owner of a session was proven.
type AAL string

// AALPIN is the level of a session that began with a PIN. It may look at equipment and
// panel users. It never steps up and is nobody's [Owner], so it changes nothing about how
// its owner signs in, and it sees neither log nor secrets. The level of every other
// session is "".
const AALPIN AAL = "pin"

// Errors of signing in with a PIN.
var (
	// ErrQuickOff: the policy has nobody sign in with a PIN.
	ErrQuickOff = fault.New(fault.Unsupported, "signin: nobody signs in with a PIN here").
			Hinted("Sign in with name and password.")
	// ErrNotEnrolled: the device is not enrolled, or not any more, or did not prove that it is.
	ErrNotEnrolled = fault.New(fault.Denied, "signin: the device is not enrolled").
			Hinted("Sign in with name and password, and enrol the device again.")
	// ErrPIN: not the PIN of the device's owner, or not one that counts now.
	ErrPIN = fault.New(fault.Denied, "signin: wrong PIN").
		Hinted("After five wrong PINs sign in with name and password, and enrol the device again.")
	// ErrPINSession: a session that began with a PIN changes nothing about how its owner signs
	// in.
	ErrPINSession = fault.New(fault.Denied, "signin: a PIN is not enough for this").
			Hinted("Sign in with name and password.")
)

// pinTries is how many wrong PINs in a row end an enrolment.
const pinTries = 5

// pinRights are all that a session that began with a PIN can have.
func pinRights() accounts.Rights {
	return accounts.RightsOf(accounts.EquipmentView, accounts.PanelUsersView, accounts.SignIn)
}

// pinned makes a session one that began with a PIN.
func (s *Service) pinned(v *rec.Session, enrolment string, pins uint64) {
	kept := pinRights()
	if v.Scoped {
		kept = kept.Within(rights(v.Rights))
	}
	v.Enrolment, v.PINs, v.Rights, v.Scoped = enrolment, pins, kept.Names(), true
	if last := v.Began.Add(s.p.Quick.session()); last.Before(v.Ends) {
		v.Ends = last
	}
}

func (q QuickPolicy) session() time.Duration {
	if q.Session > 0 {
		return q.Session
	}
	return 10 * time.Minute
}

// aal is how well the owner of a session was proven.
func aal(v rec.Session) AAL {
	if v.Enrolment != "" {
		return AALPIN
	}
	return ""
}

// stillEnrolled is an [*EndedError] for a session that began with a PIN whose device is not
// enrolled any more, or whose owner has got a new PIN or duress PIN since: whichever, so
// that nobody tells a duress PIN by it.
func (s *Service) stillEnrolled(ctx context.Context, v rec.Session) error {
	if v.Enrolment == "" {
		return nil
	}
	rs, err := s.core.Store.Load(ctx, rec.Enrolments.Key(v.Enrolment), rec.Credentials.Key(rec.CredentialID(v.Account, rec.PIN, 0)),
		rec.Credentials.Key(rec.CredentialID(v.Account, rec.DuressPIN, 0)))
	if err != nil {
		return err
	}
	pin, _, err := rec.Credentials.Decode(rs[1])
	if err != nil {
		return err
	}
	duress, _, err := rec.Credentials.Decode(rs[2])
	if err != nil {
		return err
	}
	if rs[0].Version == 0 || !counts(pin, s.core.Time()) || newest(pin, duress) != v.PINs {
		return &EndedError{By: Revoked}
	}
	return nil
}

// counts reports whether a PIN is one that works now. Its hours and uses are a door's.
func counts(pin rec.Credential, now time.Time) bool { return pin.Works() && pin.Window.Contains(now) }

// newest is the generation of the newer of two PINs.
func newest(pin, duress rec.Credential) uint64 { return max(pin.Generation, duress.Generation) }

// QuickAttempt is a PIN, typed on an enrolled device. Which account is meant follows from
// the device.
type QuickAttempt struct {
	Challenge string // from [Service.QuickChallenge]
	Signature []byte // of the challenge's text by the device's key
	PIN       credentials.Code
	From      From
}

// QuickSignIn begins a session with a PIN on an enrolled device, see [AALPIN]. The PIN is
// compared for the device's owner alone, and counted before: five wrong ones in a row, also
// at once, end the enrolment. What the device has not signed is not compared and counts for
// nothing.
//
// The duress PIN begins the same session; the answer, and what is written, are the same.
//
// Errors: [ErrNotEnrolled], [ErrPIN], [ErrQuickOff], [ErrTooManySessions]; a
// [*RefusedError] that is [accounts.ErrSignIn] after the right PIN of somebody who may not
// sign in.
func (s *Service) QuickSignIn(ctx context.Context, a QuickAttempt) (Result, error) {
	if s.p.Quick.Life <= 0 {
		return Result{}, ErrQuickOff
	}
	stranger := func(cause error) (Result, error) {
		return Result{}, public(s.refuse(ctx, target{}, a.From, "QuickSignIn", ErrNotEnrolled, cause))
	}
	c, e, err := s.presented(ctx, a)
	if err == nil {
		err = s.core.Reserve(ctx, nobody(), flow.Guesses{Counter: "quick/" + c.nonce, Max: 1, Until: c.ends.Add(time.Hour)})
	}
	switch {
	case errors.Is(err, ErrChallenge), errors.Is(err, ErrNotEnrolled), errors.Is(err, flow.ErrGuesses):
		return stranger(err)
	case err != nil:
		return Result{}, err
	}
	typed, err := s.typed(a.PIN)
	if err != nil {
		return Result{}, err
	}
	acc, _, err := s.account(ctx, e.Account)
	if err != nil {
		return Result{}, err
	}
	p := pinTry{device: c.device, from: a.From, typed: typed, until: e.Ends.Add(time.Hour)}
	counted, err := s.core.Act(ctx, nobody(), func(u *flow.Unit) error { u.Do(p.tries(1)); return nil })
	if errors.Is(err, store.ErrLimit) { // whoever typed the last one has not come to end it
		_, err = s.core.Act(ctx, nobody(), func(u *flow.Unit) error { return s.unenrol(u, c.device, "too many wrong PINs") })
		if err != nil {
			return Result{}, err
		}
		return stranger(ErrTooMany)
	}
	if err != nil {
		return Result{}, err
	}
	p.count = counted.Counts[p.tries(1).Counter]
	var r Result
	_, err = s.core.Act(ctx, signer(acc), func(u *flow.Unit) (err error) {
		r, err = s.tryPIN(u, &p)
		return err
	})
	switch {
	case err == nil:
		s.entered(ctx, r)
		return r, nil
	case errors.Is(err, ErrNotEnrolled):
		return stranger(err)
	case errors.Is(err, ErrPIN), errors.Is(err, ErrTooManySessions), denied(err):
		return Result{}, s.refusePIN(ctx, p, err)
	}
	return Result{}, err
}

// presented reads the enrolment of the device that has signed a challenge.
func (s *Service) presented(ctx context.Context, a QuickAttempt) (quickChallenge, rec.Enrolment, error) {
	c, err := s.quickChallengeOf(a.Challenge)
	if err != nil {
		return c, rec.Enrolment{}, err
	}
	rs, err := s.core.Store.Load(ctx, rec.Enrolments.Key(c.device))
	if err != nil {
		return c, rec.Enrolment{}, err
	}
	e, _, err := rec.Enrolments.Decode(rs[0])
	if err != nil {
		return c, e, err
	}
	key, err := ParseDeviceKey(e.Key)
	if err != nil || !key.signed([]byte(a.Challenge), a.Signature) {
		return c, e, ErrNotEnrolled
	}
	return c, e, nil
}

// pinTry is one PIN on one device, and what was found out about it.
type pinTry struct {
	device string
	from   From
	typed  []string // names of what was typed, one for each key
	count  int64    // of wrong ones in a row, if this is one
	until  time.Time

	account  accounts.Account
	decision string
	duress   bool
	alarm    bool
}

// typed are the names that a PIN would have, one for each key.
func (s *Service) typed(pin credentials.Code) ([]string, error) {
	scope := credentials.Scope{Kind: credentials.TenantScope}
	return credentials.Names(s.core.Keys, scope, credentials.CodeMaterial(pin))
}

// tryPIN decides about a PIN. All there is of the owner is read and compared, whichever
// code was typed.
func (s *Service) tryPIN(u *flow.Unit, p *pinTry) (Result, error) {
	e, found, err := flow.Load(u, rec.Enrolments, p.device)
	if err != nil {
		return Result{}, err
	}
	if !found {
		return Result{}, ErrNotEnrolled
	}
	pin, _, err := flow.Load(u, rec.Credentials, rec.CredentialID(e.Account, rec.PIN, 0))
	if err != nil {
		return Result{}, err
	}
	duress, _, err := flow.Load(u, rec.Credentials, rec.CredentialID(e.Account, rec.DuressPIN, 0))
	if err != nil {
		return Result{}, err
	}
	q, _, err := flow.Load(u, rec.Quarantines, rec.QuarantineID)
	if err != nil {
		return Result{}, err
	}
	acc, login, barred := s.enter(u, e.Account, p.from)
	if barred != nil && !denied(barred) {
		return Result{}, barred
	}
	if e.Epoch != login.Epoch || !u.Now().Before(e.Ends) || !e.Since.After(q.Since) {
		return Result{}, ErrNotEnrolled
	}
	right, forced := names(pin, p.typed), names(duress, p.typed)
	p.account, p.decision, p.duress = acc, flow.NewID(), forced
	p.alarm = forced && !pin.Window.Revoked && !acc.Window.Revoked
	switch {
	case !right && !forced, !counts(pin, u.Now()):
		return Result{}, ErrPIN
	case barred != nil:
		return Result{}, barred
	}
	fields, err := s.decided(u, *p)
	if err != nil {
		return Result{}, err
	}
	u.Do(p.tries(-p.count))
	return s.begin(u, acc, login, beginning{from: p.from, methods: []Method{PIN}, enrolment: p.device, pins: newest(pin, duress), also: fields})
}

// tries changes how many wrong PINs in a row there were on the device.
func (p pinTry) tries(by int64) store.Count {
	return store.Count{Counter: "guess/quick/" + p.device, By: by, Max: pinTries, Until: p.until}
}

// names reports whether a credential is what was typed. It takes as long if there is none.
func names(c rec.Credential, typed []string) bool {
	hit := 0
	for _, t := range typed {
		own, key := strings.Repeat("-", len(t)), t[:strings.LastIndexByte(t, '|')+1]
		if i := slices.IndexFunc(c.Names, func(n string) bool { return len(n) == len(t) && strings.HasPrefix(n, key) }); i >= 0 {
			own = c.Names[i]
		}
		hit |= subtle.ConstantTimeCompare([]byte(own), []byte(t))
	}
	return hit == 1
}

// decided leaves what every decision about a PIN leaves: the signal in which it is sealed
// whether there is an alarm, and the sealed field of its entry.
func (s *Service) decided(u *flow.Unit, p pinTry) ([]flow.Field, error) {
	flag, err := s.core.SealDuress(p.decision, p.duress)
	if err != nil {
		return nil, err
	}
	site := p.from.Site
	if ids := p.account.Sites.IDs(); site == "" && len(ids) > 0 {
		site = ids[0]
	}
	return []flow.Field{flow.F(audit.FieldDevice, p.device), flow.F(audit.FieldDecision, p.decision), flag},
		u.Signal(flow.Signal{Decision: p.decision, At: u.Now(), Site: site, Reader: p.device, Alarm: p.alarm, Account: string(p.account.ID)})
}

// refusePIN writes down why a PIN let nobody in, and ends the enrolment after the last try.
// A right one does not count.
func (s *Service) refusePIN(ctx context.Context, p pinTry, cause error) error {
	t := target{key: string(p.account.ID), known: true}
	_, err := s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
		fields, err := s.decided(u, p)
		if err != nil {
			return err
		}
		err = refused(u, t, p.from, "QuickSignIn", cause, append(fields, flow.F(audit.FieldMethod, string(PIN)), flow.F(audit.FieldSite, p.from.Site))...)
		switch {
		case !errors.Is(cause, ErrPIN):
			u.Do(p.tries(-p.count))
		case p.count >= pinTries:
			err = errors.Join(err, s.unenrol(u, p.device, "too many wrong PINs"))
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case denied(cause):
		return &RefusedError{public: accounts.ErrSignIn, cause: cause}
	}
	return cause
}
