package accounts

import (
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Event is something that is done to an account.
type Event string

// The events.
const (
	Confirm  Event = "confirm"
	Suspend  Event = "suspend"
	Enable   Event = "enable"
	Revoke   Event = "revoke"
	Unrevoke Event = "clear the revocation of"
	Validate Event = "set the validity of"
	Lock     Event = "lock"
	Unlock   Event = "unlock"
	Reset    Event = "reset the password of" // by mail; the account changes only when the code is used
	Remove   Event = "remove"
)

// May reports why e cannot be done to the account: a [*TransitionError] if its state
// does not allow it, [ErrDeleteForbidden] or [ErrResetUnsupported] if the policy does
// not, [ErrNoEmail] if a reset has nowhere to go. Menus and the acts themselves ask the
// same question here. Revocation, lock and validity are facts beside the state: they
// can be set while the account is suspended or not confirmed.
func (a Account) May(e Event, p Policy) error {
	from := a.stage()
	var ok bool
	switch e {
	case Confirm:
		ok = from == NotConfirmed
	case Suspend:
		ok = from == Active || from == NotConfirmed && p.SuspendUnconfirmed
	case Enable:
		ok = from == Suspended
	case Revoke:
		ok = !a.Window.Revoked
	case Unrevoke:
		ok = a.Window.Revoked
	case Unlock:
		ok = !a.LockedUntil.IsZero()
	case Validate, Lock, Reset, Remove:
		ok = true
	}
	switch {
	case !ok, from == Removed, from == System:
		return &TransitionError{From: from, Event: e}
	case e == Remove && p.Deletion == Forbid:
		return ErrDeleteForbidden
	case e == Reset && !p.ResetByMail:
		return ErrResetUnsupported
	case e == Reset && a.Email.IsZero():
		return ErrNoEmail
	}
	return nil
}

// stage is the state without what time and the facts beside it add.
func (a Account) stage() State {
	a.LockedUntil, a.Window = time.Time{}, credentials.Window{}
	return a.State(time.Time{})
}

// Confirm makes a Not confirmed account Active: the owner has set a password with the
// code from the mail, or an import brought one.
func (a Account) Confirm(now time.Time) (Account, error) {
	if err := a.May(Confirm, Policy{}); err != nil {
		return a, err
	}
	a.Confirmed = now
	return a, nil
}

// Suspend takes access away and keeps everything else: links, roles, history.
func (a Account) Suspend(now time.Time, reason string, p Policy) (Account, error) {
	if err := a.May(Suspend, p); err != nil {
		return a, err
	}
	a.Suspended = Suspension{At: now, Reason: reason}
	return a, nil
}

// Enable ends a suspension.
func (a Account) Enable() (Account, error) {
	if err := a.May(Enable, Policy{}); err != nil {
		return a, err
	}
	a.Suspended = Suspension{}
	return a, nil
}

// Revoke stops the account whatever its validity says.
func (a Account) Revoke(now time.Time) (Account, error) {
	if err := a.May(Revoke, Policy{}); err != nil {
		return a, err
	}
	a.Window.Revoked, a.RevokedAt = true, now
	return a, nil
}

// Unrevoke takes the revocation back. Outside its validity the account stays as it is.
func (a Account) Unrevoke() (Account, error) {
	if err := a.May(Unrevoke, Policy{}); err != nil {
		return a, err
	}
	a.Window.Revoked, a.RevokedAt = false, time.Time{}
	return a, nil
}

// Validate sets from when until when the account is valid, and leaves a revocation as
// it is. Errors: [credentials.ErrValidityOrder].
func (a Account) Validate(w credentials.Window) (Account, error) {
	if err := a.May(Validate, Policy{}); err != nil {
		return a, err
	}
	w = w.Whole()
	if err := w.Validate(); err != nil {
		return a, err
	}
	w.Revoked = a.Window.Revoked
	a.Window = w
	return a, nil
}

// Lock stops sign-in until then, after failed ones. It concerns sign-in only.
func (a Account) Lock(until time.Time) (Account, error) {
	if err := a.May(Lock, Policy{}); err != nil {
		return a, err
	}
	a.LockedUntil = until
	return a, nil
}

// Unlock ends a lock early.
func (a Account) Unlock() (Account, error) {
	if err := a.May(Unlock, Policy{}); err != nil {
		return a, err
	}
	a.LockedUntil = time.Time{}
	return a, nil
}

// Remove ends the account for ever: what stays is its id, so that the log resolves, and
// its username, so that nobody else is taken for its owner. Address, names, phone,
// roles and sites go; the log keeps its own sealed record of them.
func (a Account) Remove(now time.Time, p Policy) (Account, error) {
	if err := a.May(Remove, p); err != nil {
		return a, err
	}
	return Account{Confirmed: a.Confirmed, Created: a.Created, ID: a.ID, Removed: now, Username: a.Username}, nil
}
