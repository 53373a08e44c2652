package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func reserves(rule credentials.Near, digits string, duress bool) []string {
	var out []string
	for _, c := range (credentials.Policy{Near: []credentials.Near{rule}}).Reserves(code(digits), duress) {
		out = append(out, c.Reveal())
	}
	return out
}

// Rules: D7
func TestNeighboursByMaker(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   credentials.Near
		digits string
		duress bool
		want   []string
	}{
		{"dsc", credentials.NearDSC(), "1235", true, []string{"1234", "1236"}},
		{"dsc, ordinary", credentials.NearDSC(), "1235", false, nil},
		{"dsc, carry read both ways", credentials.NearDSC(), "1239", true, []string{"1230", "1238", "1240"}},
		{"dsc, first", credentials.NearDSC(), "0000", true, []string{"0001", "0009"}},
		{"dsc, last", credentials.NearDSC(), "9999", true, []string{"9990", "9998"}},
		{"bosch", credentials.NearBosch(), "1235", false, []string{"1233", "1234", "1236", "1237"}},
		{"bosch, round", credentials.NearBosch(), "1239", true, []string{"1230", "1231", "1237", "1238"}},
		{"spc + 1", credentials.NearSPC(1), "1239", false, []string{"1238", "1240"}},
		{"spc + 2", credentials.NearSPC(2), "1239", false, []string{"1237", "1238", "1240", "1241"}},
		{"spc, last", credentials.NearSPC(2), "9999", false, []string{"9997", "9998"}},
		{"ademco", credentials.NearAdemco(), "1239", false, []string{"1238"}},
		{"ademco, low", credentials.NearAdemco(), "1230", false, []string{"1231"}},
		{"roger", credentials.NearRoger(), "1230", false, []string{"1231", "1239"}},
		{"tac", credentials.NearTAC(), "1234", false, []string{"1239"}},
		{"tac, itself", credentials.NearTAC(), "1239", false, []string{"1230", "1231", "1232", "1233", "1234", "1235", "1236", "1237", "1238"}},
		{"typo", credentials.NearTypo(), "12", true, []string{"02", "10", "11", "13", "14", "15", "16", "17", "18", "19", "22", "32", "42", "52", "62", "72", "82", "92"}},
		{"typo, ordinary", credentials.NearTypo(), "12", false, nil},
		{"long", credentials.NearDSC(), "9999999999999999", true, []string{"9999999999999990", "9999999999999998"}},
	} {
		assert.Equal(t, c.want, reserves(c.rule, c.digits, c.duress), c.name)
	}
	assert.Empty(t, credentials.Policy{Near: []credentials.Near{credentials.NearDSC()}}.Reserves(credentials.Code{}, true))
}

func TestNeighboursAreCodesOfTheSameLength(t *testing.T) {
	rules := []credentials.Near{
		credentials.NearDSC(), credentials.NearBosch(), credentials.NearSPC(2), credentials.NearAdemco(), credentials.NearRoger(), credentials.NearTAC(),
	}
	rapid.Check(t, func(t *rapid.T) {
		c := code(rapid.StringMatching(`[0-9]{1,16}`).Draw(t, "code"))
		seen := map[string]bool{c.Reveal(): true}
		for _, n := range (credentials.Policy{Near: rules}).Reserves(c, rapid.Bool().Draw(t, "duress")) {
			assert.False(t, seen[n.Reveal()], "once each, and never the code itself")
			seen[n.Reveal()] = true
			assert.Equal(t, c.Len(), n.Len())
			assert.Equal(t, code(n.Reveal()), n)
		}
	})
}

// Whoever would reserve mine is reserved by me, so it is enough to ask about one's own.
func TestNeighboursAreMutual(t *testing.T) {
	for _, rule := range []credentials.Near{credentials.NearDSC(), credentials.NearBosch(), credentials.NearSPC(2), credentials.NearAdemco(), credentials.NearRoger(), credentials.NearTAC(), credentials.NearTypo()} {
		rapid.Check(t, func(t *rapid.T) {
			c := rapid.StringMatching(`[0-9]{4}`).Draw(t, "code")
			for _, n := range reserves(rule, c, true) {
				assert.Contains(t, reserves(rule, n, true), c)
			}
		})
	}
}
