package accounts_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
)

const nights = `{"name":"nights","enabled":true,"email":true,"sms":true,"push":true,
	"when":{"zone":"Europe/Berlin","week":[{"days":["mon","tue","wed","thu","fri","sat","sun"],"from":"01:00","until":"03:30"}]}}`

func profile(t *testing.T, text string) accounts.Profile {
	t.Helper()
	var p accounts.Profile
	require.NoError(t, json.Unmarshal([]byte(text), &p))
	require.NoError(t, p.Check())
	return p
}

var reachable = accounts.Account{ID: "a1", Confirmed: now, Email: email("owner@example.com"), Phone: "+1234567890"}

// Every combination of channels, and every cause, as people review it.
//
// Rules: G39, G114, G117, G118
func TestNotifyingGolden(t *testing.T) {
	var text strings.Builder
	for n := range 8 {
		p := accounts.Profile{Name: "p", Enabled: true, Email: n&1 != 0, SMS: n&2 != 0, Push: n&4 != 0}
		fmt.Fprintf(&text, "email %v, sms %v, push %v:", p.Email, p.SMS, p.Push)
		for _, c := range []accounts.Channel{accounts.EmailChannel, accounts.SMSChannel, accounts.PushChannel, "pigeon"} {
			got, err := reachable.Notify(&p, c, now)
			require.NoError(t, err)
			fmt.Fprintf(&text, " %s %v", c, got.Now)
		}
		text.WriteString("\n")
	}
	suspended, bare := reachable, accounts.Account{ID: "a2", Confirmed: now}
	suspended.Suspended.At = now
	all := accounts.Profile{Name: "p", Enabled: true, Email: true, SMS: true, Push: true}
	disabled := all
	disabled.Enabled = false
	closed := all
	closed.When.Days = []credentials.SpecialDay{{Date: "2026-05-13"}}
	for _, c := range []struct {
		name    string
		account accounts.Account
		profile *accounts.Profile
	}{{"no profile", reachable, nil}, {"disabled", reachable, &disabled}, {"suspended", suspended, &all}, {"no addresses", bare, &all}, {"closed", reachable, &closed}} {
		for _, channel := range []accounts.Channel{accounts.EmailChannel, accounts.SMSChannel, accounts.PushChannel} {
			got, err := c.account.Notify(c.profile, channel, now)
			require.NoError(t, err)
			fmt.Fprintf(&text, "%s, %s: %v\n", c.name, channel, got.Cause)
		}
	}
	golden(t, "notify.golden", text.String())
}

// The hours of a week, asked each hour.
//
// Rules: G115, G116, G117
func TestDaysAndHours(t *testing.T) {
	p := profile(t, `{"name":"office","enabled":true,"email":true,"when":{"zone":"","week":[{"days":["mon","tue"],"from":"09:00","until":"17:00"}]}}`)
	monday := time.Date(2026, 5, 11, 0, 0, 0, 0, time.UTC)
	for h := range 7 * 24 {
		at := monday.Add(time.Duration(h) * time.Hour)
		got, err := reachable.Notify(&p, accounts.EmailChannel, at)
		require.NoError(t, err)
		open := at.Weekday() <= time.Tuesday && at.Weekday() >= time.Monday && at.Hour() >= 9 && at.Hour() < 17
		assert.Equal(t, open, got.Now, at)
		if !open {
			assert.ErrorIs(t, got.Cause, accounts.ErrOutsideHours)
			then, err := reachable.Notify(&p, accounts.EmailChannel, got.Next)
			require.NoError(t, err)
			assert.True(t, then.Now, "it opens when it says so: %v", got.Next)
			before, err := reachable.Notify(&p, accounts.EmailChannel, got.Next.Add(-time.Second))
			require.NoError(t, err)
			assert.False(t, before.Now, "and not earlier")
		}
	}
	never := profile(t, `{"name":"never","enabled":true,"email":true,"when":{"zone":"","days":[{"date":"2020-01-01"}]}}`)
	got, err := reachable.Notify(&never, accounts.EmailChannel, monday)
	require.NoError(t, err)
	assert.Zero(t, got.Next)
	never.When.Zone = "Nowhere/None"
	_, err = reachable.Notify(&never, accounts.EmailChannel, monday)
	assert.ErrorIs(t, err, credentials.ErrSchedule)
}

// An hour that the clocks skip is not there, and one that they repeat counts both times.
func TestHoursWhenTheClocksChange(t *testing.T) {
	p := profile(t, nights)
	open := func(at time.Time) int { // minutes of the day that are open
		n := 0
		for end := at.AddDate(0, 0, 1); at.Before(end); at = at.Add(time.Minute) {
			got, err := reachable.Notify(&p, accounts.PushChannel, at)
			require.NoError(t, err)
			if got.Now {
				n++
			}
		}
		return n
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	assert.Equal(t, 150, open(time.Date(2026, 5, 13, 0, 0, 0, 0, berlin)))
	assert.Equal(t, 90, open(time.Date(2026, 3, 29, 0, 0, 0, 0, berlin)), "from 02:00 to 03:00 there is no time")
	assert.Equal(t, 210, open(time.Date(2026, 10, 25, 0, 0, 0, 0, berlin)), "from 02:00 to 03:00 there is time twice")
}

func TestProfileNames(t *testing.T) {
	for typed, want := range map[string]string{"Office Hours": "office_hours", "  Nights & Days! ": "nights_days", "ä": "", "a__b": "a_b",
		strings.Repeat("x", 70): strings.Repeat("x", 64)} {
		assert.Equal(t, want, accounts.ProfileName(typed))
	}
	assert.ErrorIs(t, accounts.Profile{Name: "Office Hours"}.Check(), accounts.ErrProfile)
}
