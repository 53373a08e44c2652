package people_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// Whoever asks, for whatever sites: every account that shares one is on exactly one page, in
// order, with the right total, and visitors in a list of their own.
//
// Rules: R240
func TestListsOfSites(t *testing.T) {
	long := strings.Repeat("s", 61)
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("site-%02d", i)
	}
	readers := map[accounts.ID]accounts.Sites{"north": accounts.TheseSites("north"), "both": accounts.TheseSites("north", "south"),
		"long": accounts.TheseSites(long), "many": accounts.TheseSites(slices.Concat(many, []string{"north"})...), "all": accounts.AllSites(), "none": accounts.TheseSites("nowhere")}
	b := newBench(t, func(o *people.Options) {
		static := accounts.StaticAuthority{"operator": everything}
		for id, sites := range readers {
			static[id] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: sites}
		}
		o.Authority = static
	})
	b.groups()
	host := b.hired("host@example.com", accounts.AllSites())
	have := map[bool][]people.Account{false: {host}}
	for i, of := range []accounts.Sites{accounts.TheseSites("north"), accounts.TheseSites("south"), accounts.TheseSites("north", "south"), accounts.TheseSites("east"),
		accounts.TheseSites(long), accounts.TheseSites(many...), accounts.AllSites(), accounts.TheseSites("north"), accounts.TheseSites("north", "east")} {
		have[false] = append(have[false], b.hired(fmt.Sprintf("%c%d@example.com", 'a'+i%3, i), of))
		v, err := b.op.IssueVisitor(t.Context(), people.NewVisitor{First: "Guest", Host: host.ID, Email: email(t, fmt.Sprintf("v%d@example.com", i)),
			Groups: []string{"anywhere"}, Sites: of, Until: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		have[true] = append(have[true], v.Account)
	}
	for who, sites := range readers {
		for visitors, list := range have {
			for _, prefix := range []string{"", "a", "v"} {
				var want, got []string
				slices.SortFunc(list, func(x, y people.Account) int { return cmp.Compare(x.Email.String(), y.Email.String()) })
				for _, a := range list {
					if (sites.All() || sites.Overlaps(a.Sites)) && strings.HasPrefix(a.Email.String(), prefix) {
						want = append(want, a.Email.String())
					}
				}
				read := b.as(who).Accounts
				if visitors {
					read = b.as(who).Visitors
				}
				s := people.Search{Prefix: prefix, Limit: 2}
				for {
					page, err := read(t.Context(), s)
					require.NoError(t, err)
					require.Equal(t, int64(len(want)), page.Total, "%s %v %q", who, visitors, prefix)
					for _, a := range page.Accounts {
						got = append(got, a.Email.String())
					}
					if s.After = page.Next; s.After == "" {
						break
					}
				}
				assert.Equal(t, want, got, "%s %v %q", who, visitors, prefix)
			}
		}
	}
}

// The store is asked for the accounts of the reader's sites, not for all of them.
//
// Rules: R240
func TestTheStoreIsAskedForTheReadersSites(t *testing.T) {
	b := newBench(t)
	for i := range 20 {
		b.hired(fmt.Sprintf("s%d@example.com", i), accounts.TheseSites("south"))
	}
	b.hired("n@example.com", accounts.TheseSites("north"))
	lists := 0
	b.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.List {
			lists++
		}
		return storetest.Pass
	})
	page, err := b.as("north").Accounts(t.Context(), people.Search{Limit: 1})
	require.NoError(t, err)
	assert.Equal(t, int64(1), page.Total)
	assert.Equal(t, 4, lists, "one for the site and one for accounts of several, to count and to show")
}
