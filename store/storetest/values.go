package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// nasty are texts that an encoding, a quoting or a collation may spoil.
var nasty = []string{
	"\x00", "a\x00b", "\x00\x00", "\xff", "\xff\xfe\xfd", "\xc3\x28", "\xed\xa0\x80", "é", "e\u0301", "😀", "👩‍👩‍👧",
	" ", " a ", "a ", "A", "a", "'", "\"", "`", "''; DROP TABLE x; --", "\\", "\\x41", "%", "%41", "+", "a+b", "&", "=", "a=b&c", ";", "?", "$1", ":a", "@a",
	"\n", "\r\n", "\t", "NULL", "null", "0", "00", "0x41", "1e3", "-1", "true", "{}", "[]", "*", "_", "ı", "İ", "ß", "\u202e", "\ufeff", "\u2028",
}

// testValues proves that every byte comes back, and that no two values are taken for one.
func testValues(t *testing.T, open opener) {
	t.Run("records and terms", func(t *testing.T) {
		b := open(t)
		for i, v := range nasty {
			p := put(store.Kind("k"+strings.ReplaceAll(v, "/", "")), v, 0, v, v, v)
			p.Record.Terms = append(p.Record.Terms, store.Term{Name: "nil"}, store.Term{Name: "empty", Value: []byte{}})
			b.commit(p, put("user", v, 0, fmt.Sprint(i), "v", v))
			want := p.Record
			want.Version = 1
			if got := b.record(want.Key.Kind, v); !same(got, want) {
				b.Fatalf("%q: got %+v, want %+v", v, got, want)
			}
		}
		for i, v := range nasty {
			b.equal(fmt.Sprintf("record %q", v), string(b.record("user", v).Body), fmt.Sprint(i))
			list, err := b.List(b.Context(), store.Query{Kind: "user", Term: "v", From: []byte(v), To: []byte(v + "\x00")})
			b.ok(err)
			if len(list) != 1 || list[0].Key.ID != v {
				b.Fatalf("list of %q: %+v", v, list)
			}
		}
		b.equal("tally", b.tally(store.Query{Kind: "user", Term: "v"}), int64(len(nasty)))
		list, err := b.List(b.Context(), store.Query{Kind: "user", Term: "v"})
		b.ok(err)
		byID, err := b.List(b.Context(), store.Query{Kind: "user"})
		b.ok(err)
		for i := range list {
			b.equal("order by value and by id", list[i].Key, byID[i].Key)
			if i > 0 && list[i-1].Key.ID >= list[i].Key.ID {
				b.Fatalf("%q before %q", list[i-1].Key.ID, list[i].Key.ID)
			}
		}
	})
	t.Run("names, counters and lines", func(t *testing.T) {
		b := open(t)
		for _, v := range nasty {
			b.commit(hold(store.Name(v), "h"+v, v), store.Count{Counter: v, By: 1, Max: 1}, store.Mark{Line: v})
			b.commit(reserve(store.Name(v), "h"+v, v))
			l := b.own(v, v)
			b.end(l, store.Fate{Keep: true, Parked: map[string]string{v: v, "": ""}})
		}
		for _, v := range nasty {
			b.equal(fmt.Sprintf("name %q", v), b.held(store.Name(v)), store.Held{
				Name: store.Name(v), Holder: "h" + v, Uses: []string{v}, Reservers: []store.Reserver{{Holder: "h" + v, Use: v}},
			})
			b.equal(fmt.Sprintf("counter %q", v), b.counter(v), int64(1))
			l := b.line(v)
			b.equal(fmt.Sprintf("line %q", v), l.Parked, map[string]string{v: v, "": ""})
			b.equal("owner", l.Owner, v)
		}
	})
	t.Run("results", func(t *testing.T) {
		b := open(t)
		var ops []store.Op
		for i, v := range nasty {
			ops = append(ops, store.Count{Counter: v, By: int64(i + 1), Max: 1 << 40})
		}
		c := store.Change{ID: "\x00\xff", Ops: ops[:store.MaxOps-20]}
		first := b.send(c)
		b.equal("counters", len(first.Counts), len(c.Ops))
		b.equal("counts of the second commit", b.send(c).Counts, first.Counts)
	})
	t.Run("entries", func(t *testing.T) {
		b := open(t)
		for _, v := range nasty {
			l := leafAt(v, epoch, v, v, "all")
			l.Body = []byte(v)
			b.log(l)
		}
		b.sequence()
		for _, v := range nasty {
			for _, q := range []store.EntryQuery{{ID: v}, {Target: []byte(v)}, {AnyTarget: [][]byte{[]byte(v)}}, {Actions: []string{v}}} {
				got := b.entries(q)
				if len(got) != 1 || got[0].ID != v || string(got[0].Body) != v || got[0].Action != v {
					b.Fatalf("%q: %+v", v, got)
				}
			}
		}
		b.equal("all", len(b.entries(store.EntryQuery{Target: []byte("all"), OldestLast: true})), len(nasty))
	})
}
