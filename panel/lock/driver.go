package lock

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Route is the name of this driver's route; its address is the lock's node.
const Route = "controller"

const (
	// lag is how late a lock may show a change.
	lag = 5 * time.Second
	// between is how long a read-back waits for the next.
	between = time.Second
)

// Options of a [Driver]. The zero value tells no digits.
type Options struct {
	// DiscloseCodes lets Read tell the digits that a lock shows, where the query wants them.
	DiscloseCodes bool
	Answer        time.Duration // time for one call of the controller: 10 s
	Settle        time.Duration // time for a lock to show a write: 10 s
}

// Driver speaks to locks of one model through a host's controller.
type Driver struct {
	panel.Dials
	controller Controller
	model      panel.Model
	opts       Options
}

// New makes a driver for locks of one of [Models].
func New(c Controller, m panel.Model, o Options) *Driver {
	if o.Answer == 0 {
		o.Answer = 10 * time.Second
	}
	if o.Settle == 0 {
		o.Settle = 10 * time.Second
	}
	if o.DiscloseCodes {
		m.Sight, m.Read = panel.Value, m.Read|panel.FieldCode
	}
	return &Driver{controller: c, model: m, opts: o}
}

// Model is the model that the driver was made with.
func (d *Driver) Model() panel.Model { return d.model }

// Open asks the lock what it can hold.
func (d *Driver) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	s := &session{driver: d, node: t.Routes[Route].Addr}
	c, err := call(ctx, s, func(ctx context.Context) (Capacity, error) { return d.controller.Capacity(ctx, s.node) })
	if err != nil {
		return nil, err
	}
	s.model = narrow(d.model, c)
	if s.model.Slots.Len() == 0 || len(s.model.Code.Lens) == 0 {
		return nil, fmt.Errorf("%w: a lock without room for codes", panel.ErrProtocol)
	}
	return s, nil
}

// session is a conversation with one lock.
type session struct {
	panel.NoWatch
	driver *Driver
	node   string
	model  panel.Model
	closed atomic.Bool
}

// Model is the lock as it says it is.
func (s *session) Model() panel.Model { return s.model }

// Close ends the session; a call that is under way ends by its own time.
func (s *session) Close() error {
	s.closed.Store(true)
	return nil
}

// call asks the controller for one thing, within its time.
func call[T any](ctx context.Context, s *session, ask func(context.Context) (T, error)) (T, error) {
	var none T
	if s.closed.Load() {
		return none, fmt.Errorf("%w: the session is closed", panel.ErrUnreachable)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, s.driver.opts.Answer, panel.ErrTimeout)
	defer cancel()
	v, err := ask(bounded)
	switch {
	case err == nil:
		return v, nil
	case ctx.Err() != nil:
		return none, context.Cause(ctx)
	case bounded.Err() != nil && errors.Is(err, bounded.Err()):
		return none, panel.ErrTimeout
	}
	return none, err
}

func (s *session) look(ctx context.Context, slot int) (UserCode, error) {
	return call(ctx, s, func(ctx context.Context) (UserCode, error) { return s.driver.controller.UserCode(ctx, s.node, slot) })
}

// Read yields the facts, then slot by slot who is there.
func (s *session) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		m := s.model
		if !yield(panel.Event{Panel: &panel.Facts{Model: &m}}, nil) {
			return
		}
		var slots []int
		if q.All {
			for slot := max(m.Slots.First, q.After.Slot+1); slot <= m.Slots.Last; slot++ {
				slots = append(slots, slot)
			}
		}
		for _, p := range q.Places {
			slots = append(slots, p.Slot)
		}
		for _, slot := range slots {
			u, err := s.look(ctx, slot)
			if err != nil {
				yield(panel.Event{}, err)
				return
			}
			r := s.report(slot, u, q.Disclose && s.driver.opts.DiscloseCodes)
			if (r.Exists || !q.All) && !yield(panel.Event{User: r}, nil) {
				return
			}
		}
	}
}

func (s *session) report(slot int, u UserCode, disclose bool) *panel.Report {
	r := &panel.Report{Place: panel.Place{Slot: slot}, Exists: occupied(u), Sight: panel.Presence}
	if !r.Exists {
		return r
	}
	r.Editable = s.model.Change
	if disclose && !u.Code.IsZero() {
		r.Sight, r.Code, r.Known = panel.Value, u.Code, panel.FieldCode
	}
	return r
}

// occupied reports whether a slot has a code, enabled or not.
func occupied(u UserCode) bool { return u.Status == Enabled || u.Status == Disabled }
