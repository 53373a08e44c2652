package powermanage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// tokens are what the server gave us.
type tokens struct{ user, session panel.Secret }

func (t *tokens) put(h http.Header) {
	h.Set("User-Token", t.user.Reveal())
	if !t.session.IsZero() {
		h.Set("Session-Token", t.session.Reveal())
	}
}

// session is a conversation with one panel. It has no connection and no goroutine while
// nothing is asked.
type session struct {
	panel.NoWatch
	client  client
	wait    time.Duration
	base    *url.URL
	serial  string
	app     string
	family  panel.Model
	version string

	email, password, master panel.Secret
	tokens                  tokens
	lost                    error // why signing in anew failed: it is not tried again

	mu     sync.Mutex
	model  panel.Model
	facts  panel.Facts
	over   bool
	cancel context.CancelCauseFunc // of the work under way
}

// Format keeps a session's inside out of every verb of fmt.
func (s *session) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "powermanage session with "+s.serial)
}

// session opens one.
func (d *Driver) session(ctx context.Context, t panel.Target) (*session, error) {
	r := t.Routes[Route]
	root, err := base(r.Addr)
	if err != nil {
		return nil, err
	}
	if t.Ident == "" {
		return nil, fmt.Errorf("%w: %w", panel.ErrIdentity, ErrPanelNotListed)
	}
	s := &session{
		client: d.client, wait: d.wait, base: root, serial: t.Ident, app: appID(t.Panel), family: d.model,
		email: r.Secrets[EmailSecret], password: r.Secrets[PasswordSecret], master: r.Secrets[panel.MasterSecret],
		model: d.model,
	}
	if serial := r.Secrets[SerialSecret]; !serial.IsZero() {
		s.serial = serial.Reveal()
	}
	s.facts.Ident = t.Ident
	if s.email.IsZero() || s.password.IsZero() || s.master.IsZero() {
		return nil, fmt.Errorf("%w: %w", panel.ErrSecret, ErrSecretMissing)
	}
	if err := s.negotiate(ctx); err != nil {
		return nil, lineError(err)
	}
	if err := s.signIn(ctx); err != nil {
		return nil, err
	}
	if err := s.learn(ctx); err != nil {
		return nil, lineError(err)
	}
	return s, nil
}

// asker is ask or call.
type asker func(ctx context.Context, method, path string, body any) ([]byte, error)

func (s *session) status(ctx context.Context, ask asker) (status, error) {
	raw, err := ask(ctx, http.MethodGet, "status", nil)
	if err != nil {
		return status{}, err
	}
	st, err := decode[status](raw)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.facts.Armed = st.armed()
	}
	return st, err
}

// learn asks what this panel can do.
func (s *session) learn(ctx context.Context) error {
	raw, err := s.call(ctx, http.MethodGet, "feature_set", nil)
	var f featureSet
	if r, ok := errors.AsType[*refusalError](err); ok && r.is(ErrEndpoint) {
		err = nil // this version does not say
	} else if err == nil {
		f, err = decode[featureSet](raw)
	}
	if err != nil {
		return err
	}
	l, err := s.users(ctx)
	if err != nil {
		return err
	}
	m := narrow(s.family, f, l)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model = m
	s.facts.Version = "REST " + s.version
	if len(m.Code.Lens) == 1 {
		s.facts.CodeLen = m.Code.Lens[0]
	}
	return nil
}

// users asks for the list of users.
func (s *session) users(ctx context.Context) (userList, error) {
	raw, err := s.call(ctx, http.MethodGet, "users", nil)
	if err != nil {
		return userList{}, err
	}
	return usersOf(raw)
}

// ask is one call with our tokens.
func (s *session) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	where, query, _ := strings.Cut(path, "?")
	u := s.base.JoinPath(s.version, where)
	u.RawQuery = query
	return s.client.do(ctx, request{method: method, url: u, body: body, tokens: &s.tokens})
}

// call is ask, after signing in anew if the server has forgotten us: once, and a session
// that it does not take then is over.
func (s *session) call(ctx context.Context, method, path string, body any) ([]byte, error) {
	if s.lost != nil {
		return nil, unsentError{s.lost}
	}
	raw, err := s.ask(ctx, method, path, body)
	if r, ok := errors.AsType[*refusalError](err); !ok || !r.stale() {
		return raw, err
	}
	if err := s.signIn(ctx); err != nil {
		if errors.Is(err, panel.ErrSecret) || errors.Is(err, panel.ErrBlocked) {
			s.lost = err
		}
		return nil, unsentError{err}
	}
	return s.ask(ctx, method, path, body)
}

// unsentError wraps what kept a call from being made: the server has carried out nothing.
type unsentError struct{ error }

// Unwrap returns the reason.
func (u unsentError) Unwrap() error { return u.error }

// Model is the panel's model, cut down to what the server said of it.
func (s *session) Model() panel.Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.model
}

// told is what the panel has said about itself.
func (s *session) told() panel.Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts
}

// Close ends what is under way. The server is not told: no call for it is published.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.cancel != nil {
		s.cancel(ErrClosed)
	}
	return nil
}

// begin makes a context that ends with the session.
func (s *session) begin(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		cancel(nil)
		return nil, nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrClosed)
	}
	s.cancel = cancel
	return ctx, func() { cancel(nil) }, nil
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}
