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
	var found []holding
	switch {
	case q.All:
		d, err := s.query(ctx, cursor{})
		if err != nil {
			return nil, nil, err
		}
		state = s.state(d.cursor())
		if found, err = s.holdings(d.Users, strings.ToLower(q.After.ID)); err != nil {
			return nil, nil, err
		}
	case len(q.Places) > 0:
		if found, err = s.places(ctx, q.Places); err != nil {
			return nil, nil, err
		}
	}
	for _, h := range found {
		r, err := s.report(h, disclose)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, r)
	}
	return out, state, nil
}

// holding is what one holder has: their entry, and a second one for a duress code. What is
// not there has no access.
type holding struct {
	panel.Place
	entry, second entry
}

// exists reports whether something opens.
func (h holding) exists() bool { return h.entry.Access.exists() || h.second.Access.exists() }

// holdings are what is there behind an id, in order of place.
func (s *session) holdings(entries []entry, after string) ([]holding, error) {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.UUID, b.UUID) })
	all := map[panel.Place]*holding{}
	for i, e := range entries {
		if i > 0 && entries[i-1].UUID == e.UUID {
			return nil, fmt.Errorf("%w: an entry is there twice", panel.ErrProtocol)
		}
		if e.Deleted {
			continue
		}
		p := s.placeOf(e)
		if all[p] == nil {
			all[p] = &holding{Place: p}
		}
		if s.isSecond(e) {
			all[p].second = e
		} else {
			all[p].entry = e
		}
	}
	var out []holding
	for p, h := range all {
		if p.ID > after && h.exists() {
			out = append(out, *h)
		}
	}
	slices.SortFunc(out, func(a, b holding) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
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

// get reads entries by uuid, in order, a batch at a time. One that is not there has no
// access.
func (s *session) get(ctx context.Context, uuids []string) ([]entry, error) {
	var out []entry
	for batch := range slices.Chunk(uuids, s.opts.Batch) {
		d, _, err := s.directory(ctx, request{method: http.MethodPost, path: pathGet, body: map[string]any{"fields": fields, "users": named(batch)}})
		if err != nil {
			return nil, err
		}
		entries, err := align(batch, d.Users)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			switch {
			case len(e.Errors) == 0 && !e.Deleted:
			case len(e.Errors) > 0 && e.Errors[0].Code != codeMissing && e.Errors[0].Code != codeForm:
				return nil, fmt.Errorf("%w: an entry that cannot be read", panel.ErrProtocol)
			default:
				e = entry{UUID: e.UUID, Deleted: true}
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// named lists uuids as the API takes them.
func named(uuids []string) []map[string]string {
	out := make([]map[string]string, len(uuids))
	for i, uuid := range uuids {
		out[i] = map[string]string{"uuid": uuid}
	}
	return out
}

// places reads what holders have, in order. Places that no device can have are empty, and
// so are those of second entries.
func (s *session) places(ctx context.Context, places []panel.Place) ([]holding, error) {
	var uuids []string
	for _, p := range places {
		if uuid, ok := id(p.ID); ok && p.Slot == 0 && !slices.Contains(uuids, uuid) {
			uuids = append(uuids, uuid)
		}
	}
	for _, uuid := range uuids {
		if twin, ok := second(uuid); ok && !slices.Contains(uuids, twin) {
			uuids = append(uuids, twin)
		}
	}
	entries, err := s.get(ctx, uuids)
	if err != nil {
		return nil, err
	}
	holders, seconds := map[string]entry{}, map[string]entry{}
	for _, e := range entries {
		if s.isSecond(e) {
			seconds[s.placeOf(e).ID] = e
		} else {
			holders[e.UUID] = e
		}
	}
	out := make([]holding, len(places))
	for i, p := range places {
		uuid := strings.ToLower(p.ID)
		out[i] = holding{p, holders[uuid], seconds[uuid]}
	}
	return out, nil
}

// report says what a holder has. Digits are told if disclose says so and the device shows
// them. The second entry is told of only where somebody else changed it: its name and its
// validity are the holder's, and while it opens the user is there.
func (s *session) report(h holding, disclose bool) (panel.Report, error) {
	r := panel.Report{Place: h.Place, Exists: h.exists(), Sight: panel.Presence}
	if !r.Exists {
		return r, nil
	}
	w, err := h.entry.Access.window()
	if err != nil {
		return r, err
	}
	other, err := h.second.Access.window()
	if err != nil {
		return r, err
	}
	r.Known = s.model.Read &^ (panel.FieldCode | panel.FieldLegacyTags)
	r.Label, r.Tags = h.entry.Name, h.entry.Access.cards()
	if h.second.Access.exists() {
		if !h.entry.Access.exists() {
			other.Revoked = true
		}
		r.Label, w = h.second.Name, other
	}
	r.Window = panel.Window{Revoked: w.Revoked}
	if r.Known.Has(panel.FieldFrom) {
		r.Window = w
	}
	if s.ours(h.entry) {
		r.Editable = s.model.Change
	}
	if disclose {
		if c, err := panel.ParseCode(s.digits(h.entry)); err == nil {
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
