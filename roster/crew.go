package roster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// How many turns are on at a time. A panel that does not answer holds its turn for as long
// as its driver waits, so there are many more turns than would keep the processors busy,
// and few of them go to panels that did not answer last time.
const (
	crewAll    = 256
	crewFailed = 32
)

// crew are the turns that are on.
type crew struct {
	turns sync.WaitGroup
	freed chan struct{} // a line that was left waiting may find a place now

	mu      sync.Mutex
	on      map[string]bool // by line; true: it had failed before
	failed  int             // how many of them had
	waiting bool            // a line found no place
}

// hire takes a place for a line, if there is one and no turn of the line is on.
func (c *crew) hire(l store.Line) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, on := c.on[l.Name]; on {
		return false
	}
	again := l.Attempts > 0
	if len(c.on) >= crewAll || again && c.failed >= crewFailed {
		c.waiting = true
		return false
	}
	c.on[l.Name] = again
	if again {
		c.failed++
	}
	return true
}

// free gives the place back.
func (c *crew) free(l store.Line, worked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on[l.Name] {
		c.failed--
	}
	delete(c.on, l.Name)
	if !c.waiting || !worked {
		return // or a line that is left to another node would be looked at without end
	}
	c.waiting = false
	select {
	case c.freed <- struct{}{}:
	default:
	}
}

// deliver works the lines that are due, each as soon as it is, until ctx ends. A line
// that takes long holds up no other.
func (d *Desk) deliver(ctx context.Context) error {
	if d.opener == nil {
		return ErrNoOpener
	}
	if err := d.beat(ctx); err != nil {
		return err
	}
	c := &crew{on: map[string]bool{}, freed: make(chan struct{}, 1)}
	defer c.turns.Wait()
	wake := d.core.Store.Wake(ctx)
	poll := time.NewTicker(d.o.PollEvery)
	defer poll.Stop()
	for {
		if err := d.assign(ctx, c); err != nil {
			return err
		}
		select {
		case <-wake:
		case <-poll.C:
		case <-c.freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// assign begins a turn for each line that is due, as far as there are places.
func (d *Desk) assign(ctx context.Context, c *crew) error {
	lines, err := d.core.Store.Due(ctx, linePanel(""), store.MaxPage)
	if err != nil {
		return err
	}
	for _, l := range append(d.local.left(), lines...) {
		if !c.hire(l) {
			continue
		}
		c.turns.Go(func() {
			worked := false
			defer func() { c.free(l, worked) }()
			var err error
			if worked, err = d.turn(ctx, l); err != nil && ctx.Err() == nil {
				d.failed(ctx, l, err)
			}
		})
	}
	return nil
}

// failed says that a turn failed; its line waits.
func (d *Desk) failed(ctx context.Context, l store.Line, err error) {
	d.core.Logger().WarnContext(ctx, "line failed", slog.String("line", l.Name), slog.Any("error", err))
}
