package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// found returns the ids that a query finds.
func (b *bench) found(q store.EntryQuery) string {
	b.Helper()
	var ids []string
	for _, e := range b.entries(q) {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

// sameLeaf reports whether two leaves are equal.
func sameLeaf(a, b store.Leaf) bool {
	return a.ID == b.ID && a.At.Equal(b.At) && a.Action == b.Action && a.Hash == b.Hash && bytes.Equal(a.Body, b.Body) &&
		slices.EqualFunc(a.Targets, b.Targets, bytes.Equal)
}

func testEntries(t *testing.T, open opener) {
	t.Run("found as written when commit returns", func(t *testing.T) {
		b := open(t)
		l := leafAt("e1", epoch, "user.code_set", "person", "\x00\xff", "panel")
		r := b.log(l)
		for name, q := range map[string]store.EntryQuery{
			"all": {}, "id": {ID: "e1"}, "target": {Target: []byte("\x00\xff")}, "any target": {AnyTarget: [][]byte{[]byte("x"), []byte("panel")}},
			"action": {Actions: []string{"other", "user.code_set"}}, "time": {Since: epoch, Until: epoch.Add(1)}, "newest first": {OldestLast: true},
		} {
			got := b.entries(q)
			if len(got) != 1 || !sameLeaf(got[0].Leaf, l) || got[0].Index != r.Index[0] {
				b.Fatalf("by %s: %+v", name, got)
			}
		}
	})
	t.Run("by time, then id, both ways", func(t *testing.T) {
		b := open(t)
		b.log(leafAt("c", epoch, "a"), leafAt("a", epoch.Add(1), "a"), leafAt("b", epoch, "a"))
		b.log(leafAt("d", epoch.Add(-time.Hour), "a"))
		b.equal("oldest first", b.found(store.EntryQuery{}), "d b c a")
		b.equal("newest first", b.found(store.EntryQuery{OldestLast: true}), "a c b d")
	})
	t.Run("conditions hold together", func(t *testing.T) {
		b := open(t)
		b.log(
			leafAt("e1", epoch.Add(1*time.Second), "set", "u1", "north"),
			leafAt("e2", epoch.Add(2*time.Second), "drop", "u1", "north"),
			leafAt("e3", epoch.Add(3*time.Second), "set", "u2", "south"),
			leafAt("e4", epoch.Add(4*time.Second), "set", "u1", "south"),
			leafAt("e5", epoch.Add(5*time.Second), "move"),
		)
		anyOf := func(ids ...string) [][]byte {
			targets := [][]byte{}
			for _, id := range ids {
				targets = append(targets, []byte(id))
			}
			return targets
		}
		for _, c := range []struct {
			name string
			q    store.EntryQuery
			want string
		}{
			{"target", store.EntryQuery{Target: []byte("u1")}, "e1 e2 e4"},
			{"target newest first", store.EntryQuery{Target: []byte("u1"), OldestLast: true}, "e4 e2 e1"},
			{"unknown target", store.EntryQuery{Target: []byte("u")}, ""},
			{"empty target", store.EntryQuery{Target: []byte{}}, ""},
			{"any of two, each entry once", store.EntryQuery{AnyTarget: anyOf("u1", "north")}, "e1 e2 e4"},
			{"any of none is nothing", store.EntryQuery{AnyTarget: anyOf()}, ""},
			{"target within scope", store.EntryQuery{Target: []byte("u1"), AnyTarget: anyOf("south")}, "e4"},
			{"action", store.EntryQuery{Actions: []string{"set"}}, "e1 e3 e4"},
			{"two actions", store.EntryQuery{Actions: []string{"drop", "move"}}, "e2 e5"},
			{"no actions named", store.EntryQuery{Actions: []string{}}, "e1 e2 e3 e4 e5"},
			{"since is inclusive", store.EntryQuery{Since: epoch.Add(4 * time.Second)}, "e4 e5"},
			{"until is exclusive", store.EntryQuery{Until: epoch.Add(3 * time.Second)}, "e1 e2"},
			{"since and until, newest first", store.EntryQuery{Since: epoch.Add(2 * time.Second), Until: epoch.Add(4 * time.Second), OldestLast: true}, "e3 e2"},
			{"all at once", store.EntryQuery{Target: []byte("u1"), AnyTarget: anyOf("north", "south"), Actions: []string{"set"}, Since: epoch.Add(2 * time.Second)}, "e4"},
			{"id within scope", store.EntryQuery{ID: "e3", AnyTarget: anyOf("south")}, "e3"},
			{"id outside scope", store.EntryQuery{ID: "e3", AnyTarget: anyOf("north")}, ""},
			{"unknown id", store.EntryQuery{ID: "e9"}, ""},
			{"years before", store.EntryQuery{Until: time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC)}, ""},
			{"years after", store.EntryQuery{Since: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
			{"limit", store.EntryQuery{Limit: 2}, "e1 e2"},
		} {
			b.equal(c.name, b.found(c.q), c.want)
		}
	})
	t.Run("pages meet without gap or repeat, both ways", func(t *testing.T) {
		b := open(t)
		var leaves []store.Leaf
		for i := range 30 {
			target := "even"
			if i%2 == 1 {
				target = "odd"
			}
			leaves = append(leaves, leafAt(fmt.Sprintf("e%02d", (i*7)%30), epoch.Add(time.Duration(i/4)*time.Second), "a", target, "all"))
		}
		b.log(leaves...)
		for _, q := range []store.EntryQuery{
			{}, {OldestLast: true}, {Target: []byte("odd")}, {Target: []byte("odd"), OldestLast: true},
			{AnyTarget: [][]byte{[]byte("odd"), []byte("all")}, OldestLast: true}, {Since: epoch.Add(2 * time.Second), Until: epoch.Add(6 * time.Second)},
		} {
			whole := b.found(q)
			if whole == "" {
				b.Fatal("a query that finds nothing proves nothing")
			}
			for _, limit := range []int{1, 4, 7, 31} {
				var pages []string
				p := q
				p.Limit = limit
				for {
					page := b.entries(p)
					for _, e := range page {
						pages = append(pages, e.ID)
						p.AfterAt, p.AfterID = e.At, e.ID
					}
					if len(page) < limit {
						break
					}
				}
				b.equal(fmt.Sprintf("pages of %d", limit), strings.Join(pages, " "), whole)
			}
		}
	})
	t.Run("by index", func(t *testing.T) {
		b := open(t)
		for i := range 7 {
			b.log(leafAt(fmt.Sprint("e", i), epoch.Add(-time.Duration(i)*time.Hour), "a", fmt.Sprint("t", i%2)))
			b.sequence()
		}
		b.equal("all", b.found(store.EntryQuery{ByIndex: true}), "e0 e1 e2 e3 e4 e5 e6")
		b.equal("from", b.found(store.EntryQuery{ByIndex: true, FromIndex: 4, Limit: 2}), "e4 e5")
		b.equal("beyond", b.found(store.EntryQuery{ByIndex: true, FromIndex: 7}), "")
		b.equal("filtered", b.found(store.EntryQuery{ByIndex: true, FromIndex: 1, Target: []byte("t0")}), "e2 e4 e6")
		b.equal("newest first", b.found(store.EntryQuery{ByIndex: true, FromIndex: 2, OldestLast: true}), "e6 e5 e4 e3 e2")
		for i, e := range b.entries(store.EntryQuery{ByIndex: true}) {
			b.equal("index", e.Index, int64(i))
		}
		b.equal("late entries", b.found(store.EntryQuery{ByIndex: true, FromIndex: -1, Since: epoch.Add(-time.Hour)}), "e0 e1")
	})
	t.Run("the answer has the index of each entry, in order", func(t *testing.T) {
		b := open(t)
		c := store.Change{ID: "c1", Entries: []store.Leaf{leafAt("z", epoch, "a"), leafAt("a", epoch, "a"), leafAt("m", epoch, "a")}}
		r := b.send(c)
		b.equal("indexes", len(r.Index), 3)
		b.sequence()
		r = b.send(c)
		for i, l := range c.Entries {
			b.equal("index of "+l.ID, b.entries(store.EntryQuery{ID: l.ID})[0].Index, r.Index[i])
		}
	})
	t.Run("a page has at most 1000", func(t *testing.T) {
		b := open(t)
		for i := 0; i <= store.MaxPage; {
			var leaves []store.Leaf
			for ; len(leaves) < store.MaxLeaves && i <= store.MaxPage; i++ {
				leaves = append(leaves, b.leaf("all"))
			}
			b.log(leaves...)
		}
		b.sequence()
		for _, q := range []store.EntryQuery{{}, {Limit: -1}, {Limit: store.MaxPage + 1}, {ByIndex: true}, {Target: []byte("all"), OldestLast: true}} {
			b.equal("page", len(b.entries(q)), store.MaxPage)
		}
	})
	t.Run("an id is used once for ever", func(t *testing.T) {
		b := open(t)
		b.log(leafAt("e1", epoch, "a"))
		_, err := b.Commit(b.Context(), store.Change{ID: "c2", Entries: []store.Leaf{leafAt("e1", epoch.Add(1), "b")}, Ops: []store.Op{put("user", "u1", 0, "{}")}})
		if !errors.Is(err, store.ErrMalformed) {
			b.Fatalf("Commit: %v, want ErrMalformed", err)
		}
		b.equal("log", b.found(store.EntryQuery{}), "e1")
		b.equal("record", b.record("user", "u1").Version, uint64(0))
	})
	t.Run("a target named twice finds an entry once", func(t *testing.T) {
		b := open(t)
		l := leafAt("e1", epoch, "a", "t", "t")
		b.log(l)
		b.equal("found", b.found(store.EntryQuery{Target: []byte("t")}), "e1")
		if got := b.entries(store.EntryQuery{ID: "e1"})[0]; !sameLeaf(got.Leaf, l) {
			b.Fatalf("got %+v", got)
		}
	})
}
