package dsc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Driver is one listener for many panels. It implements [panel.Driver].
type Driver struct {
	opts    Options
	gate    gate
	unknown callers
	notices notices

	mu    sync.Mutex
	lines map[string]*line // by integration id, of those that the host knows
	run   *arrivals        // while Arrivals runs
}

// New makes a driver. It listens while [Driver.Arrivals] runs.
func New(o Options) *Driver {
	o = o.withDefaults()
	return &Driver{
		opts:    o,
		gate:    gate{limits: o.Limits},
		notices: notices{log: o.Log},
		lines:   map[string]*line{},
	}
}

// Model is [Widest], or [NeoR]: what a panel is in truth it says when it is here.
func (d *Driver) Model() panel.Model {
	m := Widest()
	if d.opts.NeoR {
		m = NeoR()
	}
	if d.opts.DiscloseCodes {
		m = disclosing(m)
	}
	return m
}

// Unknown lists the last 100 integration ids that called and are not the host's, the
// latest first, for bringing a panel into service. Nothing about them is proven.
func (d *Driver) Unknown() []Caller { return d.unknown.all() }

// Open gives a session with the panel whose integration id is t.Ident, or
// [panel.ErrAbsent] while it is not here. The key was needed before, see
// [Options.Allow]; of the target only the secret [MasterSecret] of the route [Route] is
// used, and only for what needs programming.
func (d *Driver) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	d.mu.Lock()
	n := d.lines[t.Ident]
	d.mu.Unlock()
	if n == nil {
		return nil, panel.ErrAbsent
	}
	release, err := n.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := n.ready(ctx)
	if err != nil {
		return nil, err
	}
	return newSession(d, n, l, t.Routes[Route].Secrets[MasterSecret]), nil
}

// Arrivals listens until ctx ends, and yields each panel that has proven its key, and
// its end. A panel that was sent away to shake hands anew is only gone when it has not
// come back in time. When Arrivals ends, every session ends.
func (d *Driver) Arrivals(ctx context.Context) iter.Seq2[panel.Arrival, error] {
	return func(yield func(panel.Arrival, error) bool) {
		run := newArrivals()
		if !d.begin(run) {
			yield(panel.Arrival{}, ErrListening)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer d.stop()
		defer cancel()
		listener, err := d.opts.Listen(ctx)
		if err != nil {
			yield(panel.Arrival{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err))
			return
		}
		var work sync.WaitGroup
		defer work.Wait()
		defer run.closeAll()
		defer func() { _ = listener.Close() }()
		failed := make(chan error, 1)
		work.Go(func() { failed <- d.accept(ctx, listener, run, &work) })
		for {
			for _, a := range run.take() {
				if !yield(a, nil) {
					return
				}
			}
			select {
			case <-run.signal:
			case <-ctx.Done():
				return
			case err := <-failed:
				yield(panel.Arrival{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err))
				return
			}
		}
	}
}

func (d *Driver) begin(run *arrivals) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.run != nil {
		return false
	}
	d.run = run
	return true
}

func (d *Driver) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.run = nil
	for _, n := range d.lines {
		n.giveUp()
	}
}

// accept takes connections until the listener ends.
func (d *Driver) accept(ctx context.Context, listener net.Listener, run *arrivals, work *sync.WaitGroup) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return err
			}
			d.notices.say(time.Now(), "cannot accept connections", "", slog.Any("error", err))
			select {
			case <-time.After(time.Second): // out of files: those that are open end in time
			case <-ctx.Done():
				return err
			}
			continue
		}
		if !run.add(conn) {
			_ = conn.Close()
			return net.ErrClosed
		}
		work.Go(func() {
			defer run.remove(conn)
			d.serve(ctx, conn, run)
		})
	}
}

// serve is the life of one connection.
func (d *Driver) serve(ctx context.Context, conn net.Conn, run *arrivals) {
	defer func() { _ = conn.Close() }()
	v := d.gate.enter(conn)
	l, err := d.shake(ctx, v)
	if stayed := d.gate.leave(v); !stayed {
		err = errCrowded
	}
	if err != nil {
		if ctx.Err() == nil {
			d.notices.say(time.Now(), err.Error(), v.prefix, slog.String("addr", conn.RemoteAddr().String()), slog.String("claims", v.ident))
		}
		return
	}
	d.gate.prove(v)
	n := d.line(l.ident)
	l.home = n
	if old := n.join(l); old != nil {
		old.end(ErrDisplaced)
	}
	run.post(panel.Arrival{Ident: l.ident, Addr: conn.RemoteAddr().String()})
	d.opts.Log.InfoContext(ctx, "dsc: connected", slog.String("ident", l.ident), slog.String("addr", conn.RemoteAddr().String()), slog.String("version", l.opened.Version()))
	if l.weak != nil {
		d.notices.say(time.Now(), "line is too weak for the master code, users are not touched", l.ident)
	}

	why := l.run()

	d.opts.Log.InfoContext(ctx, "dsc: disconnected", slog.String("ident", l.ident), slog.String("reason", why.Error()))
	if current, back := n.part(l); current {
		run.gone(l.ident, n, back)
	}
}

func (d *Driver) line(ident string) *line {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.lines[ident]
	if n == nil {
		n = newLine(ident, d.opts.Return)
		d.lines[ident] = n
	}
	return n
}
