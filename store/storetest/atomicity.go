package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// state is everything that a store shows.
type state struct {
	Records, Listed []store.Record
	Held            []store.Held
	Counters        []int64
	Lines           []store.Line
	Entries         []store.Entry
	Size            int64
	Late            int
}

// snapshot reads everything that the kit's changes touch.
func (b *bench) snapshot() state {
	b.Helper()
	var s state
	var keys []store.Key
	for _, id := range letters {
		keys = append(keys, store.Key{Kind: "user", ID: id}, store.Key{Kind: store.Touch, ID: id})
	}
	var err error
	s.Records, err = b.Load(b.Context(), keys...)
	b.ok(err)
	for _, term := range []string{"", "label"} {
		listed, err := b.List(b.Context(), store.Query{Kind: "user", Term: term})
		b.ok(err)
		s.Listed = append(s.Listed, listed...)
	}
	var held []store.Name
	for _, id := range letters {
		held = append(held, store.Name(id))
	}
	s.Held, err = b.Holders(b.Context(), held...)
	b.ok(err)
	s.Counters, err = b.Counters(b.Context(), letters...)
	b.ok(err)
	s.Lines, err = b.Lines(b.Context(), "", "", 0)
	b.ok(err)
	s.Entries = b.entries(store.EntryQuery{})
	s.Size, _, err = b.Tree(b.Context())
	b.ok(err)
	late, err := b.Unsequenced(b.Context(), 0)
	b.ok(err)
	s.Late = len(late)
	return s
}

// letters name what the kit's changes touch; m, n and o lie between the others, so that
// a poison can be applied before, among and after good operations.
var letters = []string{"a", "d", "g", "m", "n", "o", "t", "w", "z"}

// poisons are operations that must be refused after [poisonable], on the object of a letter.
var poisons = []struct {
	name string
	want error
	op   func(letter string) store.Op
}{
	{"put of a stale record", store.ErrStale, func(l string) store.Op { return put("user", l, 7, "never") }},
	{"put of a record that is there", store.ErrStale, func(l string) store.Op { return put("user", l, 0, "never") }},
	{"drop of a stale record", store.ErrStale, func(l string) store.Op { return drop("user", l, 7) }},
	{"check of a stale record", store.ErrStale, func(l string) store.Op { return check("user", l, 7) }},
	{"check of a record that came", store.ErrStale, func(l string) store.Op { return check("user", l, 0) }},
	{"hold of a taken name", store.ErrTaken, func(l string) store.Op { return hold(store.Name(l), "thief", "u") }},
	{"reservation of a taken name", store.ErrTaken, func(l string) store.Op { return reserve(store.Name(l), "thief", "u") }},
	{"hand-over from a stranger", store.ErrTaken, func(l string) store.Op {
		return store.Claim{Name: store.Name(l), Holder: "thief", Use: "u", From: "stranger"}
	}},
	{"count beyond the limit", store.ErrLimit, func(l string) store.Op { return store.Count{Counter: l, By: 1, Max: 1} }},
	{"fence of a lost line", store.ErrFenced, func(l string) store.Op {
		return store.Fence{Line: l, Owner: "n1", Token: 99, Fate: store.Fate{Done: 1}}
	}},
	{"release without a holder", store.ErrMalformed, func(l string) store.Op { return store.Release{Name: store.Name(l), Use: "u"} }},
	{"mark of a year that no store holds", store.ErrMalformed, func(l string) store.Op {
		return store.Mark{Line: l, Due: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	}},
}

// poisonable makes one of everything for each letter.
func poisonable(b *bench) {
	b.Helper()
	for _, l := range letters {
		b.commit(
			put("user", l, 0, `{"v":1}`, "label", l), put(store.Touch, l, 0, "{}"),
			hold(store.Name(l), "owner", "u"), store.Count{Counter: l, By: 1, Max: 9}, store.Mark{Line: l, Due: epoch},
		)
		b.own("n1", l)
	}
	b.sequence()
}

// good are operations of every verb that a store accepts after [poisonable], on all
// letters but m, n and o.
func good() []store.Op {
	return []store.Op{
		put("user", "a", 1, `{"v":2}`, "label", "changed"),
		drop("user", "z", 1),
		check("user", "d", 1),
		put("user", "new", 0, "{}", "label", "new"),
		put(store.Touch, "a", 1, "{}"),
		hold("a", "owner", "v"),
		store.Claim{Name: "z", Holder: "heir", Use: "w", From: "owner"},
		release("d", "owner", "u"),
		hold("free", "owner", "u"),
		store.Count{Counter: "a", By: 1, Max: 9},
		store.Count{Counter: "z", By: -1},
		store.Mark{Line: "a"},
		store.Mark{Line: "fresh", Due: epoch},
		store.Fence{Line: "a", Owner: "n1", Token: 1, Fate: store.Fate{Done: 1}},
		store.Fence{Line: "z", Owner: "n1", Token: 1, Fate: store.Fate{Again: epoch, Tried: true, Parked: map[string]string{"r": "w"}}},
	}
}

// testAtomicity poisons every verb at every position: of a refused change nothing is seen.
func testAtomicity(t *testing.T, open opener) {
	for _, p := range poisons {
		t.Run(p.name, func(t *testing.T) {
			b := open(t)
			poisonable(b)
			before := b.snapshot()
			for at := range len(good()) + 1 {
				letter := []string{"m", "n", "o"}[at%3]
				c := b.change(slices.Insert(good(), at, p.op(letter))...)
				c.Entries = append(c.Entries, b.leaf("a"), b.leaf("b"))
				_, err := b.Commit(b.Context(), c)
				b.refusal(err, p.want, at, c)
				if after := b.snapshot(); !reflect.DeepEqual(after, before) {
					b.Fatalf("poison at %d: the store shows\n%+v\nafter a refusal, before\n%+v", at, after, before)
				}
				if at == len(good()) {
					// The refusal did not spend the id: without the poison it is a change.
					c.Ops = good()
					if r := b.send(c); r.Again {
						b.Fatal("a refused change counts as committed")
					}
				}
			}
			if after := b.snapshot(); reflect.DeepEqual(after, before) {
				b.Fatal("the good operations alone changed nothing: the test proves nothing")
			}
		})
	}
	t.Run("poison applied first and last", func(t *testing.T) {
		b := open(t)
		poisonable(b)
		before := b.snapshot()
		for _, c := range []struct {
			want error
			op   store.Op
		}{
			{store.ErrStale, check(" first", "x", 1)},
			{store.ErrStale, check("~last", "x", 1)},
			{store.ErrTaken, hold("t", "thief", "u")},
			{store.ErrFenced, store.Fence{Line: "~last", Owner: "n1", Token: 1}},
		} {
			b.refused(c.want, 3, slices.Insert(good(), 3, c.op)...)
			b.equal(fmt.Sprintf("state after %T", c.op), b.snapshot(), before)
		}
	})
}
