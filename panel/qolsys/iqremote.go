package qolsys

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/internal/iqremote"
)

// IQRemote reads and watches panels as a second keypad, on the route [Route]. It
// implements [panel.Driver].
type IQRemote struct {
	panel.Dials
	opts Options
}

// NewIQRemote makes a driver. It does no I/O.
func NewIQRemote(o Options) *IQRemote { return &IQRemote{opts: o.withDefaults()} }

// Model is [Widest]: what a panel is it says when a session begins.
func (d *IQRemote) Model() panel.Model { return Widest() }

// Open connects to the panel with the pairing in the route's secret [PairingSecret], and
// joins as a remote. A pairing that the panel refuses, or none, is [panel.ErrSecret] after
// one attempt; another panel than t.Ident, or another key than the first session saw, is
// [panel.ErrIdentity].
func (d *IQRemote) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	r := t.Routes[Route]
	p, err := openPairing(r.Secrets[PairingSecret])
	if err != nil {
		return nil, err
	}
	if r.Addr == "" {
		return nil, fmt.Errorf("%w: the route has no address", panel.ErrUnreachable)
	}
	pinned := r.State
	if d.opts.AnyKey {
		pinned = nil
	}
	l, err := dial(ctx, d.opts, withPort(r.Addr, "8883"), p, pinned)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("%w: %w", err, ctx.Err())
		}
		return nil, err
	}
	s := &session{link: l, ident: t.Ident, unsaid: len(pinned) == 0 && !d.opts.AnyKey}
	if err := s.join(ctx); err != nil {
		l.end(err)
		return nil, err
	}
	return s, nil
}

// Pair is [Pair] for the panel with this address, as a [panel.Pairer] does it.
func (d *IQRemote) Pair(ctx context.Context, ident string) (panel.Candidate, error) {
	o := d.opts.Pairing
	if o.Announce == nil {
		return panel.Candidate{}, fmt.Errorf("%w: %w", panel.ErrUnsupported, ErrAnnounce)
	}
	if o.Panel = ident; ident == "" {
		return panel.Candidate{}, fmt.Errorf("%w: no panel is named", ErrPairing)
	}
	p, err := Pair(ctx, o)
	if err != nil {
		return panel.Candidate{}, err
	}
	return panel.Candidate{
		Ident: p.Panel, Print: p.Authority, Route: Route,
		Secrets: map[string]panel.Secret{PairingSecret: p.Secret},
	}, nil
}

// session is a conversation with one panel over IQ Remote.
type session struct {
	link    *link
	ident   string
	version string
	model   panel.Model
	unsaid  bool // the panel's key was not pinned before
}

// join names us to the panel and learns which one it is.
func (s *session) join(ctx context.Context) error {
	id := iqremote.NewID()
	b, err := s.link.ask(ctx, id, iqremote.Connect(id, s.link.mac, "keyholder-"+s.link.mac, s.link.local))
	if err != nil {
		return err
	}
	a, err := iqremote.DecodeAnswer(b)
	if err != nil {
		return fmt.Errorf("%w: %w", panel.ErrProtocol, err)
	}
	// Some panels may not name themselves: then the authority and the pinned key say who it is.
	if a.MAC != "" {
		switch {
		case s.ident == "":
			s.ident = strings.ToUpper(a.MAC)
		case !strings.EqualFold(a.MAC, s.ident):
			return fmt.Errorf("%w: the panel names another address", panel.ErrIdentity)
		}
	}
	s.version, s.model = a.Version, modelOf(a.Product)
	return nil
}

// Model is the model of the panel's board, else the widest.
func (s *session) Model() panel.Model { return s.model }

// Close leaves the panel.
func (s *session) Close() error {
	s.link.end(fmt.Errorf("%w: %w", panel.ErrUnreachable, errClosed))
	return nil
}

// Apply refuses every edit, before a byte is sent: nothing can be written on this wire.
func (s *session) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return refuseAll(edits)
}

// refuseAll is the outcome of edits where nothing can be written.
func refuseAll(edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			set := e.Set
			if e.Do == panel.Remove {
				set = panel.FieldCode
			}
			refused := map[panel.Field]error{}
			for f := range set.Each() {
				refused[f] = panel.ErrUnsupported
			}
			if !yield(panel.Outcome{Place: e.Place, Refused: refused}, nil) {
				return
			}
		}
	}
}

// Read asks the panel for everything, as there is no smaller question, and yields what q
// names: first the panel's facts, the code length among them, so that whoever compares
// marks knows before the first user that every code was rewritten.
func (s *session) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		id := iqremote.NewID()
		b, err := s.link.ask(ctx, id, iqremote.Sync(id, s.link.mac))
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		snap, err := iqremote.DecodeSync(b)
		if err != nil {
			yield(panel.Event{}, fmt.Errorf("%w: %w", panel.ErrProtocol, err))
			return
		}
		m := s.model
		if !yield(panel.Event{Panel: &panel.Facts{Ident: s.ident, Model: &m, CodeLen: snap.Digits, Version: s.version}}, nil) {
			return
		}
		if s.unsaid {
			s.unsaid = false
			if !yield(panel.Event{State: s.link.shown}, nil) {
				return
			}
		}
		for _, r := range answers(m, snap.Users, q) {
			if !yield(panel.Event{User: &r}, nil) {
				return
			}
		}
	}
}

// Watch yields which users to read again, until ctx ends or the session does.
func (s *session) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for {
			if q := s.link.box.take(); q != nil && !yield(panel.Event{Stale: q}, nil) {
				return
			}
			select {
			case <-s.link.box.signal:
			case <-ctx.Done():
				return
			case <-s.link.over:
				if why := s.link.reason(); !errors.Is(why, errClosed) {
					yield(panel.Event{}, why)
				}
				return
			}
		}
	}
}
