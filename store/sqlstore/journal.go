package sqlstore

import (
	"bytes"
	"fmt"
	"slices"

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
	var known nodes
	if !late {
		var err error
		if next, known, err = st.newest(s); err != nil {
			return nil, err
		}
	}
	indexes, numbers := make([]int64, len(leaves)), make([]int64, len(leaves))
	hashes := make([][32]byte, len(leaves))
	for i, l := range leaves {
		var index any
		indexes[i], hashes[i] = -1, l.Hash
		if !late {
			indexes[i], index = next+int64(i), next+int64(i)
		}
		var err error
		if numbers[i], err = st.addLeaf(s, l, index); err != nil {
			return nil, err
		}
	}
	if err := st.enlist(s, numbers[0]-1, numbers[len(numbers)-1]); err != nil || late {
		return indexes, err
	}
	return indexes, st.grow(s, next, known, numbers, hashes)
}

// addLeaf stores one entry and returns its number.
func (st *Store) addLeaf(s *session, l store.Leaf, index any) (number int64, err error) {
	added, err := s.one("INSERT INTO kh_leaves (tenant, id, at, action, targets, idx, hash, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING RETURNING n",
		st.args(l.ID, nanos(l.At), l.Action, joinTargets(l.Targets), index, l.Hash[:], l.Body), &number)
	if err == nil && !added {
		err = fmt.Errorf("%w: leaf id is used", store.ErrMalformed)
	}
	return number, err
}

// together is how many entries are listed in kh_targets at a time. Their targets lie far
// apart, and a page is written for each: together they share pages. Until then an entry is
// found by looking at the last few. With several writers entries have no order, so each is
// listed at once.
func (d *Dialect) together() int64 {
	if d.LateIndex {
		return 1
	}
	return 64
}

// enlist makes entries findable by their targets and in the order of time, after one that
// has the number last was added; number before was there already.
func (st *Store) enlist(s *session, before, last int64) error {
	n := s.dialect.together()
	before, last = before/n*n, last/n*n
	if before == last {
		return nil
	}
	var rows [][]any
	if err := s.each("SELECT n, tenant, id, at, targets FROM kh_leaves WHERE n > ? AND n <= ?", []any{before, last},
		func(scan func(...any) error) error {
			var number, at int64
			var tenant, id, text string
			if err := scan(&number, &tenant, &id, &at, &text); err != nil {
				return err
			}
			targets, err := splitTargets(text)
			for _, target := range append(targets, []byte{}) {
				rows = append(rows, []any{tenant, target, at, st.text(id), number})
			}
			return err
		}); err != nil {
		return err
	}
	// Neighbours one after the other: each page is looked for once.
	slices.SortStableFunc(rows, func(a, b []any) int { return bytes.Compare(a[1].([]byte), b[1].([]byte)) })
	return s.insert("kh_targets (tenant, target, at, id, leaf)", 5, slices.Concat(rows...), " ON CONFLICT DO NOTHING")
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
