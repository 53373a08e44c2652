package credentials

import (
	"cmp"
	"slices"
	"time"
)

// bucketSpan is how many seconds of transitions are kept together: the sweep's quarter
// of an hour.
const bucketSpan = 15 * 60

// timetable keeps holders by the time of their next transition: a sorted list of
// buckets, each a chain through its holders. There are at most 35,064 buckets a year,
// however many holders there are.
type timetable []bucket

type bucket struct {
	no   int64 // the second divided by bucketSpan
	head uint32
}

func bucketOf(second int64) int64 { return floorDiv(second, bucketSpan) }

func (t timetable) search(no int64) (int, bool) {
	return slices.BinarySearchFunc(t, no, func(b bucket, no int64) int { return cmp.Compare(b.no, no) })
}

// turn is which transition of a record comes next.
type turn uint8

const (
	noTurn turn = iota
	begins
	ends     // the window's end
	runsOut  // too long after the first use
	goesIdle // not used for too long
)

// Transition is a record that begins or ends to be valid by itself.
type Transition struct {
	Holder string
	At     time.Time
	Ends   bool
}

// secondOf is when a turn of the holder is, noUntil if never.
func (x *Index) secondOf(i uint32, h *holderRow, k turn) int64 {
	switch w := x.span(h); {
	case k == begins && w.from != noFrom:
		return w.from
	case k == ends:
		return w.until
	case k <= ends || h.bits&hasExtra == 0:
		return noUntil
	}
	e := x.extras[i]
	r := Record{Type: e.kind, Life: e.life}
	at := r.end()
	if k == goesIdle {
		at = r.idleEnd()
	}
	if at.IsZero() {
		return noUntil
	}
	if at.Nanosecond() > 0 {
		return at.Unix() + 1
	}
	return at.Unix()
}

// nextTurn is the holder's first turn after that second.
func (x *Index) nextTurn(i uint32, h *holderRow, after int64) (next turn, second int64) {
	second = noUntil
	for k := begins; k <= goesIdle; k++ {
		if s := x.secondOf(i, h, k); s > after && s < second {
			next, second = k, s
		}
	}
	return next, second
}

// schedule enters the holder for its next turn. A revoked or disabled one has none: what
// ends it or lets it back in is a change.
func (x *Index) schedule(i uint32, h *holderRow) {
	if h.bits&(isRevoked|isDisabled) != 0 {
		return
	}
	k, second := x.nextTurn(i, h, x.done)
	if k == noTurn {
		return
	}
	h.turn = k
	no := bucketOf(second)
	at, found := x.due.search(no)
	if !found {
		x.due = slices.Insert(x.due, at, bucket{no: no})
	}
	b := &x.due[at]
	h.prev, h.next = 0, b.head
	if b.head != 0 {
		x.holders.at(b.head).prev = i
	}
	b.head = i
}

func (x *Index) unschedule(i uint32, h *holderRow) {
	if h.turn == noTurn {
		return
	}
	if h.next != 0 {
		x.holders.at(h.next).prev = h.prev
	}
	if h.prev != 0 {
		x.holders.at(h.prev).next = h.next
	} else if at, found := x.due.search(bucketOf(x.secondOf(i, h, h.turn))); found {
		if x.due[at].head = h.next; h.next == 0 {
			x.due = slices.Delete(x.due, at, at+1)
		}
	}
	h.turn, h.prev, h.next = noTurn, 0, 0
}

// Due tells which records began or ended since the last call, once each with their last
// transition: ends first, then by time. It costs by the number of those that are due,
// and of those in the same quarter of an hour. Without a trusted clock and when the
// clock went back nothing is due.
func (x *Index) Due(now Now) []Transition {
	x.mu.Lock()
	defer x.mu.Unlock()
	until := now.T.Unix()
	if now.Quality != ClockTrusted || until <= x.done {
		return nil
	}
	var due []uint32
	last := bucketOf(until)
	for _, b := range x.due {
		if b.no > last {
			break
		}
		for i := b.head; i != 0; {
			h := x.holders.at(i)
			if x.secondOf(i, h, h.turn) <= until {
				due = append(due, i)
			}
			i = h.next
		}
	}
	out := make([]Transition, 0, len(due))
	for _, i := range due {
		h := x.holders.at(i)
		k, second := h.turn, x.secondOf(i, h, h.turn)
		for next, s := x.nextTurn(i, h, second); next != noTurn && s <= until; next, s = x.nextTurn(i, h, s) {
			k, second = next, s
		}
		x.unschedule(i, h)
		out = append(out, Transition{Holder: x.idOf(h), At: time.Unix(second, 0).UTC(), Ends: k != begins})
	}
	x.done = until
	for _, i := range due {
		x.schedule(i, x.holders.at(i))
	}
	slices.SortFunc(out, func(a, b Transition) int {
		if a.Ends != b.Ends {
			if a.Ends {
				return -1
			}
			return 1
		}
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Holder, b.Holder))
	})
	return out
}

// Next is when the next record is due, zero if none is.
func (x *Index) Next() time.Time {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if len(x.due) == 0 {
		return time.Time{}
	}
	first := int64(noUntil)
	for i := x.due[0].head; i != 0; {
		h := x.holders.at(i)
		first = min(first, x.secondOf(i, h, h.turn))
		i = h.next
	}
	return time.Unix(first, 0).UTC()
}
