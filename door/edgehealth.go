package door

import (
	"maps"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Health is how the edge stands: the clock with which it would decide now, and as problems
// that this clock is in doubt, what the last refresh failed with, that the site's key was
// changed, and whose credentials it cannot keep.
func (e *Edge) Health() Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := Health{Clock: e.now().Quality}
	if h.Clock != credentials.ClockTrusted {
		h.add(ErrClock)
	}
	if e.failed != nil {
		h.add(e.failed)
	}
	if e.due {
		h.add(ErrSiteKeyDue)
	}
	for _, id := range slices.Sorted(maps.Keys(e.left)) {
		h.add(e.left[id])
	}
	return h
}

// add adds a problem with what to do about it.
func (h *Health) add(err error) {
	text := err.Error()
	if hint := fault.Hint(err); hint != "" {
		text += ". " + hint
	}
	h.Problems = append(h.Problems, text)
}
