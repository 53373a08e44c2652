package dsc

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// manyPlaces is the number of changed places from which on everything counts as changed.
const manyPlaces = 64

// mailbox gathers what one Watch has not told yet. It never holds more than one set of
// places and one set of facts, whatever the panel sends.
type mailbox struct {
	signal chan struct{}

	mu     sync.Mutex
	all    bool
	places map[int]struct{}
	facts  *panel.Facts
}

func newMailbox() *mailbox {
	return &mailbox{signal: make(chan struct{}, 1), places: map[int]struct{}{}}
}

func (b *mailbox) wake() {
	select {
	case b.signal <- struct{}{}:
	default:
	}
}

// stale notes that what was read of these slots is no longer true.
func (b *mailbox) stale(first, last int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wake()
	if last-first >= manyPlaces {
		b.all = true
		return
	}
	for slot := first; slot <= last; slot++ {
		b.places[slot] = struct{}{}
	}
	if len(b.places) > manyPlaces {
		b.all = true
		clear(b.places)
	}
}

func (b *mailbox) everything() {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wake()
	b.all = true
	clear(b.places)
}

func (b *mailbox) tell(f panel.Facts) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wake()
	b.facts = &f
}

// take returns and forgets what is to be told.
func (b *mailbox) take() (out []panel.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.facts != nil {
		out = append(out, panel.Event{Panel: b.facts})
	}
	switch {
	case b.all:
		out = append(out, panel.Event{Stale: &panel.Query{All: true}})
	case len(b.places) > 0:
		q := panel.Query{}
		for _, slot := range slices.Sorted(maps.Keys(b.places)) {
			q.Places = append(q.Places, panel.Place{Slot: slot})
		}
		out = append(out, panel.Event{Stale: &q})
	}
	b.all, b.facts = false, nil
	clear(b.places)
	return out
}

// each calls f for every mailbox of the line.
func (n *line) each(f func(*mailbox)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for b := range n.boxes {
		f(b)
	}
}

// hear takes in what the panel says unasked. What it does not understand of a message
// about users makes everything stale: the layouts of these messages are not proven.
func (l *link) hear(part itv2.Part) {
	m, err := itv2.Parse(part.Command, part.Body)
	if err != nil {
		switch part.Command {
		case itv2.CmdUsersChanged, itv2.CmdMasksChanged:
			l.home.each((*mailbox).everything)
		}
		return
	}
	switch m := m.(type) {
	case itv2.UsersChanged:
		l.stale(m.Start, m.End)
	case itv2.Masks:
		if m.Of == itv2.CmdMasksChanged {
			l.stale(m.Start, m.Start+len(m.Sets)-1)
		}
	case itv2.Lead:
		l.led(m)
	case itv2.CodeLength:
		l.mu.Lock()
		l.digits = digitsOf(m)
		l.mu.Unlock()
		l.report()
	case itv2.Arming:
		l.home.arming(m)
		l.report()
	}
}

// stale tells of changed slots, as far as the panel has them.
func (l *link) stale(first, last int) {
	m, _ := l.facts()
	if first < m.Slots.First || last > m.Slots.Last || last < first {
		l.home.each((*mailbox).everything)
		return
	}
	l.home.each(func(b *mailbox) { b.stale(first, last) })
}

// led keeps a lead-in for the programming session that waits for it. When somebody else
// has finished programming, anything may have changed.
func (l *link) led(m itv2.Lead) {
	if m.By != itv2.ByInteractive {
		if m.Out {
			l.home.each((*mailbox).everything)
		}
		return
	}
	select {
	case <-l.lead:
	default:
	}
	l.lead <- m
}

// report tells what is known of the panel itself.
func (l *link) report() {
	m, digits := l.facts()
	_, _, armed := l.home.habits()
	f := panel.Facts{Ident: l.ident, Model: &m, CodeLen: digits, Armed: armed, Version: l.opened.Version()}
	l.home.each(func(b *mailbox) { b.tell(f) })
}

// Watch yields what the panel says unasked, gathered: slots that changed at a keypad and
// facts. It lives over sessions that the driver renews.
func (s *session) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		box := newMailbox()
		s.line.watch(box)
		defer s.line.unwatch(box)
		for {
			changed := s.line.news()
			if s.line.absent() {
				yield(panel.Event{}, panel.ErrAbsent)
				return
			}
			for _, e := range box.take() {
				if !yield(e, nil) {
					return
				}
			}
			select {
			case <-box.signal:
			case <-changed:
			case <-ctx.Done():
				return
			case <-s.closed:
				return
			}
		}
	}
}

func (n *line) watch(b *mailbox) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.boxes[b] = struct{}{}
}

func (n *line) unwatch(b *mailbox) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.boxes, b)
}

// news returns a channel that closes when the line's link changes.
func (n *line) news() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}
