package people_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// A list is filtered by everything that it shows, for whoever reads it, page by page, with
// the right total.
//
// Rules: S9, S11
func TestAListIsFiltered(t *testing.T) {
	b := newBench(t, func(o *people.Options) {
		o.Authority = accounts.StaticAuthority{"operator": everything, "second": everything,
			"north": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("north")}}
	})
	second := b.as("second")
	now := time.Now()
	add := func(op *people.Operator, username, first, phone, role string, in accounts.Sites, signed time.Time) people.Account {
		t.Helper()
		a, err := op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, username+"@example.com"), Username: username, First: first, Last: "Mill",
			Phone: phone, Roles: []string{role}, Sites: in})
		require.NoError(t, err)
		if !signed.IsZero() {
			core := &flow.Core{Store: b.store, Keys: b.keys}
			_, err := core.Act(t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
				return flow.Put(u, rec.Seens, rec.SignedIn(string(a.ID)), &rec.Seen{At: signed})
			})
			require.NoError(t, err)
		}
		return a
	}
	attic := add(b.op, "attic", "Attic", "+12025550101", "user", sites, now.Add(-time.Hour))
	add(b.op, "barn", "Barn", "+12025550102", "viewer", sites, time.Time{})
	add(second, "cellar", "Cellar", "+4930123456", "user", accounts.TheseSites("south"), now.Add(-48*time.Hour))
	den := add(second, "den", "Den", "", "user", accounts.AllSites(), time.Time{})
	_, err := b.op.Suspend(t.Context(), den.ID, "")
	require.NoError(t, err)
	day := now.Add(-24 * time.Hour)
	for name, c := range map[string]struct {
		filter     people.Filter
		all, north []string
	}{
		"nothing":             {people.Filter{}, []string{"attic", "barn", "cellar", "den"}, []string{"attic", "barn", "den"}},
		"a name":              {people.Filter{Name: " aTTic"}, []string{"attic"}, []string{"attic"}},
		"a last name":         {people.Filter{Name: "mill"}, []string{"attic", "barn", "cellar", "den"}, []string{"attic", "barn", "den"}},
		"a phone number":      {people.Filter{Phone: "202555"}, []string{"attic", "barn"}, []string{"attic", "barn"}},
		"a role":              {people.Filter{Role: "viewer"}, []string{"barn"}, []string{"barn"}},
		"a state":             {people.Filter{State: accounts.Suspended}, []string{"den"}, []string{"den"}},
		"a creator":           {people.Filter{Creator: "second"}, []string{"cellar", "den"}, []string{"den"}},
		"signed in lately":    {people.Filter{SignedInSince: day}, []string{"attic"}, []string{"attic"}},
		"not lately":          {people.Filter{NotSignedInSince: day}, []string{"barn", "cellar", "den"}, []string{"barn", "den"}},
		"once, not lately":    {people.Filter{SignedInSince: now.Add(-72 * time.Hour), NotSignedInSince: day}, []string{"cellar"}, nil},
		"keyword, a username": {people.Filter{Keyword: "BARN"}, []string{"barn"}, []string{"barn"}},
		"keyword, a number":   {people.Filter{Keyword: "4930"}, []string{"cellar"}, nil},
		"keyword, an address": {people.Filter{Keyword: "@example"}, []string{"attic", "barn", "cellar", "den"}, []string{"attic", "barn", "den"}},
		"together":            {people.Filter{Keyword: "mill", Role: "user", State: accounts.Active}, []string{"attic", "cellar"}, []string{"attic"}},
		"no such":             {people.Filter{Keyword: "zzz"}, nil, nil},
	} {
		for who, want := range map[accounts.ID][]string{"operator": c.all, "north": c.north} {
			var got []string
			s := people.Search{Limit: 1, Filter: c.filter}
			for {
				page, err := b.as(who).Accounts(t.Context(), s)
				require.NoError(t, err, name)
				assert.Equal(t, int64(len(want)), page.Total, "%s %s", who, name)
				for _, a := range page.Accounts {
					got = append(got, a.Username)
					assert.Equal(t, a.ID == attic.ID, a.SignedIn.After(day), name)
				}
				if s.After = page.Next; s.After == "" {
					break
				}
			}
			assert.Equal(t, want, got, "%s %s", who, name)
		}
	}
	v, err := b.op.Account(t.Context(), attic.ID)
	require.NoError(t, err)
	assert.WithinDuration(t, now.Add(-time.Hour), v.SignedIn, time.Second)
	assert.Equal(t, accounts.ID("operator"), v.Creator)

	b.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Load {
			return storetest.Fail
		}
		return storetest.Pass
	})
	_, err = b.op.Accounts(t.Context(), people.Search{Filter: people.Filter{SignedInSince: day}})
	require.Error(t, err, "what cannot be read is not left out")
}
