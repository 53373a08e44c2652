package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// user is what was wished last for a place. Code 0 is nobody.
type user struct {
	revision   uint64
	code       int
	label      string
	partitions panel.Partitions
}

// after is the user after one more wish.
func (u user) after(w wish) user {
	u.revision++
	switch w.What {
	case setCode:
		u.code, u.label, u.partitions = w.Code, w.Label, w.Partitions
	case setLabel:
		u.label = w.Label
	case setPartitions:
		u.partitions = w.Partitions
	case disable:
		u = user{revision: u.revision}
	}
	return u
}

// ledger is what the processes said, and what follows from it for each place.
type ledger struct {
	users map[int]user
	life  int
	under *wish    // under way: said to be tried, and no more
	fresh []word   // wishes of this life that took place, in order
	heard []string // the last words of all

	refused int // wishes, of all lives
}

func newLedger() ledger { return ledger{users: map[int]user{}} }

// begin begins a life.
func (l *ledger) begin(life int) { l.life, l.under, l.fresh = life, nil, nil }

// hear takes in a word.
func (l *ledger) hear(w word) {
	switch w.Say {
	case tries:
		l.under = &w.Wish
	case done:
		l.under, l.fresh = nil, append(l.fresh, w)
	case refused:
		l.under = nil
		l.refused++
	}
	text, _ := json.Marshal(w) // it came as JSON
	l.heard = append(l.heard, fmt.Sprintf("life %d: %s", l.life, text))
	l.heard = l.heard[max(0, len(l.heard)-traced):]
}

// traced is how many words a trace shows.
const traced = 60

// apply takes in that a wish took place, which leaves the user at that revision.
func (l *ledger) apply(w wish, revision uint64) error {
	next := l.users[w.Slot].after(w)
	if next.revision != revision {
		return fmt.Errorf("%w: slot %d went to revision %d by one wish after %d", errViolation, w.Slot, revision, next.revision-1)
	}
	l.users[w.Slot] = next
	return nil
}

// trace is the end of what was heard.
func (l *ledger) trace() string { return strings.Join(l.heard, "\n") }
