package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// testRefusals proves that there is no change without an entry, except bookkeeping.
func testRefusals(t *testing.T, open opener) {
	// seed makes what the operations below need.
	seed := func(b *bench) {
		b.commit(put("user", "u1", 0, "{}"), put(store.Touch, "t1", 0, "{}"), hold("n", "h", "u"))
		b.mark("panel/1", epoch)
		b.own("n1", "panel/1")
	}
	quiet := []store.Op{
		store.Count{Counter: "c", By: 1, Max: 9},
		store.Mark{Line: "panel/1"},
		check("user", "none", 0),
		store.Fence{Line: "panel/1", Owner: "n1", Token: 1},
		drop(store.Touch, "t1", 1),
	}
	for _, k := range []store.Kind{store.Cursor, store.Watermark, store.Touch, store.Attempt, store.Sent, store.Session} {
		quiet = append(quiet, put(k, "new", 0, "{}"))
	}
	loud := []store.Op{
		put("user", "u2", 0, "{}"),
		put("user", "u1", 1, "{}"),
		drop("user", "u1", 1),
		hold("n2", "h", "u"),
		reserve("n3", "h", "u"),
		release("n", "h", "u"),
		put("Cursor", "x", 0, "{}"), // a kind is quiet to the letter
		put("cursors", "x", 0, "{}"),
	}
	for i, o := range quiet {
		t.Run(fmt.Sprintf("bookkeeping needs no entry, %d %T", i, o), func(t *testing.T) {
			b := open(t)
			seed(b)
			b.send(store.Change{ID: "quiet", Ops: []store.Op{o}})
		})
	}
	for i, o := range loud {
		t.Run(fmt.Sprintf("no audit no change, %d %T", i, o), func(t *testing.T) {
			b := open(t)
			seed(b)
			before := b.snapshot()
			for _, ops := range [][]store.Op{{o}, append([]store.Op{o}, quiet...), append(quiet[:3:3], o)} {
				_, err := b.Commit(b.Context(), store.Change{ID: b.id("loud"), Ops: ops})
				if !errors.Is(err, store.ErrNoEntry) {
					b.Fatalf("Commit: %v, want ErrNoEntry", err)
				}
			}
			b.equal("state", b.snapshot(), before)
			b.commit(o) // with an entry it is accepted
		})
	}
	t.Run("an entry alone is a change", func(t *testing.T) {
		b := open(t)
		b.log(b.leaf())
		b.equal("entries", len(b.entries(store.EntryQuery{})), 1)
	})
	t.Run("malformed changes", func(t *testing.T) {
		b := open(t)
		good := put("user", "u1", 0, "{}")
		for name, c := range map[string]store.Change{
			"empty":             {ID: "x"},
			"without id":        {Ops: []store.Op{check("user", "u1", 0)}},
			"two on one record": {ID: "x", Entries: []store.Leaf{b.leaf()}, Ops: []store.Op{good, check("user", "u1", 0)}},
			"two on one name":   {ID: "x", Entries: []store.Leaf{b.leaf()}, Ops: []store.Op{hold("n", "h", "u"), release("n", "h", "v")}},
			"two on a counter":  {ID: "x", Ops: []store.Op{store.Count{Counter: "c", By: 1, Max: 9}, store.Count{Counter: "c", By: 1, Max: 9}}},
			"two marks":         {ID: "x", Ops: []store.Op{store.Mark{Line: "l"}, store.Mark{Line: "l"}}},
			"drop of nothing":   {ID: "x", Entries: []store.Leaf{b.leaf()}, Ops: []store.Op{drop("user", "u1", 0)}},
			"a kind with /":     {ID: "x", Entries: []store.Leaf{b.leaf()}, Ops: []store.Op{put("a/b", "u1", 0, "{}")}},
			"an empty body":     {ID: "x", Entries: []store.Leaf{b.leaf()}, Ops: []store.Op{put("user", "u1", 0, "")}},
			"a term twice":      {ID: "x", Entries: []store.Leaf{b.leaf()}, Ops: []store.Op{put("user", "u1", 0, "{}", "a", "1", "a", "2")}},
			"a leaf twice":      {ID: "x", Entries: []store.Leaf{leafAt("e", epoch, "a"), leafAt("e", epoch, "a")}},
			"no operation":      {ID: "x", Entries: []store.Leaf{b.leaf()}, Ops: []store.Op{nil}},
		} {
			if _, err := b.Commit(b.Context(), c); !errors.Is(err, store.ErrMalformed) {
				b.Fatalf("%s: %v, want ErrMalformed", name, err)
			}
		}
		b.equal("log", len(b.entries(store.EntryQuery{})), 0)
	})
}
