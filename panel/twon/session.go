package twon

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// session is a conversation with one device. Nothing is held open between requests.
type session struct {
	opts   Options
	caller *caller
	mine   *writes
	shape  shape
	model  panel.Model
	facts  panel.Facts
	logs   bool   // the event log has who opened
	start  cursor // what the session before left

	mu     sync.Mutex
	mark   logMark // how far the event log was read
	closed bool
	calls  int
	live   map[int]context.CancelCauseFunc // what runs
}

// errClosed ends what runs on a session that is closed.
var errClosed = fmt.Errorf("%w: the session is closed", panel.ErrUnreachable)

// Model is the device as its template and its clock say.
func (s *session) Model() panel.Model { return s.model }

// Close ends what still runs.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, cancel := range s.live {
		cancel(errClosed)
	}
	return nil
}

// begin ties a ctx to the session's life. The caller calls done in the end.
func (s *session) begin(ctx context.Context) (_ context.Context, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, errClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s.calls++
	n := s.calls
	s.live[n] = cancel
	return ctx, func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.live, n)
	}, nil
}

// directory calls below /api/dir.
func (s *session) directory(ctx context.Context, q request) (directory, bool, error) {
	raw, left, err := s.caller.call(ctx, q)
	if err != nil {
		return directory{}, left, err
	}
	d, err := decode(raw)
	return d, left, err
}
