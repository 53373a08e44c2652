package journal

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// WhoWas returns who could have opened a panel with the code of one place at an instant:
// nobody, one, or two while one code follows another. It answers from the entries until
// then, also after the person, the account or the panel has gone.
//
// Values are those that were last wished and not refused. The validity at the panel that
// was given together with the code is not in the log. Who may not see the site that the
// panel belonged to at that instant gets [ErrNoHistory], as does who asks for a panel that
// the log does not know. An entry that was changed in the store is an error: verify the
// log.
//
// Users who were found in the first reading of a panel have no entry of their own. As
// long as one is still there unchanged, the roster's record answers; of one that was
// adopted or cleared since, only the time from that entry on is known.
func (r *Reader) WhoWas(ctx context.Context, panelID string, place panel.Place, at time.Time) ([]Occupant, error) {
	if panelID == "" || place == (panel.Place{}) {
		return nil, ErrNoHistory
	}
	return r.CouldEnter(ctx, Whereabouts{Panel: panelID, Place: place}, at)
}

// Whereabouts says whose or which access is asked for: one panel, account or site.
type Whereabouts struct {
	Panel   string      // everybody at a panel
	Place   panel.Place // with Panel: one place of it
	Account accounts.ID // every place of a person
	Site    string      // everybody at the panels of a site
}

// CouldEnter returns everybody who could have opened a panel with a code at an instant,
// by panel and place, as [Reader.WhoWas] tells it for each place. It answers for codes at
// panels; what a lock or a door decided at that time is not in it.
func (r *Reader) CouldEnter(ctx context.Context, w Whereabouts, at time.Time) ([]Occupant, error) {
	sites, err := r.scope(ctx, "Query")
	if err != nil {
		return nil, err
	}
	f, err := w.filter(at)
	if err != nil {
		return nil, err
	}
	if err := r.note(ctx, f); err != nil {
		return nil, err
	}
	return r.journal.couldEnter(ctx, w, at, sites, true)
}

// filter is what is asked for, as the log keeps it.
func (w Whereabouts) filter(at time.Time) (Filter, error) {
	f := Filter{Until: at, Site: w.Site}
	for _, id := range []string{w.Panel, string(w.Account)} {
		if id != "" {
			f.About = append(f.About, id)
		}
	}
	if w.Place != (panel.Place{}) && w.Panel != "" {
		f.About = []string{rec.UserID(w.Panel, w.Place)}
	}
	given := len(f.About)
	if w.Site != "" {
		given++
	}
	if given != 1 || w.Panel == "" && w.Place != (panel.Place{}) {
		return f, ErrWhereabouts
	}
	return f, f.check()
}

func (j *Journal) couldEnter(ctx context.Context, w Whereabouts, at time.Time, sites accounts.Sites, personal bool) ([]Occupant, error) {
	queries, err := j.asks(ctx, w, at)
	if err != nil {
		return nil, err
	}
	h := newHistory()
	if err := j.replay(ctx, h, at, queries...); err != nil {
		return nil, err
	}
	if p := h.panels[w.Panel]; w.Panel != "" && (p == nil || !sites.Has(p.site)) {
		return nil, ErrNoHistory
	}
	return j.occupants(ctx, h, at, personal, func(o Occupant) bool {
		return sites.Has(o.Site) && (w.Place == (panel.Place{}) || o.where() == w.Place) && (w.Site == "" || o.Site == w.Site) && (w.Account == "" || o.Account == string(w.Account))
	})
}

// asks are the queries that find the history of all places that are asked for.
func (j *Journal) asks(ctx context.Context, w Whereabouts, at time.Time) ([]store.EntryQuery, error) {
	var queries []store.EntryQuery
	ask := func(ids []string, actions []string) {
		for _, id := range ids {
			queries = append(queries, store.EntryQuery{Target: []byte(id), Actions: actions})
		}
	}
	switch {
	case w.Place != (panel.Place{}):
		ask([]string{rec.UserID(w.Panel, w.Place)}, nil)
		ask([]string{w.Panel}, panelActions())
	case w.Panel != "":
		ask([]string{w.Panel}, nil)
	case w.Site != "":
		panels, _, err := j.named(ctx, at, store.EntryQuery{Target: []byte(flow.Site(w.Site)), Actions: panelActions()})
		if err != nil {
			return nil, err
		}
		ask(panels, nil)
	default:
		panels, users, err := j.named(ctx, at, store.EntryQuery{Target: []byte(w.Account)})
		if err != nil {
			return nil, err
		}
		ask(users, nil)
		ask(panels, panelActions())
	}
	return queries, nil
}

// panelActions are those that say where a panel belongs, and that it was replaced.
func panelActions() []string {
	return []string{string(audit.PanelRegistered), string(audit.PanelMoved), string(audit.PanelReplaced)}
}

// until selects what was written until an instant, that included.
func until(at time.Time, q store.EntryQuery) store.EntryQuery {
	q.Until = at.Add(1)
	return q
}

// named lists the panels and the panel users that entries name.
func (j *Journal) named(ctx context.Context, at time.Time, q store.EntryQuery) (panels, users []string, err error) {
	found := map[string]map[string]bool{audit.FieldPanel: {}, audit.FieldUser: {}}
	for r, err := range (search{query: until(at, q)}).from(ctx, j.core.Store) {
		if err == nil {
			err = r.sound()
		}
		if err != nil {
			return nil, nil, err
		}
		for name, set := range found {
			if v := r.entry.Value(name); v != "" {
				set[v] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found[audit.FieldPanel])), slices.Sorted(maps.Keys(found[audit.FieldUser])), nil
}

// replay gives a history what several queries find, in the order of time.
func (j *Journal) replay(ctx context.Context, h *history, at time.Time, queries ...store.EntryQuery) error {
	var all []record
	for _, q := range queries {
		for r, err := range (search{query: until(at, q)}).from(ctx, j.core.Store) {
			if err == nil {
				err = r.sound()
			}
			if err != nil {
				return err
			}
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b record) int { return cmp.Or(a.leaf.At.Compare(b.leaf.At), cmp.Compare(a.leaf.ID, b.leaf.ID)) })
	all = slices.CompactFunc(all, func(a, b record) bool { return a.leaf.ID == b.leaf.ID })
	for _, r := range all {
		h.take(r.entry)
	}
	return nil
}

// occupants are those of a history who are there now, by panel and place.
func (j *Journal) occupants(ctx context.Context, h *history, at time.Time, open bool, keep func(Occupant) bool) ([]Occupant, error) {
	if err := j.firstRead(ctx, h, at, open); err != nil {
		return nil, err
	}
	var list []Occupant
	var personal []record
	for _, pl := range h.places {
		p := h.panels[pl.panel]
		if p == nil {
			continue
		}
		for _, s := range pl.open {
			l := pl.links[s.tenancy]
			o := s.occupant(pl, *p, l, at)
			if keep(o) {
				list = append(list, o)
				personal = append(personal, record{entry: audit.Entry{Fields: []audit.Field{s.values[audit.FieldLabel].now, l.email}}})
			}
		}
	}
	if open {
		if err := j.open(ctx, personal, everybody); err != nil {
			return nil, err
		}
	}
	for i, r := range personal {
		list[i].Label, list[i].Person = shown(r.entry.Fields[0]), shown(r.entry.Fields[1])
	}
	slices.SortFunc(list, func(a, b Occupant) int {
		return cmp.Or(cmp.Compare(a.Panel, b.Panel), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Place, b.Place), cmp.Compare(a.Tenancy, b.Tenancy))
	})
	return list, nil
}

// firstRead adds the users that were found in the first reading of a panel and are still
// there as nobody's: one entry told of all of them.
func (j *Journal) firstRead(ctx context.Context, h *history, at time.Time, open bool) error {
	for id := range h.panels {
		found := pages(store.MaxPage, func(after *store.Record) ([]store.Record, error) {
			q := store.Query{Kind: rec.Users.Name, Term: rec.ByUnmanaged, From: []byte(id), To: append([]byte(id), 0)}
			if after != nil {
				q.After = &store.Position{Value: []byte(id), ID: after.Key.ID}
			}
			return j.core.Store.List(ctx, q)
		})
		for r, err := range found {
			if err != nil {
				return err
			}
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return err
			}
			pl := h.places[r.Key.ID]
			if !u.Baseline || u.FirstSeen.After(at) || pl != nil && len(pl.open) > 0 {
				continue
			}
			label := audit.Field{Class: audit.ClassPersonal, KeyID: audit.PanelActor + "/" + id}
			if open {
				label.Value = u.Reported.Label
			}
			h.places[r.Key.ID] = &placeHistory{panel: id, place: u.Place, open: []*stay{{tenancy: u.Tenancy, how: FoundThere,
				since: u.FirstSeen, confirmed: u.FirstSeen, values: map[string]wished{audit.FieldLabel: {now: label}}}}}
		}
	}
	return nil
}
