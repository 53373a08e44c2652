package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// list returns the ids of a page.
func (b *bench) list(q store.Query) string {
	b.Helper()
	records, err := b.List(b.Context(), q)
	b.ok(err)
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.Key.ID
		if r.Key.Kind != q.Kind || r.Version == 0 || len(r.Body) == 0 {
			b.Fatalf("listed %+v", r)
		}
	}
	return strings.Join(ids, " ")
}

// tally counts.
func (b *bench) tally(q store.Query) int64 {
	b.Helper()
	n, err := b.Tally(b.Context(), q)
	b.ok(err)
	return n
}

// shelf fills a store with users that have a term each: id:value, "-" for a nil value.
func shelf(b *bench, users ...string) {
	b.Helper()
	for part := range slices.Chunk(users, store.MaxOps) {
		var ops []store.Op
		for _, u := range part {
			id, value, _ := strings.Cut(u, ":")
			p := put("user", id, 0, `{"id":"`+id+`"}`, "label", value)
			if value == "-" {
				p.Record.Terms[0].Value = nil
			}
			ops = append(ops, p)
		}
		b.commit(ops...)
	}
}

func testLists(t *testing.T, open opener) {
	t.Run("by term, ties by id, nil values not listed", func(t *testing.T) {
		b := open(t)
		shelf(b, "u5:b", "u1:b", "u3:a", "u2:-", "u4:", "u6:aa")
		b.equal("by label", b.list(store.Query{Kind: "user", Term: "label"}), "u4 u3 u6 u1 u5")
		b.equal("by id", b.list(store.Query{Kind: "user"}), "u1 u2 u3 u4 u5 u6")
		b.equal("another kind", b.list(store.Query{Kind: "panel", Term: "label"}), "")
		b.equal("another term", b.list(store.Query{Kind: "user", Term: "site"}), "")
		b.equal("tally by label", b.tally(store.Query{Kind: "user", Term: "label"}), int64(5))
		b.equal("tally by id", b.tally(store.Query{Kind: "user"}), int64(6))
	})
	t.Run("values compare as bytes", func(t *testing.T) {
		b := open(t)
		shelf(b, "u1:\x7f", "u2:\x80", "u3:a\x00", "u4:a", "u5:\xff\xff", "u6:Z", "u7:\x00")
		b.equal("order", b.list(store.Query{Kind: "user", Term: "label"}), "u7 u6 u4 u3 u1 u2 u5")
	})
	t.Run("ranges", func(t *testing.T) {
		b := open(t)
		shelf(b, "u1:a", "u2:ab", "u3:abc", "u4:b", "u5:c", "u6:\xff", "u7:\xffz", "u8:")
		for _, c := range []struct {
			name string
			q    store.Query
			want string
		}{
			{"from is inclusive", store.Query{From: []byte("b")}, "u4 u5 u6 u7"},
			{"to is exclusive", store.Query{To: []byte("b")}, "u8 u1 u2 u3"},
			{"from to", store.Query{From: []byte("ab"), To: []byte("c")}, "u2 u3 u4"},
			{"empty range", store.Query{From: []byte("b"), To: []byte("b")}, ""},
			{"crossed range", store.Query{From: []byte("c"), To: []byte("a")}, ""},
			{"to the empty value", store.Query{To: []byte{}}, ""},
			{"prefix", store.Query{Prefix: []byte("a")}, "u1 u2 u3"},
			{"empty prefix", store.Query{Prefix: []byte{}}, "u8 u1 u2 u3 u4 u5 u6 u7"},
			{"prefix at the end", store.Query{Prefix: []byte("\xff")}, "u6 u7"},
			{"prefix and from", store.Query{Prefix: []byte("a"), From: []byte("ab")}, "u2 u3"},
			{"prefix and to", store.Query{Prefix: []byte("a"), To: []byte("abc")}, "u1 u2"},
			{"prefix and wider bounds", store.Query{Prefix: []byte("ab"), From: []byte("a"), To: []byte("z")}, "u2 u3"},
			{"prefix of nothing", store.Query{Prefix: []byte("q")}, ""},
		} {
			c.q.Kind, c.q.Term = "user", "label"
			b.equal(c.name, b.list(c.q), c.want)
			b.equal("tally of "+c.name, b.tally(c.q), int64(len(strings.Fields(c.want))))
			c.q.Term = ""
			b.equal("by id, "+c.name, b.list(c.q), "u1 u2 u3 u4 u5 u6 u7 u8")
		}
	})
	t.Run("pages meet without gap or repeat", func(t *testing.T) {
		b := open(t)
		var users []string
		for i := range 25 {
			users = append(users, fmt.Sprintf("u%02d:%d", (i*7)%25, i%3)) // many ties
		}
		shelf(b, users...)
		for _, term := range []string{"", "label"} {
			whole := b.list(store.Query{Kind: "user", Term: term})
			b.equal("whole", len(strings.Fields(whole)), 25)
			for limit := 1; limit <= 26; limit += 4 {
				var pages []string
				q := store.Query{Kind: "user", Term: term, Limit: limit}
				for {
					page, err := b.List(b.Context(), q)
					b.ok(err)
					if len(page) > limit {
						b.Fatalf("a page of %d with limit %d", len(page), limit)
					}
					for _, r := range page {
						pages = append(pages, r.Key.ID)
						q.After = &store.Position{ID: r.Key.ID}
						if term != "" {
							q.After.Value = r.Terms[0].Value
						}
					}
					b.equal("tally does not page", b.tally(q), int64(25))
					if len(page) < limit {
						break
					}
				}
				b.equal(fmt.Sprintf("pages of %d by %q", limit, term), strings.Join(pages, " "), whole)
			}
		}
	})
	t.Run("a cursor needs no record", func(t *testing.T) {
		b := open(t)
		shelf(b, "u1:a", "u2:b", "u3:b", "u4:c")
		after := store.Query{Kind: "user", Term: "label", After: &store.Position{Value: []byte("b"), ID: "u2x"}}
		b.equal("after a place between", b.list(after), "u3 u4")
		after.To = []byte("c")
		b.equal("with a bound", b.list(after), "u3")
		after.From = []byte("a")
		b.equal("after beats from", b.list(after), "u3")
		b.commit(put("user", "u9", 0, "{}", "label", ""))
		b.equal("after no value", b.list(store.Query{Kind: "user", Term: "label", After: &store.Position{ID: "u8"}}), "u9 u1 u2 u3 u4")
	})
	t.Run("a page has at most 1000", func(t *testing.T) {
		b := open(t)
		var users []string
		for i := range store.MaxPage + 1 {
			users = append(users, fmt.Sprintf("u%04d:x", i))
		}
		shelf(b, users...)
		for _, limit := range []int{0, -1, store.MaxPage, store.MaxPage + 1} {
			for _, term := range []string{"", "label"} {
				page, err := b.List(b.Context(), store.Query{Kind: "user", Term: term, Limit: limit})
				b.ok(err)
				b.equal(fmt.Sprintf("page with limit %d by %q", limit, term), len(page), store.MaxPage)
			}
		}
		b.equal("tally", b.tally(store.Query{Kind: "user", Term: "label"}), int64(store.MaxPage+1))
	})
	t.Run("lists follow the last put", func(t *testing.T) {
		b := open(t)
		shelf(b, "u1:a", "u2:b")
		b.commit(put("user", "u1", 1, "{}", "label", "c", "site", "s"))
		b.equal("moved", b.list(store.Query{Kind: "user", Term: "label"}), "u2 u1")
		b.equal("new term", b.list(store.Query{Kind: "user", Term: "site"}), "u1")
		b.commit(put("user", "u1", 2, "{}"))
		b.equal("term gone", b.list(store.Query{Kind: "user", Term: "label"}), "u2")
		b.commit(drop("user", "u2", 1))
		b.equal("dropped", b.list(store.Query{Kind: "user", Term: "label"}), "")
		b.equal("by id", b.list(store.Query{Kind: "user"}), "u1")
	})
	t.Run("listed records are whole", func(t *testing.T) {
		b := open(t)
		b.commit(put("user", "u1", 0, `{"a":1}`, "label", "x", "site", "y"))
		for _, term := range []string{"", "label", "site"} {
			list, err := b.List(b.Context(), store.Query{Kind: "user", Term: term})
			b.ok(err)
			if len(list) != 1 || !same(list[0], b.record("user", "u1")) {
				b.Fatalf("listed by %q: %+v", term, list)
			}
		}
	})
	t.Run("numbers and times sort as terms", func(t *testing.T) {
		b := open(t)
		var ops []store.Op
		for i, n := range []uint64{256, 0, 1 << 63, 255} {
			p := put("user", fmt.Sprint("u", i), 0, "{}")
			p.Record.Terms = []store.Term{{Name: "n", Value: store.TermUint(n)}, {Name: "t", Value: store.TermTime(epoch.AddDate(-100*i, 0, 0))}}
			ops = append(ops, p)
		}
		b.commit(ops...)
		b.equal("numbers", b.list(store.Query{Kind: "user", Term: "n"}), "u1 u3 u0 u2")
		b.equal("times", b.list(store.Query{Kind: "user", Term: "t"}), "u3 u2 u1 u0")
	})
}
