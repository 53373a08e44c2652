package memstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// plan is what a change will do, worked out in full before anything is touched.
type plan struct {
	puts   []store.Record
	drops  []store.Key
	names  []store.Held
	counts map[string]int64
	until  map[string]time.Time // of each counter
	lines  map[string]store.Line
	rings  bool
}

// Commit implements [store.Store].
func (t *tenant) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	if err := c.Validate(); err != nil {
		return store.Result{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return store.Result{}, err
	}
	if first, ok := t.committed[c.ID]; ok {
		return first.result(true), nil
	}
	p, err := t.plan(c)
	if err != nil {
		return store.Result{}, err
	}
	done := commit{at: t.fleet.now(), counts: p.counts, entries: t.log.add(c.Entries)}
	t.apply(p)
	if !t.fleet.options.LateIndex {
		for _, e := range done.entries {
			t.log.integrate(e)
		}
	}
	t.remember(c.ID, done)
	if p.rings {
		t.hints.Ring()
	}
	return done.result(false), nil
}

// plan applies the rules to the present state. It changes nothing.
func (t *tenant) plan(c store.Change) (plan, error) {
	for _, l := range c.Entries {
		if t.log.byID[l.ID] != nil {
			return plan{}, fmt.Errorf("%w: leaf id is used", store.ErrMalformed)
		}
	}
	p := plan{lines: map[string]store.Line{}}
	for _, i := range c.Sorted() {
		if err := t.step(&p, c.Ops[i]); err != nil {
			return plan{}, &store.OpError{Index: i, Op: c.Ops[i], Err: err}
		}
	}
	return p, nil
}

// step adds one operation to the plan.
func (t *tenant) step(p *plan, o store.Op) error {
	now := t.fleet.now()
	switch o := o.(type) {
	case store.Put:
		if t.record(o.Record.Key).Version != o.If {
			return store.ErrStale
		}
		r := cloneRecord(o.Record)
		r.Version = o.If + 1
		p.puts = append(p.puts, r)
	case store.Drop:
		if t.record(o.Key).Version != o.If {
			return store.ErrStale
		}
		p.drops = append(p.drops, o.Key)
	case store.Check:
		if t.record(o.Key).Version != o.If {
			return store.ErrStale
		}
	case store.Claim:
		h, err := o.On(t.names[o.Name], now)
		if err != nil {
			return err
		}
		p.names = append(p.names, h)
	case store.Release:
		h := o.On(t.names[o.Name], now)
		h.RestUntil = instant(h.RestUntil)
		p.names = append(p.names, h)
	case store.Count:
		v, err := o.On(t.counters[o.Counter])
		if err != nil {
			return err
		}
		if p.counts == nil {
			p.counts, p.until = map[string]int64{}, map[string]time.Time{}
		}
		until := instant(o.Until)
		if until.IsZero() {
			until = now.Add(store.Memory)
		}
		p.counts[o.Counter], p.until[o.Counter] = v, until
	case store.Mark:
		l := o.On(t.lines[o.Line], now)
		l.Due = instant(l.Due)
		p.lines[o.Line], p.rings = l, true
	case store.Fence:
		l, ok := p.lines[o.Line] // a mark of the same change comes first
		if !ok {
			l = t.lines[o.Line]
		}
		l, err := o.On(l)
		if err != nil {
			return err
		}
		l.Due = instant(l.Due)
		p.lines[o.Line] = l
	}
	return nil
}

// apply does what was planned. It cannot fail.
func (t *tenant) apply(p plan) {
	for _, r := range p.puts {
		t.put(r)
	}
	for _, k := range p.drops {
		t.drop(k)
	}
	for _, h := range p.names {
		if h.Free(t.fleet.now()) {
			delete(t.names, h.Name)
		} else {
			t.names[h.Name] = h
		}
	}
	for name, value := range p.counts {
		t.setCounter(name, value, p.until[name])
	}
	for _, l := range p.lines {
		t.setLine(l)
	}
}

// remember keeps what a second commit of id is answered with.
func (t *tenant) remember(id string, done commit) {
	t.committed[id] = done
	t.recent = append(t.recent, id)
	t.forget(done.at)
}

// few is how many old things of a sort a commit forgets at most, so that none takes long.
const few = 8

// forget drops some changes older than [store.Memory] and some counters past their time.
func (t *tenant) forget(now time.Time) {
	for range few {
		if oldest := t.recent[0]; now.Sub(t.committed[oldest].at) > store.Memory {
			delete(t.committed, oldest)
			t.recent = t.recent[1:]
		}
		for next := range t.expiring.ascend(func(expiry) bool { return false }) {
			if next.until.Before(now) {
				t.forgetCounter(next.counter)
			}
			break
		}
	}
}

// result is the answer to the change.
func (c commit) result(again bool) store.Result {
	r := store.Result{Counts: maps.Clone(c.counts), Again: again}
	for _, e := range c.entries {
		r.Index = append(r.Index, e.Index)
	}
	return r
}

// cloneLeaf parts a leaf from its caller.
func cloneLeaf(l store.Leaf) store.Leaf {
	l.At = instant(l.At)
	l.Body = bytes.Clone(l.Body)
	targets := make([][]byte, len(l.Targets))
	for i, target := range l.Targets {
		targets[i] = bytes.Clone(target)
	}
	l.Targets = targets
	return l
}
