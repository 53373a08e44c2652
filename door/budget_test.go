package door_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// guessing requires that the site's alarm is raised by the wrong code of that number.
func (w *world) guessing(n int, msg string) {
	w.t.Helper()
	w.wrong(n - 1)
	require.Empty(w.t, w.entries("main", audit.DoorGuessing), msg)
	w.wrong(1)
	require.Len(w.t, w.entries("main", audit.DoorGuessing), 1, msg)
}

// A site's budget of wrong codes comes from the codes that open something there: who has
// none there, cards, and what was taken away make it no smaller.
//
// Rules: G199
func TestTheBudgetIsOfTheSitesOwnCodes(t *testing.T) {
	many := func(w *world, role string) {
		for i := range 10 {
			id := fmt.Sprint("tenant", i)
			w.account(id)
			w.changeAccount(id, func(a *accounts.Account) { a.Roles = []string{role} })
			w.give(id, rec.PIN, fmt.Sprint(1000+i))
		}
	}
	for name, row := range map[string]struct {
		people func(w *world)
		want   int
	}{
		"no codes": {func(*world) {}, 500},
		"one": {func(w *world) {
			w.account("guest")
			w.give("guest", rec.PIN, "4826")
		}, 100},
		"two and a card": {(*world).cleaner, 50},
		"two, and ten elsewhere": {func(w *world) {
			w.cleaner()
			many(w, "tenant")
			w.rule(rec.Rule{ID: "tenants", Site: "elsewhere", Points: []string{"back"}, Who: []credentials.Subject{{Kind: "role", ID: "tenant"}}})
		}, 50},
		"one is taken away": {func(w *world) {
			w.cleaner()
			w.change("cleaner", rec.DuressPIN, func(c *rec.Credential) { c.Disabled = true })
		}, 100},
		"two, and ten in a group": {func(w *world) {
			w.cleaner()
			many(w, "tenant")
			put(w, rec.Groups, "team", func(g *rec.Group) { g.ID, g.Members = "team", []credentials.Subject{{Kind: "role", ID: "tenant"}} })
			w.rule(rec.Rule{ID: "tenants", Site: "site", Points: []string{"front"}, Who: []credentials.Subject{{Kind: "group", ID: "team"}}})
		}, 20},
	} {
		w := newWorld(t, func(o *door.Options) { o.Policy.Wrong = 1000 })
		row.people(w)
		w.guessing(row.want, name)
	}
	w, host := newHost(t)
	w.opts.Policy.Wrong = 1000
	w.open()
	for i, p := range []string{"4826", "4830"} {
		id := accounts.ID(fmt.Sprint("stranger", i))
		host.StaticDirectory = append(host.StaticDirectory, accounts.Person{ID: id, Status: accounts.StatusActive})
		w.give(string(id), rec.PIN, p)
	}
	w.guessing(50, "the host's own people")
}

// The codes are not counted for every wrong one: anew only when a rule has changed, and
// every hour.
func TestCodesAreCountedOnceAnHour(t *testing.T) {
	w := newWorld(t, func(o *door.Options) { o.Policy.Wrong = 1000 })
	w.cleaner()
	lists := func() (n int) {
		w.failing(func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.List || c.Verb == storetest.Tally {
				n++
			}
			return storetest.Pass
		})
		defer w.failing(nil)
		w.wrong(1)
		return n
	}
	first, second := lists(), lists()
	require.Less(t, second, first)
	require.Equal(t, second, lists())
	w.rule(rec.Rule{ID: "another", Site: "site", Points: []string{"front"}, Who: []credentials.Subject{{Kind: "role", ID: "staff"}}})
	require.Equal(t, first, lists())
	require.Equal(t, second, lists())
	w.later(time.Hour)
	require.Equal(t, first, lists())
	require.Equal(t, second, lists())
}
