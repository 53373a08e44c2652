package credentials

import (
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// ErrValidityOrder: a window ends before it begins.
var ErrValidityOrder = fault.New(fault.Invalid, "credentials: the window ends before it begins").
	Hinted("Choose an end that lies after the beginning.")

// Window is when a credential is valid: whole seconds, From inclusive, Until exclusive,
// zero is open. Revoked is a hard stop whatever the times say. The zero value is
// always valid.
//
// Both products write an inclusive end ("valid until 17:00:00" still opens at that
// second); [Through] stores it as the next second.
type Window struct {
	From    time.Time `json:"from,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Revoked bool      `json:"revoked,omitempty"`
}

// Through makes a window whose last valid second is last (zero: open).
func Through(from, last time.Time) (Window, error) {
	w := Window{From: floor(from)}
	if !last.IsZero() {
		w.Until = floor(last).Add(time.Second)
	}
	return w, w.Validate()
}

// Whole is the window in whole seconds: what lies within a second begins and ends with it.
func (w Window) Whole() Window {
	w.From, w.Until = floor(w.From), floor(w.Until)
	return w
}

func floor(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// Validate reports [ErrValidityOrder].
func (w Window) Validate() error {
	if !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until) {
		return ErrValidityOrder
	}
	return nil
}

// IsZero reports whether the window is always open.
func (w Window) IsZero() bool { return w.From.IsZero() && w.Until.IsZero() && !w.Revoked }

// Contains reports whether now lies in the window and it is not revoked.
func (w Window) Contains(now time.Time) bool {
	return !w.Revoked && !now.Before(w.From) && (w.Until.IsZero() || now.Before(w.Until))
}

// Within reports whether w allows nothing that o does not allow.
func (w Window) Within(o Window) bool {
	if w.Revoked {
		return true
	}
	if o.Revoked {
		return false
	}
	return !w.From.Before(o.From) && (o.Until.IsZero() || !w.Until.IsZero() && !w.Until.After(o.Until))
}

// Next returns the first instant after now at which Contains changes, zero if never.
func (w Window) Next(now time.Time) time.Time {
	switch {
	case w.Revoked:
		return time.Time{}
	case now.Before(w.From):
		return w.From
	case !w.Until.IsZero() && now.Before(w.Until):
		return w.Until
	}
	return time.Time{}
}
