package panel

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
)

// combinedSession is a session over every route that opened.
type combinedSession struct {
	parts    []Part
	sessions []Session // nil: down
	down     []error
	agreed   []bool // the list was compared with the founder's

	mu     sync.Mutex
	models []Model // of the session, else of the driver
}

func (s *combinedSession) now() []Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.models)
}

func (s *combinedSession) Model() Model { return mergeModels(s.now()) }

func (s *combinedSession) Close() error {
	var errs []error
	for _, one := range s.sessions {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}

// deaf: no route hears anything.
func (s *combinedSession) deaf() bool {
	return !slices.ContainsFunc(s.sessions, func(one Session) bool { return one != nil && Hears(one) })
}

// fail gives a route's error its name.
func (s *combinedSession) fail(part int, err error) error {
	return &RouteError{Route: s.parts[part].Route, Err: err}
}

// work is one Apply: what has come of each edit, over all routes.
type work struct {
	models  []Model
	edits   []Edit
	out     []Outcome
	touched []bool
	tickets []map[string][]byte // by route
}

// Apply lets the founder work first and then each other route. Outcomes are yielded when
// all have ended, because each has several authors.
func (s *combinedSession) Apply(ctx context.Context, edits []Edit) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		w := newWork(s.now(), edits)
		first := founder(w.models)
		order := []int{first}
		failed := make([]error, len(s.parts))
		for i := range s.parts {
			if i != first && w.concerns(i) {
				order = append(order, i)
				failed[i] = s.agree(ctx, w.models, first, i)
			}
		}
		for _, i := range order {
			if batch := w.batch(i, s.parts[i].Route); len(batch) > 0 && failed[i] == nil {
				failed[i] = s.apply(ctx, w, i, batch)
			}
		}
		line := errors.Join(failed...)
		for i, o := range w.out {
			if len(w.tickets[i]) > 0 {
				o.Ticket, _ = json.Marshal(w.tickets[i]) // a map of bytes is always JSON
			}
			if (w.touched[i] || line == nil) && !yield(o, nil) {
				return
			}
		}
		if line != nil {
			yield(Outcome{}, line)
		}
	}
}

// newWork refuses what no route can write.
func newWork(models []Model, edits []Edit) *work {
	w := &work{models: models, edits: edits, out: make([]Outcome, len(edits)), touched: make([]bool, len(edits)), tickets: make([]map[string][]byte, len(edits))}
	for i, e := range edits {
		w.out[i] = Outcome{Place: e.Place, Refused: map[Field]error{}}
		for f := range e.wants().Each() {
			if writer(models, e.Do, f) < 0 {
				w.out[i].Refused[f], w.touched[i] = ErrUnsupported, true
			}
		}
	}
	return w
}

// wants is what the outcome of an edit is about.
func (e Edit) wants() Field {
	if e.Do == Remove {
		return FieldCode
	}
	return e.Set
}

// share is what a part has to write of an edit.
func (w *work) share(part int, e Edit) (set Field) {
	for f := range e.wants().Each() {
		if writer(w.models, e.Do, f) == part {
			set |= f
		}
	}
	return set
}

func (w *work) concerns(part int) bool {
	return slices.ContainsFunc(w.edits, func(e Edit) bool { return w.share(part, e) != 0 })
}

// batch is the edits of one part. Where the founder makes a user, the others wait until
// it is made.
func (w *work) batch(part int, route string) []Edit {
	var out []Edit
	for i, e := range w.edits {
		set := w.share(part, e)
		born := e.Do == Create || e.Do == Replace
		follows := born && part != founder(w.models)
		if set == 0 || follows && !w.out[i].Done.Has(FieldCode) {
			continue
		}
		if follows {
			e.Do = Change
		}
		var tickets map[string][]byte
		if len(e.Ticket) > 0 && json.Unmarshal(e.Ticket, &tickets) != nil {
			tickets = nil // not ours: nothing is running that could be followed
		}
		e.Ticket = tickets[route]
		e.Set, e.Unsure = set, e.Unsure&set
		out = append(out, e)
	}
	return out
}

// apply carries out the edits of one part and adds what came of them.
func (s *combinedSession) apply(ctx context.Context, w *work, part int, batch []Edit) error {
	if s.sessions[part] == nil {
		return s.down[part]
	}
	sees := mask(w.models, part)
	for o, err := range s.sessions[part].Apply(ctx, batch) {
		if err != nil {
			return s.fail(part, err)
		}
		i := slices.IndexFunc(w.edits, func(e Edit) bool { return e.Place == o.Place })
		if i < 0 {
			return s.fail(part, ErrDriver)
		}
		all := &w.out[i]
		w.touched[i] = true
		all.Done |= o.Done
		all.Unsure |= o.Unsure
		maps.Copy(all.Refused, o.Refused)
		if len(o.Ticket) > 0 {
			if w.tickets[i] == nil {
				w.tickets[i] = map[string][]byte{}
			}
			w.tickets[i][s.parts[part].Route] = o.Ticket
		}
		if o.Report != nil && sees.Has(FieldCode) {
			r := *o.Report
			r.Known &= sees
			all.Report = &r
		}
	}
	return nil
}

// mask is the fields of which a part is the witness.
func mask(models []Model, part int) (fields Field) {
	for f := range AllFields.Each() {
		if witness(models, f) == part {
			fields |= f
		}
	}
	return fields
}

// agree compares the list of a part with the founder's, once in a session.
func (s *combinedSession) agree(ctx context.Context, models []Model, first, part int) error {
	if s.agreed[part] || models[first].Sight < Presence || models[part].Sight < Presence {
		return nil
	}
	var lists [2]map[Place]*Report
	for i, at := range []int{first, part} {
		if s.sessions[at] == nil {
			return s.down[at]
		}
		lists[i] = map[Place]*Report{}
		for e, err := range s.sessions[at].Read(ctx, Query{All: true}) {
			if err != nil {
				return s.fail(at, err)
			}
			if e.User != nil && e.User.Exists {
				lists[i][e.User.Place] = e.User
			}
		}
	}
	same := maps.EqualFunc(lists[0], lists[1], func(a, b *Report) bool {
		both := a.Known & b.Known
		return (!both.Has(FieldRole) || a.Role == b.Role) && (!both.Has(FieldLabel) || a.Label == b.Label)
	})
	if !same {
		return s.fail(part, ErrRoutesDisagree)
	}
	s.agreed[part] = true
	return nil
}

// Read gathers what the other witnesses say and joins it to the list of the one who sees
// the code, in that list's order.
func (s *combinedSession) Read(ctx context.Context, q Query) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		models := s.now()
		main := witness(models, FieldCode)
		said := make([]map[Place]*Report, len(s.parts))
		var failed []error
		for _, i := range append(others(len(s.parts), main), main) {
			sees := mask(models, i)
			if s.sessions[i] == nil {
				if sees != 0 {
					failed = append(failed, s.down[i])
				}
				continue
			}
			ask := q
			if sees == 0 {
				ask = Query{} // nobody's witness: its facts are enough
			}
			said[i] = map[Place]*Report{}
			for e, err := range s.sessions[i].Read(ctx, ask) {
				if err != nil {
					failed = append(failed, s.fail(i, err))
					break
				}
				if e.User != nil && i != main {
					said[i][e.User.Place] = e.User
					continue
				}
				if e.User != nil {
					e.User = joined(models, main, *e.User, said)
				}
				if !yield(s.own(i, e), nil) {
					return
				}
			}
		}
		if err := errors.Join(failed...); err != nil {
			yield(Event{}, err)
		}
	}
}

func others(n, main int) (out []int) {
	for i := range n {
		if i != main {
			out = append(out, i)
		}
	}
	return out
}

// joined is the main witness's report with what the other witnesses know.
func joined(models []Model, main int, r Report, said []map[Place]*Report) *Report {
	r.Known &= mask(models, main)
	editable := r.Editable
	r.Editable = 0
	for f := range AllFields.Each() {
		if i := writer(models, Change, f); r.Exists && i == main {
			r.Editable |= editable & f
		} else if r.Exists && i >= 0 {
			other := said[i][r.Place]
			if other == nil || other.Editable.Has(f) {
				r.Editable |= f
			}
		}
		i := witness(models, f)
		if i < 0 || i == main {
			continue
		}
		if other := said[i][r.Place]; other != nil {
			r.Known |= other.Known & f
			r.take(other.Values, other.Known&f)
			if f == FieldLegacyTags || f == FieldLockTags {
				r.Tags = other.Tags
			}
		}
	}
	return &r
}

// take copies one field.
func (v *Values) take(from Values, f Field) {
	switch f {
	case FieldLabel:
		v.Label = from.Label
	case FieldRole:
		v.Role = from.Role
	case FieldPartitions:
		v.Partitions = from.Partitions
	case FieldLegacyTags:
		v.LegacyTags = from.LegacyTags
	case FieldLockTags:
		v.LockTags = from.LockTags
	case FieldKeypads:
		v.Keypads = from.Keypads
	case FieldLocks:
		v.Locks = from.Locks
	case FieldFrom:
		v.Window.From = from.Window.From
	case FieldUntil:
		v.Window.Until, v.Window.Revoked = from.Window.Until, from.Window.Revoked
	}
}

// own makes a part's event the combination's: models are merged, a state gets its name.
func (s *combinedSession) own(part int, e Event) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Panel != nil && e.Panel.Model != nil:
		s.models[part] = *e.Panel.Model
		facts, model := *e.Panel, mergeModels(s.models)
		facts.Model = &model
		e.Panel = &facts
	case e.State != nil:
		e.Route = s.parts[part].Route
	}
	return e
}

// Watch yields what any route hears. A user is told as stale: only reading again joins
// what all witnesses know.
func (s *combinedSession) Watch(ctx context.Context) iter.Seq2[Event, error] {
	return merge(ctx, len(s.parts), func(ctx context.Context, i int) iter.Seq2[Event, error] {
		return func(yield func(Event, error) bool) {
			if s.sessions[i] == nil {
				if s.now()[i].TellsWhoOpened() { // nobody may take it for heard
					yield(Event{}, s.down[i])
				}
				return
			}
			for e, err := range s.sessions[i].Watch(ctx) {
				if err != nil {
					err = s.fail(i, err)
				}
				if e.User != nil {
					e = Event{Stale: &Query{Places: []Place{e.User.Place}}}
				}
				if !yield(s.own(i, e), err) {
					return
				}
			}
		}
	})
}
