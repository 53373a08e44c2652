package accounts

import "time"

// Status is what a product shows of an account, in its own words.
type Status string

// The statuses that PowerManage shows.
const (
	StatusNotConfirmed Status = "Not confirmed"
	StatusActive       Status = "Active" // GEM too
	StatusSuspended    Status = "Suspended"
	StatusUnknown      Status = "Unknown" // a panel user without an account; never an account's own
)

// The further statuses that GEM shows.
const (
	StatusInactive Status = "Inactive"
	StatusLocked   Status = "Locked"
)

// StatusPowerManage is the account's status in PowerManage's words: Not confirmed,
// Active or Suspended. Nothing that keeps the owner out is shown as Active: an account
// that is locked, revoked, outside its validity or removed is Suspended.
func (a Account) StatusPowerManage(now time.Time) Status {
	switch a.State(now) {
	case System, Active:
		return StatusActive
	case NotConfirmed:
		return StatusNotConfirmed
	}
	return StatusSuspended
}

// StatusGEM is the account's status in GEM's words: Active, Locked, or Inactive for
// everything else that keeps the owner out.
func (a Account) StatusGEM(now time.Time) Status {
	switch a.State(now) {
	case System, Active:
		return StatusActive
	case Locked:
		return StatusLocked
	}
	return StatusInactive
}

// StatusOf is the status that the Users grid shows for the account of a panel user:
// Unknown if it has none, or one that was removed since.
func StatusOf(a *Account, now time.Time) Status {
	if a == nil || !a.Removed.IsZero() {
		return StatusUnknown
	}
	return a.StatusPowerManage(now)
}

// FormatCreated renders a time as the products do, in t's own zone:
// "4:24:55 PM Wed 13 May, 2026"; "-" for the zero time.
func FormatCreated(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("3:04:05 PM Mon 2 Jan, 2006")
}
