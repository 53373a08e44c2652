package memstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// journal is the log of a tenant and its tree.
type journal struct {
	byID     map[string]*entry
	byTime   ordered[*entry]
	byTarget map[string]*ordered[*entry]
	pending  ordered[*entry] // without an index
	indexed  []*entry        // in log order
	hashes   []tlog.Hash     // by stored-hash position
}

// entry is a stored leaf. Its index changes once, from -1.
type entry struct{ store.Entry }

// older orders entries by time, then id.
func older(a, b *entry) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
}

func newJournal() journal {
	return journal{
		byID:     map[string]*entry{},
		byTime:   ordered[*entry]{compare: older},
		byTarget: map[string]*ordered[*entry]{},
		pending:  ordered[*entry]{compare: older},
	}
}

// add puts leaves where they can be found, not yet into the tree.
func (j *journal) add(leaves []store.Leaf) []*entry {
	var added []*entry
	for _, l := range leaves {
		e := &entry{store.Entry{Leaf: cloneLeaf(l), Index: -1}}
		j.byID[e.ID] = e
		j.byTime.add(e)
		j.pending.add(e)
		for i, target := range e.Targets {
			if slices.ContainsFunc(e.Targets[:i], func(t []byte) bool { return bytes.Equal(t, target) }) {
				continue
			}
			list := j.byTarget[string(target)]
			if list == nil {
				list = &ordered[*entry]{compare: older}
				j.byTarget[string(target)] = list
			}
			list.add(e)
		}
		added = append(added, e)
	}
	return added
}

// ReadHashes implements [tlog.HashReader].
func (j *journal) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(positions))
	for i, p := range positions {
		if p < 0 || p >= int64(len(j.hashes)) {
			return nil, fmt.Errorf("%w: position beyond the tree", store.ErrMalformed)
		}
		hashes[i] = j.hashes[p]
	}
	return hashes, nil
}

// integrate gives an entry the next index and grows the tree.
func (j *journal) integrate(e *entry) {
	e.Index = int64(len(j.indexed))
	hashes, err := tlog.StoredHashesForRecordHash(e.Index, e.Hash, j)
	if err != nil {
		panic(err) // it asks only for hashes of this tree, which are all here
	}
	j.hashes = append(j.hashes, hashes...)
	j.pending.remove(e)
	j.indexed = append(j.indexed, e)
}

// Entries implements [store.Store].
func (t *tenant) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var found []store.Entry
	limit := store.Page(q.Limit)
	for e := range t.log.candidates(q) {
		if beyond(q, e) {
			break
		}
		if !selects(q, e) {
			continue
		}
		if found = append(found, e.clone()); len(found) == limit {
			break
		}
	}
	return found, nil
}

// candidates yields, in the order asked for, at least the entries that q selects.
func (j *journal) candidates(q store.EntryQuery) iter.Seq[*entry] {
	switch {
	case q.ID != "":
		if e := j.byID[q.ID]; e != nil {
			return slices.Values([]*entry{e})
		}
		return slices.Values[[]*entry](nil)
	case q.ByIndex:
		part := j.indexed[min(max(q.FromIndex, 0), int64(len(j.indexed))):]
		if !q.OldestLast {
			return slices.Values(part)
		}
		return func(yield func(*entry) bool) {
			for _, e := range slices.Backward(part) {
				if !yield(e) {
					return
				}
			}
		}
	}
	list := &j.byTime
	if q.Target != nil {
		if list = j.byTarget[string(q.Target)]; list == nil {
			return slices.Values[[]*entry](nil)
		}
	}
	cursor := &entry{store.Entry{Leaf: store.Leaf{At: q.AfterAt, ID: q.AfterID}}}
	if q.OldestLast {
		return list.descend(func(e *entry) bool {
			return (q.Until.IsZero() || e.At.Before(q.Until)) && (q.AfterID == "" || older(e, cursor) < 0)
		})
	}
	return list.ascend(func(e *entry) bool {
		return e.At.Before(q.Since) || (q.AfterID != "" && older(e, cursor) <= 0)
	})
}

// beyond reports whether nothing after e in the order of time can be selected.
func beyond(q store.EntryQuery, e *entry) bool {
	switch {
	case q.ByIndex:
		return false
	case q.OldestLast:
		return e.At.Before(q.Since)
	}
	return !q.Until.IsZero() && !e.At.Before(q.Until)
}

// selects reports whether all conditions of q hold.
func selects(q store.EntryQuery, e *entry) bool {
	switch {
	case q.ID != "" && e.ID != q.ID,
		q.Target != nil && !e.has(q.Target),
		q.AnyTarget != nil && !slices.ContainsFunc(q.AnyTarget, e.has),
		len(q.Actions) > 0 && !slices.Contains(q.Actions, e.Action),
		e.At.Before(q.Since),
		!q.Until.IsZero() && !e.At.Before(q.Until):
		return false
	}
	if q.ByIndex {
		return e.Index >= max(q.FromIndex, 0)
	}
	if q.AfterID == "" {
		return true
	}
	cursor := &entry{store.Entry{Leaf: store.Leaf{At: q.AfterAt, ID: q.AfterID}}}
	if q.OldestLast {
		return older(e, cursor) < 0
	}
	return older(e, cursor) > 0
}

// has reports whether target is one of the entry's.
func (e *entry) has(target []byte) bool {
	return slices.ContainsFunc(e.Targets, func(t []byte) bool { return bytes.Equal(t, target) })
}

func (e *entry) clone() store.Entry {
	return store.Entry{Leaf: cloneLeaf(e.Leaf), Index: e.Index}
}

// Tree implements [store.Store].
func (t *tenant) Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	stored, err := t.log.ReadHashes(positions)
	if err != nil {
		return 0, nil, err
	}
	hashes := make([][32]byte, len(stored))
	for i, h := range stored {
		hashes[i] = h
	}
	return int64(len(t.log.indexed)), hashes, nil
}

// Unsequenced implements [store.Store].
func (t *tenant) Unsequenced(ctx context.Context, limit int) ([]store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var entries []store.Entry
	limit = store.Page(limit)
	for e := range t.log.pending.ascend(func(*entry) bool { return false }) {
		if entries = append(entries, e.clone()); len(entries) == limit {
			break
		}
	}
	return entries, nil
}

// Sequence implements [store.Store]. An entry that has an index keeps it.
func (t *tenant) Sequence(ctx context.Context, ids []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		if t.log.byID[id] == nil {
			return fmt.Errorf("%w: no such entry", store.ErrMalformed)
		}
	}
	for _, id := range ids {
		if e := t.log.byID[id]; e.Index < 0 {
			t.log.integrate(e)
		}
	}
	return nil
}
