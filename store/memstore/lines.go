package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Lines implements [store.Store].
func (t *tenant) Lines(ctx context.Context, prefix, after string, limit int) ([]store.Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var lines []store.Line
	limit = store.Page(limit)
	for name := range t.lineNames.ascend(func(n string) bool { return n < prefix || (after != "" && n <= after) }) {
		if !strings.HasPrefix(name, prefix) || len(lines) == limit {
			break
		}
		lines = append(lines, cloneLine(t.lines[name]))
	}
	return lines, nil
}

// Due implements [store.Store].
func (t *tenant) Due(ctx context.Context, prefix string, limit int) ([]store.Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	now := t.fleet.now()
	var due []store.Line
	for name := range t.lineNames.ascend(func(n string) bool { return n < prefix }) {
		if !strings.HasPrefix(name, prefix) {
			break
		}
		l := t.lines[name]
		if l.Due.IsZero() || l.Due.After(now) || (l.Owner != "" && t.fleet.living(l.Owner, now)) {
			continue
		}
		due = append(due, l)
	}
	slices.SortFunc(due, func(a, b store.Line) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Name, b.Name))
	})
	due = due[:min(len(due), store.Page(limit))]
	for i := range due {
		due[i] = cloneLine(due[i])
	}
	return due, nil
}

// Own implements [store.Store].
func (t *tenant) Own(ctx context.Context, node, line string) (store.Line, error) {
	if node == "" || len(node) > store.MaxID || line == "" || len(line) > store.MaxTerm {
		return store.Line{}, fmt.Errorf("%w: node or line", store.ErrMalformed)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return store.Line{}, err
	}
	now := t.fleet.now()
	l := t.lines[line]
	l.Name = line
	l, err := store.Own(l, node, func(node string) bool { return t.fleet.living(node, now) })
	if err != nil {
		return store.Line{}, err
	}
	t.setLine(l)
	return cloneLine(l), nil
}

// Beat implements [store.Store]. The heartbeat is the fleet's: a node that beats for
// one tenant lives for all.
func (t *tenant) Beat(ctx context.Context, node string, ttl time.Duration) (time.Time, error) {
	if node == "" || len(node) > store.MaxID {
		return time.Time{}, fmt.Errorf("%w: node", store.ErrMalformed)
	}
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	now := t.fleet.now()
	t.fleet.mu.Lock()
	defer t.fleet.mu.Unlock()
	t.fleet.nodes[node] = now.Add(ttl)
	return now, nil
}

// Wake implements [store.Store].
func (t *tenant) Wake(ctx context.Context) <-chan struct{} { return t.hints.Wake(ctx) }

func cloneLine(l store.Line) store.Line {
	l.Parked = maps.Clone(l.Parked)
	return l
}
