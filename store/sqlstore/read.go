package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// batch is how many values one IN list asks for.
const batch = 500

// list writes n placeholders.
func list(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")" }

// Load implements [store.Store].
func (st *Store) Load(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	found := make(map[store.Key]store.Record, len(keys))
	err := st.look(ctx, 1+len(keys)/batch, func(s *session) error {
		for part := range slices.Chunk(keys, batch) {
			args := st.args()
			for _, k := range part {
				args = append(args, st.text(string(k.Kind)), st.text(k.ID))
			}
			if err := s.each("SELECT kind, id, version, body, terms FROM kh_records WHERE tenant = ? AND (kind, id) IN (VALUES (?, ?)"+strings.Repeat(", (?, ?)", len(part)-1)+")",
				args, func(scan func(...any) error) error {
					r, err := scanRecord(scan)
					found[r.Key] = r
					return err
				}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	records := make([]store.Record, len(keys))
	for i, k := range keys {
		r := found[k]
		r.Key, r.Body, r.Terms = k, slices.Clone(r.Body), cloneTerms(r.Terms)
		records[i] = r
	}
	return records, nil
}

// cloneTerms parts the terms of a record that was asked for twice.
func cloneTerms(terms []store.Term) []store.Term {
	terms = slices.Clone(terms)
	for i := range terms {
		terms[i].Value = slices.Clone(terms[i].Value)
	}
	return terms
}

// scanRecord reads the columns kind, id, version, body, terms.
func scanRecord(scan func(...any) error) (store.Record, error) {
	var r store.Record
	var kind, terms string
	err := scan(&kind, &r.Key.ID, &r.Version, &r.Body, &terms)
	if err != nil {
		return r, err
	}
	r.Key.Kind = store.Kind(kind)
	r.Terms, err = splitTerms(terms)
	return r, err
}

// List implements [store.Store].
func (st *Store) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	where, args := st.where(q)
	statement := "SELECT r.kind, r.id, r.version, r.body, r.terms FROM kh_records r WHERE " + where + " ORDER BY r.id LIMIT ?"
	if q.Term != "" {
		statement = "SELECT r.kind, r.id, r.version, r.body, r.terms FROM kh_terms t" +
			" JOIN kh_records r ON r.tenant = t.tenant AND r.kind = t.kind AND r.id = t.id" +
			" WHERE " + where + " ORDER BY t.value, t.id LIMIT ?"
	}
	var records []store.Record
	err := st.look(ctx, 1, func(s *session) error {
		records = nil
		return s.each(statement, append(args, store.Page(q.Limit)), func(scan func(...any) error) error {
			r, err := scanRecord(scan)
			records = append(records, r)
			return err
		})
	})
	return records, err
}

// Tally implements [store.Store].
func (st *Store) Tally(ctx context.Context, q store.Query) (int64, error) {
	q.After = nil
	where, args := st.where(q)
	table := "kh_records r"
	if q.Term != "" {
		table = "kh_terms t"
	}
	var n int64
	err := st.look(ctx, 1, func(s *session) error {
		_, err := s.one("SELECT count(*) FROM "+table+" WHERE "+where, args, &n)
		return err
	})
	return n, err
}

// where writes the conditions of a query on kh_terms t or, by id, on kh_records r.
func (st *Store) where(q store.Query) (string, []any) {
	if q.Term == "" {
		where, args := "r.tenant = ? AND r.kind = ?", st.args(string(q.Kind))
		if q.After != nil {
			where, args = where+" AND r.id > ?", append(args, st.text(q.After.ID))
		}
		return where, args
	}
	where, args := "t.tenant = ? AND t.kind = ? AND t.name = ?", st.args(string(q.Kind), q.Term)
	from, to := q.Bounds()
	if len(from) > 0 {
		where, args = where+" AND t.value >= ?", append(args, from)
	}
	if to != nil {
		where, args = where+" AND t.value < ?", append(args, to)
	}
	if q.After != nil {
		value := q.After.Value
		if value == nil {
			value = []byte{} // nil would be NULL, which nothing is greater than
		}
		where, args = where+" AND (t.value, t.id) > (?, ?)", append(args, value, st.text(q.After.ID))
	}
	return where, args
}

// Holders implements [store.Store].
func (st *Store) Holders(ctx context.Context, names ...store.Name) ([]store.Held, error) {
	found := make(map[store.Name]store.Held, len(names))
	asked := make([]any, len(names))
	for i, n := range names {
		asked[i] = []byte(n)
	}
	err := st.look(ctx, 1+len(names)/batch, func(s *session) error {
		for part := range slices.Chunk(asked, batch) {
			if err := s.each("SELECT "+heldColumns+" FROM kh_names WHERE tenant = ? AND name IN "+list(len(part)), st.args(part...),
				func(scan func(...any) error) error {
					h, err := scanHeld(scan)
					found[h.Name] = h
					return err
				}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	held := make([]store.Held, len(names))
	for i, n := range names {
		h := found[n]
		h.Name, h.Uses, h.Reservers = n, slices.Clone(h.Uses), slices.Clone(h.Reservers)
		held[i] = h
	}
	return held, nil
}

const heldColumns = "name, holder, uses, reservers, rests_for, rest_until"

// scanHeld reads the columns of heldColumns.
func scanHeld(scan func(...any) error) (store.Held, error) {
	var h store.Held
	var name []byte
	var uses, reservers string
	var until *int64
	err := scan(&name, &h.Holder, &uses, &reservers, &h.RestsFor, &until)
	if err != nil {
		return h, err
	}
	h.Name, h.RestUntil = store.Name(name), instant(until)
	if h.Uses, err = splitTexts(uses); err != nil {
		return h, err
	}
	h.Reservers, err = splitReservers(reservers)
	return h, err
}

// Counters implements [store.Store].
func (st *Store) Counters(ctx context.Context, counters ...string) ([]int64, error) {
	found := make(map[string]int64, len(counters))
	asked := make([]any, len(counters))
	for i, c := range counters {
		asked[i] = c
	}
	err := st.look(ctx, 1+len(counters)/batch, func(s *session) error {
		for part := range slices.Chunk(asked, batch) {
			if err := s.each("SELECT counter, value FROM kh_counters WHERE tenant = ? AND counter IN "+list(len(part)), st.args(part...),
				func(scan func(...any) error) error {
					var counter string
					var value int64
					err := scan(&counter, &value)
					found[counter] = value
					return err
				}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	values := make([]int64, len(counters))
	for i, c := range counters {
		values[i] = found[c]
	}
	return values, nil
}
