package storetest

import (
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

func hold(n store.Name, holder, use string) store.Claim {
	return store.Claim{Name: n, Holder: holder, Use: use}
}

func reserve(n store.Name, holder, use string) store.Claim {
	return store.Claim{Name: n, Holder: holder, Use: use, Reserve: true}
}

func release(n store.Name, holder, use string) store.Release {
	return store.Release{Name: n, Holder: holder, Use: use}
}

func testClaims(t *testing.T, open opener) {
	t.Run("a free name", func(t *testing.T) {
		b := open(t)
		b.equal("unknown", b.held("n"), store.Held{Name: "n"})
		b.commit(hold("n", "anyone", "slot/1"))
		b.equal("held", b.held("n"), store.Held{Name: "n", Holder: "anyone", Uses: []string{"slot/1"}})
		held, err := b.Holders(b.Context(), "x", "n", "x")
		b.ok(err)
		b.equal("in order", []string{held[0].Holder, held[1].Holder, held[2].Holder}, []string{"", "anyone", ""})
	})
	// The four cases: who comes second, against what the first one did.
	for _, c := range []struct {
		name          string
		first, second store.Claim
		taken         bool
	}{
		{"hold excludes a foreign hold", hold("n", "h1", "u"), hold("n", "h2", "u"), true},
		{"hold excludes a foreign reservation", hold("n", "h1", "u"), reserve("n", "h2", "u"), true},
		{"reservation excludes a foreign hold", reserve("n", "h1", "u"), hold("n", "h2", "u"), true},
		{"reservations are shared", reserve("n", "h1", "u"), reserve("n", "h2", "u"), false},
		{"hold and own hold", hold("n", "h1", "u"), hold("n", "h1", "v"), false},
		{"hold and own reservation", hold("n", "h1", "u"), reserve("n", "h1", "u"), false},
		{"reservation and own hold", reserve("n", "h1", "u"), hold("n", "h1", "u"), false},
		{"reservation and own reservation", reserve("n", "h1", "u"), reserve("n", "h1", "v"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			b.commit(c.first)
			if !c.taken {
				b.commit(c.second)
				return
			}
			before := b.held("n")
			b.refused(store.ErrTaken, 0, c.second)
			b.equal("holder", b.held("n"), before)
		})
	}
	t.Run("own reservation among foreign ones does not hold", func(t *testing.T) {
		b := open(t)
		b.commit(reserve("n", "h1", "u"))
		b.commit(reserve("n", "h2", "u"))
		b.refused(store.ErrTaken, 0, hold("n", "h1", "u"))
		b.commit(store.Release{Name: "n", Holder: "h2", Use: "u", Reserve: true})
		b.commit(hold("n", "h1", "u"))
	})
	t.Run("free when the last use goes", func(t *testing.T) {
		b := open(t)
		b.commit(hold("n", "h1", "slot/1"))
		b.commit(hold("n", "h1", "lock/1"))
		b.commit(hold("n", "h1", "slot/1")) // the same use twice is one
		b.equal("uses are sorted", b.held("n").Uses, []string{"lock/1", "slot/1"})
		b.commit(release("n", "h1", "slot/1"))
		b.refused(store.ErrTaken, 0, hold("n", "h2", "u"))
		b.commit(release("n", "h1", "lock/1"))
		b.equal("free", b.held("n"), store.Held{Name: "n"})
		b.commit(hold("n", "h2", "u"))
	})
	t.Run("release of what is not there changes nothing", func(t *testing.T) {
		b := open(t)
		b.commit(release("n", "h1", "u"))
		b.equal("nothing", b.held("n"), store.Held{Name: "n"})
		b.commit(hold("n", "h1", "u"))
		b.commit(release("n", "h1", "other"))
		b.commit(release("n", "h2", "u"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", Reserve: true})
		b.equal("held", b.held("n"), store.Held{Name: "n", Holder: "h1", Uses: []string{"u"}})
	})
	t.Run("reservers are listed and leave one by one", func(t *testing.T) {
		b := open(t)
		b.commit(reserve("n", "h2", "u"))
		b.commit(reserve("n", "h1", "v"))
		b.commit(reserve("n", "h1", "u"))
		b.equal("sorted", b.held("n").Reservers, []store.Reserver{{Holder: "h1", Use: "u"}, {Holder: "h1", Use: "v"}, {Holder: "h2", Use: "u"}})
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "v", Reserve: true})
		b.equal("less one", b.held("n").Reservers, []store.Reserver{{Holder: "h1", Use: "u"}, {Holder: "h2", Use: "u"}})
	})
	t.Run("hand-over moves every use", func(t *testing.T) {
		b := open(t)
		b.commit(hold("n", "slot", "a"))
		b.commit(hold("n", "slot", "b"))
		b.commit(reserve("n", "slot", "c"))
		b.refused(store.ErrTaken, 0, store.Claim{Name: "n", Holder: "person", Use: "d", From: "stranger"})
		b.commit(store.Claim{Name: "n", Holder: "person", Use: "d", From: "slot"})
		b.equal("handed over", b.held("n"), store.Held{Name: "n", Holder: "person", Uses: []string{"a", "b", "d"}, Reservers: []store.Reserver{{Holder: "person", Use: "c"}}})
		b.refused(store.ErrTaken, 0, hold("n", "slot", "a"))
		b.commit(store.Claim{Name: "free", Holder: "person", Use: "d", From: "slot"})
		b.equal("hand-over of a free name", b.held("free").Holder, "person")
	})
	t.Run("a resting name waits for its last holder", func(t *testing.T) {
		b := open(t)
		until := time.Now().Add(100 * time.Hour).UTC().Round(0)
		b.commit(hold("n", "h1", "u"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", RestUntil: until})
		h := b.held("n")
		if h.Holder != "" || h.RestsFor != "h1" || !h.RestUntil.Equal(until) {
			b.Fatalf("resting: %+v", h)
		}
		b.refused(store.ErrTaken, 0, hold("n", "h2", "u"))
		b.refused(store.ErrTaken, 0, reserve("n", "h2", "u"))
		b.commit(hold("n", "h1", "u"))
		b.equal("rest over", b.held("n"), store.Held{Name: "n", Holder: "h1", Uses: []string{"u"}})
	})
	t.Run("a rest in the past is none", func(t *testing.T) {
		b := open(t)
		b.commit(hold("n", "h1", "u"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", RestUntil: epoch.AddDate(-50, 0, 0)})
		b.commit(hold("n", "h2", "u"))
	})
	t.Run("a rest is ended by its holder", func(t *testing.T) {
		b := open(t)
		b.commit(hold("n", "h1", "u"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", RestUntil: time.Now().Add(100 * time.Hour)})
		b.commit(store.Release{Name: "n", Holder: "h2", Use: "u", EndRest: true})
		b.commit(release("n", "h1", "u"))
		b.refused(store.ErrTaken, 0, hold("n", "h2", "u"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", EndRest: true})
		b.commit(hold("n", "h2", "u"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", EndRest: true})
		b.equal("held by another", b.held("n").Holder, "h2")
	})
	t.Run("a rest begins with the last use", func(t *testing.T) {
		b := open(t)
		until := time.Now().Add(100 * time.Hour)
		b.commit(hold("n", "h1", "u"))
		b.commit(hold("n", "h1", "v"))
		b.commit(store.Release{Name: "n", Holder: "h1", Use: "u", RestUntil: until})
		b.equal("still held", b.held("n"), store.Held{Name: "n", Holder: "h1", Uses: []string{"v"}})
		b.commit(release("n", "h1", "v"))
		b.commit(hold("n", "h2", "u"))
	})
	t.Run("names swap in one change", func(t *testing.T) {
		b := open(t)
		b.commit(hold("a", "h1", "u"), hold("b", "h2", "u"))
		b.commit(store.Claim{Name: "a", Holder: "h2", Use: "u", From: "h1"}, store.Claim{Name: "b", Holder: "h1", Use: "u", From: "h2"})
		b.equal("a", b.held("a").Holder, "h2")
		b.equal("b", b.held("b").Holder, "h1")
	})
}
