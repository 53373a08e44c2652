package rec

import (
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Outage is what a point does while the store is out of reach.
type Outage string

// What a point can do. The zero value is cached.
const (
	OutageCached Outage = ""
	OutageDeny   Outage = "deny"
)

// ReaderPoint is a point for which a reader speaks.
type ReaderPoint struct {
	ID       string `json:"id"`
	OnOutage Outage `json:"onOutage,omitempty"`
	// Bound is for how long an edge decides about it by itself; 0: the default.
	Bound time.Duration `json:"bound,omitempty"`
}

// FormerPoint is a point as it was until a reader's points were changed.
type FormerPoint struct {
	ReaderPoint
	Until time.Time `json:"until"`
}

// Reader is a device, or a controller of several, that asks at a door. Its id is in its key.
type Reader struct {
	Site   string        `json:"site"`
	Name   string        `json:"name,omitempty"`
	Points []ReaderPoint `json:"points"`
	// Former are what the points were, the newest last: during an outage somebody may have
	// decided by them.
	Former []FormerPoint `json:"former,omitempty"`
	Hash   []byte        `json:"hash"` // SHA-256 of its key, or of its certificate
	// Journal is the key of what it decides during an outage.
	Journal credentials.Sealed `json:"journal"`
	Added   time.Time          `json:"added"`
	Ended   time.Time          `json:"ended,omitzero"`
}

// Lockout is what was typed or held wrongly at a reader's point on one medium. It is quiet.
type Lockout struct {
	Wrong int       `json:"wrong,omitempty"` // since the last lock-out or the last right one
	Level int       `json:"level,omitempty"` // lock-outs so far: each is longer
	Last  time.Time `json:"last,omitzero"`   // the last wrong one
	Until time.Time `json:"until,omitzero"`
}

// Guessing says that a site's budget of wrong codes was used up in a stretch of time. It
// is quiet; its entry says the same.
type Guessing struct {
	At time.Time `json:"at"`
}

// Opening is when a point opened last. It is quiet.
type Opening struct {
	At time.Time `json:"at"`
}

// Enrolling is a reader that waits for a tag that is to be somebody's, and what came of it.
// It is quiet; that it waits is an entry, and so is the tag.
type Enrolling struct {
	ID      string    `json:"id"` // the next one at the same reader has another
	Account string    `json:"account,omitempty"`
	By      Author    `json:"by,omitzero"`
	Label   string    `json:"label,omitempty"`
	Paid    []string  `json:"paid,omitempty"` // counters of answers that it would have used up
	Point   string    `json:"point,omitempty"`
	Until   time.Time `json:"until,omitzero"`

	// Ended: it waits no more, because of a tag that was added, one that is refused, or
	// neither.
	Ended   bool   `json:"ended,omitempty"`
	Tag     uint64 `json:"tag,omitempty"`
	Bits    int    `json:"bits,omitempty"`
	Refused bool   `json:"refused,omitempty"`
}

// Awaits reports whether it waits for a tag at a point.
func (e Enrolling) Awaits(point string, now time.Time) bool {
	return e.ID != "" && !e.Ended && e.Point == point && now.Before(e.Until)
}

// End ends it, and returns what gives back what it would have used up.
func (e *Enrolling) End() (back []store.Op) {
	if !e.Refused {
		for _, counter := range e.Paid {
			back = append(back, store.Count{Counter: counter, By: -1})
		}
	}
	*e = Enrolling{ID: e.ID, Ended: true, Tag: e.Tag, Bits: e.Bits, Refused: e.Refused}
	return back
}

// Signal is what every decision leaves for whoever carries alarms: whether there is one is
// sealed, and the sealed value has one size. It is quiet; its id is the decision's.
type Signal struct {
	At     time.Time          `json:"at"`
	Point  string             `json:"point"`
	Reader string             `json:"reader"`
	Sealed credentials.Sealed `json:"sealed"`
	Site   string             `json:"site"`
}

// Alarm is a duress alarm, in the restricted log. Its id is the decision's.
type Alarm struct {
	Account      string    `json:"account"`
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Action       string    `json:"action,omitempty"`
	By           Author    `json:"by,omitzero"` // who acknowledged it
	Delivered    time.Time `json:"delivered,omitzero"`
	Point        string    `json:"point"`
	Raised       time.Time `json:"raised"` // when the code was presented
	Reader       string    `json:"reader"`
	Site         string    `json:"site"`
	Tries        int64     `json:"tries,omitempty"`
}

// Taken is how far a reader's journal was taken over. It is quiet.
type Taken struct {
	Next  uint64 `json:"next"`  // number of the line that comes next
	Chain []byte `json:"chain"` // what it is chained to
}

// ByRaised lists signals and alarms by time.
const ByRaised = "raised"

// The kinds of records about doors.
var (
	Readers = Kind[Reader]{known: sync.OnceValue(fields[Reader]), Name: "reader", Schema: 1, Secure: true, Terms: func(_ string, r *Reader) []store.Term {
		return []store.Term{{Name: BySite, Value: []byte(r.Site)}}
	}}
	Lockouts   = Kind[Lockout]{known: sync.OnceValue(fields[Lockout]), Name: store.Attempt, Schema: 1}
	Guessings  = Kind[Guessing]{known: sync.OnceValue(fields[Guessing]), Name: store.Attempt, Schema: 1}
	Enrollings = Kind[Enrolling]{known: sync.OnceValue(fields[Enrolling]), Name: store.Attempt, Schema: 1}
	Openings   = Kind[Opening]{known: sync.OnceValue(fields[Opening]), Name: store.Touch, Schema: 1}
	Signals    = Kind[Signal]{known: sync.OnceValue(fields[Signal]), Name: store.Sent, Schema: 1, Terms: func(_ string, s *Signal) []store.Term {
		return []store.Term{{Name: ByRaised, Value: store.TermTime(s.At)}}
	}}
	Alarms = Kind[Alarm]{known: sync.OnceValue(fields[Alarm]), Name: "alarm", Schema: 1, Secure: true, Terms: func(_ string, a *Alarm) []store.Term {
		return []store.Term{{Name: BySite, Value: []byte(a.Site)}, {Name: ByRaised, Value: store.TermTime(a.Raised)}}
	}}
	Takens = Kind[Taken]{known: sync.OnceValue(fields[Taken]), Name: store.Cursor, Schema: 1}
)
