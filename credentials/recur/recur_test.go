package recur_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/recur"
)

func at(t require.TestingT, s string) time.Time {
	v, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return v
}

func compile(t require.TestingT, s credentials.Schedule) *credentials.Compiled {
	c, err := s.Compile()
	require.NoError(t, err)
	return c
}

// year is a horizon of a year.
func year(t require.TestingT) recur.Options {
	return recur.Options{From: at(t, "2026-01-01T00:00:00Z"), Until: at(t, "2027-01-01T00:00:00Z")}
}

// The form that ONVIF's schedule service asks of devices with weekly schedules: anchored
// in 1970, without an end.
func TestAnOnvifWeekBecomesHours(t *testing.T) {
	s, err := recur.Parse("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Access on weekdays from 9 to 18\r\n"+
		"DTSTART:19700105T090000\r\nDTEND:19700105T180000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,\r\n WE,TH,FR\r\nUID:1@example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
		recur.Options{Zone: "Europe/Berlin"})
	require.NoError(t, err)
	assert.Equal(t, credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{
		{Days: []credentials.Weekday{1, 2, 3, 4, 5}, From: 9 * 60, Until: 18 * 60},
	}}, s)
}

func TestEventsAreJoined(t *testing.T) {
	s, err := recur.Parse(strings.Join([]string{
		"BEGIN:VEVENT", "DTSTART;TZID=Europe/Berlin:20260105T220000", "DURATION:PT8H", "RRULE:FREQ=DAILY", "END:VEVENT",
		"BEGIN:VEVENT", "DTSTART;TZID=Europe/Berlin:20260510T110000", "DTEND;TZID=Europe/Berlin:20260511T010000", "END:VEVENT",
		"BEGIN:VEVENT", "DTSTART;VALUE=DATE:20260601", "DTEND;VALUE=DATE:20260603",
		"BEGIN:VALARM", "TRIGGER:-PT30M", "DTSTART:nonsense", "END:VALARM", "END:VEVENT",
	}, "\n"), recur.Options{From: at(t, "2026-01-07T00:00:00Z"), Until: at(t, "2027-01-01T00:00:00Z")})
	require.NoError(t, err)
	c := compile(t, s)
	for when, want := range map[string]bool{
		"2026-02-01T21:59:00+01:00": false, "2026-02-01T22:00:00+01:00": true, "2026-02-02T05:59:00+01:00": true, "2026-02-02T06:00:00+01:00": false,
		"2026-05-10T05:59:00+02:00": true, "2026-05-10T06:00:00+02:00": false, "2026-05-10T11:00:00+02:00": true, "2026-05-10T23:00:00+02:00": true,
		"2026-05-11T00:30:00+02:00": true, "2026-05-11T05:30:00+02:00": true, "2026-05-11T12:00:00+02:00": false,
		"2026-05-31T12:00:00+02:00": false, "2026-06-01T12:00:00+02:00": true, "2026-06-02T23:59:00+02:00": true, "2026-06-03T12:00:00+02:00": false,
	} {
		assert.Equal(t, want, c.Open(at(t, when)), when)
	}
}

func TestExceptionsAndEnds(t *testing.T) {
	s, err := recur.Parse("DTSTART;TZID=America/New_York:20260302T080000\nDTEND;TZID=America/New_York:20260302T120000\n"+
		"RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260330T120000Z\nEXDATE;TZID=America/New_York:20260316T080000\nRDATE;TZID=America/New_York:20260318T080000", year(t))
	require.NoError(t, err)
	var dates []string
	for _, d := range s.Days {
		dates = append(dates, d.Date)
	}
	assert.Equal(t, []string{"2026-03-02", "2026-03-09", "2026-03-18", "2026-03-23", "2026-03-30"}, dates, "12:00 UTC is 08:00 in summer")
	assert.Empty(t, s.Week)
}

// draw makes an event whose rule can be anything up to daily, in a zone whose clocks
// change within the days that are looked at.
func draw(t *rapid.T) (text string, o rrule.ROption, long time.Duration) {
	o.Dtstart = time.Date(2026, 3, rapid.IntRange(1, 28).Draw(t, "date"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.SampledFrom([]int{0, 30}).Draw(t, "minute"), 0, 0, time.UTC)
	o.Freq = rapid.SampledFrom([]rrule.Frequency{rrule.YEARLY, rrule.MONTHLY, rrule.WEEKLY, rrule.DAILY, rrule.HOURLY}).Draw(t, "freq")
	o.Interval = rapid.IntRange(1, 3).Draw(t, "interval")
	if o.Freq != rrule.YEARLY && rapid.Bool().Draw(t, "by day") {
		o.Byweekday = []rrule.Weekday{rrule.MO, rrule.SA}
	}
	if rapid.IntRange(0, 2).Draw(t, "count") == 0 {
		o.Count = rapid.IntRange(1, 9).Draw(t, "times")
	}
	long = time.Duration(rapid.IntRange(1, 50).Draw(t, "halves")) * 30 * time.Minute
	text = fmt.Sprintf("DTSTART:%s\nDURATION:PT%dM\nRRULE:%s", o.Dtstart.Format(rrule.LocalDateTimeFormat), long/time.Minute, o.RRuleString())
	return text, o, long
}

// The schedule is open at a wall time exactly if an occurrence of rrule-go covers it.
// rrule-go is asked without a zone, in which it makes no mistakes at clock changes.
func TestSchedulesSayWhatTheRuleSays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		text, o, long := draw(t)
		from := time.Date(2026, 3, 20, 0, 0, 0, 0, zone)
		s, err := recur.Parse(text, recur.Options{Zone: "Europe/Berlin", From: from, Until: from.AddDate(0, 0, 30)})
		require.NoError(t, err, text)
		c := compile(t, s)
		rule, err := rrule.NewRRule(o)
		require.NoError(t, err)
		all := rule.Between(o.Dtstart.Add(-time.Hour), o.Dtstart.AddDate(0, 2, 0), true)
		for i := range 20 * 48 {
			now := from.Add(time.Duration(i)*30*time.Minute + 15*time.Minute)
			wall := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), 0, 0, time.UTC)
			want := false
			for _, begin := range all {
				want = want || !wall.Before(begin) && wall.Before(begin.Add(long))
			}
			require.Equal(t, want, c.Open(now), "%s at %s", text, now)
		}
	})
}

func TestTextsThatAreNoSchedules(t *testing.T) {
	hour := "\nDURATION:PT1H"
	for name, c := range map[string]struct {
		text string
		err  error
	}{
		"nothing":             {"", recur.ErrText},
		"no colon":            {"DTSTART", recur.ErrText},
		"no end of the event": {"BEGIN:VEVENT\nDTSTART:20260101T000000", recur.ErrText},
		"no length":           {"DTSTART:20260101T000000", recur.ErrText},
		"backwards":           {"DTSTART:20260101T010000\nDTEND:20260101T000000", recur.ErrText},
		"seconds":             {"DTSTART:20260101T000030" + hour, recur.ErrText},
		"seconds long":        {"DTSTART:20260101T000000\nDURATION:PT90S", recur.ErrText},
		"too long":            {"DTSTART:20260101T000000\nDURATION:P32D", recur.ErrText},
		"duration":            {"DTSTART:20260101T000000\nDURATION:1H", recur.ErrText},
		"duration's unit":     {"DTSTART:20260101T000000\nDURATION:PT1X", recur.ErrText},
		"duration's rest":     {"DTSTART:20260101T000000\nDURATION:PT1H5", recur.ErrText},
		"time":                {"DTSTART:tomorrow" + hour, recur.ErrText},
		"rule":                {"DTSTART:20260101T000000\nRRULE:FREQ=NEVER" + hour, recur.ErrText},
		"no frequency":        {"DTSTART:20260101T000000\nRRULE:COUNT=3" + hour, recur.ErrText},
		"every minute":        {"DTSTART:20260101T000000\nRRULE:FREQ=MINUTELY" + hour, recur.ErrText},
		"numbered weekday":    {"DTSTART:20260101T000000\nRRULE:FREQ=WEEKLY;BYDAY=1MO" + hour, recur.ErrText},
		"the tenth Friday":    {"DTSTART:20260101T000000\nRRULE:FREQ=MONTHLY;BYDAY=10FR;BYSETPOS=1" + hour, recur.ErrText},
		"an hour never met":   {"DTSTART:20260101T000000\nRRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=3" + hour, recur.ErrText},
		"seconds by rule":     {"DTSTART:20260101T000000\nRRULE:FREQ=DAILY;BYSECOND=30" + hour, recur.ErrText},
		"a change of one":     {"DTSTART:20260101T000000\nRECURRENCE-ID:20260101T000000" + hour, recur.ErrText},
		"two zones":           {"DTSTART;TZID=Europe/Berlin:20260101T000000\nDTEND:20260101T010000Z", recur.ErrText},
		"zone":                {"DTSTART;TZID=Nowhere:20260101T000000" + hour, credentials.ErrSchedule},
		"end in no zone":      {"DTSTART;TZID=Nowhere:20260101T000000\nRRULE:FREQ=DAILY;UNTIL=20260102T000000Z" + hour, credentials.ErrSchedule},
		"end of a rule":       {"DTSTART:20260101T000000\nRRULE:FREQ=DAILY;UNTIL=soon" + hour, recur.ErrText},
		"before all time":     {"DTSTART:19691231T000000\nRRULE:FREQ=HOURLY" + hour, recur.ErrText},
		"too much":            {strings.Repeat("X-NOTE:\n", 10_000), recur.ErrTooMany},
	} {
		_, err := recur.Parse(c.text, year(t))
		assert.ErrorIs(t, err, c.err, name)
	}
	_, err := recur.Parse("DTSTART:20260101T000000\nRRULE:FREQ=MONTHLY"+hour, recur.Options{})
	require.ErrorIs(t, err, recur.ErrHorizon)
	long := year(t)
	long.Until = long.Until.AddDate(1, 0, 0)
	_, err = recur.Parse("DTSTART:19700101T000000\nRRULE:FREQ=HOURLY"+hour, long)
	assert.ErrorIs(t, err, recur.ErrTooMany)
}

// Whatever the text, there is a schedule that compiles or an error, and no more.
func FuzzParse(f *testing.F) {
	f.Add("DTSTART:20260101T000000\nDURATION:P1DT1H\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1\nEXDATE:20260130T000000")
	f.Add("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260601\nDTEND;VALUE=DATE:20260603\nRRULE:FREQ=YEARLY;BYEASTER=0;BYWEEKNO=53\nEND:VEVENT")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := recur.Parse(text, year(t)); err == nil {
			compile(t, s)
		}
	})
}
