package dsc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// line is what the driver remembers of one panel over its connections.
type line struct {
	ident string
	back  time.Duration // how long a panel that was sent away may stay away

	turn chan struct{} // holds one token: the right to work on the panel

	mu       sync.Mutex
	link     *link         // nil while the panel is not here
	away     time.Time     // until when it is expected back, zero if it is not
	changed  chan struct{} // closed when link or away change
	leftOpen bool          // programming may still be on from a connection that broke
	noLead   bool          // this panel announces no lead-in
	armed    uint64        // armed partitions 1 to 64
	boxes    map[*mailbox]struct{}
}

func newLine(ident string, back time.Duration) *line {
	return &line{
		ident: ident, back: back,
		turn: make(chan struct{}, 1), changed: make(chan struct{}),
		boxes: map[*mailbox]struct{}{},
	}
}

// bump tells those who wait that link or away changed. The caller holds n.mu.
func (n *line) bump() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// join puts a proven link in place and returns the one that it displaces.
func (n *line) join(l *link) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.link
	if n.away.IsZero() {
		n.armed = 0 // it was away for reasons of its own: what it said before is too old
	}
	n.link, n.away = l, time.Time{}
	n.bump()
	return old
}

// part takes a link away. It reports whether it was the current one, and until when the
// panel is expected back.
func (n *line) part(l *link) (current bool, until time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.link != l {
		return false, time.Time{}
	}
	n.link = nil
	n.bump()
	return true, n.away
}

// sentAway notes that we end a link so that the panel dials again.
func (n *line) sentAway(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.link == l {
		n.away = time.Now().Add(n.back)
		n.bump()
	}
}

// absent reports whether nothing is here and nothing is expected.
func (n *line) absent() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.link == nil && !time.Now().Before(n.away)
}

// giveUp stops expecting a panel back. It reports whether it is absent.
func (n *line) giveUp() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = time.Time{}
	n.bump()
	return n.link == nil
}

// current waits for a link: only while the panel is expected back, else it is
// [panel.ErrAbsent].
func (n *line) current(ctx context.Context) (*link, error) {
	for {
		n.mu.Lock()
		l, changed, left := n.link, n.changed, time.Until(n.away)
		leaving := l != nil && !n.away.IsZero()
		n.mu.Unlock()
		switch {
		case l != nil && !leaving:
			return l, nil
		case left <= 0:
			return nil, panel.ErrAbsent
		}
		timer := time.NewTimer(left)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ended(ctx)
		}
		timer.Stop()
	}
}

// take gets the right to work on the panel; the returned function gives it back.
func (n *line) take(ctx context.Context) (func(), error) {
	select {
	case n.turn <- struct{}{}:
		return func() { <-n.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", panel.ErrBusy, context.Cause(ctx))
	}
}

// ready returns a link that is calm, known and not worn.
func (n *line) ready(ctx context.Context) (*link, error) {
	for {
		l, err := n.current(ctx)
		if err != nil {
			return nil, err
		}
		if l.spent() {
			l.renew()
			continue
		}
		if err := l.calm(ctx); err != nil {
			return nil, err
		}
		if err := l.learn(ctx); err != nil {
			return nil, err
		}
		return l, nil
	}
}

// setLeftOpen notes that programming may still be on.
func (n *line) setLeftOpen(v bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leftOpen = v
}

// setNoLead notes whether this panel leaves the lead-in out.
func (n *line) setNoLead(v bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.noLead = v
}

// habits returns what was learned of the panel.
func (n *line) habits() (leftOpen, noLead, armed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leftOpen, n.noLead, n.armed != 0
}

// arming takes in an arming notification and returns whether anything is armed now.
func (n *line) arming(m itv2.Arming) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	bit := uint64(panel.PartitionsOf(m.Partition))
	if m.Mode == 0 {
		n.armed &^= bit
	} else {
		n.armed |= bit
	}
	return n.armed != 0
}
