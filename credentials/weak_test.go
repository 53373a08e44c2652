package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

var anyLength = credentials.Policy{Lens: []int{1, 2, 3, 4, 5, 6, 7, 8}}

func TestCodesThatAreGuessedFirstAreWeak(t *testing.T) {
	for shape, codes := range map[string][]string{
		"one digit":        {"0000", "777777", "11111111"},
		"runs":             {"1234", "4321", "8901", "0987", "345678", "87654321", "789012"},
		"steps of two":     {"2468", "8642", "1357", "97531"},
		"two digits":       {"112122", "000001", "33323232"},
		"repeated":         {"1212", "123123", "58245824"},
		"mirrored":         {"1221", "582285", "12321"},
		"doubled":          {"1122", "554433", "99887766"},
		"round":            {"1000", "50000", "700000"},
		"years":            {"1984", "1900", "2026", "2099"},
		"months and years": {"121984", "198412", "012026"},
		"dates":            {"13051984", "05131984", "19840513", "31122026"},
		"around the keys":  {"1236", "3698", "9874", "7412", "147896"},
		"corners":          {"1397", "1793", "9713"},
		"cross":            {"2684", "2486"},
		"middle column":    {"2580", "0852"},
		"lines of keys":    {"147258", "159357", "963852", "123789"},
	} {
		for _, c := range codes {
			assert.ErrorIs(t, anyLength.Check(code(c), false), credentials.ErrWeak, "%s: %s", shape, c)
		}
	}
	for _, c := range []string{"5824", "9046", "2193", "4071", "90462", "582913", "130584", "131984", "58291346", "13131984", "32121984"} {
		assert.NoError(t, anyLength.Check(code(c), false), c)
	}
}

// The rules must not eat the space away: a policy that refuses much is guessed faster,
// not slower. The figures are counted here and stated so that nobody widens a rule
// unawares.
func TestWeakCodesAreFew(t *testing.T) {
	for n, want := range map[int]int{4: 561, 5: 1089} {
		space := 1
		for range n {
			space *= 10
		}
		assert.Equal(t, want, space-anyLength.Capacity(n), "weak codes of %d digits", n)
	}
}
