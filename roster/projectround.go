package roster

import (
	"context"
	"errors"
	"log/slog"

	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// mostAtOnce is how many persons are worked side by side. Between two batches that are given
// something it is looked who loses something meanwhile.
const mostAtOnce = 100

// Project makes devices follow whose persons are due, and returns. It is one pass of the
// loop that [Desk.Loops] describes; hosts without a runner may call it. However many are
// due, all who lose access do so before anybody gets it. While the clock is in doubt nobody
// gets any: [Desk.Health].
func (d *Desk) Project(ctx context.Context) error {
	if d.opener == nil {
		return ErrNoOpener
	}
	_, err := d.project(ctx, func() ([]store.Line, error) { return d.chores(ctx, flow.ProjectLine(""), mostAtOnce) })
	return err
}

// follow is the first pass for one person, made by the service itself so that devices are
// told at once. What fails is done by the loop.
func (d *Desk) follow(ctx context.Context, account string) {
	if d.opener == nil {
		return
	}
	if _, err := d.project(ctx, once([]store.Line{{Name: flow.ProjectLine(account)}})); err != nil {
		d.core.Logger().WarnContext(ctx, "project later", slog.String("account", account), slog.Any("error", err))
	}
}

// once are lines that are there when they are asked for first.
func once(lines []store.Line) func() ([]store.Line, error) {
	return func() ([]store.Line, error) {
		out := lines
		lines = nil
		return out, nil
	}
}

// round works lines: first all of them take access away, then those give it that have to.
type round struct {
	desk    *Desk
	rel     *relation       // as it was read last
	waiting []*pass         // to give
	moved   int             // wishes that were made
	failed  map[string]bool // lines that are left to another round
}

// project works the lines that next has, until it has none, and returns how many wishes that
// made.
func (d *Desk) project(ctx context.Context, next func() ([]store.Line, error)) (int, error) {
	r := &round{desk: d, failed: map[string]bool{}}
	var err error
	for {
		if err == nil {
			err = r.take(ctx, next)
		}
		if len(r.waiting) == 0 {
			return r.moved, err
		}
		err = r.give(ctx, err)
	}
}

// take begins lines and takes away what is to be taken, until there are no more. Who gets
// something waits; whoever else is done. What many have is not kept in memory.
func (r *round) take(ctx context.Context, next func() ([]store.Line, error)) error {
	for {
		lines, err := next()
		if err != nil || len(lines) == 0 {
			return err
		}
		passes, err := r.begin(ctx, lines)
		if err == nil {
			err = r.each(ctx, passes, (*pass).take)
		}
		for _, p := range passes {
			if err == nil && !p.gives() {
				r.end(ctx, p, nil)
				continue
			}
			if r.waiting = append(r.waiting, p); len(r.waiting) > mostAtOnce {
				p.forget()
			}
		}
		if err != nil || len(passes) == 0 {
			return err
		}
	}
}

// begin begins lines. The rules are read after that: a rule that changes later has the line
// due again, one that changed before is among those read.
func (r *round) begin(ctx context.Context, lines []store.Line) ([]*pass, error) {
	d := r.desk
	if err := d.beat(ctx); err != nil {
		return nil, err
	}
	var passes []*pass
	for _, l := range lines {
		if r.failed[l.Name] {
			continue
		}
		line, ours, err := d.begin(ctx, l.Name)
		if err != nil {
			d.failed(ctx, l, err)
		}
		if ours {
			passes = append(passes, &pass{desk: d, account: l.Name[len(flow.ProjectLine("")):], line: line, now: d.local.now(), words: map[string]string{}})
		}
	}
	if len(passes) == 0 {
		return nil, nil
	}
	var err error
	r.rel, err = d.relation(ctx)
	for _, p := range passes {
		p.rel = r.rel
	}
	return passes, err
}

// give lets some of those who wait have what they get, unless something went wrong or the
// clock is in doubt.
func (r *round) give(ctx context.Context, failed error) error {
	some := r.waiting[:min(mostAtOnce, len(r.waiting))]
	r.waiting = r.waiting[len(some):]
	if failed == nil {
		failed = r.desk.doubt(ctx)
	}
	doubt := errors.Is(failed, ErrClock)
	if doubt {
		failed = nil
	}
	for _, p := range some {
		if p.paused = doubt; !p.looked {
			p.rel = r.rel
		}
	}
	if failed == nil {
		failed = r.each(ctx, some, (*pass).give)
	}
	for _, p := range some {
		r.end(ctx, p, failed)
	}
	return failed
}

// each does a step of passes side by side.
func (r *round) each(ctx context.Context, passes []*pass, step func(*pass, context.Context)) error {
	lines, of := make([]store.Line, len(passes)), make(map[string]*pass, len(passes))
	for i, p := range passes {
		lines[i], of[p.line.Name] = p.line, p
	}
	return r.desk.each(ctx, lines, func(ctx context.Context, l store.Line) error {
		step(of[l.Name], ctx)
		return nil
	})
}

// end ends a pass.
func (r *round) end(ctx context.Context, p *pass, failed error) {
	if p.failed = errors.Join(p.failed, failed); p.end(ctx) != nil {
		r.failed[p.line.Name] = true
		r.desk.failed(ctx, p.line, p.failed)
	}
	r.moved += p.moved
}
