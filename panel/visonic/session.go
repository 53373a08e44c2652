package visonic

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// session is a conversation in frames, over a line of one's own or one that the panel
// opened.
type session struct {
	readOnly
	*link
	shared bool // the line is the panel's own and stays when the session is closed
	over   ending
	o      *Options
	panel  Panel
	model  panel.Model
	ident  string
	code   *panel.Secret // opens download mode; behind a pointer, which does not print
}

// Model is the panel that was met.
func (s *session) Model() panel.Model { return s.model }

// Close ends the session, and its line unless the panel opened that.
func (s *session) Close() error {
	s.over.end(fmt.Errorf("%w: %w", panel.ErrUnreachable, errClosed))
	if !s.shared {
		s.end(errClosed)
	}
	return nil
}

// alive reports why nothing more can be asked, nil if it can.
func (s *session) alive() error {
	if err := s.over.alive(); err != nil {
		return err
	}
	return s.link.alive()
}

// settle narrows the model to what the panel has turned on.
func (s *session) settle(ctx context.Context) error {
	s.model = s.o.model(s.panel.Model)
	if !s.panel.messages {
		return nil
	}
	on := false
	err := s.setting(ctx, powerlink.SetPartitions, func(value []byte) error {
		on = slices.ContainsFunc(value, func(b byte) bool { return b != 0 })
		return nil
	})
	if err == nil && !on {
		s.model = unpartitioned(s.model)
	}
	return err
}

// Read reads codes from the EPROM or as a setting, as the panel's kind has it, and then
// partitions and tags where it tells them.
func (s *session) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		facts, err := s.facts(ctx)
		if !yield(panel.Event{Panel: facts}, err) || err != nil || !q.All && len(q.Places) == 0 {
			return
		}
		u, err := s.users(ctx)
		if errors.Is(err, panel.ErrSecret) {
			s.over.end(err) // what was refused is not presented again
		}
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		for _, e := range s.o.events(s.model, u, q) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (s *session) facts(ctx context.Context) (*panel.Facts, error) {
	m := s.model
	f := &panel.Facts{Ident: s.ident, Model: &m, CodeLen: codeLen}
	err := s.alive()
	if err != nil || s.o.Zone == nil || !s.panel.messages {
		return f, err
	}
	err = s.message(ctx, powerlink.Poll(powerlink.MsgStatus), powerlink.MsgStatus, func(m powerlink.Message) (bool, error) {
		at, err := powerlink.Clock(m, s.o.Zone)
		f.Clock = at
		return true, err
	})
	return f, err
}

func (s *session) users(ctx context.Context) (u users, err error) {
	if s.panel.codes != 0 {
		err = s.download(ctx, *s.code, func(ctx context.Context, _ byte) error {
			raw, err := s.eprom(ctx, s.panel.codes, 2*s.model.Slots.Last)
			u.codes = powerlink.Codes(raw)
			return err
		})
	} else {
		err = s.setting(ctx, powerlink.SetCodes, func(value []byte) error {
			if u.codes = powerlink.Codes(value); len(u.codes) < s.model.Slots.Last {
				return fmt.Errorf("%w: %d codes", powerlink.ErrMalformed, len(u.codes))
			}
			return nil
		})
	}
	if err == nil {
		err = u.check()
	}
	if err == nil && s.model.Read.Has(panel.FieldPartitions) {
		u.access, err = s.items(ctx, powerlink.SetAccess)
	}
	if err == nil && s.model.Read.Has(panel.FieldLegacyTags) {
		u.tags, err = s.enrolled(ctx)
	}
	return u, err
}
