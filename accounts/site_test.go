package accounts_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Rules: G188
func TestSitesAreAllOrThese(t *testing.T) {
	var none accounts.Sites
	one := accounts.TheseSites("s1")
	all := accounts.AllSites()
	for _, c := range []struct {
		sites accounts.Sites
		has   map[string]bool
		text  string
		json  string
	}{
		{none, map[string]bool{"s1": false, "": false}, "no sites", `{"these":[]}`},
		{accounts.TheseSites(), map[string]bool{"s1": false, "": false}, "no sites", `{"these":[]}`},
		{one, map[string]bool{"s1": true, "s2": false, "": false}, "s1", `{"these":["s1"]}`},
		{accounts.TheseSites("s2", "s1", "", "s2"), map[string]bool{"s1": true, "s2": true, "": false}, "s1, s2", `{"these":["s1","s2"]}`},
		{all, map[string]bool{"s1": true, "": true}, "all sites", `{"all":true}`},
	} {
		for site, want := range c.has {
			assert.Equal(t, want, c.sites.Has(site), "%s has %q", c.text, site)
		}
		assert.Equal(t, c.text, c.sites.String())
		b, err := json.Marshal(c.sites)
		require.NoError(t, err)
		assert.Equal(t, c.json, string(b))
		var back accounts.Sites
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, c.text, back.String())
		assert.Equal(t, c.text == "no sites", c.sites.None())
		assert.Equal(t, c.text == "all sites", c.sites.All())
	}
	assert.True(t, one.Without("s1").None(), "without its last site it leads nowhere")
	assert.False(t, one.Without("s1").All())
	assert.True(t, all.Without("s1").All(), "all cannot be made fewer by naming one")
	assert.Equal(t, []string{"s1"}, one.IDs())
	assert.Nil(t, all.IDs())
}

// Rules: G188
func TestARestrictionThatIsNotUnderstoodIsRefused(t *testing.T) {
	for _, bad := range []string{
		`{}`, `null`, `{"all":false}`, `{"all":null}`, `{"all":true,"these":[]}`, `{"these":null}`, `{"these":[""]}`, `{"these":"s1"}`,
		`{"all":true,"but":["s1"]}`, `"all"`, `[]`,
	} {
		s := accounts.TheseSites("before")
		assert.ErrorIs(t, json.Unmarshal([]byte(bad), &s), accounts.ErrSites, bad)
		assert.Equal(t, "before", s.String(), bad)
	}
}

func drawSites(t *rapid.T, name string) accounts.Sites {
	if rapid.IntRange(0, 4).Draw(t, name+" all") == 0 {
		return accounts.AllSites()
	}
	return accounts.TheseSites(rapid.SliceOf(rapid.SampledFrom([]string{"s1", "s2", "s3", "s4"})).Draw(t, name)...)
}

func TestSitesAsSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSites(t, "a"), drawSites(t, "b")
		gone := rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, "gone")
		was := a.String()
		overlap := false
		for _, site := range []string{"s1", "s2", "s3", "s4", "s5"} {
			assert.Equal(t, a.Has(site) && b.Has(site), a.Meet(b).Has(site))
			overlap = overlap || a.Has(site) && b.Has(site)
			if !a.All() {
				assert.Equal(t, a.Has(site) && site != gone, a.Without(gone).Has(site))
			}
		}
		assert.Equal(t, overlap, a.Overlaps(b))
		assert.Equal(t, was, a.String(), "nothing changes a value")
		assert.True(t, slices.IsSorted(a.IDs()))
	})
}
