package powermanage

import (
	"context"
	"iter"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Read asks for the status and, if users are wanted, for the list, which comes whole.
func (s *session) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		ctx, end, err := s.begin(ctx)
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		defer end()
		events, err := s.look(ctx, q)
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(panel.Event{}, lineError(err))
		}
	}
}

// look is what the panel says about a query.
func (s *session) look(ctx context.Context, q panel.Query) ([]panel.Event, error) {
	if _, err := s.status(ctx, s.call); err != nil {
		return nil, err
	}
	var l userList
	if q.All || len(q.Places) > 0 {
		var err error
		if l, err = s.users(ctx); err != nil {
			return nil, err
		}
	}
	facts, m := s.told(), s.Model()
	facts.Model = &m
	events := []panel.Event{{Panel: &facts}}
	if q.All {
		for _, u := range l.Users {
			if u.ID > q.After.Slot && m.CheckPlace(panel.Place{Slot: u.ID}) == nil {
				events = append(events, panel.Event{User: report(m, u.ID, &u)})
			}
		}
	}
	for _, p := range q.Places {
		if m.CheckPlace(p) == nil {
			events = append(events, panel.Event{User: report(m, p.Slot, l.at(p.Slot))})
		}
	}
	return events, nil
}

// report is what a model lets be said of one user, nil for an empty slot.
func report(m panel.Model, slot int, u *user) *panel.Report {
	r := &panel.Report{Place: panel.Place{Slot: slot}, Sight: m.Sight}
	if u == nil {
		return r
	}
	r.Exists = true
	r.Known = m.Read & (panel.FieldLabel | panel.FieldPartitions)
	r.Label = u.Name
	if m.Read.Has(panel.FieldPartitions) {
		r.Partitions = partitionsOf(m, *u)
	}
	if role := roleOf(m, *u); role != "" {
		r.Role = role
		r.Known |= m.Read & panel.FieldRole
	}
	r.Editable = m.Change
	if u.Features != nil {
		r.Editable &= editable(u.Features)
	}
	return r
}
