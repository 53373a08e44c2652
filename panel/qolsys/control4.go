package qolsys

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/internal/iqremote"
)

// Control4 asks a panel whether it is armed, on the route [RouteControl4]: the interface
// for home automation that somebody ticks under 3rd Party Connections. It implements
// [panel.Driver], and sees no user. It sends the question for the summary and nothing
// else: a code is never tried.
type Control4 struct {
	panel.Dials
	opts Options
}

// NewControl4 makes a driver. It does no I/O.
func NewControl4(o Options) *Control4 { return &Control4{opts: o.withDefaults()} }

// Model sees no user and writes nothing.
func (d *Control4) Model() panel.Model { return stateOnly() }

// Open connects and asks once, with the token in the route's secret [TokenSecret]. A panel
// has no word for a wrong token: it hangs up, which is [panel.ErrSecret] when the panel
// had acknowledged the question and never answered one, or says nothing, which is
// [panel.ErrTimeout].
func (d *Control4) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	r := t.Routes[RouteControl4]
	token := r.Secrets[TokenSecret]
	switch {
	case r.Addr == "":
		return nil, fmt.Errorf("%w: the route has no address", panel.ErrUnreachable)
	case token.IsZero():
		return nil, fmt.Errorf("%w: no token", panel.ErrSecret)
	}
	s := &stateSession{opts: d.opts, token: &token}
	pinned := r.State
	if d.opts.AnyKey {
		pinned = nil
	}
	if err := s.connect(ctx, withPort(r.Addr, "12345"), pinned); err != nil {
		if ctx.Err() != nil {
			return nil, ended(ctx)
		}
		return nil, err
	}
	s.unsaid = len(pinned) == 0 && !d.opts.AnyKey
	if _, err := s.ask(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// stateSession is a conversation over the home automation interface.
type stateSession struct {
	panel.NoWatch
	opts     Options
	token    *panel.Secret // behind a pointer, so that printing a session shows an address
	conn     *tls.Conn
	lines    *bufio.Reader
	shown    []byte // pin of the key that the panel showed
	unsaid   bool   // it was not pinned before
	answered bool   // the panel has taken the token
}

func (s *stateSession) connect(ctx context.Context, addr string, pinned []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Dial)
	defer cancel()
	conn, err := s.opts.Dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return lineError(err)
	}
	s.conn = shake(conn, &tls.Config{VerifyConnection: trust(nil, pinned)})
	if err := s.conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return lineError(err)
	}
	s.shown = pin(leaf(s.conn))
	s.lines = bufio.NewReader(s.conn)
	return nil
}

// ask puts the one question and waits for its answer. Whatever else the panel has said
// meanwhile is read and passed over.
func (s *stateSession) ask(ctx context.Context) (summary, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	nonce := iqremote.NewID()
	_ = s.conn.SetDeadline(time.Now().Add(s.opts.Answer))
	if ctx.Err() != nil {
		return summary{}, ended(ctx)
	}
	got := false // anything, so that our bytes have arrived
	_, err := s.conn.Write(question(nonce, *s.token))
	for total := 0; err == nil; {
		var line []byte
		if line, err = readLine(s.lines, s.opts.MaxMessage-total); err != nil {
			break
		}
		got, total = true, total+len(line)
		if a, ok := decodeSummary(line, nonce); ok {
			s.answered = true
			return a, nil
		}
	}
	_ = s.conn.Close() // a late answer must not meet the next question
	switch {
	case ctx.Err() != nil:
		return summary{}, ended(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return summary{}, fmt.Errorf("%w: %w", panel.ErrTimeout, err)
	case errors.Is(err, io.EOF) && got && !s.answered:
		return summary{}, fmt.Errorf("%w: the panel hung up on the token", panel.ErrSecret)
	}
	return summary{}, lineError(err)
}

// readLine reads up to a line's end, and no more than limit bytes.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > limit {
			return nil, ErrTooLong
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// Model is the driver's.
func (s *stateSession) Model() panel.Model { return stateOnly() }

// Close hangs up.
func (s *stateSession) Close() error {
	_ = s.conn.Close() // a peer that does not take our farewell is gone as well
	return nil
}

// Apply refuses every edit, before a byte is sent.
func (s *stateSession) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return refuseAll(edits)
}

// Read yields whether the panel is armed. Of users nothing is seen: those that q names are
// reported so, and all of them are none.
func (s *stateSession) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		a, err := s.ask(ctx)
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		m := stateOnly()
		if !yield(panel.Event{Panel: &panel.Facts{Model: &m, Armed: a.armed}}, nil) {
			return
		}
		if s.unsaid {
			s.unsaid = false
			if !yield(panel.Event{State: s.shown}, nil) {
				return
			}
		}
		for _, p := range q.Places {
			if !yield(panel.Event{User: &panel.Report{Place: p}}, nil) {
				return
			}
		}
	}
}
