package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Query selects records of one kind.
type Query struct {
	Kind Kind
	// Term is the term that orders and bounds the list; "" orders by id and ignores the bounds.
	Term string
	// From and To bound the term's value, From inclusive, To exclusive; nil is open.
	From, To []byte
	// Prefix, if not nil, keeps values that begin with it.
	Prefix []byte
	// After is the last record of the page before: its term value and id.
	After *Position
	// Limit is at most 1000; 0 means 1000.
	Limit int
}

// Position is a place in a list: a keyset cursor.
type Position struct {
	Value []byte
	ID    string
}

// MaxPage is the largest page that List and Entries return.
const MaxPage = 1000

// Page returns the limit to apply.
func Page(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}

// Entry is a leaf with its place in the log, -1 until integrated.
type Entry struct {
	Leaf
	Index int64
}

// EntryQuery selects log entries. All given conditions must hold.
type EntryQuery struct {
	ID         string   // one entry
	Target     []byte   // entries found by this target
	AnyTarget  [][]byte // entries found by at least one of these; nil does not filter
	Actions    []string // any of these codes
	Since      time.Time
	Until      time.Time // exclusive
	FromIndex  int64     // with ByIndex: the first index wanted
	ByIndex    bool      // integrated entries in log order; otherwise by (time, id)
	OldestLast bool      // newest first
	AfterAt    time.Time // keyset cursor of (time, id): the last entry of the page before
	AfterID    string
	Limit      int
}

// Sort compares two positions bytewise.
func (p Position) Sort(q Position) int {
	return cmp.Or(bytes.Compare(p.Value, q.Value), cmp.Compare(p.ID, q.ID))
}

// Memory is how long a store remembers at least the id of a committed change, and a
// counter that names no other time.
const Memory = 24 * time.Hour

// Bounds returns the range of term values that q selects: from inclusive, to
// exclusive, nil open. It is From, To and Prefix in one.
func (q Query) Bounds() (from, to []byte) {
	from, to = q.From, q.To
	if q.Prefix == nil {
		return from, to
	}
	if bytes.Compare(q.Prefix, from) > 0 {
		from = q.Prefix
	}
	if next := following(q.Prefix); next != nil && (to == nil || bytes.Compare(next, to) < 0) {
		to = next
	}
	return from, to
}

// following returns the smallest value above all that begin with prefix, nil if there is none.
func following(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			next := slices.Clone(prefix[:i+1])
			next[i]++
			return next
		}
	}
	return nil
}

// CheckTenant refuses what is no tenant's id with [ErrTenant]: an id is 1 to 64 bytes
// of a-z, 0-9, '-' and '_'.
func CheckTenant(id string) error {
	if len(id) == 0 || len(id) > 64 {
		return fmt.Errorf("%w: %d bytes", ErrTenant, len(id))
	}
	for _, b := range []byte(id) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return fmt.Errorf("%w: only a-z, 0-9, '-' and '_'", ErrTenant)
		}
	}
	return nil
}
