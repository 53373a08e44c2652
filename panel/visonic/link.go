package visonic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

const (
	spacing     = 190 * time.Millisecond // between two of our messages: what the slowest family asks for
	patience    = 3 * time.Second        // for one answer, before the question is asked again
	tries       = 3                      // how often a question is asked
	oneTry      = 10 * time.Second       // for the answer to what must not be sent twice
	writeWithin = 2 * time.Second
	goodbye     = 2 * time.Second // to leave download mode, whatever has happened
)

// wire carries payloads. Only one goroutine receives and acknowledges; any may send.
type wire interface {
	send(payload []byte) error
	receive() ([]byte, error)
	ack(payload []byte) error // of what was received last
	Close() error
}

// stream is the wire over a serial port or a TCP connection: frames as they are.
type stream struct {
	rw    io.ReadWriteCloser
	split powerlink.Splitter
	buf   [512]byte
	turn  sync.Mutex
}

func (s *stream) Close() error { return s.rw.Close() }

func (s *stream) send(payload []byte) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	return write(s.rw, powerlink.Frame(payload))
}

// ack leaves link control alone, or both ends would acknowledge for ever.
func (s *stream) ack(p []byte) error {
	if p[0] < 0x10 {
		return nil
	}
	return s.send(powerlink.Ack(p))
}

// write gives a line that knows deadlines a short one, and forgets what it wrote: it may
// hold the download code.
func write(w io.Writer, b []byte) error {
	if d, ok := w.(interface{ SetWriteDeadline(t time.Time) error }); ok {
		_ = d.SetWriteDeadline(time.Now().Add(writeWithin))
	}
	_, err := w.Write(b)
	clear(b)
	return err
}

func (s *stream) receive() ([]byte, error) {
	for {
		if p, ok := s.split.Next(); ok {
			return p, nil
		}
		n, err := s.rw.Read(s.buf[:])
		s.split.Push(s.buf[:n])
		clear(s.buf[:n])
		if err != nil && n == 0 {
			return nil, err
		}
	}
}

// link is a conversation over a wire: questions and answers, one at a time. Its reader
// acknowledges what the panel says and passes over what nobody asked for.
type link struct {
	wire   wire
	turn   chan struct{} // holds one token: the right to ask
	asking atomic.Pointer[asking]
	sent   time.Time // when the last message of ours left; of whoever has the turn
	done   chan struct{}
	once   sync.Once
	cause  error
}

// asking is a question that waits for what the panel says.
type asking struct {
	in   chan []byte
	over chan struct{} // nobody waits any more
}

func newLink(w wire) *link {
	l := &link{wire: w, turn: make(chan struct{}, 1), done: make(chan struct{})}
	l.turn <- struct{}{}
	go l.listen()
	return l
}

func (l *link) listen() {
	for {
		p, err := l.wire.receive()
		if err == nil {
			err = l.wire.ack(p)
		}
		if err != nil {
			l.end(err)
			return
		}
		a := l.asking.Load()
		if a == nil {
			clear(p)
			continue
		}
		select {
		case a.in <- p:
		case <-a.over:
			clear(p)
		case <-l.done:
			return
		}
	}
}

// end closes the wire; the first cause stays.
func (l *link) end(cause error) {
	l.once.Do(func() {
		l.cause = fmt.Errorf("%w: %w", panel.ErrUnreachable, cause)
		close(l.done)
		_ = l.wire.Close()
	})
}

var errClosed = errors.New("visonic: session is closed")

// alive reports why the link is over, nil if it is not.
func (l *link) alive() error {
	select {
	case <-l.done:
		return l.cause
	default:
		return nil
	}
}

// say sends a message when the panel is ready for one.
func (l *link) say(ctx context.Context, payload []byte) error {
	timer := time.NewTimer(time.Until(l.sent.Add(spacing)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.done:
		return l.cause
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := l.wire.send(payload); err != nil {
		l.end(err)
		return l.cause
	}
	l.sent = time.Now()
	return nil
}

// question is something to ask a panel.
type question struct {
	payload []byte
	tries   int
	wait    time.Duration
	// take looks at what the panel says meanwhile, and reports when that was the whole
	// answer. It keeps no part of p.
	take func(p []byte) (done bool, err error)
}

// ask asks until there is an answer.
func (l *link) ask(ctx context.Context, q question) error {
	select {
	case <-l.turn:
		defer func() { l.turn <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	a := &asking{in: make(chan []byte), over: make(chan struct{})}
	l.asking.Store(a)
	defer close(a.over)
	defer l.asking.Store(nil)
	for range q.tries {
		if err := l.say(ctx, q.payload); err != nil {
			return err
		}
		if done, err := l.await(ctx, a.in, q); done || err != nil {
			return err
		}
	}
	return panel.ErrTimeout
}

func (l *link) await(ctx context.Context, in <-chan []byte, q question) (bool, error) {
	timer := time.NewTimer(q.wait)
	defer timer.Stop()
	for {
		select {
		case p := <-in:
			done, err := q.take(p)
			clear(p)
			if done || err != nil {
				return done, err
			}
		case <-timer.C:
			return false, nil
		case <-l.done:
			return false, l.cause
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}
