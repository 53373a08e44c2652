package otp_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
)

func typed(s otp.Secret, at time.Time) otp.Answer { return otp.AnswerOf(s.At(at).Reveal()) }

// The table of RFC 6238, appendix B, for SHA-1, cut to six digits.
func TestVectorsOfTheStandard(t *testing.T) {
	s, err := otp.SecretOf([]byte("12345678901234567890"))
	require.NoError(t, err)
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		assert.Equal(t, want, s.At(time.Unix(at, 0)).Reveal())
	}
	_, err = otp.SecretOf([]byte("too short"))
	require.ErrorIs(t, err, otp.ErrSecret)
}

func TestClocksMayDifferByOneStep(t *testing.T) {
	s := otp.NewSecret()
	now := time.Unix(1_800_000_015, 0)
	for steps, want := range map[int]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		at := now.Add(time.Duration(steps) * otp.Period)
		step, ok := s.Match(typed(s, at), now, 0)
		assert.Equal(t, want, ok, steps)
		if want {
			assert.Equal(t, otp.Step(at), step)
		}
	}
	_, ok := s.Match(otp.AnswerOf(""), now, 0)
	assert.False(t, ok)
	_, ok = otp.Secret{}.Match(otp.AnswerOf(otp.Secret{}.At(now).Reveal()), now, 0)
	assert.False(t, ok, "no secret accepts nothing")
}

// Within the steps that are compared, a code is accepted once, and none that is older
// than one that was: not A, B, A either.
func TestNoStepIsAcceptedTwiceOrBackwards(t *testing.T) {
	s := otp.NewSecret()
	now := time.Unix(1_800_000_015, 0)
	a, b := typed(s, now), typed(s, now.Add(otp.Period))
	var last int64
	accept := func(code otp.Answer) bool {
		step, ok := s.Match(code, now, last)
		if ok {
			last = step
		}
		return ok
	}
	assert.True(t, accept(a))
	assert.False(t, accept(a))
	assert.True(t, accept(b))
	assert.False(t, accept(a), "A, B, A")
	assert.False(t, accept(typed(s, now.Add(-otp.Period))))
	now = now.Add(otp.Period)
	assert.False(t, accept(b))
	assert.True(t, accept(typed(s, now.Add(otp.Period))))
}

func TestStepsOnlyGrow(t *testing.T) {
	s := otp.NewSecret()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0)
		var last int64
		for range 20 {
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds")) * time.Second)
			shown := now.Add(time.Duration(rapid.IntRange(-90, 90).Draw(t, "skew")) * time.Second)
			if step, ok := s.Match(typed(s, shown), now, last); ok {
				require.Greater(t, step, last)
				last = step
			}
		}
	})
}

func TestAnAppReadsTheSecret(t *testing.T) {
	s := otp.NewSecret()
	u, err := url.Parse(s.URI("Alarm & Sons", "owner@example.com"))
	require.NoError(t, err)
	assert.Equal(t, "otpauth", u.Scheme)
	assert.Equal(t, "/Alarm & Sons:owner@example.com", u.Path)
	assert.Equal(t, s.Text(), u.Query().Get("secret"))
	assert.Equal(t, "Alarm & Sons", u.Query().Get("issuer"))
	assert.NotContains(t, u.RawQuery, "+")
	assert.Len(t, s.Text(), 32)
	back, err := otp.SecretOf(s.Reveal())
	require.NoError(t, err)
	assert.Equal(t, s, back)
}

func TestCodesCompareHoweverTheyAreTyped(t *testing.T) {
	c := otp.NewRecovery(1)[0]
	assert.Regexp(t, `^([A-HJKMNP-Z2-9]{4}-){5}[A-HJKMNP-Z2-9]{4}$`, c.Text())
	assert.Equal(t, c, otp.AnswerOf(c.Text()))
	assert.Equal(t, c, otp.AnswerOf(strings.ToLower(strings.ReplaceAll(c.Text(), "-", " "))))
	assert.Equal(t, "123456", otp.AnswerOf("123 456").Text())
	assert.NotEqual(t, otp.AnswerOf(strings.Repeat("A", 65)), otp.AnswerOf(strings.Repeat("B", 10)))
	assert.True(t, otp.AnswerOf(" - ").IsZero())
}

// Each sign of a code is as likely as the others. With the bias of a byte cut to 31 signs,
// chi-square would be beyond this bound, which chance exceeds once in a million runs.
func TestSignsAreUniform(t *testing.T) {
	seen := map[rune]int{}
	n := 0
	for _, c := range otp.NewRecovery(10_000) {
		for _, r := range c.Reveal() {
			seen[r]++
			n++
		}
	}
	require.Len(t, seen, 31)
	expected := float64(n) / 31
	var chi float64
	for _, k := range seen {
		chi += (float64(k) - expected) * (float64(k) - expected) / expected
	}
	assert.Less(t, chi, 88.8)
}

func TestSecretsAndCodesDoNotPrint(t *testing.T) {
	s, err := otp.SecretOf([]byte("planted-secret-planted"))
	require.NoError(t, err)
	a := otp.AnswerOf("PLANTEDCODE")
	j, err := json.Marshal([]any{s, a})
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s, "a", a)
	said := fmt.Sprintf("%v %+v %#v %s %q %x %v", s, s, s, s, a, a, []any{s, a}) + string(j) + log.String()
	for _, secret := range []string{"planted", "PLANTED", s.Text(), "706c616e746564"} {
		assert.NotContains(t, said, secret)
	}
	var got otp.Answer
	require.NoError(t, json.Unmarshal([]byte(`"planted-code"`), &got))
	assert.Equal(t, a, got)
}
