package visonic

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// PowerLinkRoute is the name in a [panel.Target] of the route over which PowerLink 3.1
// hardware, or a proxy before it, calls in. It has no address and no secret.
const PowerLinkRoute = "powerlink"

// DefaultAddr is where a panel calls when the server that it asks names no other port.
const DefaultAddr = ":5001"

// Errors of the PowerLink 3.1 route.
var (
	// ErrListening: Arrivals is running already.
	ErrListening = fault.New(fault.Precondition, "visonic: already listening")
	// ErrDisplaced: a newer connection of the same panel took the place of this one.
	ErrDisplaced = fault.New(fault.Unavailable, "visonic: replaced by a newer connection of the same panel")
)

// Bounds of a caller that has not said which panel it is.
const (
	greetWithin = 10 * time.Second
	mostUnknown = 64
)

// PowerLinkOptions says how the PowerLink 3.1 route listens and reads.
type PowerLinkOptions struct {
	Options // Dial is not used
	// Listen is where panels call. Required.
	Listen func(ctx context.Context) (net.Listener, error)
	// Allow decides whether a caller may be the panel of this name (six hexadecimal
	// digits, upper case); nil lets nobody in. The wire proves nothing: whoever reaches the port and
	// knows the name can say that it is the panel, so let only the panel's network reach it.
	Allow func(ctx context.Context, ident string, from net.Addr) error
}

// PowerLink listens for panels with PowerLink 3.1 hardware, or for a proxy that passes
// their bytes on. It reads; it cannot write.
//
// A panel is told to call by the answer to its own request at its server (POST
// /scripts/update.php), which a host or a proxy gives; without a proxy the panel's alarms
// no longer reach that server. They are not acknowledged here, so that the panel keeps
// them. Nothing on this wire is encrypted or proven.
type PowerLink struct {
	o *PowerLinkOptions

	mu        sync.Mutex
	listening bool
	unknown   int // callers that have not said who they are
	here      map[string]*link
}

// NewPowerLink makes the driver. It does no I/O.
func NewPowerLink(o PowerLinkOptions) *PowerLink {
	return &PowerLink{o: &o, here: map[string]*link{}}
}

// Model is the widest panel that the route can meet.
func (d *PowerLink) Model() panel.Model {
	return d.o.model(calling(widest("PowerMaster over PowerLink 3.1", "settings 08, E2, 24 and 30 captured from a PowerMaster-10 over this wire; the envelope by one published vector; not run on hardware here")))
}

// calling is a panel whose users are read as settings, on a line that it opened.
func calling(m panel.Model) panel.Model {
	m.CallsIn, m.Hold, m.Linger = true, 0, 0
	return m
}

// Open gives a session with a panel that is here, else [panel.ErrAbsent]. A panel that
// refuses messages is [panel.ErrSecret]: its hardware has to be enrolled anew.
func (d *PowerLink) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	d.mu.Lock()
	l := d.here[strings.ToUpper(t.Ident)]
	d.mu.Unlock()
	if l == nil {
		return nil, panel.ErrAbsent
	}
	s := &session{link: l, shared: true, o: &d.o.Options, ident: t.Ident}
	kind := byte(0)
	err := s.setting(ctx, powerlink.SetPanel, func(value []byte) error {
		if len(value) < 2 {
			return powerlink.ErrMalformed
		}
		kind = value[1]
		return nil
	})
	if err != nil {
		return nil, err
	}
	p, ok := panelOf(kind)
	if !ok || !p.messages {
		return nil, fmt.Errorf("%w: %w: %d", panel.ErrProtocol, ErrUnknownPanel, kind)
	}
	p.codes, p.Model = 0, calling(p.Model)
	s.panel = p
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Arrivals listens until ctx ends and yields panels that may come in. It may run once at a
// time: [ErrListening].
func (d *PowerLink) Arrivals(ctx context.Context) iter.Seq2[panel.Arrival, error] {
	return func(yield func(panel.Arrival, error) bool) {
		d.mu.Lock()
		busy := d.listening
		d.listening = true
		d.mu.Unlock()
		if busy {
			yield(panel.Arrival{}, ErrListening)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		var callers sync.WaitGroup
		defer func() {
			cancel()
			callers.Wait()
			d.mu.Lock()
			d.listening = false
			d.mu.Unlock()
		}()
		l, err := d.o.Listen(ctx)
		if err != nil {
			yield(panel.Arrival{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err))
			return
		}
		said := make(chan panel.Arrival)
		callers.Go(func() { d.accept(ctx, l, said, &callers) })
		for {
			select {
			case a := <-said:
				if !yield(a, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// accept takes callers until ctx ends.
func (d *PowerLink) accept(ctx context.Context, l net.Listener, said chan<- panel.Arrival, callers *sync.WaitGroup) {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for ctx.Err() == nil {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			<-ctx.Done()
		case err != nil: // the system is short of something
			timer := time.NewTimer(time.Second)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
		case !d.admit(1):
			_ = conn.Close()
		default:
			callers.Go(func() { d.serve(ctx, conn, said) })
		}
	}
}

// admit counts callers that are unknown yet and reports whether there may be so many.
func (d *PowerLink) admit(n int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unknown+n > mostUnknown {
		return false
	}
	d.unknown += n
	return true
}

// serve is one caller, from its first envelope until its connection ends.
func (d *PowerLink) serve(ctx context.Context, conn net.Conn, said chan<- panel.Arrival) {
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	w := &enveloped{conn: conn}
	err := w.greet()
	if err == nil {
		err = d.allow(ctx, w.panel, conn.RemoteAddr())
	}
	d.admit(-1)
	if err != nil {
		return
	}
	l := newLink(w)
	d.mu.Lock()
	if old := d.here[w.panel]; old != nil {
		old.end(ErrDisplaced)
	}
	d.here[w.panel] = l
	d.mu.Unlock()
	tell := func(gone bool) {
		select {
		case said <- panel.Arrival{Ident: w.panel, Addr: conn.RemoteAddr().String(), Gone: gone}:
		case <-ctx.Done():
		}
	}
	tell(false)
	<-l.done
	d.mu.Lock()
	last := d.here[w.panel] == l
	if last {
		delete(d.here, w.panel)
	}
	d.mu.Unlock()
	if last {
		tell(true)
	}
}

func (d *PowerLink) allow(ctx context.Context, ident string, from net.Addr) error {
	if d.o.Allow == nil {
		return panel.ErrIdentity
	}
	return d.o.Allow(ctx, ident, from)
}
