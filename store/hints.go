package store

import (
	"context"
	"sync"
)

// Hints is the in-process half of [Store.Wake] for store authors. The zero value is
// ready; it must not be copied after first use.
type Hints struct {
	mu      sync.Mutex
	waiting map[chan struct{}]struct{}
}

// Wake returns a channel that receives a hint after each [Hints.Ring]; hints that
// nobody has read yet are one. The channel is closed when ctx ends.
func (h *Hints) Wake(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[chan struct{}]struct{}{}
	}
	h.waiting[ch] = struct{}{}
	// AfterFunc needs no goroutine while ctx lives.
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting, ch)
		close(ch)
	})
	return ch
}

// Ring gives everybody who waits a hint. It never blocks.
func (h *Hints) Ring() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.waiting {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
