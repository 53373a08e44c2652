package twon

import "sync"

// writes is what this driver changed on one device, so that no session takes it for
// somebody else's doing.
type writes struct {
	mu      sync.Mutex
	series  text
	at      map[string]int64 // timestamp of the last change of each entry
	highest int64
	busy    int    // changes under way
	turn    uint64 // changes that have begun
}

// begin notes a change under way.
func (w *writes) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy++
	w.turn++
}

// end notes what a change left behind.
func (w *writes) end(d directory) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	if d.Series != "" && d.Series != w.series {
		w.series, w.highest = d.Series, 0
		clear(w.at)
	}
	for _, e := range d.Users {
		if len(e.Errors) == 0 {
			w.at[e.UUID] = e.Timestamp
			w.highest = max(w.highest, e.Timestamp)
		}
	}
}

// quiet is the number of changes that have begun, or false while one is under way.
func (w *writes) quiet() (uint64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.turn, w.busy == 0
}

// others leaves of a reading what somebody else changed, and says whether something
// changed that the reading does not show.
func (w *writes) others(d directory, after int64) (changed []entry, unseen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := after
	if w.series == d.Series {
		known = max(known, w.highest)
	}
	for _, e := range d.Users {
		known = max(known, e.Timestamp)
		if e.Timestamp > after && (w.series != d.Series || w.at[e.UUID] < e.Timestamp) {
			changed = append(changed, e)
		}
	}
	return changed, d.Timestamp > known
}
