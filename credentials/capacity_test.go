package credentials_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func TestCapacityCountsWhatThePolicyAllows(t *testing.T) {
	weak := credentials.Policy{AllowWeak: true}
	assert.Equal(t, 10_000, weak.Capacity(4))
	assert.Equal(t, 0, weak.Capacity(8), "a length that is not allowed")
	weak.Reserved = []string{"5824", "5824", "904682"}
	assert.Equal(t, 9_999, weak.Capacity(4))
	weak.Lens = []int{8}
	weak.Reserved = []string{"58240000", "58240000", "5824"}
	assert.Equal(t, 99_999_999, weak.Capacity(8))
}

// Rules: G58
func TestGuessRiskGrowsWithUsersAndGuesses(t *testing.T) {
	for _, c := range []struct {
		codes, n, guesses int
		want              float64
	}{
		{1000, 4, 1, 0.1}, {1000, 4, 3, 0.27}, {1000, 6, 1, 0.001}, {1000, 6, 3, 0.003},
		{0, 4, 3, 0}, {10, 4, 0, 0}, {10_000, 4, 1, 1}, {1, 1, 9, 0.9}, {1, 1, 10, 1}, {1, 1, 11, 1},
	} {
		assert.InDelta(t, c.want, credentials.Rounded(credentials.GuessRisk(c.codes, c.n, c.guesses)), 1e-9, "%+v", c)
	}
}

func TestRoundedKeepsTwoDigits(t *testing.T) {
	for x, want := range map[float64]float64{0: 0, 9283: 9300, 0.2713: 0.27, 7: 7, 99.7: 100, 0.0996: 0.1, 1_000_000: 1_000_000} {
		assert.InDelta(t, want, credentials.Rounded(x), 1e-9, "%v", x)
	}
}

// Capacity does not subtract weak codes of more than six digits; a sample says that
// they are as few as its comment promises. Six digits have about one in a hundred.
func TestLongWeakCodesAreTooFewToCount(t *testing.T) {
	const draws = 50_000
	random := rand.New(rand.NewPCG(1, 2))
	for n, most := range map[int]int{6: draws / 80, 7: draws / 300, 8: draws / 300} {
		weak := 0
		for range draws {
			if anyLength.Check(code(fmt.Sprintf("%0*d", n, random.IntN(int(math.Pow10(n))))), false) != nil {
				weak++
			}
		}
		assert.Positive(t, weak)
		assert.Less(t, weak, most, "%d digits", n)
	}
}
