package credentials_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

var noon = time.Date(2026, 5, 13, 12, 0, 0, 0, time.UTC)

// Rules: G79, G186
func TestTheLastSecondThatIsWrittenStillOpens(t *testing.T) {
	w, err := credentials.Through(noon.Add(300*time.Millisecond), noon.Add(time.Hour))
	require.NoError(t, err)
	for offset, want := range map[time.Duration]bool{
		-time.Second: false, 0: true, time.Hour - time.Second: true,
		time.Hour: true, time.Hour + 999*time.Millisecond: true, time.Hour + time.Second: false,
	} {
		assert.Equal(t, want, w.Contains(noon.Add(offset)), "%s", offset)
	}
	_, err = credentials.Through(noon, noon.Add(-time.Second))
	assert.ErrorIs(t, err, credentials.ErrValidityOrder)
	w, err = credentials.Through(time.Time{}, time.Time{})
	require.NoError(t, err)
	assert.True(t, w.IsZero(), "two open ends are no window")
}

func TestARevokedWindowContainsNothing(t *testing.T) {
	w := credentials.Window{Revoked: true}
	assert.False(t, w.Contains(noon))
	assert.False(t, w.IsZero())
	assert.Zero(t, w.Next(noon))
}

func drawWindow(t *rapid.T, name string) credentials.Window {
	at := func(end string) time.Time {
		if s := rapid.Int64Range(0, 12).Draw(t, name+end); s > 0 {
			return noon.Add(time.Duration(s) * time.Second)
		}
		return time.Time{}
	}
	return credentials.Window{From: at("From"), Until: at("Until"), Revoked: rapid.IntRange(0, 5).Draw(t, name+"Revoked") == 0}
}

func TestAWindowWithinAnotherAllowsNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, o := drawWindow(t, "w"), drawWindow(t, "o")
		if !w.Within(o) {
			return
		}
		for s := range 15 {
			at := noon.Add(time.Duration(s) * time.Second)
			if w.Contains(at) && !o.Contains(at) {
				t.Fatalf("%+v is within %+v, yet only it contains second %d", w, o, s)
			}
		}
	})
}

func TestAWindowIsWithinWhatIsAtLeastAsWide(t *testing.T) {
	hour := credentials.Window{From: noon, Until: noon.Add(time.Hour)}
	revoked := credentials.Window{From: noon.Add(-time.Hour), Revoked: true}
	for name, c := range map[string]struct {
		w, o credentials.Window
		want bool
	}{
		"itself":                 {hour, hour, true},
		"always":                 {hour, credentials.Window{}, true},
		"from a second later":    {hour, credentials.Window{From: noon.Add(time.Second), Until: hour.Until}, false},
		"until a second earlier": {hour, credentials.Window{From: noon, Until: hour.Until.Add(-time.Second)}, false},
		"no end in one with":     {credentials.Window{From: noon}, hour, false},
		"nothing in anything":    {revoked, hour, true},
		"nothing in nothing":     {revoked, credentials.Window{Revoked: true}, true},
		"something in nothing":   {hour, credentials.Window{From: noon, Until: hour.Until, Revoked: true}, false},
	} {
		assert.Equal(t, c.want, c.w.Within(c.o), name)
	}
}

// Rules: G186
func TestAWindowChangesAtItsEndsAndThenNoMore(t *testing.T) {
	w := credentials.Window{From: noon, Until: noon.Add(time.Hour)}
	for offset, want := range map[time.Duration]time.Time{
		-time.Second: w.From, 0: w.Until, time.Hour - time.Second: w.Until, time.Hour: {}, time.Hour + time.Second: {},
	} {
		assert.Equal(t, want, w.Next(noon.Add(offset)), "%s", offset)
	}
}

func TestNextIsTheNextChangeOfAWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, "w")
		if w.Validate() != nil {
			return
		}
		now := noon.Add(time.Duration(rapid.Int64Range(-1, 14).Draw(t, "now")) * time.Second)
		var want time.Time
		for s := 1; s < 20 && want.IsZero(); s++ {
			if at := now.Add(time.Duration(s) * time.Second); w.Contains(at) != w.Contains(now) {
				want = at
			}
		}
		if got := w.Next(now); !got.Equal(want) {
			t.Fatalf("next of %+v after %v is %v, want %v", w, now, got, want)
		}
	})
}
