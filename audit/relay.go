package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Memory is an anchor that lasts as long as the process. By itself it shows nothing that
// the log does not show; anchors that cannot be read back remember with it, or with
// another anchor that lasts longer, what they were given last. The zero value is empty.
type Memory struct {
	mu   sync.Mutex
	last Anchored
}

// Name implements [Anchor].
func (*Memory) Name() string { return "memory" }

// Put implements [Anchor].
func (m *Memory) Put(ctx context.Context, checkpoint []byte, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.Text != nil {
		if err := Follows(m.last.Text, checkpoint); err != nil {
			return err
		}
	}
	m.last = Anchored{At: at, Text: append([]byte(nil), checkpoint...)}
	return ctx.Err()
}

// Latest implements [Anchor].
func (m *Memory) Latest(context.Context) (Anchored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.Text == nil {
		return Anchored{}, ErrNoAnchor
	}
	return m.last, nil
}

// Relay is an anchor that passes checkpoints on to where they cannot be read back, such
// as a line of a log or somebody's mailbox. What was passed on last it knows from another
// anchor.
//
// Compare what arrived there with the log by hand, or give the checkpoints from there to
// [Verify] as an anchor of your own: a Relay alone cannot find that the log was rewritten
// while no process was running, unless its memory outlives the process.
type Relay struct {
	name string
	pass func(ctx context.Context, checkpoint []byte, at time.Time) error
	keep Anchor
}

// NewRelay returns the relay of that name. keep remembers; nil: a [Memory].
func NewRelay(name string, keep Anchor, pass func(ctx context.Context, checkpoint []byte, at time.Time) error) *Relay {
	if keep == nil {
		keep = &Memory{}
	}
	return &Relay{name: name, pass: pass, keep: keep}
}

// Name implements [Anchor].
func (r *Relay) Name() string { return r.name }

// Put passes a checkpoint on, unless it contradicts the one before.
func (r *Relay) Put(ctx context.Context, checkpoint []byte, at time.Time) error {
	last, err := r.keep.Latest(ctx)
	if err == nil {
		err = Follows(last.Text, checkpoint)
	}
	if err != nil && !errors.Is(err, ErrNoAnchor) {
		return err
	}
	if err := r.pass(ctx, checkpoint, at); err != nil {
		return err
	}
	return r.keep.Put(ctx, checkpoint, at)
}

// Latest implements [Anchor].
func (r *Relay) Latest(ctx context.Context) (Anchored, error) { return r.keep.Latest(ctx) }

// NewLogAnchor returns an anchor that writes every checkpoint as one line of a log that
// somebody else collects. keep remembers; nil: a [Memory].
func NewLogAnchor(log *slog.Logger, keep Anchor) *Relay {
	return NewRelay("log", keep, func(ctx context.Context, checkpoint []byte, at time.Time) error {
		c, err := readCheckpoint(checkpoint)
		if err != nil {
			return err
		}
		log.LogAttrs(ctx, slog.LevelInfo, "checkpoint of the action log",
			slog.String("origin", c.Origin), slog.Int64("size", c.Size), slog.Time("anchored", at), slog.String("checkpoint", string(checkpoint)))
		return nil
	})
}
