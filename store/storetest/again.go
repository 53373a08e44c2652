package storetest

import (
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// testAgain proves that a change is committed once, however often it is sent.
func testAgain(t *testing.T, open opener) {
	t.Run("a second commit is answered with the first one's success", func(t *testing.T) {
		b := open(t)
		poisonable(b)
		c := b.change(good()...)
		c.Entries = append(c.Entries, b.leaf("a"))
		first := b.send(c)
		if first.Again {
			b.Fatal("the first commit says again")
		}
		b.sequence()
		after := b.snapshot()
		for range 3 {
			again := b.send(c)
			b.equal("again", again.Again, true)
			b.equal("counts", again.Counts, first.Counts)
			b.equal("indexes", len(again.Index), len(c.Entries))
			for i, index := range first.Index {
				if index >= 0 {
					b.equal("index", again.Index[i], index)
				}
			}
			b.equal("state", b.snapshot(), after)
		}
	})
	t.Run("also when the world has moved on", func(t *testing.T) {
		b := open(t)
		c := b.change(put("user", "u1", 0, "mine"), hold("n", "h1", "u"), store.Count{Counter: "c", By: 1, Max: 1})
		first := b.send(c)
		b.commit(drop("user", "u1", 1), release("n", "h1", "u"), store.Count{Counter: "c", By: -1})
		b.commit(put("user", "u1", 0, "theirs"), hold("n", "h2", "u"))
		again := b.send(c)
		b.equal("again", again.Again, true)
		b.equal("counts", again.Counts, first.Counts)
		b.equal("record", string(b.record("user", "u1").Body), "theirs")
		b.equal("holder", b.held("n").Holder, "h2")
		b.equal("counter", b.counter("c"), int64(0))
	})
	t.Run("also when the first answer was lost", func(t *testing.T) {
		b := open(t)
		c := b.change(put("user", "u1", 0, "{}"), store.Count{Counter: "c", By: 1, Max: 1})
		lossy := Faulty(b.Store, func(call Call) Fault {
			if call.N == 1 {
				return Lose
			}
			return Pass
		})
		if _, err := lossy.Commit(b.Context(), c); err == nil {
			b.Fatal("the answer was not lost")
		}
		r, err := lossy.Commit(b.Context(), c)
		b.ok(err)
		b.equal("again", r.Again, true)
		b.equal("counts", r.Counts, map[string]int64{"c": 1})
		b.equal("version", b.record("user", "u1").Version, uint64(1))
		b.equal("entries", len(b.entries(store.EntryQuery{})), 1)
	})
	t.Run("bookkeeping too", func(t *testing.T) {
		b := open(t)
		c := store.Change{ID: "c1", Ops: []store.Op{store.Count{Counter: "c", By: 1, Max: 1}, store.Mark{Line: "l"}}}
		b.send(c)
		r := b.send(c)
		b.equal("again", r.Again, true)
		b.equal("counter", b.counter("c"), int64(1))
		b.equal("gen", b.line("l").Gen, uint64(1))
	})
	t.Run("an id that was never committed is new", func(t *testing.T) {
		b := open(t)
		b.send(store.Change{ID: "c1", Ops: []store.Op{store.Mark{Line: "l"}}})
		r := b.send(store.Change{ID: "c1 ", Ops: []store.Op{store.Mark{Line: "l"}}})
		b.equal("again", r.Again, false)
		b.equal("gen", b.line("l").Gen, uint64(2))
	})
}
