package store

import (
	"time"
)

// Kind is a family of records: "user", "panel", "account". Kinds are open: a new
// feature adds kinds, never verbs.
type Kind string

// The quiet kinds: records that may change without an entry in the log, because they
// say nothing about what anybody did. The list is closed and guarded by a test.
const (
	Cursor    Kind = "cursor"    // how far a follower has read
	Watermark Kind = "watermark" // how far a loop has come; signed checkpoints
	Touch     Kind = "touch"     // last seen, last used
	Attempt   Kind = "attempt"   // tries on the wire, with the panel's last words
	Sent      Kind = "sent"      // a message's delivery
	Session   Kind = "session"   // a driver session's own resumable state
)

// Quiet reports whether puts and drops of k need no entry.
func Quiet(k Kind) bool {
	switch k {
	case Cursor, Watermark, Touch, Attempt, Sent, Session:
		return true
	}
	return false
}

// Key names one record.
type Key struct {
	Kind Kind
	ID   string
}

// String returns "kind/id".
func (k Key) String() string { return string(k.Kind) + "/" + k.ID }

// Term is a sorted secondary key of a record. Values compare bytewise; use [TermUint]
// and [TermTime] for numbers and times. A nil Value is not listed.
type Term struct {
	Name  string
	Value []byte
}

// TermUint encodes n so that bytewise order is numeric order.
func TermUint(n uint64) []byte {
	return []byte{byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// TermTime encodes t so that bytewise order is time order, from 1678 to 2262, nanoseconds kept.
func TermTime(t time.Time) []byte { return TermUint(uint64(t.UnixNano()) ^ 1<<63) }

// Record is one stored value. Body is JSON with sorted keys by the services' custom;
// the store never looks inside. Version counts writes: 0 means that there is none.
type Record struct {
	Key     Key
	Version uint64
	Body    []byte
	Terms   []Term
}

// Leaf is one entry of the log as the store sees it: opaque bytes with what is needed
// to find them. Hash is the leaf's record hash in the tree (RFC 6962, SHA-256).
type Leaf struct {
	ID      string // random, unique for ever
	At      time.Time
	Action  string
	Targets [][]byte // up to 16 opaque ids by which the entry is found
	Body    []byte
	Hash    [32]byte
}
