package dsc

import (
	"net"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// arrivals is one run of the listener: its connections, and what is to be told. For
// each panel only the latest is told, so that a slow listener costs no memory.
type arrivals struct {
	signal chan struct{}

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	order  []string // idents with news, oldest first
	latest map[string]panel.Arrival
	timers map[string]*time.Timer // of panels that are expected back
}

func newArrivals() *arrivals {
	return &arrivals{
		signal: make(chan struct{}, 1),
		conns:  map[net.Conn]struct{}{},
		latest: map[string]panel.Arrival{},
		timers: map[string]*time.Timer{},
	}
}

// add notes a connection; false means that the listener has stopped.
func (a *arrivals) add(c net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.conns[c] = struct{}{}
	}
	return !a.closed
}

func (a *arrivals) remove(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, c)
}

// closeAll ends every connection, and with that every session and reader.
func (a *arrivals) closeAll() {
	a.mu.Lock()
	a.closed = true
	conns := a.conns
	a.conns = map[net.Conn]struct{}{}
	for _, t := range a.timers {
		t.Stop()
	}
	a.mu.Unlock()
	for c := range conns {
		_ = c.Close()
	}
}

// post tells that a panel is here, or gone.
func (a *arrivals) post(n panel.Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.timers[n.Ident]; t != nil {
		t.Stop()
		delete(a.timers, n.Ident)
	}
	if _, waiting := a.latest[n.Ident]; !waiting {
		a.order = append(a.order, n.Ident)
	}
	a.latest[n.Ident] = n
	select {
	case a.signal <- struct{}{}:
	default:
	}
}

// gone tells the end of a panel's connection, or waits until it should have come back.
func (a *arrivals) gone(ident string, n *line, back time.Time) {
	tell := func() {
		if n.giveUp() {
			a.post(panel.Arrival{Ident: ident, Gone: true})
		}
	}
	left := time.Until(back)
	if left <= 0 {
		tell()
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.timers[ident] = time.AfterFunc(left, tell)
	}
}

// take returns what is to be told, oldest first.
func (a *arrivals) take() []panel.Arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]panel.Arrival, 0, len(a.order))
	for _, ident := range a.order {
		out = append(out, a.latest[ident])
	}
	a.order = nil
	clear(a.latest)
	return out
}
