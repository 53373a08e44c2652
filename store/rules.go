package store

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// Name is what can be claimed: an opaque byte string of at most [MaxTerm] bytes, such
// as a scope, a key id and a keyed fingerprint (package credentials makes them).
type Name string

// Held is who has a name. Uses and Reservers are sorted; reservers are "holder\x00use".
type Held struct {
	Name      Name
	Holder    string
	Uses      []string
	Reservers []Reserver
	RestsFor  string // the last holder while the name rests
	RestUntil time.Time
}

// Reserver is one reservation of a name.
type Reserver struct{ Holder, Use string }

// sort orders reservers by holder, then use.
func (r Reserver) sort(q Reserver) int {
	return cmp.Or(cmp.Compare(r.Holder, q.Holder), cmp.Compare(r.Use, q.Use))
}

// Free reports whether nothing is recorded about the name at an instant.
func (h Held) Free(now time.Time) bool {
	return h.Holder == "" && len(h.Reservers) == 0 && !h.RestUntil.After(now)
}

// On applies the claim to who has the name now. The value given is not changed.
func (o Claim) On(h Held, now time.Time) (Held, error) {
	h = h.clone()
	h.Name = o.Name
	if h.RestUntil.After(now) && h.RestsFor != o.Holder && h.RestsFor != o.From {
		return h, ErrTaken
	}
	if o.Reserve {
		if h.Holder != "" && h.Holder != o.Holder {
			return h, ErrTaken
		}
		r := Reserver{o.Holder, o.Use}
		if !slices.Contains(h.Reservers, r) {
			h.Reservers = append(h.Reservers, r)
			slices.SortFunc(h.Reservers, Reserver.sort)
		}
		return h, nil
	}
	if h.Holder != "" && h.Holder != o.Holder && (o.From == "" || h.Holder != o.From) {
		return h, ErrTaken
	}
	if o.From != "" {
		for i := range h.Reservers {
			if h.Reservers[i].Holder == o.From {
				h.Reservers[i].Holder = o.Holder
			}
		}
		slices.SortFunc(h.Reservers, Reserver.sort)
		h.Reservers = slices.Compact(h.Reservers)
	}
	for _, r := range h.Reservers {
		if r.Holder != o.Holder {
			return h, ErrTaken
		}
	}
	h.Holder = o.Holder
	h.RestsFor, h.RestUntil = "", time.Time{}
	if !slices.Contains(h.Uses, o.Use) {
		h.Uses = append(h.Uses, o.Use)
		slices.Sort(h.Uses)
	}
	return h, nil
}

// On applies the release.
func (o Release) On(h Held, now time.Time) Held {
	h = h.clone()
	h.Name = o.Name
	if o.Reserve {
		h.Reservers = slices.DeleteFunc(h.Reservers, func(r Reserver) bool { return r.Holder == o.Holder && r.Use == o.Use })
		return h
	}
	if h.Holder != o.Holder {
		if h.Holder == "" && h.RestsFor == o.Holder && o.EndRest {
			h.RestsFor, h.RestUntil = "", time.Time{}
		}
		return h
	}
	h.Uses = slices.DeleteFunc(h.Uses, func(u string) bool { return u == o.Use })
	if len(h.Uses) == 0 {
		h.Holder = ""
		if o.RestUntil.After(now) {
			h.RestsFor, h.RestUntil = o.Holder, o.RestUntil
		}
	}
	return h
}

func (h Held) clone() Held {
	h.Uses, h.Reservers = slices.Clone(h.Uses), slices.Clone(h.Reservers)
	return h
}

// On applies the count to the counter's value.
func (o Count) On(v int64) (int64, error) {
	if o.By < 0 {
		return max(0, v+o.By), nil
	}
	if v > math.MaxInt64-o.By || v+o.By > o.Max {
		return v, ErrLimit
	}
	return v + o.By, nil
}

// Line is work that somebody has to do, named "<kind>/<id>".
type Line struct {
	Name     string
	Gen      uint64    // grows with every mark
	Due      time.Time // zero: nothing to do
	Owner    string    // the node that has it, "" none
	Token    uint64    // grows with every taking
	Attempts int
	Parked   map[string]string // route → why it waits for a person
}

// On applies the mark.
func (o Mark) On(l Line, now time.Time) Line {
	due := o.Due
	if due.IsZero() {
		due = now
	}
	l.Name = o.Line
	l.Gen++
	if l.Due.IsZero() || due.Before(l.Due) {
		l.Due = due
	}
	return l
}

// On applies the fence, after any mark of the same change.
func (o Fence) On(l Line) (Line, error) {
	if l.Owner != o.Owner || l.Token != o.Token {
		return l, ErrFenced
	}
	f := o.Fate
	if f.Parked != nil {
		l.Parked = maps.Clone(f.Parked)
		if len(l.Parked) == 0 {
			l.Parked = nil
		}
	}
	if f.Tried {
		l.Attempts++
	} else if f.Done > 0 {
		l.Attempts = 0
	}
	if f.Done > 0 && l.Gen == f.Done {
		l.Due = time.Time{}
	}
	// A line that nobody marked since f.Done waits until Again; one that was marked keeps
	// its time if that is earlier.
	if !f.Again.IsZero() && (l.Gen == f.Done || f.Done == 0 || l.Due.IsZero() || f.Again.Before(l.Due)) {
		l.Due = f.Again
	}
	if !f.Keep {
		l.Owner = ""
	}
	return l, nil
}

// Own takes a line for a node. living reports whether a node's heartbeat is fresh.
func Own(l Line, node string, living func(node string) bool) (Line, error) {
	if l.Owner != "" && l.Owner != node && living(l.Owner) {
		return l, ErrOwned
	}
	l.Owner = node
	l.Token++
	return l, nil
}
