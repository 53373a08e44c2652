package credentials_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Restricted types need both of what they have, and open never without any.
func TestTypesOfUsersHaveTheirOwnHours(t *testing.T) {
	week := []credentials.Span{span(8*60, 17*60)}
	periods := []credentials.Period{{From: "2026-05-13T00:00", Until: "2026-05-14T00:00"}}
	evening, nextDay := noon.Add(8*time.Hour), noon.Add(24*time.Hour)
	for _, c := range []struct {
		kind                   credentials.UserType
		s                      credentials.Schedule
		noon, evening, nextDay bool
	}{
		{credentials.WeekDay, credentials.Schedule{Week: week, Periods: periods}, true, false, true},
		{credentials.WeekDay, credentials.Schedule{Periods: periods}, false, false, false},
		{credentials.YearDay, credentials.Schedule{Week: week, Periods: periods}, true, true, false},
		{credentials.YearDay, credentials.Schedule{Week: week}, false, false, false},
		{credentials.ScheduleRestricted, credentials.Schedule{Week: week, Periods: periods}, true, false, false},
		{credentials.ScheduleRestricted, credentials.Schedule{Week: week}, true, false, true},
		{credentials.ScheduleRestricted, credentials.Schedule{Periods: periods}, true, true, false},
		{credentials.ScheduleRestricted, credentials.Schedule{}, false, false, false},
		{credentials.Unrestricted, credentials.Schedule{}, true, true, true},
		{credentials.Forced, credentials.Schedule{}, true, true, true},
	} {
		rec := holder()
		rec.Type = c.kind
		var err error
		rec.Hours, err = c.kind.Own(c.s)
		require.NoError(t, err)
		var got []bool
		for _, at := range []time.Time{noon, evening, nextDay} {
			got = append(got, credentials.Decide(rec, staff(nil), presents("pin", credentials.Keypad), trusted(at)).Granted())
		}
		assert.Equal(t, []bool{c.noon, c.evening, c.nextDay}, got, "%d with %v", c.kind, c.s)
	}
	rec := holder()
	rec.Type = credentials.WeekDay
	d := credentials.Decide(rec, staff(nil), presents("pin", credentials.Keypad), trusted(noon))
	assert.Equal(t, credentials.OutOfHours, d.Reason)
	assert.Zero(t, d.Next)
	_, err := credentials.WeekDay.Own(credentials.Schedule{Zone: "Nowhere"})
	assert.ErrorIs(t, err, credentials.ErrSchedule)
}

// Whatever a forced user shows raises the alarm; an unknown type opens nothing.
func TestForcedAndUnknownTypes(t *testing.T) {
	rec := holder()
	rec.Type = credentials.Forced
	d := credentials.Decide(rec, staff(nil), presents("tag", credentials.Reader), trusted(noon))
	assert.True(t, d.Granted() && d.Duress && d.Alarm)
	rec.Type = credentials.RemoteOnly + 1
	assert.Equal(t, credentials.NoAccess, credentials.Decide(rec, staff(nil), presents("pin", credentials.Keypad), trusted(noon)).Reason)
}
