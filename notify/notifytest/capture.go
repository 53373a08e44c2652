// Package notifytest has a mailer that keeps what it is given, and the kit that tells when
// a transport is done.
//
// It is for tests and demos of hosts, and for whoever writes a transport: nothing leaves
// the program, the mailer fails in the ways in which real ones do when it is told to, and
// [RunTransport] checks that a real one tells those ways apart.
//
//	mail := &notifytest.Capture{}
//	mail.Down(true)                  // out of reach
//	mail.Reject("gone@example.com")  // refuses an address
//	mail.Slow(time.Minute)           // takes its time
package notifytest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/notify"
)

// Capture is a [notify.Mailer] in memory. The zero value works and accepts everything.
type Capture struct {
	mu       sync.Mutex
	messages []notify.Message
	tries    int
	down     bool
	slow     time.Duration
	rejected []string
	lost     error
}

var _ notify.Mailer = (*Capture)(nil)

// Send implements [notify.Mailer].
func (c *Capture) Send(ctx context.Context, m notify.Message) (notify.Delivery, error) {
	c.mu.Lock()
	c.tries++
	slow := c.slow
	c.mu.Unlock()
	if err := wait(ctx, slow); err != nil {
		return notify.Delivery{}, notify.ErrUnavailable
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.down:
		return notify.Delivery{}, notify.ErrUnavailable
	case slices.Contains(c.rejected, m.To):
		return notify.Delivery{}, &notify.RejectedError{Status: "550 5.1.1"}
	}
	c.messages = append(c.messages, m)
	if c.lost != nil {
		return notify.Delivery{}, c.lost
	}
	return notify.Delivery{MessageID: "<" + m.ID + "@capture>", At: time.Now()}, nil
}

// Check implements [notify.Mailer].
func (c *Capture) Check(ctx context.Context) error {
	c.mu.Lock()
	slow, down := c.slow, c.down
	c.mu.Unlock()
	if wait(ctx, slow) != nil || down {
		return notify.ErrUnavailable
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Down puts the mailer out of reach, or back.
func (c *Capture) Down(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// Slow makes every call take this long.
func (c *Capture) Slow(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slow = d
}

// Reject refuses these addresses from now on, and no others.
func (c *Capture) Reject(addresses ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rejected = slices.Clone(addresses)
}

// Lose takes every message and answers err, as if the connection broke before the other
// side's answer came. Nil: answers come again.
func (c *Capture) Lose(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = err
}

// Sent returns the messages that were taken, oldest first.
func (c *Capture) Sent() []notify.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}

// Tries is how often Send was called.
func (c *Capture) Tries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries
}
