package credentials

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Kind is what sort of secret a [Secret] is.
type Kind uint8

// The kinds.
const (
	PIN       Kind = iota + 1 // typed, on a keypad, in an app or on a phone
	DuressPIN                 // the same, and says that somebody is forced
	TagNumber                 // held to a reader, never typed
)

// on reports whether a secret of this kind can open anything on the medium. Claims
// share one namespace; matching never does.
func (k Kind) on(m Medium) bool {
	if k == TagNumber {
		return m == Reader
	}
	return m == Keypad || m == Mobile || m == Phone
}

// Secret is one thing of a record that can be presented.
type Secret struct {
	Kind  Kind
	Print Fingerprint // of the code, or of the first of [TagMaterials]
	Typed Fingerprint // of a tag's number in decimal; zero if it has none
	Lost  bool        // a tag that was lost, stolen, damaged or disabled
}

// Record is everybody and everything that a presented secret can turn out to be: what
// is known of its holder, without a name.
type Record struct {
	Holder   string    // opaque
	As       []Subject // as whom the holder acts, see [Expand]
	Secrets  []Secret
	Disabled bool
	Window   Window // with Revoked, the hard stop
	Max      int    // how often it opens, 0: no limit
	Used     int
}

// Presented is what somebody held or typed, and where.
type Presented struct {
	Point  string
	Medium Medium
	Prints []Fingerprint // under each fingerprint key of the epoch
	// Locked: the point takes nothing on this medium before then, after wrong codes.
	Locked time.Time
}

// ClockQuality says how far the time can be relied on. The zero value is not at all.
type ClockQuality uint8

// The qualities.
const (
	ClockUnknown  ClockQuality = iota // nobody has looked
	ClockDoubtful                     // it contradicts something: the build, the log, another clock
	ClockTrusted                      // synchronised
)

// Now is a time with its quality.
type Now struct {
	T       time.Time
	Quality ClockQuality
}

// Reason says why a decision is as it is.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	Unknown    Reason = "unknown"      // nothing of this record matches on this medium
	LockedOut  Reason = "locked out"   // too many wrong codes at this point
	Revoked    Reason = "revoked"      // the hard stop, by hand
	Lost       Reason = "lost"         // the tag was lost, stolen, damaged or disabled
	Disabled   Reason = "disabled"     // the holder is disabled or suspended
	NoClock    Reason = "clock"        // it depends on the time, and the time cannot be trusted
	NotYet     Reason = "not yet"      // before the window
	Expired    Reason = "expired"      // after it
	UsedUp     Reason = "used up"      // opened as often as it may
	NoRule     Reason = "no rule"      // no rule leads this holder to this point
	OutOfHours Reason = "out of hours" // one does, at another time
	Granted    Reason = "granted"      // the door opens
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
}

// Granted reports whether the door opens.
func (d Decision) Granted() bool { return d.Reason == Granted }

// String returns the reason.
func (d Decision) String() string { return string(d.Reason) }

// Format keeps duress out of every verb of fmt.
func (d Decision) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue keeps duress out of slog.
func (d Decision) LogValue() slog.Value { return slog.StringValue(d.String()) }

// Decide says whether rec's holder may enter by what was presented. It is pure, it looks
// at every secret of the record before anything else, and then asks in the order of the
// reasons. Without a trusted clock nothing that depends on the time is granted: no
// window, no limited use, no schedule; a lock-out holds.
func Decide(rec Record, rules []Rule, p Presented, now Now) Decision {
	s, typed := match(rec.Secrets, p)
	if s == nil {
		return Decision{Reason: Unknown, TagTyped: typed}
	}
	duress, trusted := s.Kind == DuressPIN, now.Quality == ClockTrusted
	d := Decision{Duress: duress, Alarm: duress && !rec.Window.Revoked && !s.Lost}
	usedUp := rec.Max > 0 && rec.Used >= rec.Max
	switch timed := !rec.Window.IsZero() || rec.Max > 0; {
	case !p.Locked.IsZero() && (!trusted || now.T.Before(p.Locked)):
		d.Reason = LockedOut
	case rec.Window.Revoked:
		d.Reason = Revoked
	case s.Lost:
		d.Reason = Lost
	case rec.Disabled:
		d.Reason = Disabled
	case timed && !trusted:
		d.Reason = NoClock
	case now.T.Before(rec.Window.From):
		d.Reason = NotYet
	case !rec.Window.Contains(now.T):
		d.Reason = Expired
	case usedUp:
		d.Reason = UsedUp
	default:
		d.Reason, d.Rule = byRules(rec, rules, p, now)
	}
	hopeless := rec.Window.Revoked || s.Lost || rec.Disabled || usedUp
	if trusted && !hopeless && d.Reason != Granted {
		d.Next = soonest(rec, rules, p, now.T)
	}
	return d
}

// match finds the secret that was presented. It compares every one of them, so that the
// time tells neither which matched nor whether.
func match(secrets []Secret, p Presented) (found *Secret, tagTyped bool) {
	for i := range secrets {
		s, same, typed := &secrets[i], 0, 0
		for _, shown := range p.Prints {
			same |= subtle.ConstantTimeCompare(s.Print[:], shown[:])
			typed |= subtle.ConstantTimeCompare(s.Typed[:], shown[:])
		}
		if same == 1 && s.Kind.on(p.Medium) {
			found = s
		}
		tagTyped = tagTyped || typed == 1 && s.Kind == TagNumber && PIN.on(p.Medium)
	}
	return found, tagTyped && found == nil
}

// byRules asks the rules alone, and names the one that grants.
func byRules(rec Record, rules []Rule, p Presented, now Now) (Reason, string) {
	why := NoRule
	for i := range rules {
		r := &rules[i]
		switch {
		case !r.fits(rec, p):
		case r.Schedule == nil, now.Quality == ClockTrusted && r.Schedule.Open(now.T):
			return Granted, r.ID
		case now.Quality == ClockTrusted:
			why = OutOfHours
		default:
			why = NoClock
		}
	}
	return why, ""
}

// soonest is the first instant from t on at which lock-out, window and some rule would
// let the record in, zero if there is none.
func soonest(rec Record, rules []Rule, p Presented, t time.Time) time.Time {
	for _, bound := range []time.Time{p.Locked, rec.Window.From} {
		if t.Before(bound) {
			t = bound
		}
	}
	var first time.Time
	for i := range rules {
		r := &rules[i]
		if !r.fits(rec, p) {
			continue
		}
		at := t
		if !r.Schedule.Open(t) {
			at = r.Schedule.Next(t)
		}
		if !at.IsZero() && rec.Window.Contains(at) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
