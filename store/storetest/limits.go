package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// fill returns a string of exactly n bytes that begins with head.
func fill(head string, n int) string { return head + strings.Repeat("x", n-len(head)) }

// testLimits works exactly at, and one above, every limit of a change.
func testLimits(t *testing.T, open opener) {
	marks := func(n int) []store.Op {
		ops := make([]store.Op, n)
		for i := range ops {
			ops[i] = store.Mark{Line: fmt.Sprint("l/", i)}
		}
		return ops
	}
	leaves := func(n, size int) []store.Leaf {
		all := make([]store.Leaf, n)
		for i := range all {
			all[i] = leafAt(fmt.Sprint("e", i), epoch, "a")
			all[i].Body = []byte(fill("leaf", size))
		}
		return all
	}
	puts := func(n, size int) []store.Op {
		ops := make([]store.Op, n)
		for i := range ops {
			ops[i] = put("user", fmt.Sprint("u", i), 0, fill("", size))
		}
		return ops
	}
	terms := func(n, size int) store.Op {
		p := put("user", "u1", 0, "{}")
		for i := range n {
			p.Record.Terms = append(p.Record.Terms, store.Term{Name: fmt.Sprint("t", i), Value: []byte(fill("", size))})
		}
		return p
	}
	targets := func(n, size int) []store.Leaf {
		l := leafAt("e", epoch, "a")
		for i := range n {
			l.Targets = append(l.Targets, []byte(fill(fmt.Sprintf("%02d", i), size)))
		}
		return []store.Leaf{l}
	}
	entry := leaves(1, 4)
	with := func(ops ...store.Op) store.Change { return store.Change{ID: "x", Entries: entry, Ops: ops} }
	id, term, kind := fill("", store.MaxID), fill("", store.MaxTerm), store.Kind(fill("k", store.MaxKind))
	for _, c := range []struct {
		name     string
		at, over store.Change
		want     error
	}{
		{"operations", store.Change{ID: "x", Ops: marks(store.MaxOps)}, store.Change{ID: "x", Ops: marks(store.MaxOps + 1)}, store.ErrTooLarge},
		{"entries", store.Change{ID: "x", Entries: leaves(store.MaxLeaves, 4)}, store.Change{ID: "x", Entries: leaves(store.MaxLeaves+1, 4)}, store.ErrTooLarge},
		{"body", with(puts(1, store.MaxBody)...), with(puts(1, store.MaxBody+1)...), store.ErrTooLarge},
		{"leaf body", store.Change{ID: "x", Entries: leaves(1, store.MaxBody)}, store.Change{ID: "x", Entries: leaves(1, store.MaxBody+1)}, store.ErrTooLarge},
		{"change", with(puts(8, store.MaxChange/8-1)...), with(puts(8, store.MaxChange/8)...), store.ErrTooLarge},
		{"change id", store.Change{ID: id, Ops: marks(1)}, store.Change{ID: id + "x", Ops: marks(1)}, store.ErrMalformed},
		{"record id", with(put("user", id, 0, "{}")), with(put("user", id+"x", 0, "{}")), store.ErrMalformed},
		{"kind", with(put(kind, "u", 0, "{}")), with(put(kind+"x", "u", 0, "{}")), store.ErrMalformed},
		{"terms", with(terms(store.MaxTerms, 1)), with(terms(store.MaxTerms+1, 1)), store.ErrMalformed},
		{"term value", with(terms(1, store.MaxTerm)), with(terms(1, store.MaxTerm+1)), store.ErrMalformed},
		{"term name", with(put("user", "u", 0, "{}", string(kind), "v")), with(put("user", "u", 0, "{}", string(kind)+"x", "v")), store.ErrMalformed},
		{"name", with(hold(store.Name(term), "h", "u")), with(hold(store.Name(term+"x"), "h", "u")), store.ErrMalformed},
		{"holder", with(hold("n", id, "u")), with(hold("n", id+"x", "u")), store.ErrMalformed},
		{"use", with(reserve("n", "h", id)), with(reserve("n", "h", id+"x")), store.ErrMalformed},
		{"counter", with(store.Count{Counter: term, By: 1, Max: 1}), with(store.Count{Counter: term + "x", By: 1, Max: 1}), store.ErrMalformed},
		{"line", with(store.Mark{Line: term}), with(store.Mark{Line: term + "x"}), store.ErrMalformed},
		{"leaf id", store.Change{ID: "x", Entries: []store.Leaf{leafAt(id, epoch, "a")}}, store.Change{ID: "x", Entries: []store.Leaf{leafAt(id+"x", epoch, "a")}}, store.ErrMalformed},
		{"action", store.Change{ID: "x", Entries: []store.Leaf{leafAt("e", epoch, id)}}, store.Change{ID: "x", Entries: []store.Leaf{leafAt("e", epoch, id+"x")}}, store.ErrMalformed},
		{"targets", store.Change{ID: "x", Entries: targets(16, 2)}, store.Change{ID: "x", Entries: targets(17, 2)}, store.ErrMalformed},
		{"target", store.Change{ID: "x", Entries: targets(1, store.MaxTerm)}, store.Change{ID: "x", Entries: targets(1, store.MaxTerm+1)}, store.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			before := b.snapshot()
			if _, err := b.Commit(b.Context(), c.over); !errors.Is(err, c.want) {
				b.Fatalf("one above: %v, want %v", err, c.want)
			}
			b.equal("state", b.snapshot(), before)
			b.send(c.at)
			for _, o := range c.at.Ops {
				if p, ok := o.(store.Put); ok {
					want := p.Record
					want.Version = 1
					if got := b.record(want.Key.Kind, want.Key.ID); !same(got, want) {
						b.Fatalf("a record of %d bytes came back with %d", len(want.Body), len(got.Body))
					}
				}
			}
			for _, l := range c.at.Entries {
				if got := b.entries(store.EntryQuery{ID: l.ID}); len(got) != 1 || !sameLeaf(got[0].Leaf, l) {
					b.Fatalf("a leaf of %d bytes did not come back", len(l.Body))
				}
			}
		})
	}
	t.Run("many keys in one question", func(t *testing.T) {
		b := open(t)
		b.commit(puts(store.MaxOps, 2)...)
		var keys []store.Key
		var names []store.Name
		var counters []string
		for i := range 3000 {
			keys = append(keys, store.Key{Kind: "user", ID: fmt.Sprint("u", i)})
			names = append(names, store.Name(fmt.Sprint("n", i)))
			counters = append(counters, fmt.Sprint("c", i))
		}
		records, err := b.Load(b.Context(), keys...)
		b.ok(err)
		for i, r := range records {
			b.equal("key", r.Key, keys[i])
			b.equal("present", r.Version > 0, i < store.MaxOps)
		}
		held, err := b.Holders(b.Context(), names...)
		b.ok(err)
		b.equal("names", len(held), len(names))
		values, err := b.Counters(b.Context(), counters...)
		b.ok(err)
		b.equal("counters", len(values), len(counters))
	})
}
