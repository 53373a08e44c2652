package twon_test

import (
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

func TestValidityVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/validity.json")
	require.NoError(t, err)
	var file struct {
		Write []struct {
			From, Until, ValidFrom, ValidTo string
			Refused                         bool
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	require.NotEmpty(t, file.Write)
	at := func(s string) (out time.Time) {
		if s != "" {
			out, err = time.Parse(time.RFC3339Nano, s)
			require.NoError(t, err)
		}
		return out
	}
	for _, v := range file.Write {
		w := panel.Window{From: at(v.From), Until: at(v.Until)}
		from, badFrom := twon.ValidFrom(w)
		until, badUntil := twon.ValidTo(w)
		if v.Refused {
			assert.True(t, badFrom != nil || badUntil != nil, "%+v", v)
			continue
		}
		require.NoError(t, badFrom)
		require.NoError(t, badUntil)
		assert.Equal(t, v.ValidFrom, from, "%+v", v)
		assert.Equal(t, v.ValidTo, until, "%+v", v)
	}
}

// Whichever way the device takes its last second, nobody is let in outside the window; in
// it the last second alone may be lost. "Open" is written for an open end only.
//
// Rules: G186
func TestTheDeviceNeverOpensOutsideTheWindow(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		rapid.Check(t, func(rt *rapid.T) {
			from := rapid.Int64Range(0, 1<<31).Draw(rt, "from")
			length := rapid.Int64Range(1, 5).Draw(rt, "length")
			nanos := rapid.SampledFrom([]int64{0, 0, 1, 999_999_999}).Draw(rt, "nanoseconds")
			w := panel.Window{From: time.Unix(from, nanos), Until: time.Unix(from+length, nanos)}
			validFrom, badFrom := twon.ValidFrom(w)
			validTo, badTo := twon.ValidTo(w)
			if badFrom != nil || badTo != nil {
				return
			}
			if from > 0 && validFrom == "0" || validTo == "0" {
				rt.Fatalf("%v is written with an open end", w)
			}
			sim := twonsim.New(twonsim.Options{})
			sim.Quirk(twonsim.ExclusiveEnd, exclusive)
			if !sim.Valid(uuid(1), "4871", validFrom, validTo) {
				if length > 2 {
					rt.Fatalf("the device does not take %s to %s", validFrom, validTo)
				}
				return // no second is left, or one: the manual wants the end after the beginning
			}
			for sec := from - 2; sec <= from+length+2; sec++ {
				second, next := time.Unix(sec, 0), time.Unix(sec+1, -1)
				opens := sim.Opens("4871", second)
				if opens && (!w.Contains(second) || !w.Contains(next)) {
					rt.Fatalf("%v: opens in second %d", w, sec)
				}
				if !opens && w.Contains(second) && w.Contains(next) && (!exclusive || w.Contains(time.Unix(sec+2, -1))) {
					rt.Fatalf("%v: shut in second %d", w, sec)
				}
			}
		})
	}
}

// What the device says of a validity is read back as what was written.
//
// Rules: G186
func TestValidityIsReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		s := r.open()
		e := edit(t, panel.Create, 1, "4871")
		e.Set |= panel.FieldFrom | panel.FieldUntil
		e.Window = panel.Window{From: time.Now().Add(time.Hour).UTC(), Until: time.Now().Add(2 * time.Hour).UTC()}
		_, err := apply(t, s, e)
		require.NoError(t, err)
		users, _, _ := list(t, s, panel.Query{All: true})
		require.Len(t, users, 1)
		assert.Equal(t, e.Window, users[0].Window)
		assert.False(t, r.sim.Opens("4871", e.Window.From.Add(-time.Second)))
		assert.True(t, r.sim.Opens("4871", e.Window.From))
		assert.True(t, r.sim.Opens("4871", e.Window.Until.Add(-time.Second)))
		assert.False(t, r.sim.Opens("4871", e.Window.Until))

		e.Do, e.Set, e.Window = panel.Change, panel.FieldUntil, panel.Window{}
		_, err = apply(t, s, e)
		require.NoError(t, err)
		users, _, _ = list(t, s, panel.Query{All: true})
		assert.True(t, users[0].Window.Until.IsZero())
		assert.False(t, users[0].Window.From.IsZero(), "the other end stays")

		r.sim.Block(uuid(1), true)
		users, _, _ = list(t, s, panel.Query{All: true})
		assert.True(t, users[0].Window.Revoked, "kept out at every access point")
	})
}

// A device whose clock is off is not trusted with validity; one whose clock cannot be read
// is, as far as the model says.
//
// Rules: G204
func TestAClockThatIsOffMakesNoValidity(t *testing.T) {
	const window = panel.FieldFrom | panel.FieldUntil
	for _, c := range []struct {
		skew    time.Duration
		quirk   string
		trusted bool
	}{
		{skew: 59 * time.Second, trusted: true},
		{skew: -59 * time.Second, trusted: true},
		{skew: 62 * time.Second},
		{skew: -62 * time.Second},
		{skew: time.Hour, quirk: twonsim.NoClock, trusted: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, twon.Options{}, twonsim.Options{Skew: c.skew})
			r.sim.Quirk(c.quirk, true)
			s := r.open()
			m := s.Model()
			assert.Equal(t, c.trusted, m.Create.Has(window), "%+v", c)
			assert.Equal(t, c.trusted, m.Change.Has(window), "%+v", c)
			assert.True(t, m.Read.Has(window), "what is there is still shown")
			_, facts, _ := list(t, s, panel.Query{})
			assert.Equal(t, m, *facts.Model)
			assert.Equal(t, c.quirk == "", !facts.Clock.IsZero())
			e := edit(t, panel.Create, 1, "4871")
			e.Set |= panel.FieldUntil
			e.Window.Until = time.Now().Add(time.Hour)
			outs, err := apply(t, s, e)
			require.NoError(t, err)
			if c.trusted {
				assert.Equal(t, e.Set, outs[uuid(1)].Done)
			} else {
				assert.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldCode], panel.ErrUnsupported, "not let in without an end")
			}
		})
	}
}
