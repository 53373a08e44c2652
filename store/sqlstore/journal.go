package sqlstore

import (
	"context"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// addLeaves stores the entries of a change and returns their indexes, -1 if they get
// theirs later.
func (st *Store) addLeaves(s *session, leaves []store.Leaf) ([]int64, error) {
	if len(leaves) == 0 {
		return nil, nil
	}
	late := st.fleet.shared.dialect.LateIndex
	var next int64
	if !late {
		var err error
		if next, err = st.size(s); err != nil {
			return nil, err
		}
	}
	indexes := make([]int64, len(leaves))
	hashes := make([][32]byte, len(leaves))
	for i, l := range leaves {
		var index any
		indexes[i], hashes[i] = -1, l.Hash
		if !late {
			indexes[i], index = next+int64(i), next+int64(i)
		}
		if err := st.addLeaf(s, l, index); err != nil {
			return nil, err
		}
	}
	if late {
		return indexes, nil
	}
	return indexes, st.grow(s, next, hashes)
}

// addLeaf stores one entry and where it is found.
func (st *Store) addLeaf(s *session, l store.Leaf, index any) error {
	added, err := s.exec("INSERT INTO kh_leaves (tenant, id, at, action, targets, body, hash, idx) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING",
		st.args(l.ID, nanos(l.At), l.Action, joinTargets(l.Targets), l.Body, l.Hash[:], index)...)
	if err != nil {
		return err
	}
	if added == 0 {
		return fmt.Errorf("%w: leaf id is used", store.ErrMalformed)
	}
	var targets []any
	for _, target := range l.Targets {
		targets = append(targets, st.args(target, nanos(l.At), l.ID)...)
	}
	return s.insert("kh_targets (tenant, target, at, leaf)", 4, targets, " ON CONFLICT DO NOTHING")
}

const entryColumns = "l.id, l.at, l.action, l.targets, l.body, l.hash, coalesce(l.idx, -1)"

// scanEntry reads the columns of entryColumns.
func scanEntry(scan func(...any) error) (store.Entry, error) {
	var e store.Entry
	var at int64
	var targets string
	var hash []byte
	err := scan(&e.ID, &at, &e.Action, &targets, &e.Body, &hash, &e.Index)
	if err != nil {
		return e, err
	}
	if len(hash) != len(e.Hash) {
		return e, fmt.Errorf("sqlstore: leaf hash of %d bytes", len(hash))
	}
	e.At, e.Hash = instant(&at), [32]byte(hash)
	e.Targets, err = splitTargets(targets)
	return e, err
}

// Entries implements [store.Store].
func (st *Store) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	if q.AnyTarget != nil && len(q.AnyTarget) == 0 {
		return nil, ctx.Err() // any of none
	}
	f := filter{st: st, after: ">", order: "ASC"}
	if q.OldestLast {
		f.after, f.order = "<", "DESC"
	}
	from, at, id := "kh_leaves l", "l.at", "l.id"
	f.add("l.tenant = ?", st.tenant)
	if q.Target != nil {
		// The targets' own order finds the page without sorting.
		from, at, id = "kh_targets t JOIN kh_leaves l ON l.tenant = t.tenant AND l.id = t.leaf", "t.at", "t.leaf"
		f.add("t.tenant = ? AND t.target = ?", st.tenant, q.Target)
	}
	f.entry(q, at, id)
	order := at + " " + f.order + ", " + id + " " + f.order
	if q.ByIndex {
		order = "l.idx " + f.order
	}
	statement := "SELECT " + entryColumns + " FROM " + from + " WHERE " + f.where + " ORDER BY " + order + " LIMIT ?"
	return st.entries(ctx, statement, append(f.args, store.Page(q.Limit)))
}

// filter collects conditions.
type filter struct {
	st           *Store
	where        string
	args         []any
	after, order string
}

func (f *filter) add(condition string, args ...any) {
	if f.where != "" {
		f.where += " AND "
	}
	f.where += condition
	f.args = append(f.args, args...)
}

// entry adds the conditions of a query; at and id are the columns that order it.
func (f *filter) entry(q store.EntryQuery, at, id string) {
	if q.ID != "" {
		f.add("l.id = ?", f.st.text(q.ID))
	}
	if q.AnyTarget != nil {
		args := []any{}
		for _, target := range q.AnyTarget {
			args = append(args, target)
		}
		f.add("EXISTS (SELECT 1 FROM kh_targets a WHERE a.tenant = l.tenant AND a.leaf = l.id AND a.at = l.at AND a.target IN "+list(len(args))+")", args...)
	}
	if len(q.Actions) > 0 {
		args := []any{}
		for _, action := range q.Actions {
			args = append(args, f.st.text(action))
		}
		f.add("l.action IN "+list(len(args)), args...)
	}
	if !q.Since.IsZero() {
		f.add(at+" >= ?", nanos(q.Since))
	}
	if !q.Until.IsZero() {
		f.add(at+" < ?", nanos(q.Until))
	}
	switch {
	case q.ByIndex:
		f.add("l.idx >= ?", max(q.FromIndex, 0))
	case q.AfterID != "":
		f.add("("+at+", "+id+") "+f.after+" (?, ?)", nanos(q.AfterAt), f.st.text(q.AfterID))
	}
}

// entries reads what a statement selects.
func (st *Store) entries(ctx context.Context, statement string, args []any) ([]store.Entry, error) {
	var entries []store.Entry
	err := st.look(ctx, 1, func(s *session) error {
		entries = nil
		return s.each(statement, args, func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			entries = append(entries, e)
			return err
		})
	})
	return entries, err
}
