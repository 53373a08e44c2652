package credentials_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Whoever Decide lets in at a point is listed there, the point is listed for them, and
// nobody and no point else.
//
// Rules: G185, S38
func TestTheRelationReadsTheSameBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := func(name string) bool { return rapid.IntRange(0, 4).Draw(t, name) == 0 }
		anyone := rapid.Custom(func(t *rapid.T) credentials.Subject {
			kind := rapid.SampledFrom([]string{"account", "group", "role"}).Draw(t, "kind")
			return subject(kind, fmt.Sprint(rapid.IntRange(1, 4).Draw(t, "id")))
		})
		var groups []credentials.Group
		for i := range 4 {
			groups = append(groups, credentials.Group{
				ID: fmt.Sprint(i + 1), Disabled: some("off"), Members: rapid.SliceOfN(anyone, 0, 3).Draw(t, "members"),
			})
		}
		var rules []credentials.Rule
		for i := range rapid.IntRange(0, 4).Draw(t, "rules") {
			rules = append(rules, credentials.Rule{
				ID: fmt.Sprint(i), Disabled: some("off"), Who: rapid.SliceOfN(anyone, 0, 3).Draw(t, "who"),
				Points: rapid.SliceOfN(rapid.SampledFrom([]string{"front", "back", "garage"}), 0, 3).Draw(t, "points"),
			})
		}
		access := credentials.NewAccess(groups, rules)
		me := anyone.Filter(func(s credentials.Subject) bool { return s.Kind != "group" }).Draw(t, "me")
		require.ElementsMatch(t, credentials.Expand(groups, me), access.As(me))
		rec := credentials.Record{As: access.As(me), Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: printOf("pin")}}}
		for _, point := range []string{"front", "back", "garage", "nowhere"} {
			p := presents("pin", credentials.Keypad)
			p.Point = point
			want := credentials.Decide(rec, rules, p, trusted(noon)).Granted()
			require.Equal(t, want, credentials.Decide(rec, access.At(point), p, trusted(noon)).Granted(), "by the point's own rules")
			require.Equal(t, want, slices.ContainsFunc(access.Who(point), func(w credentials.Way) bool { return w.Who == me && w.Point == point }), "who at %s", point)
			require.Equal(t, want, slices.ContainsFunc(access.Where(me), func(w credentials.Way) bool { return w.Point == point }), "where")
		}
	})
}

func TestAPointThatARuleNamesTwiceIsOneWay(t *testing.T) {
	rule := credentials.Rule{ID: "r", Who: []credentials.Subject{subject("account", "a1"), subject("account", "a1")}, Points: []string{door, door}}
	access := credentials.NewAccess(nil, []credentials.Rule{rule})
	assert.Len(t, access.Who(door), 1)
	assert.Len(t, access.Where(subject("account", "a1")), 1)
}

func TestWaysNameTheirRule(t *testing.T) {
	access := credentials.NewAccess(
		[]credentials.Group{{ID: "staff", Members: []credentials.Subject{subject("account", "a1"), subject("account", "a2")}}},
		staff(nil))
	var who []string
	for _, w := range access.Who(door) {
		who = append(who, w.Who.ID+" by "+w.Rule.ID)
	}
	assert.Equal(t, []string{"a2 by for others", "a1 by staff", "a2 by staff"}, who)
	var where []string
	for _, w := range access.Where(subject("account", "a2")) {
		where = append(where, w.Point+" by "+w.Rule.ID+" as "+w.Who.ID)
	}
	assert.Equal(t, []string{"front door by for others as a2", "front door by staff as staff", "garage by elsewhere as staff", "garage 2 by staff as staff"}, where)
}
