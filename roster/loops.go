package roster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// How the loops of a node live.
const (
	beatFor   = 30 * time.Second
	beatEvery = 10 * time.Second
	// leaseMargin is how long before the end of a heartbeat the last write may begin.
	leaseMargin = 5 * time.Second
	workers     = 8
)

// Loops are what has to run on every node that delivers: the heartbeat, the work on the
// panels' lines, what listens to panels between turns, and one listener for each driver
// whose panels call in.
//
// Whoever takes them runs all of them: from here on sessions are left open for the one
// that listens.
func (d *Desk) Loops() []engine.Loop {
	d.local.listen()
	loops := []engine.Loop{
		{Name: "roster/beat", Every: beatEvery, Pass: d.beat},
		{Name: "roster/deliver", Every: d.o.PollEvery, Pass: d.deliver},
		{Name: "roster/listen", Every: d.o.PollEvery, Pass: d.listen},
		{Name: "roster/unlink", Every: beatEvery, Wake: d.core.Store.Wake, Pass: func(ctx context.Context) error { return d.core.WorkUnlink(ctx, d.o.Node) }},
		{Name: "roster/offers", Every: beatEvery, Pass: d.workOffers},
	}
	for _, name := range d.Drivers() {
		loops = append(loops, engine.Loop{Name: "roster/arrivals/" + name, Every: d.o.PollEvery, Pass: func(ctx context.Context) error {
			return d.arrivals(ctx, name)
		}})
	}
	return append(loops, d.projectLoops()...)
}

// beat says that this node lives, and remembers until when others will believe it.
func (d *Desk) beat(ctx context.Context) error {
	begun := time.Now()
	at, err := d.core.Store.Beat(ctx, d.o.Node, beatFor)
	if err != nil {
		return err
	}
	d.local.alive(begun, at)
	return nil
}

// alive notes a heartbeat, and what the store's clock said then.
func (l *local) alive(begun, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun, l.at, l.until = begun, at, begun.Add(beatFor-leaseMargin)
}

// now is the store's time: lines are due by it, whatever this node's clock says.
func (l *local) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at.Add(time.Since(l.begun))
}

// stamp is the time of an entry: the store's where this node is ahead of it, because an entry
// that lies ahead puts every node's clock in doubt.
func (l *local) stamp(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if is := l.at.Add(time.Since(l.begun)); !l.begun.IsZero() && now.Sub(is) > maxSkew {
		return is.UTC()
	}
	return now
}

// lease is a context that ends before another node may take this one's lines. Every
// heartbeat prolongs it.
type lease struct {
	context.Context //nolint:containedctx // a lease is a context
	local           *local
	end             context.CancelCauseFunc
	timer           *time.Timer
}

// lease begins a lease; the function ends it.
func (l *local) lease(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	c := &lease{Context: ctx, local: l, end: end}
	c.timer = time.AfterFunc(beatFor, c.check)
	c.timer.Reset(time.Until(l.held()))
	return c, func() {
		c.timer.Stop()
		end(nil)
	}
}

// check ends the lease, if no heartbeat has prolonged it.
func (c *lease) check() {
	if left := time.Until(c.local.held()); left > 0 {
		c.timer.Reset(left)
		return
	}
	c.end(context.DeadlineExceeded)
}

// Deadline is when the lease ends as things are now.
func (c *lease) Deadline() (time.Time, bool) {
	until := c.local.held()
	if d, ok := c.Context.Deadline(); ok && d.Before(until) {
		return d, true
	}
	return until, true
}

// held is until when this node's lines are surely its own.
func (l *local) held() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// each works lines side by side, a few at a time; one line's failure is its own.
func (d *Desk) each(ctx context.Context, lines []store.Line, work func(context.Context, store.Line) error) error {
	slots := make(chan struct{}, workers)
	var all sync.WaitGroup
	for _, l := range lines {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			all.Wait()
			return ctx.Err()
		}
		all.Go(func() {
			defer func() { <-slots }()
			if err := work(ctx, l); err != nil && ctx.Err() == nil {
				d.failed(ctx, l, err)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// arrivals listens for panels that call in. Whoever was away has its line due at once,
// and is read in full: nobody saw what happened there meanwhile. The turn that reads it
// leaves a session that listens.
func (d *Desk) arrivals(ctx context.Context, name string) error {
	for a, err := range d.o.Drivers[name].Arrivals(ctx) {
		if err != nil {
			return err
		}
		id, _, err := d.byIdent(ctx, name, a.Ident)
		if err != nil {
			return err
		}
		if id == "" {
			d.core.Logger().InfoContext(ctx, "unknown panel called in", slog.String("driver", name), slog.String("ident", a.Ident))
			continue
		}
		// A panel that only shook hands anew was never away: whatever waits there waits on.
		if !a.Gone && !d.local.connected(id) {
			if err := d.mark(ctx, id, &panel.Query{All: true}, 0); err != nil {
				return err
			}
		}
		d.local.present(id, !a.Gone)
	}
	return nil
}

// present notes whether a panel is connected to this node.
func (l *local) present(id string, here bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.here[id] = here; !here {
		delete(l.here, id)
	}
}

// connected reports whether a panel is connected to this node.
func (l *local) connected(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.here[id]
}

// byIdent finds the panel of a driver by the identity that it names.
func (d *Desk) byIdent(ctx context.Context, driver, ident string) (string, rec.Panel, error) {
	rs, err := d.core.Store.List(ctx, store.Query{Kind: rec.Panels.Name, Term: rec.ByIdent, From: []byte(ident), To: append([]byte(ident), 0)})
	if err != nil {
		return "", rec.Panel{}, err
	}
	for _, r := range rs {
		p, _, err := rec.Panels.Decode(r)
		if err != nil {
			return "", p, err
		}
		if p.Driver == driver && p.State != rec.Retired {
			return r.Key.ID, p, nil
		}
	}
	return "", rec.Panel{}, nil
}
