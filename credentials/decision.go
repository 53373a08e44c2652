package credentials

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Reason says why a decision is as it is.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	Unknown    Reason = "unknown"            // nothing of this record matches on this medium
	LockedOut  Reason = "locked out"         // too many wrong codes at this point
	Revoked    Reason = "revoked"            // the hard stop, by hand
	Lost       Reason = "lost"               // the tag was lost, stolen, damaged or disabled
	Disabled   Reason = "disabled"           // the holder is disabled or suspended
	NoAccess   Reason = "no access"          // this type of user opens nothing, or nothing on this medium
	NoClock    Reason = "clock"              // it depends on the time, and the time cannot be trusted
	NotYet     Reason = "not yet"            // before the window
	Expired    Reason = "expired"            // after it, or too long after the first use
	Unused     Reason = "unused"             // not used for too long
	UsedUp     Reason = "used up"            // opened as often as it may
	NoRule     Reason = "no rule"            // no rule leads this holder to this point
	Lockdown   Reason = "lockdown"           // one does, but not in a lockdown
	OutOfHours Reason = "out of hours"       // one does, at another time
	Cooldown   Reason = "cooldown"           // one does, but the point has only just opened
	Incomplete Reason = "another credential" // everything is right so far, and not enough
	Granted    Reason = "granted"            // the door opens
)

// Decision is the answer at the door. It prints without Duress and Alarm: whoever sees the
// answer must not see those.
type Decision struct {
	Reason Reason    `json:"reason"`
	Next   time.Time `json:"next,omitzero"` // when the same would be granted, as things are; zero: not by waiting
	Rule   string    `json:"rule,omitempty"`
	// TagTyped: digits were typed that are the number of the record's tag. It counts as a
	// wrong code and is worth a note.
	TagTyped bool `json:"tagTyped,omitempty"`
	// Duress: what matched was a duress code. The decision is the same as for the holder's
	// ordinary code.
	Duress bool `json:"-"`
	// Alarm: duress raises its alarm, granted or not. Only a holder who was revoked by hand
	// and a lost tag raise none.
	Alarm bool `json:"-"`
	// Action is what the alarm does, as the first rule about holder and point says; "": the
	// host's default.
	Action string `json:"-"`
}

// Granted reports whether the door opens.
func (d Decision) Granted() bool { return d.Reason == Granted }

// String returns the reason.
func (d Decision) String() string { return string(d.Reason) }

// Format keeps duress out of every verb of fmt.
func (d Decision) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue keeps duress out of slog.
func (d Decision) LogValue() slog.Value { return slog.StringValue(d.String()) }
