package credentials_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

const (
	mon = credentials.Weekday(time.Monday)
	sat = credentials.Weekday(time.Saturday)
	sun = credentials.Weekday(time.Sunday)
)

// span is a span on every day of the week.
func span(from, until credentials.Clock) credentials.Span {
	return credentials.Span{Days: []credentials.Weekday{0, 1, 2, 3, 4, 5, 6}, From: from, Until: until}
}

func compile(t require.TestingT, s credentials.Schedule) *credentials.Compiled {
	c, err := s.Compile()
	require.NoError(t, err)
	return c
}

// at is an instant written with its offset from UTC.
func at(t require.TestingT, s string) time.Time {
	v, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return v
}

func TestScheduleBoundaries(t *testing.T) {
	c := compile(t, credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{
		{Days: []credentials.Weekday{mon}, From: 8 * 60, Until: 17*60 + 30},
		{Days: []credentials.Weekday{sat}, From: 22 * 60, Until: 6 * 60}, // until Sunday morning
	}, Days: []credentials.SpecialDay{
		{Date: "2026-05-18"}, // a Monday that is closed
		{Date: "2026-05-24", Hours: []credentials.Hours{{From: 0, Until: 60}, {From: 10 * 60, Until: 24 * 60}}}, // a Sunday
	}})
	for when, want := range map[string]bool{
		"2026-05-11T07:59:59+02:00": false, "2026-05-11T08:00:00+02:00": true,
		"2026-05-11T17:29:59+02:00": true, "2026-05-11T17:30:00+02:00": false,
		"2026-05-11T06:00:00Z":      true, // the same instant in another zone
		"2026-05-12T09:00:00+02:00": false,
		"2026-05-16T21:59:59+02:00": false, "2026-05-16T22:00:00+02:00": true,
		"2026-05-16T23:59:59+02:00": true, "2026-05-17T00:00:00+02:00": true,
		"2026-05-17T05:59:59+02:00": true, "2026-05-17T06:00:00+02:00": false,
		"2026-05-18T09:00:00+02:00": false,                                   // special: closed
		"2026-05-23T23:59:59+02:00": true, "2026-05-24T00:59:59+02:00": true, // special: its own hour
		"2026-05-24T01:00:00+02:00": false, // what the eve would have left open is gone
		"2026-05-24T23:59:59+02:00": true, "2026-05-25T00:00:00+02:00": false,
	} {
		assert.Equal(t, want, c.Open(at(t, when)), when)
	}
}

// In Berlin the clocks go from 02:00 to 03:00 on 29 March 2026 and from 03:00 back to
// 02:00 on 25 October.
func TestSchedulesWhenTheClocksChange(t *testing.T) {
	gap := compile(t, credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{span(2*60+15, 2*60+45)}})
	eve := at(t, "2026-03-28T12:00:00+01:00")
	assert.True(t, gap.Next(eve).Equal(at(t, "2026-03-30T02:15:00+02:00")), "half an hour that does not exist never opens")

	across := compile(t, credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{span(2*60+30, 4*60)}})
	assert.True(t, across.Next(eve).Equal(at(t, "2026-03-29T03:00:00+02:00")), "it opens with the first minute that exists")
	assert.False(t, across.Open(at(t, "2026-03-29T01:59:59+01:00")))
	assert.True(t, across.Open(at(t, "2026-03-29T03:00:00+02:00")))

	fold := compile(t, credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{span(2*60+15, 2*60+45)}})
	now := at(t, "2026-10-25T00:00:00+02:00")
	for _, want := range []string{
		"2026-10-25T02:15:00+02:00", "2026-10-25T02:45:00+02:00", // the first time
		"2026-10-25T02:15:00+01:00", "2026-10-25T02:45:00+01:00", // and the second
		"2026-10-26T02:15:00+01:00",
	} {
		now = fold.Next(now)
		assert.True(t, now.Equal(at(t, want)), "%s, got %s", want, now)
	}
}

// drawSchedule draws from few values, so that edges meet, in zones that change their
// clocks in odd ways: by half an hour, at midnight, and by skipping a day.
func drawSchedule(t *rapid.T) (credentials.Schedule, time.Time) {
	zones := map[string]string{
		"Europe/Berlin":       "2026-03-28T00:00:00Z",
		"Australia/Lord_Howe": "2026-04-03T00:00:00Z",
		"America/Havana":      "2026-03-07T00:00:00Z", // the clocks go from 00:00 to 01:00
		"Pacific/Apia":        "2011-12-28T00:00:00Z", // 30 December 2011 did not happen
		"America/New_York":    "2026-10-31T00:00:00Z",
		"":                    "2026-02-27T00:00:00Z",
	}
	names := []string{"Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "America/New_York", ""}
	s := credentials.Schedule{Zone: rapid.SampledFrom(names).Draw(t, "zone")}
	start := at(t, zones[s.Zone])
	clock := rapid.SampledFrom([]credentials.Clock{0, 1, 60, 90, 2 * 60, 2*60 + 30, 3 * 60, 12 * 60, 23*60 + 59})
	for range rapid.IntRange(0, 3).Draw(t, "spans") {
		d := credentials.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))
		s.Week = append(s.Week, credentials.Span{
			Days: []credentials.Weekday{d, (d + 2) % 7}, From: clock.Draw(t, "from"), Until: clock.Draw(t, "until"),
		})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "special") {
		day := credentials.SpecialDay{Date: start.AddDate(0, 0, 4*i+rapid.IntRange(0, 3).Draw(t, "day")).Format(time.DateOnly)}
		if from := clock.Draw(t, "hour"); rapid.Bool().Draw(t, "open") {
			day.Hours = []credentials.Hours{{From: from, Until: 24 * 60}}
		}
		s.Days = append(s.Days, day)
	}
	if rapid.IntRange(0, 2).Draw(t, "yearly") == 0 {
		date := start.AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "day of the year")).Format("--01-02")
		s.Days = append(s.Days, credentials.SpecialDay{Date: date, Hours: []credentials.Hours{{From: 90, Until: 20 * 60}}})
	}
	for range rapid.IntRange(0, 2).Draw(t, "periods") {
		from := start.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "begins")) * time.Hour)
		until := from.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "long")) * 30 * time.Minute)
		s.Periods = append(s.Periods, credentials.Period{From: credentials.LocalTime(from.Format(local)), Until: credentials.LocalTime(until.Format(local))})
	}
	return s, start
}

const local = "2006-01-02T15:04"

// wall says from the written form alone whether s is open at t, by the wall's time.
func wall(s credentials.Schedule, zone *time.Location, t time.Time) bool {
	t = t.In(zone)
	now, bound := t.Format(local), len(s.Periods) == 0
	for _, p := range s.Periods {
		bound = bound || now >= string(p.From) && now < string(p.Until)
	}
	return bound && wallDay(s, t)
}

// wallDay is the same without the periods.
func wallDay(s credentials.Schedule, t time.Time) bool {
	now := credentials.Clock(60*t.Hour() + t.Minute())
	for _, form := range []string{time.DateOnly, "--01-02"} {
		for _, d := range s.Days {
			if d.Date != t.Format(form) {
				continue
			}
			for _, h := range d.Hours {
				if now >= h.From && now < h.Until {
					return true
				}
			}
			return false
		}
	}
	if len(s.Week) == 0 {
		return len(s.Periods) > 0
	}
	today := credentials.Weekday(t.Weekday())
	for _, span := range s.Week {
		for _, d := range span.Days {
			switch crosses := span.Until <= span.From; {
			case d == today && now >= span.From && (crosses || now < span.Until):
				return true
			case crosses && (d+1)%7 == today && now < span.Until:
				return true
			}
		}
	}
	return false
}

func TestCompiledSchedulesSayWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, start := drawSchedule(t)
		c := compile(t, s)
		zone, err := time.LoadLocation(s.Zone)
		require.NoError(t, err)
		// Look every minute of four days, off the full minute.
		var change time.Time
		first := wall(s, zone, start)
		for m := range 4 * 24 * 60 {
			at := start.Add(time.Duration(m)*time.Minute + 7*time.Second)
			if got := c.Open(at); got != wall(s, zone, at) {
				t.Fatalf("open at %s is %v", at, got)
			}
			if change.IsZero() && wall(s, zone, at) != first {
				change = at.Truncate(time.Minute)
			}
		}
		got := c.Next(start.Add(300 * time.Millisecond))
		if !change.IsZero() && !got.Equal(change) {
			t.Fatalf("next change is %s, not %s", got, change)
		}
		if change.IsZero() && !got.IsZero() && (wall(s, zone, got) == first || wall(s, zone, got.Add(-time.Second)) != first) {
			t.Fatalf("nothing changes at %s", got)
		}
	})
}

// A union is open when one of its schedules is, and changes when that changes.
func TestUnionsOfSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, start := drawSchedule(t)
		b, _ := drawSchedule(t)
		one, two := compile(t, a), compile(t, b)
		union := credentials.Union(one, two)
		open := func(at time.Time) bool { return one.Open(at) || two.Open(at) }
		var change time.Time
		for m := range 2 * 24 * 60 {
			at := start.Add(time.Duration(m) * time.Minute)
			if union.Open(at) != open(at) {
				t.Fatalf("open at %s is %v", at, union.Open(at))
			}
			if change.IsZero() && open(at) != open(start) {
				change = at
			}
		}
		got := union.Next(start)
		if !change.IsZero() && !got.Equal(change) {
			t.Fatalf("next change is %s, not %s", got, change)
		}
		if change.IsZero() && !got.IsZero() && (open(got) == open(start) || open(got.Add(-time.Second)) != open(start)) {
			t.Fatalf("nothing changes at %s", got)
		}
	})
	hours := officeHours(t)
	assert.Same(t, hours, credentials.Union(hours))
	assert.Nil(t, credentials.Union(hours, nil), "always open")
	assert.False(t, credentials.Union().Open(noon))
	assert.Zero(t, credentials.Union().Next(noon))
	halves := credentials.Union(compile(t, credentials.Schedule{Week: []credentials.Span{span(0, 12*60)}}), compile(t, credentials.Schedule{Week: []credentials.Span{span(12*60, 24*60)}}))
	assert.Zero(t, halves.Next(noon), "two halves of every day never change")
}

func TestDaysOfEveryYear(t *testing.T) {
	c := compile(t, credentials.Schedule{
		Week: []credentials.Span{span(0, 24*60)},
		Days: []credentials.SpecialDay{{Date: "--12-24"}, {Date: "2027-12-24", Hours: []credentials.Hours{{From: 0, Until: 60}}}},
	})
	assert.True(t, c.Next(noon).Equal(at(t, "2026-12-24T00:00:00Z")))
	assert.False(t, c.Open(at(t, "2031-12-24T12:00:00Z")))
	assert.True(t, c.Open(at(t, "2027-12-24T00:59:59Z")), "a date with its year comes first")
	leap := compile(t, credentials.Schedule{Days: []credentials.SpecialDay{{Date: "--02-29", Hours: []credentials.Hours{{From: 60, Until: 120}}}}})
	assert.True(t, leap.Next(at(t, "2096-03-01T00:00:00Z")).Equal(at(t, "2104-02-29T01:00:00Z")), "eight years without one")
}

func TestPeriodsBound(t *testing.T) {
	summer := []credentials.Period{{From: "2026-06-01T08:00", Until: "2026-09-01T00:00"}, {From: "2026-09-01T00:00", Until: "2026-09-02T00:00"}}
	all := compile(t, credentials.Schedule{Zone: "Europe/Berlin", Periods: summer})
	assert.True(t, all.Next(noon).Equal(at(t, "2026-06-01T08:00:00+02:00")))
	assert.True(t, all.Next(at(t, "2026-07-01T00:00:00Z")).Equal(at(t, "2026-09-02T00:00:00+02:00")), "two that touch are one")
	assert.Zero(t, all.Next(at(t, "2026-10-01T00:00:00Z")))
	both := compile(t, credentials.Schedule{Zone: "Europe/Berlin", Periods: summer, Week: []credentials.Span{{Days: []credentials.Weekday{mon}, From: 60, Until: 10 * 60}}})
	assert.True(t, both.Next(noon).Equal(at(t, "2026-06-01T08:00:00+02:00")), "1 June is a Monday")
	assert.True(t, both.Next(at(t, "2026-08-31T11:00:00+02:00")).IsZero())
}

func TestSchedulesThatNeverChange(t *testing.T) {
	always := compile(t, credentials.Schedule{Week: []credentials.Span{span(0, 24*60)}})
	assert.True(t, always.Open(noon))
	assert.Zero(t, always.Next(noon))
	assert.Zero(t, compile(t, credentials.Schedule{}).Next(noon))
	assert.False(t, compile(t, credentials.Schedule{}).Open(noon), "no hours are closed")
	var none *credentials.Compiled
	assert.True(t, none.Open(noon))
	assert.Zero(t, none.Next(noon))

	far := compile(t, credentials.Schedule{Days: []credentials.SpecialDay{{Date: "2031-01-01", Hours: []credentials.Hours{{From: 60, Until: 120}}}}})
	assert.Equal(t, time.Date(2031, 1, 1, 1, 0, 0, 0, time.UTC), far.Next(noon))
	assert.Zero(t, far.Next(time.Date(2031, 1, 1, 2, 0, 0, 0, time.UTC)))
}

func TestSchedulesThatCannotBeUnderstood(t *testing.T) {
	ok := credentials.Hours{From: 60, Until: 120}
	for name, s := range map[string]credentials.Schedule{
		"zone":             {Zone: "Nowhere/Town"},
		"the machine's":    {Zone: "Local"},
		"no day":           {Week: []credentials.Span{{From: 0, Until: 60}}},
		"weekday":          {Week: []credentials.Span{{Days: []credentials.Weekday{7}, From: 0, Until: 60}}},
		"late":             {Week: []credentials.Span{span(0, 24*60+1)}},
		"begins at 24:00":  {Week: []credentials.Span{span(24*60, 60)}},
		"negative":         {Week: []credentials.Span{span(-1, 60)}},
		"date":             {Days: []credentials.SpecialDay{{Date: "2026-02-30", Hours: []credentials.Hours{ok}}}},
		"date twice":       {Days: []credentials.SpecialDay{{Date: "2026-02-03"}, {Date: "2026-02-03"}}},
		"date of no year":  {Days: []credentials.SpecialDay{{Date: "--02-30"}}},
		"period":           {Periods: []credentials.Period{{From: "2026-12-24", Until: "2026-12-25T00:00"}}},
		"end of a period":  {Periods: []credentials.Period{{From: "2026-12-24T00:00", Until: "tomorrow"}}},
		"period backwards": {Periods: []credentials.Period{{From: "2026-12-24T00:00", Until: "2026-12-24T00:00"}}},
		"no minute":        {Days: []credentials.SpecialDay{{Date: "2026-02-03", Hours: []credentials.Hours{{From: 60, Until: 60}}}}},
		"over midnight":    {Days: []credentials.SpecialDay{{Date: "2026-02-03", Hours: []credentials.Hours{{From: 120, Until: 60}}}}},
	} {
		_, err := s.Compile()
		assert.ErrorIs(t, err, credentials.ErrSchedule, name)
	}
}

func TestSchedulesAreWrittenForPeople(t *testing.T) {
	s := credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{{Days: []credentials.Weekday{mon, sun}, From: 8 * 60, Until: 24 * 60}},
		Days: []credentials.SpecialDay{{Date: "2026-12-24", Hours: []credentials.Hours{{From: 0, Until: 12*60 + 5}}}}}
	b, err := json.Marshal(s)
	require.NoError(t, err)
	assert.JSONEq(t, `{"zone":"Europe/Berlin","week":[{"days":["mon","sun"],"from":"08:00","until":"24:00"}],
		"days":[{"date":"2026-12-24","hours":[{"from":"00:00","until":"12:05"}]}]}`, string(b))
	var back credentials.Schedule
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, s, back)
	for _, bad := range []string{`"8:00"`, `"24:01"`, `"08:60"`, `"08:00x"`, `"-1:00"`, `"0800"`, `""`, `"+8:00"`} {
		var c credentials.Clock
		assert.ErrorIs(t, json.Unmarshal([]byte(bad), &c), credentials.ErrSchedule, bad)
	}
	var d credentials.Weekday
	assert.ErrorIs(t, json.Unmarshal([]byte(`"noday"`), &d), credentials.ErrSchedule)
	_, err = json.Marshal(credentials.Weekday(9))
	assert.ErrorIs(t, err, credentials.ErrSchedule)
	assert.Equal(t, "17:05", fmt.Sprint(credentials.Clock(17*60+5)))
}

func BenchmarkScheduleOpen(b *testing.B) {
	c := compile(b, credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{span(8*60, 17*60)}, Days: []credentials.SpecialDay{{Date: "2026-12-24"}}})
	b.ReportAllocs()
	for b.Loop() {
		c.Open(noon)
	}
}
