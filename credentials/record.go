package credentials

import (
	"slices"
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
	Window   Window    // with Revoked, the hard stop
	Type     UserType  // what else the record may and may not
	Hours    *Compiled // the record's own hours; nil: always, or never if Type is restricted to them
	Needs    int       // how many credentials must be shown together; 0 and 1: one
	Max      int       // how often it opens, 0: no limit but that of Type
	Used     int
	Life     Life

	own []string // further kinds of subjects as whom the holder acts, with the holder's own id
}

// acts reports whether the holder acts as the subject.
func (r *Record) acts(s *Subject) bool {
	return slices.Contains(r.As, *s) || s.ID == r.Holder && slices.Contains(r.own, s.Kind)
}

// Life ends a record by its use. The zero value does not.
type Life struct {
	For   time.Duration // it ends that long after its first use; 0: not so
	Idle  time.Duration // it ends when it was not used for that long; 0: not so
	Since time.Time     // from when on not being used counts, before the first use; needed with Idle
	First time.Time     // its first use; zero: none so far
	Last  time.Time     // its last use
}

// end is when the time after the first use is over, zero if it never is. An expiring
// user without a time has none left after the first use.
func (r *Record) end() time.Time {
	if r.Life.First.IsZero() || r.Life.For == 0 && r.Type != Expiring {
		return time.Time{}
	}
	return floor(r.Life.First).Add(r.Life.For)
}

// idleEnd is when the record was not used for too long, zero if that never happens. A
// record that was never used and has no Since is over.
func (r *Record) idleEnd() time.Time {
	if r.Life.Idle == 0 {
		return time.Time{}
	}
	last := r.Life.Last
	if last.IsZero() {
		last = r.Life.Since
	}
	return last.Add(r.Life.Idle)
}

func (r *Record) usedUp() bool {
	return r.Max > 0 && r.Used >= r.Max || r.Type == Disposable && r.Used >= 1
}

// Lasts reports whether the record opens anything after its uses so far, and until when:
// the earlier end of its life, zero if it has none.
func (r Record) Lasts() (until time.Time, ok bool) {
	until = r.end()
	if idle := r.idleEnd(); until.IsZero() || !idle.IsZero() && idle.Before(until) {
		until = idle
	}
	return until, !r.usedUp()
}

// timed reports whether the record itself depends on the time or on how often it opened.
func (r *Record) timed() bool {
	w := &r.Window
	return !w.From.IsZero() || !w.Until.IsZero() || w.Revoked || r.Max > 0 || r.Life.For > 0 || r.Life.Idle > 0 || r.Type.timed() || r.Hours != nil
}

// open asks the record's own hours.
func (r *Record) open(t time.Time) bool {
	if r.Hours == nil {
		return !r.Type.restricted()
	}
	return r.Hours.Open(t)
}
