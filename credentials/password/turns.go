package password

import (
	"context"
	"slices"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// ErrBusy: more hashes are waited for than may be.
var ErrBusy = fault.New(fault.Busy, "password: too many at once").
	Hinted("Try again in a moment.")

// turns lets a few hashes be computed at a time. Who waits is served by turns between
// sources, and no source takes more than half of the queue, so that a flood from one of
// them holds up that one only.
type turns struct {
	mu      sync.Mutex
	free    int
	queue   int // the most that may wait
	waits   int
	waiting map[string][]chan struct{}
	order   []string // the sources that wait, whose turn is next first
}

func newTurns(parallel, queue int) *turns {
	return &turns{free: parallel, queue: queue, waiting: map[string][]chan struct{}{}}
}

// take waits for a turn; give ends it.
func (t *turns) take(ctx context.Context, source string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	if t.waits >= t.queue || len(t.waiting[source]) >= max(1, t.queue/2) {
		t.mu.Unlock()
		return ErrBusy
	}
	mine := make(chan struct{})
	if len(t.waiting[source]) == 0 {
		t.order = append(t.order, source)
	}
	t.waiting[source] = append(t.waiting[source], mine)
	t.waits++
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	if !t.leave(source, mine) {
		t.give() // the turn had come just then
	}
	return ctx.Err()
}

// leave takes a place out of the queue and reports whether it was still there.
func (t *turns) leave(source string, mine chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting[source], mine)
	if i < 0 {
		return false
	}
	t.waiting[source] = slices.Delete(t.waiting[source], i, i+1)
	t.waits--
	if len(t.waiting[source]) == 0 {
		delete(t.waiting, source)
		t.order = slices.DeleteFunc(t.order, func(s string) bool { return s == source })
	}
	return true
}

// give ends a turn: the first of the next source has it now.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order) == 0 {
		t.free++
		return
	}
	source := t.order[0]
	t.order = t.order[1:]
	next := t.waiting[source][0]
	if t.waiting[source] = t.waiting[source][1:]; len(t.waiting[source]) > 0 {
		t.order = append(t.order, source)
	} else {
		delete(t.waiting, source)
	}
	t.waits--
	close(next)
}
