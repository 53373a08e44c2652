package paneltest_test

import (
	"context"
	"iter"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

func (s *toySession) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		if !yield(panel.Event{Panel: &panel.Facts{Ident: toyIdent, CodeLen: s.digits}}, nil) {
			return
		}
		var asks []frame
		if q.All {
			asks = append(asks, frame{Do: "list", Place: q.After, Disclose: q.Disclose})
		}
		for _, p := range q.Places {
			asks = append(asks, frame{Do: "get", Place: p, Disclose: q.Disclose})
		}
		if len(asks) == 0 {
			asks = append(asks, frame{Do: "list", Place: panel.Place{Slot: 1 << 20, ID: "~"}}) // a session that is closed must notice
		}
		for _, ask := range asks {
			a, err := s.ask(ctx, ask)
			if err != nil {
				yield(panel.Event{}, err)
				return
			}
			if ask.Do == "get" && len(a.Users) == 0 {
				a.Users = []wireUser{{User: paneltest.User{Place: ask.Place}}}
			}
			for _, u := range a.Users {
				if !yield(panel.Event{User: s.report(u, q.Disclose)}, nil) {
					return
				}
			}
		}
	}
}

func (s *toySession) report(u wireUser, disclose bool) *panel.Report {
	r := &panel.Report{Place: u.Place, Sight: s.model.Sight, Exists: u.Role != "" && s.model.Sight >= panel.Presence}
	if !r.Exists {
		return r
	}
	r.Known = s.model.Read &^ (panel.FieldCode | panel.FieldLegacyTags | panel.FieldLockTags)
	r.Editable = s.model.Change
	if s.model.Read&(panel.FieldLegacyTags|panel.FieldLockTags) != 0 {
		r.Tags = u.Tags
	}
	for f := range r.Known.Each() {
		switch f {
		case panel.FieldLabel:
			r.Label = u.Label
		case panel.FieldRole:
			r.Role = u.Role
		case panel.FieldPartitions:
			r.Partitions = u.Partitions
		case panel.FieldKeypads:
			r.Keypads = u.Keypads
		case panel.FieldLocks:
			r.Locks = u.Locks
		case panel.FieldFrom:
			r.Window.From = u.Window.From
		case panel.FieldUntil:
			r.Window.Until = u.Window.Until
		}
	}
	if s.model.Sight == panel.Marked {
		r.Mark = []byte(u.Mark)
	}
	if s.model.Sight == panel.Value && disclose {
		r.Known |= panel.FieldCode
		_ = r.Code.UnmarshalText([]byte(u.Code)) // what the panel holds is a code
	}
	return r
}

func (s *toySession) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		if s.deaf {
			return
		}
		ear := make(chan frame, 64)
		s.mu.Lock()
		s.ears[ear] = true
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.ears, ear)
		}()
		for {
			select {
			case f := <-ear:
				if !yield(panel.Event{Stale: &panel.Query{Places: slices.Clone([]panel.Place{f.Place})}}, nil) {
					return
				}
			case <-s.dead:
				yield(panel.Event{}, panel.ErrUnreachable)
				return
			case <-ctx.Done():
				return
			}
		}
	}
}
