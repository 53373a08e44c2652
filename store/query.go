package store

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

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
