package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

func testTenants(t *testing.T, open opener) {
	// other returns another tenant of the same fleet.
	other := func(b *bench, id string) *bench {
		s, err := b.fleet.Tenant(id)
		b.ok(err)
		return &bench{T: b.T, Store: s, fleet: b.fleet}
	}
	t.Run("nothing is seen of another tenant", func(t *testing.T) {
		b := open(t)
		poisonable(b)
		o := other(b, "other")
		blank := o.snapshot()
		b.equal("records", len(blank.Listed), 0)
		b.equal("lines", len(blank.Lines), 0)
		b.equal("entries", len(blank.Entries), 0)
		b.equal("size of the log", blank.Size, int64(0))
		before := b.snapshot()
		poisonable(o) // the same ids, names, counters and lines again
		o.commit(good()...)
		o.sequence()
		b.equal("the first tenant", b.snapshot(), before)
		e := o.entries(store.EntryQuery{ByIndex: true, Limit: 1})
		b.equal("a log of its own", e[0].Index, int64(0))
	})
	t.Run("a change is remembered for its tenant", func(t *testing.T) {
		b := open(t)
		c := store.Change{ID: "c1", Ops: []store.Op{store.Mark{Line: "l"}}}
		b.send(c)
		r := other(b, "other").send(c)
		b.equal("again", r.Again, false)
	})
	t.Run("tenants that have something", func(t *testing.T) {
		b := open(t)
		list := func() []string {
			ids, err := b.fleet.Tenants(b.Context())
			b.ok(err)
			return ids
		}
		b.equal("none", len(list()), 0)
		other(b, "idle").snapshot()
		other(b, "z-1").commit(put("user", "u1", 0, "{}"))
		other(b, "a_2").mark("l", time.Time{})
		other(b, "own").own("n1", "l")
		b.equal("tenants", list(), []string{"a_2", "own", "z-1"})
	})
	t.Run("a node that beats for one tenant lives for all", func(t *testing.T) {
		b := open(t)
		b.beat("n1", long)
		o := other(b, "other")
		o.own("n1", "l")
		if _, err := o.Own(b.Context(), "n2", "l"); !errors.Is(err, store.ErrOwned) {
			b.Fatalf("Own: %v, want ErrOwned", err)
		}
	})
	t.Run("ids", func(t *testing.T) {
		b := open(t)
		for _, id := range []string{"a", "0", "-", "_", strings.Repeat("a", 64)} {
			if _, err := b.fleet.Tenant(id); err != nil {
				b.Fatalf("Tenant(%q): %v", id, err)
			}
		}
		for _, id := range []string{"", "A", "a b", "a/b", "é", "a\x00", strings.Repeat("a", 65)} {
			if _, err := b.fleet.Tenant(id); !errors.Is(err, store.ErrTenant) {
				b.Fatalf("Tenant(%q): %v, want ErrTenant", id, err)
			}
		}
	})
}
