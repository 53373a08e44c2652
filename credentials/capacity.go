package credentials

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Capacity is how many codes of n digits the policy allows, 0 if it does not allow the
// length. It is exact up to six digits; beyond, weak codes (less than 1 in 300) are not
// subtracted. Reservations of neighbours are not counted. It tells about codes that
// work, so it needs a right; show it through [Rounded].
func (p Policy) Capacity(n int) int {
	if !slices.Contains(p.lens(), n) {
		return 0
	}
	space := int(math.Pow10(n))
	if n > 6 {
		return space - len(slices.DeleteFunc(union(p.Reserved, nil), func(s string) bool { return len(s) != n }))
	}
	free := 0
	for i := range space {
		if p.check(fmt.Sprintf("%0*d", n, i), false) == nil {
			free++
		}
	}
	return free
}

// GuessRisk is the chance that one of so many different guesses of n digits opens
// something when so many codes are in use: 1,000 codes of 4 digits and 3 guesses give
// 0.27. It needs a right, like [Policy.Capacity].
func GuessRisk(inUse, n, guesses int) float64 {
	space, miss := math.Pow10(n), 1.0
	for i := range guesses {
		left := space - float64(i)
		if left <= float64(inUse) {
			return 1
		}
		miss *= (left - float64(inUse)) / left
	}
	return 1 - miss
}

// Rounded keeps two digits of a figure that must not tell more: 9,283 becomes 9,300 and
// 0.2713 becomes 0.27.
func Rounded(x float64) float64 {
	two, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 2, 64), 64) // what Format wrote always parses
	return two
}
