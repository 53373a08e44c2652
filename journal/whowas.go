package journal

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Arrival is how somebody came to a place of a panel.
type Arrival string

// The ways.
const (
	SetHere    Arrival = "set here"           // by a wish
	FoundThere Arrival = "found at the panel" // somebody set the user at the panel
	Adopted    Arrival = "adopted"            // found at the panel and taken over
)

// Presence is how far somebody's code has come.
type Presence string

// The presences.
const (
	Coming  Presence = "coming"  // wished, and the panel has not confirmed it
	Present Presence = "present" // the panel has it
	Leaving Presence = "leaving" // to be taken away, and the panel has not confirmed it
)

// Occupant is somebody who had, or may have had, a code at a place of a panel at an
// instant, as the entries until then tell it.
//
// It prints without personal values; its JSON form is for the reader's screen.
type Occupant struct {
	Panel   string    `json:"panel"`          // id
	Ident   string    `json:"ident"`          // IMEI or integration id at that time
	Site    string    `json:"site"`           // id, at that time
	Slot    int       `json:"slot,omitempty"` // 0 on panels without slots
	Place   string    `json:"place,omitempty"`
	At      time.Time `json:"at"` // the instant that was asked for
	Tenancy uint64    `json:"tenancy"`

	// Label and Person are personal: of a person whose key was destroyed the pseudonym.
	Label      string `json:"label,omitempty"`
	Person     string `json:"person,omitempty"`  // e-mail of the linked account
	Account    string `json:"account,omitempty"` // its id
	Role       string `json:"role,omitempty"`
	Partitions string `json:"partitions,omitempty"`
	From       string `json:"from,omitempty"` // validity at the panel, RFC 3339
	Until      string `json:"until,omitempty"`

	How       Arrival   `json:"how"`
	Presence  Presence  `json:"presence"`
	Since     time.Time `json:"since"`              // when it was wished or found
	Confirmed time.Time `json:"confirmed,omitzero"` // when the panel had it
	Leaving   time.Time `json:"leaving,omitzero"`   // when the removal was wished
	Linked    time.Time `json:"linked,omitzero"`    // when the account was assigned
	Entry     string    `json:"entry"`              // id of the entry that begins it, for [Reader.Prove]
}

// String is one line without personal values.
func (o Occupant) String() string {
	return fmt.Sprintf("%s %s %s since %s %q", o.Panel, o.where(), o.Presence, stamp(o.Since), o.Account)
}

// Format keeps personal values out of every verb of fmt.
func (o Occupant) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, o.String()) }

// LogValue keeps personal values out of slog.
func (o Occupant) LogValue() slog.Value { return slog.StringValue(o.String()) }

func (o Occupant) where() panel.Place { return panel.Place{Slot: o.Slot, ID: o.Place} }

// WhoWas returns who could have opened a panel with the code of one place at an instant:
// nobody, one, or two while one code follows another. It answers from the entries until
// then, also after the person, the account or the panel has gone.
//
// Values are those that were last wished and not refused. Who may not see the site that
// the panel belonged to at that instant gets [ErrNoHistory], as does who asks for a panel
// that the log does not know. Users who were found in the first reading of a panel have
// no entry of their own: they are answered from the entry on that adopts or clears them.
func (r *Reader) WhoWas(ctx context.Context, panelID string, place panel.Place, at time.Time) ([]Occupant, error) {
	if panelID == "" || place == (panel.Place{}) {
		return nil, ErrNoHistory
	}
	user := rec.UserID(panelID, place)
	sites, err := r.scope(ctx, "Query")
	if err != nil {
		return nil, err
	}
	j := r.journal
	h := newHistory()
	if err := j.replay(ctx, h, at, store.EntryQuery{Target: []byte(user)},
		store.EntryQuery{Target: []byte(panelID), Actions: panelActions()}); err != nil {
		return nil, err
	}
	if p := h.panels[panelID]; p == nil || !sites.Has(p.site) {
		return nil, ErrNoHistory
	}
	if err := r.note(ctx, Filter{About: []string{user}, Until: at}); err != nil {
		return nil, err
	}
	return j.occupants(ctx, h, at, func(Occupant) bool { return true })
}

// Whereabouts says whose or which access is asked for: one of its fields is given.
type Whereabouts struct {
	Panel   string      // everybody at a panel
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
	return r.journal.couldEnter(ctx, w, at, sites)
}

// filter is what is asked for, as the log keeps it.
func (w Whereabouts) filter(at time.Time) (Filter, error) {
	f := Filter{Until: at, Site: w.Site}
	for _, id := range []string{w.Panel, string(w.Account)} {
		if id != "" {
			f.About = append(f.About, id)
		}
	}
	given := len(f.About)
	if w.Site != "" {
		given++
	}
	if given != 1 {
		return f, ErrWhereabouts
	}
	return f, f.check()
}

func (j *Journal) couldEnter(ctx context.Context, w Whereabouts, at time.Time, sites accounts.Sites) ([]Occupant, error) {
	var queries []store.EntryQuery
	switch {
	case w.Panel != "":
		queries = []store.EntryQuery{{Target: []byte(w.Panel)}}
	case w.Site != "":
		if !sites.Has(w.Site) {
			return nil, nil
		}
		ids, err := j.named(ctx, at, audit.FieldPanel, store.EntryQuery{Target: []byte(flow.Site(w.Site)), Actions: panelActions()})
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			queries = append(queries, store.EntryQuery{Target: []byte(id)})
		}
	default:
		users, err := j.named(ctx, at, audit.FieldUser, store.EntryQuery{Target: []byte(w.Account)})
		if err != nil {
			return nil, err
		}
		ids, err := j.named(ctx, at, audit.FieldPanel, store.EntryQuery{Target: []byte(w.Account)})
		if err != nil {
			return nil, err
		}
		for _, id := range users {
			queries = append(queries, store.EntryQuery{Target: []byte(id)})
		}
		for _, id := range ids {
			queries = append(queries, store.EntryQuery{Target: []byte(id), Actions: panelActions()})
		}
	}
	h := newHistory()
	if err := j.replay(ctx, h, at, queries...); err != nil {
		return nil, err
	}
	return j.occupants(ctx, h, at, func(o Occupant) bool {
		return sites.Has(o.Site) && (w.Site == "" || o.Site == w.Site) && (w.Account == "" || o.Account == string(w.Account))
	})
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

// named lists the different values of a public field among entries, sorted.
func (j *Journal) named(ctx context.Context, at time.Time, field string, q store.EntryQuery) ([]string, error) {
	seen := map[string]bool{}
	for r, err := range (search{query: until(at, q)}).from(ctx, j.core.Store) {
		if err != nil {
			return nil, err
		}
		if v := r.entry.Value(field); v != "" {
			seen[v] = true
		}
	}
	return sorted(seen), nil
}

// replay gives a history what several queries find, in the order of time.
func (j *Journal) replay(ctx context.Context, h *history, at time.Time, queries ...store.EntryQuery) error {
	var all []record
	for _, q := range queries {
		for r, err := range (search{query: until(at, q)}).from(ctx, j.core.Store) {
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
func (j *Journal) occupants(ctx context.Context, h *history, at time.Time, keep func(Occupant) bool) ([]Occupant, error) {
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
	if err := j.open(ctx, personal); err != nil {
		return nil, err
	}
	for i, r := range personal {
		list[i].Label, list[i].Person = shown(r.entry.Fields[0]), shown(r.entry.Fields[1])
	}
	slices.SortFunc(list, func(a, b Occupant) int {
		return cmp.Or(cmp.Compare(a.Panel, b.Panel), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Place, b.Place), cmp.Compare(a.Tenancy, b.Tenancy))
	})
	return list, nil
}

func (s *stay) occupant(pl *placeHistory, p panelHistory, l link, at time.Time) Occupant {
	value := func(name string) string { return s.values[name].now.Value }
	o := Occupant{Panel: pl.panel, Ident: p.ident, Site: p.site, Slot: pl.place.Slot, Place: pl.place.ID, At: at, Tenancy: s.tenancy,
		Account: l.account, Role: value(audit.FieldRole), Partitions: value(audit.FieldPartitions),
		From: value(audit.FieldFrom), Until: value(audit.FieldUntil),
		How: s.how, Since: s.since, Confirmed: s.confirmed, Leaving: s.leaving, Linked: l.since, Entry: s.entry}
	switch {
	case !s.leaving.IsZero():
		o.Presence = Leaving
	case s.confirmed.IsZero():
		o.Presence = Coming
	default:
		o.Presence = Present
	}
	return o
}

// shown is a personal value, or the pseudonym where it cannot be opened any more.
func shown(f audit.Field) string {
	if f.Value == "" {
		return f.Pseudonym()
	}
	return f.Value
}
