package memstore

import (
	"bytes"
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Load implements [store.Store].
func (t *tenant) Load(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	records := make([]store.Record, len(keys))
	for i, k := range keys {
		records[i] = cloneRecord(t.record(k))
	}
	return records, nil
}

// List implements [store.Store].
func (t *tenant) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var records []store.Record
	limit := store.Page(q.Limit)
	t.walk(q, func(id string) bool {
		records = append(records, cloneRecord(t.kinds[q.Kind].records[id]))
		return len(records) < limit
	})
	return records, nil
}

// Tally implements [store.Store].
func (t *tenant) Tally(ctx context.Context, q store.Query) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	q.After = nil
	var n int64
	t.walk(q, func(string) bool { n++; return true })
	return n, nil
}

// walk yields the ids of what q selects, in order.
func (t *tenant) walk(q store.Query, yield func(id string) bool) {
	f := t.kinds[q.Kind]
	if f == nil {
		return
	}
	if q.Term == "" {
		for id := range f.ids.ascend(func(id string) bool { return q.After != nil && id <= q.After.ID }) {
			if !yield(id) {
				return
			}
		}
		return
	}
	list := f.terms[q.Term]
	if list == nil {
		return
	}
	from, to := q.Bounds()
	before := func(p store.Position) bool {
		return bytes.Compare(p.Value, from) < 0 || (q.After != nil && p.Sort(*q.After) <= 0)
	}
	for p := range list.ascend(before) {
		if to != nil && bytes.Compare(p.Value, to) >= 0 || !yield(p.ID) {
			return
		}
	}
}

// Holders implements [store.Store].
func (t *tenant) Holders(ctx context.Context, names ...store.Name) ([]store.Held, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	held := make([]store.Held, len(names))
	for i, n := range names {
		h := t.names[n]
		h.Name = n
		h.Uses, h.Reservers = slices.Clone(h.Uses), slices.Clone(h.Reservers)
		held[i] = h
	}
	return held, nil
}

// Counters implements [store.Store].
func (t *tenant) Counters(ctx context.Context, counters ...string) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	values := make([]int64, len(counters))
	for i, c := range counters {
		values[i] = t.counters[c]
	}
	return values, nil
}
