package sqlstore

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Entries implements [store.Store].
func (st *Store) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	if q.AnyTarget != nil && len(q.AnyTarget) == 0 || q.Target != nil && len(q.Target) == 0 {
		return nil, ctx.Err() // any of none, and no target is empty
	}
	switch {
	case q.ID != "":
		return st.entries(ctx, st.oneEntry(q))
	case q.ByIndex:
		return st.entries(ctx, st.inOrder(q))
	}
	found, err := st.entries(ctx, st.listed(q), st.last(q))
	slices.SortFunc(found, func(a, b store.Entry) int {
		if q.OldestLast {
			a, b = b, a
		}
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return found[:min(len(found), store.Page(q.Limit))], err
}

// question is a statement that selects entries.
type question struct {
	statement string
	args      []any
}

// entries reads what questions select, all of one state of the database.
func (st *Store) entries(ctx context.Context, questions ...question) ([]store.Entry, error) {
	var entries []store.Entry
	err := st.look(ctx, len(questions), func(s *session) error {
		entries = nil
		for _, q := range questions {
			if err := s.each(q.statement, q.args, func(scan func(...any) error) error {
				e, err := scanEntry(scan)
				entries = append(entries, e)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return entries, err
}

// oneEntry asks for an entry by its id.
func (st *Store) oneEntry(q store.EntryQuery) question {
	f := st.filter(q, "l.at", "l.id")
	f.add("l.tenant = ? AND l.id = ?", st.tenant, st.text(q.ID))
	if q.ByIndex {
		f.add("l.idx >= ?", q.FromIndex)
	}
	f.target(q)
	return question{"SELECT " + entryColumns + " FROM kh_leaves l WHERE " + f.where, f.args}
}

// inOrder asks for entries in the order of the log.
func (st *Store) inOrder(q store.EntryQuery) question {
	q.AfterID = ""
	f := st.filter(q, "l.at", "l.id")
	f.add("x.tenant = ? AND x.idx >= ?", st.tenant, q.FromIndex)
	f.target(q)
	return question{"SELECT " + entryColumns + " FROM kh_tree x JOIN kh_leaves l ON l.n = x.leaf WHERE " + f.where + " ORDER BY x.idx" + direction(q) + " LIMIT ?",
		append(f.args, store.Page(q.Limit))}
}

// listed asks for a page, in the order of time and id, of the entries in kh_targets.
func (st *Store) listed(q store.EntryQuery) question {
	f := st.filter(q, "t.at", "t.id")
	f.add("t.tenant = ? AND t.target = ?", st.tenant, append([]byte{}, q.Target...))
	by := direction(q)
	return question{"SELECT " + entryColumns + " FROM kh_targets t JOIN kh_leaves l ON l.n = t.leaf WHERE " + f.where + " ORDER BY t.at" + by + ", t.id" + by + " LIMIT ?",
		append(f.args, store.Page(q.Limit))}
}

// last asks for those of the last few entries that are not in kh_targets yet.
func (st *Store) last(q store.EntryQuery) question {
	f := st.filter(q, "l.at", "l.id")
	together := st.fleet.shared.dialect.together()
	// An expression instead of the column: no index by tenant is of any use here.
	f.add("l.n > (SELECT max(n) FROM kh_leaves) / ? * ? AND l.tenant || '' = ?", together, together, st.tenant)
	f.target(q)
	return question{"SELECT " + entryColumns + " FROM kh_leaves l WHERE " + f.where, f.args}
}

func direction(q store.EntryQuery) string {
	if q.OldestLast {
		return " DESC"
	}
	return " ASC"
}

// filter collects conditions.
type filter struct {
	where string
	args  []any
}

func (f *filter) add(condition string, args ...any) {
	if f.where != "" {
		f.where += " AND "
	}
	f.where += condition
	f.args = append(f.args, args...)
}

// filter has the conditions of a query that can be asked of kh_leaves l, wherever an entry
// was found; at and id are the columns that order it.
func (st *Store) filter(q store.EntryQuery, at, id string) filter {
	var f filter
	if q.AnyTarget != nil {
		f.targets(q.AnyTarget)
	}
	if len(q.Actions) > 0 {
		args := []any{}
		for _, action := range q.Actions {
			args = append(args, st.text(action))
		}
		f.add("l.action IN "+list(len(args)), args...)
	}
	if !q.Since.IsZero() {
		f.add(at+" >= ?", nanos(q.Since))
	}
	if !q.Until.IsZero() {
		f.add(at+" < ?", nanos(q.Until))
	}
	if q.AfterID != "" {
		after := ">"
		if q.OldestLast {
			after = "<"
		}
		f.add("("+at+", "+id+") "+after+" (?, ?)", nanos(q.AfterAt), st.text(q.AfterID))
	}
	return f
}

// target adds the condition that an entry is found by the target that was asked for.
func (f *filter) target(q store.EntryQuery) {
	if q.Target != nil {
		f.targets([][]byte{q.Target})
	}
}

// targets adds the condition that an entry is found by one of some targets.
func (f *filter) targets(targets [][]byte) {
	patterns := make([]any, len(targets))
	for i, target := range targets {
		patterns[i] = `%"` + hex.EncodeToString(target) + `"%`
	}
	f.add("EXISTS (SELECT 1 FROM (VALUES (?)"+strings.Repeat(", (?)", len(patterns)-1)+") a WHERE l.targets LIKE a.column1)", patterns...)
}
