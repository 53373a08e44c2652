package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// testTime proves what happens as the store's clock goes on.
func testTime(t *testing.T, advance func(time.Duration), open opener) {
	t.Run("a node dies when its time is over", func(t *testing.T) {
		b := open(t)
		b.mark("l", time.Time{})
		b.beat("n1", time.Minute)
		b.own("n1", "l")
		advance(50 * time.Second)
		if _, err := b.Own(b.Context(), "n2", "l"); !errors.Is(err, store.ErrOwned) {
			b.Fatalf("Own: %v, want ErrOwned", err)
		}
		b.beat("n1", time.Minute)
		advance(50 * time.Second)
		b.equal("due", b.due("", 0), "")
		advance(10 * time.Second)
		b.equal("due", b.due("", 0), "l")
		b.own("n2", "l")
	})
	t.Run("a line falls due", func(t *testing.T) {
		b := open(t)
		b.mark("l", b.beat("clock", 0).Add(time.Minute))
		advance(50 * time.Second)
		b.equal("before", b.due("", 0), "")
		advance(10 * time.Second)
		b.equal("at", b.due("", 0), "l")
	})
	t.Run("a rest ends", func(t *testing.T) {
		b := open(t)
		b.commit(hold("n", "h1", "u"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", RestUntil: b.beat("clock", 0).Add(time.Hour)})
		advance(50 * time.Minute)
		b.refused(store.ErrTaken, 0, hold("n", "h2", "u"))
		advance(10 * time.Minute)
		b.commit(hold("n", "h2", "u"))
		b.equal("held", b.held("n"), store.Held{Name: "n", Holder: "h2", Uses: []string{"u"}})
	})
	t.Run("a change is remembered for a day, a counter for its time", func(t *testing.T) {
		b := open(t)
		start := b.beat("clock", 0)
		c := b.change(put("user", "u1", 0, "{}"), store.Count{Counter: "day", By: 1, Max: 9},
			store.Count{Counter: "week", By: 2, Max: 9, Until: start.Add(7 * 24 * time.Hour)})
		first := b.send(c)
		churn := func() {
			for range 200 {
				b.mark("l", epoch)
			}
		}
		advance(24*time.Hour - time.Minute)
		churn()
		again := b.send(c)
		b.equal("again", again.Again, true)
		b.equal("counts", again.Counts, first.Counts)
		b.equal("counter", b.counter("day"), int64(1))
		advance(6*24*time.Hour - time.Hour)
		churn()
		b.equal("counter with a time", b.counter("week"), int64(2))
		b.equal("record", b.record("user", "u1").Version, uint64(1))
	})
}
