package dsc

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// session is a host's conversation with one panel. It outlives the connections that the
// driver renews.
type session struct {
	disclose bool
	renew    bool
	weak     error // why the master code may not travel, or nil
	line     *line
	closed   chan struct{}

	mu     sync.Mutex
	over   bool
	cancel context.CancelCauseFunc // of the work under way
	master *panel.Secret           // behind a pointer, so that printing a session shows an address
	model  panel.Model
}

func newSession(d *Driver, n *line, l *link, master panel.Secret) *session {
	m, _ := l.facts()
	return &session{
		disclose: d.opts.DiscloseCodes, renew: !d.opts.KeepSession, weak: l.weak,
		line: n, closed: make(chan struct{}), master: &master, model: m,
	}
}

// Model is the panel's model, cut down to what the panel said of itself.
func (s *session) Model() panel.Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.model
}

// Close ends the conversation: what is under way ends as if its context had ended. The
// connection stays for the next.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	s.over = true
	close(s.closed)
	if s.cancel != nil {
		s.cancel(errClosed)
	}
	return nil
}

// begin takes the panel for one piece of work, until the returned function is called.
// The context ends with the session.
func (s *session) begin(ctx context.Context, write bool) (*work, context.Context, func(), error) {
	ctx, cancel := context.WithCancelCause(ctx)
	if !s.start(cancel) {
		cancel(nil)
		return nil, nil, nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, errClosed)
	}
	release, err := s.line.take(ctx)
	if err != nil {
		cancel(nil)
		return nil, nil, nil, err
	}
	l, err := s.line.ready(ctx)
	if err != nil {
		release()
		cancel(nil)
		return nil, nil, nil, err
	}
	w := &work{session: s, link: l, write: write}
	s.adopt(l)
	return w, ctx, func() {
		w.leave()
		if w.programmed && s.renew {
			w.link.renew()
		}
		release()
		cancel(nil)
	}, nil
}

func (s *session) start(cancel context.CancelCauseFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
	return !s.over
}

// adopt takes over what a link says of the panel.
func (s *session) adopt(l *link) {
	m, _ := l.facts()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model = m
}

// code is the master code that opens programming now.
func (s *session) code() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.master.Reveal()
}

// changeCode takes over a Master's code that was just written.
func (s *session) changeCode(c panel.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.master = panel.SecretOf(c.Reveal())
}
