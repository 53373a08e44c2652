package qolsys

import (
	"slices"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// manyPlaces is the number of changed users from which on everything counts as changed: a
// read of one costs the panel as much as a read of all.
const manyPlaces = 16

// mailbox gathers what has changed until somebody looks. However much the panel says, it
// holds no more than manyPlaces numbers.
type mailbox struct {
	signal chan struct{}

	mu     sync.Mutex
	all    bool
	places map[int]struct{}
}

func newMailbox() *mailbox {
	return &mailbox{signal: make(chan struct{}, 1), places: map[int]struct{}{}}
}

// changed notes a user.
func (b *mailbox) changed(user int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.all {
		b.places[user] = struct{}{}
		b.all = len(b.places) > manyPlaces
	}
	b.ring()
}

// doubt notes that anything may have changed.
func (b *mailbox) doubt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = true
	b.ring()
}

// ring wakes whoever waits. The caller holds b.mu.
func (b *mailbox) ring() {
	if b.all {
		clear(b.places)
	}
	select {
	case b.signal <- struct{}{}:
	default:
	}
}

// take empties the box: what must be read again, or nil.
func (b *mailbox) take() *panel.Query {
	b.mu.Lock()
	defer b.mu.Unlock()
	all, places := b.all, b.places
	b.all, b.places = false, map[int]struct{}{}
	switch {
	case all:
		return &panel.Query{All: true}
	case len(places) == 0:
		return nil
	}
	q := &panel.Query{}
	for id := range places {
		q.Places = append(q.Places, panel.Place{Slot: id})
	}
	slices.SortFunc(q.Places, func(a, b panel.Place) int { return a.Slot - b.Slot })
	return q
}
