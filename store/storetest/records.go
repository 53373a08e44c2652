package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

func testRecords(t *testing.T, open opener) {
	t.Run("a put is loaded as it was written", func(t *testing.T) {
		b := open(t)
		p := put("user", "u1", 0, `{"n":1}`, "site", "north", "label", "Front")
		p.Record.Terms = append(p.Record.Terms, store.Term{Name: "unlisted"})
		b.commit(p)
		want := p.Record
		want.Version = 1
		if got := b.record("user", "u1"); !same(got, want) {
			b.Fatalf("got %+v, want %+v", got, want)
		}
	})
	t.Run("a missing record has version 0", func(t *testing.T) {
		b := open(t)
		b.commit(put("user", "u1", 0, "{}"))
		r, err := b.Load(b.Context(), store.Key{Kind: "user", ID: "none"}, store.Key{Kind: "user", ID: "u1"}, store.Key{Kind: "panel", ID: "u1"})
		b.ok(err)
		b.equal("records", len(r), 3)
		b.equal("versions", []uint64{r[0].Version, r[1].Version, r[2].Version}, []uint64{0, 1, 0})
		b.equal("key of a missing record", r[0].Key, store.Key{Kind: "user", ID: "none"})
	})
	t.Run("load keeps the order and repeats a key", func(t *testing.T) {
		b := open(t)
		b.commit(put("user", "a", 0, "A"), put("user", "b", 0, "B"))
		r, err := b.Load(b.Context(), store.Key{Kind: "user", ID: "b"}, store.Key{Kind: "user", ID: "a"}, store.Key{Kind: "user", ID: "b"})
		b.ok(err)
		b.equal("bodies", []string{string(r[0].Body), string(r[1].Body), string(r[2].Body)}, []string{"B", "A", "B"})
		r, err = b.Load(b.Context())
		b.ok(err)
		b.equal("records of no key", len(r), 0)
	})
	t.Run("every put adds one to the version", func(t *testing.T) {
		b := open(t)
		for v := range uint64(5) {
			b.commit(put("user", "u1", v, "{}"))
			b.equal("version", b.record("user", "u1").Version, v+1)
		}
	})
	t.Run("another version is stale", func(t *testing.T) {
		b := open(t)
		b.refused(store.ErrStale, 0, put("user", "u1", 1, "{}"))
		b.refused(store.ErrStale, 0, drop("user", "u1", 1))
		b.refused(store.ErrStale, 0, check("user", "u1", 1))
		b.commit(put("user", "u1", 0, "first"))
		b.commit(put("user", "u1", 1, "second"))
		for _, v := range []uint64{0, 1, 3} {
			b.refused(store.ErrStale, 0, put("user", "u1", v, "never"))
			b.refused(store.ErrStale, 0, check("user", "u1", v))
		}
		for _, v := range []uint64{1, 3} {
			b.refused(store.ErrStale, 0, drop("user", "u1", v))
		}
		b.equal("body", string(b.record("user", "u1").Body), "second")
	})
	t.Run("check passes at the version that was seen", func(t *testing.T) {
		b := open(t)
		b.commit(check("user", "u1", 0), put("user", "u2", 0, "{}"))
		b.commit(check("user", "u2", 1))
		b.equal("version after a check", b.record("user", "u2").Version, uint64(1))
	})
	t.Run("a dropped record is gone and may come again", func(t *testing.T) {
		b := open(t)
		b.commit(put("user", "u1", 0, "{}", "site", "north"))
		b.commit(drop("user", "u1", 1))
		b.equal("version", b.record("user", "u1").Version, uint64(0))
		b.commit(check("user", "u1", 0))
		b.commit(put("user", "u1", 0, "again"))
		b.equal("body", string(b.record("user", "u1").Body), "again")
		list, err := b.List(b.Context(), store.Query{Kind: "user", Term: "site"})
		b.ok(err)
		b.equal("listed by the old term", len(list), 0)
	})
	t.Run("what is loaded belongs to the caller", func(t *testing.T) {
		b := open(t)
		p := put("user", "u1", 0, "body", "site", "north")
		b.commit(p)
		p.Record.Body[0], p.Record.Terms[0].Value[0] = 'X', 'X'
		r := b.record("user", "u1")
		r.Body[0], r.Terms[0].Value[0] = 'Y', 'Y'
		r = b.record("user", "u1")
		b.equal("body", string(r.Body), "body")
		b.equal("term", string(r.Terms[0].Value), "north")
	})
	t.Run("kinds and ids do not mix", func(t *testing.T) {
		b := open(t)
		b.commit(put("ab", "c", 0, "1"), put("a", "bc", 0, "2"), put("a", "b/c", 0, "3"))
		for key, body := range map[store.Key]string{{Kind: "ab", ID: "c"}: "1", {Kind: "a", ID: "bc"}: "2", {Kind: "a", ID: "b/c"}: "3"} {
			b.equal(key.String(), string(b.record(key.Kind, key.ID).Body), body)
		}
	})
	t.Run("the order of operations means nothing", func(t *testing.T) {
		b := open(t)
		ops := []store.Op{
			put("user", "z", 0, "{}"), store.Count{Counter: "c", By: 1, Max: 1}, store.Claim{Name: "n", Holder: "h", Use: "u"},
			put("user", "a", 0, "{}"), store.Mark{Line: "l/1"}, check("user", "m", 0),
		}
		slices.Reverse(ops)
		b.commit(ops...)
		slices.Reverse(ops)
		c := b.change(ops...)
		_, err := b.Commit(b.Context(), c)
		op, ok := errors.AsType[*store.OpError](err)
		if !ok || c.Ops[op.Index].Target() != op.Op.Target() {
			b.Fatalf("Commit: %v, want a refusal with its place", err)
		}
	})
	t.Run("contract", func(t *testing.T) {
		b := open(t)
		b.equal("Contract()", b.Contract(), store.Contract)
	})
}
