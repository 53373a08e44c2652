package credentials_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// A window is instants: in which zone they were written and are shown changes nothing, not
// even in the hours that a zone skips or has twice.
//
// Rules: G81
func TestAWindowIsInstants(t *testing.T) {
	var zones []*time.Location
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		zones = append(zones, zone)
	}
	changes := []time.Time{ // of the clocks in Berlin, forth and back
		time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC), time.Date(2027, 10, 31, 1, 0, 0, 0, time.UTC),
	}
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			near := rapid.SampledFrom(changes).Draw(t, name+" near")
			return near.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, name)) * time.Second)
		}
		from, until, now := at("from"), at("until"), at("now")
		if !from.Before(until) {
			t.Skip("no window")
		}
		inside := !now.Before(from) && now.Before(until)
		w := credentials.Window{From: from.In(rapid.SampledFrom(zones).Draw(t, "one")), Until: until.In(rapid.SampledFrom(zones).Draw(t, "other"))}
		text, err := json.Marshal(w)
		require.NoError(t, err)
		var stored credentials.Window
		require.NoError(t, json.Unmarshal(text, &stored))
		rec := holder()
		rec.Window = w
		x := credentials.NewIndex(credentials.IndexOptions{})
		require.NoError(t, x.Put(rec))
		for _, shown := range zones {
			require.Equal(t, inside, w.Contains(now.In(shown)))
			require.Equal(t, inside, stored.Contains(now.In(shown)))
			require.True(t, w.Next(now).Equal(stored.Next(now.In(shown))))
			d := credentials.Decide(rec, staff(nil), presents("pin", credentials.Keypad), trusted(now.In(shown)))
			require.Equal(t, inside, d.Granted(), d.Reason)
			_, indexed := x.Decide(staff(nil), presents("pin", credentials.Keypad), trusted(now.In(shown)))
			require.Equal(t, d.Reason, indexed.Reason)
		}
	})
}

// Without a trusted clock whoever depends on no time enters as ever, whatever the time, and
// nobody else does: no window, no count, no life, no hours, no schedule.
//
// Rules: G204
func TestWithoutATrustedClockOnlyTimelessRecordsOpen(t *testing.T) {
	office := staff(officeHours(t))
	rapid.Check(t, func(t *rapid.T) {
		rec := drawRecord(t)
		timeless := rec.Window.From.IsZero() && rec.Window.Until.IsZero() && rec.Max == 0 && rec.Life.For == 0 && rec.Life.Idle == 0 &&
			!slices.Contains([]credentials.UserType{credentials.YearDay, credentials.WeekDay, credentials.Disposable, credentials.Expiring, credentials.ScheduleRestricted}, rec.Type)
		p := presents("", credentials.Keypad)
		rec.Secrets = append(rec.Secrets, credentials.Secret{Kind: credentials.PIN, Print: numbered(41)})
		p.Prints = []credentials.Fingerprint{numbered(41)}
		rules := staff(nil)
		scheduled := rapid.Bool().Draw(t, "schedule")
		if scheduled {
			rules = office
		}
		for _, q := range []credentials.ClockQuality{credentials.ClockUnknown, credentials.ClockDoubtful} {
			var first credentials.Decision
			for i, at := range []time.Time{noon, noon.Add(-100 * time.Hour), noon.AddDate(50, 0, 0), {}} {
				d := credentials.Decide(rec, rules, p, credentials.Now{T: at, Quality: q})
				if i == 0 {
					first = d
				}
				require.Equal(t, first, d, "the time is not looked at")
				require.Zero(t, d.Next)
				if d.Granted() {
					require.True(t, timeless && !scheduled, "%+v", rec)
				} else if timeless && !scheduled {
					then := credentials.Decide(rec, rules, p, trusted(noon))
					require.Equal(t, then.Reason, d.Reason, "it is denied for another reason than the clock")
				}
			}
		}
	})
	timeless := credentials.Record{Holder: "holder 1", As: []credentials.Subject{subject("group", "staff")}, Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: numbered(41)}}}
	p := presents("", credentials.Keypad)
	p.Prints = []credentials.Fingerprint{numbered(41)}
	require.True(t, credentials.Decide(timeless, staff(nil), p, credentials.Now{}).Granted())
	timeless.Disabled = true
	require.Equal(t, credentials.Disabled, credentials.Decide(timeless, staff(nil), p, credentials.Now{}).Reason)
}

// A duress PIN is kept as a PIN is: the same size, no digits, and it opens in no other place.
//
// Rules: G68, G192
func TestADuressPINIsSealedLikeAPIN(t *testing.T) {
	r := testRing(t)
	at := func(kind string) credentials.Binding {
		return credentials.Binding{Owner: "account/a1", Kind: kind, Generation: 3}
	}
	size := 0
	for _, kind := range []string{"pin", "duress"} {
		for _, digits := range []string{"2580", "73910", "739128"} {
			s, err := credentials.SealCode(r, at(kind), code(digits))
			require.NoError(t, err)
			if size == 0 {
				size = len(s.Bytes)
			}
			assert.Len(t, s.Bytes, size, "the size tells neither the kind nor the length")
			assert.NotContains(t, string(s.Bytes), digits)
			names, err := credentials.Names(r, siteScope, credentials.CodeMaterial(code(digits)))
			require.NoError(t, err)
			got, err := credentials.OpenNamedCode(r, r, at(kind), s, siteScope, names)
			require.NoError(t, err)
			assert.Equal(t, digits, got.Reveal())
			for _, other := range []string{"pin", "duress", "tag"} {
				if other != kind {
					_, err = credentials.OpenNamedCode(r, r, at(other), s, siteScope, names)
					assert.ErrorIs(t, err, credentials.ErrDecrypt)
				}
			}
		}
	}
}
