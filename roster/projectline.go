package roster

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// chores are the lines under a prefix that are due, and those that this node owns and
// could not give back: nobody else takes them while it lives.
func (d *Desk) chores(ctx context.Context, prefix string, limit int) ([]store.Line, error) {
	lines, err := d.core.Store.Due(ctx, prefix, limit)
	if err != nil {
		return nil, err
	}
	d.local.mu.Lock()
	defer d.local.mu.Unlock()
	for name, on := range d.local.chores {
		if !on && strings.HasPrefix(name, prefix) {
			lines = append(lines, store.Line{Name: name})
		}
	}
	return lines, nil
}

// begin takes a line, if nobody has it.
func (d *Desk) begin(ctx context.Context, name string) (store.Line, bool, error) {
	d.local.mu.Lock()
	on := d.local.chores[name]
	if !on {
		d.local.chores[name] = true
	}
	d.local.mu.Unlock()
	if on {
		return store.Line{}, false, nil
	}
	line, err := d.core.Store.Own(ctx, d.o.Node, name)
	if err == nil {
		return line, true, nil
	}
	d.local.leave(name, isOwned(err))
	if isOwned(err) {
		err = nil
	}
	return line, false, err
}

// leave notes that a turn of a line is over, and whether the line was given back.
func (l *local) leave(name string, given bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chores[name] = false
	if given {
		delete(l.chores, name)
	}
}

// finish gives a line back with its fate and what there is to note, also after ctx.
func (d *Desk) finish(ctx context.Context, line store.Line, fate store.Fate, note func(u *flow.Unit) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := d.core.Act(ctx, projector(), func(u *flow.Unit) error {
		u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: fate})
		return note(u)
	})
	if errors.Is(err, store.ErrFenced) {
		err = nil // another node has the line
	}
	d.local.leave(line.Name, err == nil)
	return err
}

// chore does what a single line stands for, if it is due. It answers when it is due again.
func (d *Desk) chore(ctx context.Context, name string, work func() (time.Time, error)) error {
	lines, err := d.chores(ctx, name, 1)
	if err != nil || len(lines) == 0 {
		return err
	}
	if err := d.beat(ctx); err != nil {
		return err
	}
	line, ours, err := d.begin(ctx, name)
	if err != nil || !ours {
		return err
	}
	again, failed := work()
	fate := store.Fate{Done: line.Gen, Again: again}
	if failed != nil {
		fate = store.Fate{Again: d.local.now().Add(backoff(line.Attempts)), Tried: true}
	}
	return errors.Join(failed, d.finish(ctx, line, fate, func(*flow.Unit) error { return nil }))
}
