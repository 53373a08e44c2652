package storetest

import (
	"math"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// count changes a counter without an entry.
func (b *bench) count(o store.Count) (int64, error) {
	r, err := b.Commit(b.Context(), store.Change{ID: b.id("change"), Ops: []store.Op{o}})
	return r.Counts[o.Counter], err
}

func testCounters(t *testing.T, open opener) {
	t.Run("up to the limit and no further", func(t *testing.T) {
		b := open(t)
		for want := int64(1); want <= 3; want++ {
			got, err := b.count(store.Count{Counter: "guess/a", By: 1, Max: 3})
			b.ok(err)
			b.equal("answer", got, want)
		}
		c := store.Change{ID: b.id("change"), Ops: []store.Op{store.Count{Counter: "guess/a", By: 1, Max: 3}}}
		_, err := b.Commit(b.Context(), c)
		b.refusal(err, store.ErrLimit, 0, c)
		b.equal("value", b.counter("guess/a"), int64(3))
		b.equal("another counter", b.counter("guess/b"), int64(0))
	})
	t.Run("steps larger than one", func(t *testing.T) {
		b := open(t)
		b.commit(store.Count{Counter: "c", By: 7, Max: 10})
		b.refused(store.ErrLimit, 0, store.Count{Counter: "c", By: 4, Max: 10})
		b.commit(store.Count{Counter: "c", By: 3, Max: 10})
		b.refused(store.ErrLimit, 0, store.Count{Counter: "c", By: math.MaxInt64, Max: math.MaxInt64})
		b.refused(store.ErrLimit, 0, store.Count{Counter: "new", By: 1, Max: 0})
	})
	t.Run("given back, never below nothing", func(t *testing.T) {
		b := open(t)
		b.commit(store.Count{Counter: "c", By: 2, Max: 2})
		got, err := b.count(store.Count{Counter: "c", By: -1, Max: 0})
		b.ok(err)
		b.equal("given back", got, int64(1))
		got, err = b.count(store.Count{Counter: "c", By: -5, Max: 0})
		b.ok(err)
		b.equal("floor", got, int64(0))
		b.commit(store.Count{Counter: "never", By: -1, Max: 0})
		b.equal("of nothing", b.counter("never"), int64(0))
	})
	t.Run("in the order asked for", func(t *testing.T) {
		b := open(t)
		r := b.commit(store.Count{Counter: "b", By: 2, Max: 9}, store.Count{Counter: "a", By: 1, Max: 9})
		b.equal("answer", r.Counts, map[string]int64{"a": 1, "b": 2})
		values, err := b.Counters(b.Context(), "b", "none", "a", "b")
		b.ok(err)
		b.equal("values", values, []int64{2, 0, 1, 2})
	})
}
