package roster

import (
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// hours is when somebody may enter somewhere: within every window and their own hours,
// and in the hours of some rule.
type hours struct {
	windows []credentials.Window
	own     *credentials.Compiled // nil: always
	rules   *credentials.Compiled // nil: always
}

// open reports whether they may enter at t.
func (h hours) open(t time.Time) bool {
	for _, w := range h.windows {
		if !w.Contains(t) {
			return false
		}
	}
	return h.own.Open(t) && h.rules.Open(t)
}

// next is the first instant after t at which something changes, zero if nothing does.
func (h hours) next(t time.Time) time.Time {
	first := sooner(h.own.Next(t), h.rules.Next(t))
	for _, w := range h.windows {
		first = sooner(first, w.Next(t))
	}
	return first
}

// maxTurns is how many changes are looked at for one stretch.
const maxTurns = 1000

// stretch is the time around or after now in which they may enter without a break: from
// is zero if it has begun, until is zero if it does not end. Without ok there is none before
// until, when it is looked at again, or none at all if that is zero.
func (h hours) stretch(now time.Time) (from, until time.Time, ok bool) {
	t := now
	for turns := 0; !h.open(t); turns++ {
		if t = h.next(t); t.IsZero() || turns == maxTurns {
			return time.Time{}, t, false
		}
		from = t
	}
	for range maxTurns {
		if t = h.next(t); t.IsZero() || !h.open(t) {
			break
		}
	}
	return from, t, true // after so many changes it is looked at again
}

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
