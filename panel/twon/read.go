package twon

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Read yields the facts, then the users in the order of their ids, and with q.All in the
// end the state from which Watch goes on. Entries in which nothing opens are not users.
func (s *session) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		ctx, done, err := s.begin(ctx)
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		defer done()
		facts := s.facts
		model := s.model
		facts.Model = &model
		if !yield(panel.Event{Panel: &facts}, nil) {
			return
		}
		reports, state, err := s.look(ctx, q)
		for _, r := range reports {
			if !yield(panel.Event{User: &r}, nil) {
				return
			}
		}
		switch {
		case err != nil:
			yield(panel.Event{}, err)
		case state != nil:
			yield(panel.Event{State: state}, nil)
		}
	}
}

func (s *session) look(ctx context.Context, q panel.Query) (out []panel.Report, state []byte, err error) {
	disclose := q.Disclose && s.opts.DiscloseCodes
	var entries []entry
	switch {
	case q.All:
		d, err := s.query(ctx, cursor{})
		if err != nil {
			return nil, nil, err
		}
		state = s.state(d.cursor())
		slices.SortFunc(d.Users, func(a, b entry) int { return cmp.Compare(a.UUID, b.UUID) })
		for i, e := range d.Users {
			switch {
			case i > 0 && d.Users[i-1].UUID == e.UUID:
				return nil, nil, fmt.Errorf("%w: an entry is there twice", panel.ErrProtocol)
			case !e.Deleted && e.Access.exists() && e.UUID > strings.ToLower(q.After.ID):
				entries = append(entries, e)
			}
		}
	case len(q.Places) > 0:
		if entries, err = s.places(ctx, q.Places); err != nil {
			return nil, nil, err
		}
	}
	for i, e := range entries {
		p := panel.Place{ID: e.UUID}
		if !q.All {
			p = q.Places[i]
		}
		r, err := s.report(p, e, disclose)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, r)
	}
	return out, state, nil
}

// query reads what changed behind a cursor; the zero cursor reads everything.
func (s *session) query(ctx context.Context, c cursor) (directory, error) {
	body := map[string]any{"fields": fields, "iterator": map[string]any{"timestamp": c.Timestamp}}
	if c.Series != "" {
		body["series"] = c.Series
	}
	d, _, err := s.directory(ctx, request{method: http.MethodPost, path: pathQuery, body: body})
	if err == nil && d.Series == "" {
		err = fmt.Errorf("%w: a directory without a series", panel.ErrProtocol)
	}
	return d, err
}

// get reads entries by uuid, in order. One that is not there has no access.
func (s *session) get(ctx context.Context, uuids []string) ([]entry, error) {
	d, _, err := s.directory(ctx, request{method: http.MethodPost, path: pathGet, body: map[string]any{"fields": fields, "users": named(uuids)}})
	if err != nil {
		return nil, err
	}
	entries, err := align(uuids, d.Users)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		switch {
		case len(e.Errors) == 0 && !e.Deleted:
		case len(e.Errors) > 0 && e.Errors[0].Code != codeMissing:
			return nil, fmt.Errorf("%w: an entry that cannot be read", panel.ErrProtocol)
		default:
			entries[i] = entry{UUID: e.UUID, Deleted: true}
		}
	}
	return entries, nil
}

// named lists uuids as the API takes them.
func named(uuids []string) []map[string]string {
	out := make([]map[string]string, len(uuids))
	for i, uuid := range uuids {
		out[i] = map[string]string{"uuid": uuid}
	}
	return out
}

// places reads the entries of places, in order. Places that no device can have are empty.
func (s *session) places(ctx context.Context, places []panel.Place) ([]entry, error) {
	out := make([]entry, len(places))
	var uuids []string
	for _, p := range places {
		if uuid, ok := id(p.ID); ok && p.Slot == 0 && !slices.Contains(uuids, uuid) {
			uuids = append(uuids, uuid)
		}
	}
	found := map[string]entry{}
	for batch := range slices.Chunk(uuids, s.opts.Batch) {
		entries, err := s.get(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			found[e.UUID] = e
		}
	}
	for i, p := range places {
		out[i] = found[strings.ToLower(p.ID)]
	}
	return out, nil
}

// report says what an entry is. Digits are told if disclose says so and the device shows
// them.
func (s *session) report(p panel.Place, e entry, disclose bool) (panel.Report, error) {
	r := panel.Report{Place: p, Exists: e.Access.exists(), Sight: panel.Presence}
	if !r.Exists {
		return r, nil
	}
	w, err := e.Access.window()
	if err != nil {
		return r, err
	}
	r.Known = s.model.Read &^ (panel.FieldCode | panel.FieldLegacyTags)
	r.Label, r.Tags = e.Name, e.Access.cards()
	r.Window = panel.Window{Revoked: w.Revoked}
	if r.Known.Has(panel.FieldFrom) {
		r.Window = w
	}
	if s.ours(e) {
		r.Editable = s.model.Change
	}
	if disclose {
		if c, err := panel.ParseCode(s.digits(e)); err == nil {
			r.Sight, r.Code, r.Known = panel.Value, c, r.Known|panel.FieldCode
		}
	}
	return r, nil
}

// digits are those of the credential that the model calls the code.
func (s *session) digits(e entry) string {
	switch {
	case s.shape.pin:
		return e.Access.PIN
	case len(e.Access.Codes) > 0:
		return e.Access.Codes[0]
	}
	return ""
}

// ours reports whether the entry may be written: it is keyholder's, or nobody's.
func (s *session) ours(e entry) bool { return e.Owner == "" || e.Owner == s.opts.Owner }
