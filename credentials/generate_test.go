package credentials_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// bytesFrom is a stream of bytes that is the same at every run.
func bytesFrom(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// Rules: S28
func TestGeneratedCodesAreAllowedAndFree(t *testing.T) {
	p := credentials.Policy{Reserved: []string{"5824"}, AllowWeak: true}
	taken := func(c credentials.Code) bool { return c.Reveal()[0] == '9' }
	r := bytesFrom(1)
	for range 20_000 {
		c, err := credentials.Generate(r, 4, p, taken)
		require.NoError(t, err)
		require.NoError(t, credentials.Policy{}.Check(c, false), "never weak, whatever the policy allows")
		require.NotEqual(t, "5824", c.Reveal())
		require.False(t, taken(c))
	}
	a, err := credentials.Generate(nil, 6, p, nil)
	require.NoError(t, err)
	b, err := credentials.Generate(nil, 6, p, nil)
	require.NoError(t, err)
	assert.False(t, a.Equal(b), "the system's randomness; equal once in a million runs")
}

// sigmas draws codes of two digits and says how far the chi-square statistic over all
// that the policy allows lies from what chance gives, in standard deviations.
func sigmas(t *testing.T, p credentials.Policy, draw func() credentials.Code) float64 {
	const draws = 100_000
	counts := map[string]int{}
	for i := range 100 {
		if s := fmt.Sprintf("%02d", i); p.Check(code(s), true) == nil {
			counts[s] = 0
		}
	}
	for range draws {
		s := draw().Reveal()
		if _, allowed := counts[s]; !allowed {
			t.Fatalf("%s was drawn and is not allowed", s)
		}
		counts[s]++
	}
	expect, freedom := draws/float64(len(counts)), float64(len(counts)-1)
	var x2 float64
	for _, n := range counts {
		x2 += (float64(n) - expect) * (float64(n) - expect) / expect
	}
	return (x2 - freedom) / math.Sqrt(2*freedom)
}

func TestEveryCodeIsDrawnEquallyOften(t *testing.T) {
	p, r := credentials.Policy{Lens: []int{2}}, bytesFrom(2)
	assert.Less(t, math.Abs(sigmas(t, p, func() credentials.Code {
		c, err := credentials.Generate(r, 2, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})), 4.0)

	// The test would see the bias of taking bytes modulo 10.
	assert.Greater(t, sigmas(t, p, func() credentials.Code {
		for {
			var b [2]byte
			_, _ = io.ReadFull(r, b[:])
			if c := code(fmt.Sprintf("%d%d", b[0]%10, b[1]%10)); p.Check(c, true) == nil {
				return c
			}
		}
	}), 4.0)
}

func TestGenerateSaysWhenNothingIsLeft(t *testing.T) {
	asked := 0
	_, err := credentials.Generate(bytesFrom(3), 4, credentials.Policy{}, func(credentials.Code) bool { asked++; return true })
	assert.ErrorIs(t, err, credentials.ErrExhausted)
	assert.Equal(t, 50, asked, "fifty tries, then it gives up")

	_, err = credentials.Generate(bytesFrom(3), 1, anyLength, nil)
	assert.ErrorIs(t, err, credentials.ErrExhausted, "every single digit is weak")

	nearlyFull := func(c credentials.Code) bool { return c.Reveal()[3] != '7' }
	c, err := credentials.Generate(bytesFrom(4), 4, credentials.Policy{}, nearlyFull)
	require.NoError(t, err)
	assert.False(t, nearlyFull(c))
}

func TestGenerateRefusesLengthsAndPassesOnErrors(t *testing.T) {
	for _, n := range []int{-1, 0, 3, 7, 17} {
		_, err := credentials.Generate(bytesFrom(5), n, credentials.Policy{}, nil)
		assert.ErrorIs(t, err, credentials.ErrCodeLength, n)
	}
	broken := errors.New("no randomness")
	_, err := credentials.Generate(iotest.ErrReader(broken), 4, credentials.Policy{}, nil)
	assert.ErrorIs(t, err, broken)
	_, err = credentials.Generate(bytes.NewReader([]byte{255, 255, 5}), 4, credentials.Policy{}, nil)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestBytesThatWouldFavourLowDigitsAreThrownAway(t *testing.T) {
	c, err := credentials.Generate(bytes.NewReader([]byte{255, 5, 250, 248, 12, 253, 251, 4}), 4, credentials.Policy{}, nil)
	require.NoError(t, err)
	assert.Equal(t, "5824", c.Reveal())
}

// Rules: G65, G66, G67
func TestAGeneratedDuressCodeIsNearNobodys(t *testing.T) {
	p := credentials.Policy{Near: []credentials.Near{credentials.NearDSC()}}
	own := code("2847")
	for range 200 {
		c, err := credentials.GenerateDuress(nil, own, p, func(c credentials.Code) bool { return c.Reveal()[3] == '5' })
		require.NoError(t, err)
		require.NoError(t, p.CheckPair(own, c))
		for _, near := range p.Reserves(c, true) {
			require.NotEqual(t, byte('5'), near.Reveal()[3])
		}
	}
	_, err := credentials.GenerateDuress(nil, own, p, func(credentials.Code) bool { return true })
	require.ErrorIs(t, err, credentials.ErrExhausted)
	_, err = credentials.GenerateDuress(nil, code("28471938"), p, nil)
	require.ErrorIs(t, err, credentials.ErrCodeLength)
}
