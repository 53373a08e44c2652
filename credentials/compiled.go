package credentials

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// minutes is a set of minutes of a day.
type minutes [(day + 63) / 64]uint64

func (m *minutes) add(from, until Clock) {
	for c := from; c < until; c++ {
		m[c/64] |= 1 << (c % 64)
	}
}

func (m *minutes) has(c Clock) bool { return m[c/64]>>(c%64)&1 == 1 }

// change is the first minute from c on whose membership differs from want, or day.
func (m *minutes) change(c Clock, want bool) Clock {
	for c < day {
		word := m[c/64]
		if want {
			word = ^word
		}
		if word >>= c % 64; word != 0 {
			return min(c+Clock(bits.TrailingZeros64(word)), day)
		}
		c = (c/64 + 1) * 64
	}
	return day
}

// Compiled is a schedule in the form that is asked: a mask of minutes for each day of
// the week and for each special day. It never changes and may be shared. A nil Compiled
// is always open.
type Compiled struct {
	any    []*Compiled // of a union; the rest is empty then
	zone   *time.Location
	week   [7]minutes
	dates  specials // by number of the day
	yearly specials // by date: 1224
	bounds []stretch
}

// specials are special days in order.
type specials struct {
	keys []int
	days []minutes
}

func (s *specials) at(key int) *minutes {
	if i, found := slices.BinarySearch(s.keys, key); found {
		return &s.days[i]
	}
	return nil
}

// Compile checks the schedule, or fails with [ErrSchedule].
func (s Schedule) Compile() (*Compiled, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "Local" {
		return nil, fmt.Errorf("%w: zone %q", ErrSchedule, s.Zone)
	}
	c := &Compiled{zone: zone}
	if c.bounds, err = stretches(s.Periods); err != nil {
		return nil, err
	}
	if err = c.addWeek(s); err != nil {
		return nil, err
	}
	return c, c.addDays(s.Days)
}

func (c *Compiled) addWeek(s Schedule) error {
	if len(s.Week) == 0 && len(s.Periods) > 0 {
		for d := range c.week {
			c.week[d].add(0, day)
		}
	}
	for _, span := range s.Week {
		if !span.From.valid() || !span.Until.valid() || span.From == day || len(span.Days) == 0 {
			return fmt.Errorf("%w: from %s until %s on %d days", ErrSchedule, span.From, span.Until, len(span.Days))
		}
		for _, d := range span.Days {
			if d < 0 || d > 6 {
				return fmt.Errorf("%w: weekday %d", ErrSchedule, d)
			}
			if span.Until > span.From {
				c.week[d].add(span.From, span.Until)
				continue
			}
			c.week[d].add(span.From, day)
			c.week[(d+1)%7].add(0, span.Until)
		}
	}
	return nil
}

func (c *Compiled) addDays(days []SpecialDay) error {
	for _, d := range days {
		kind, key, err := c.dateKey(d.Date)
		if err != nil {
			return err
		}
		at, twice := slices.BinarySearch(kind.keys, key)
		if twice {
			return fmt.Errorf("%w: date %q twice", ErrSchedule, d.Date)
		}
		var open minutes
		for _, h := range d.Hours {
			if !h.From.valid() || !h.Until.valid() || h.Until <= h.From {
				return fmt.Errorf("%w: from %s until %s on %s", ErrSchedule, h.From, h.Until, d.Date)
			}
			open.add(h.From, h.Until)
		}
		kind.keys, kind.days = slices.Insert(kind.keys, at, key), slices.Insert(kind.days, at, open)
	}
	return nil
}

// dateKey reads 2026-12-24 as the number of that day and --12-24 as 1224.
func (c *Compiled) dateKey(s string) (*specials, int, error) {
	written, yearly := s, strings.HasPrefix(s, "--")
	if yearly {
		written = "2000" + s[1:] // a leap year, so that 29 February is a date
	}
	t, err := time.Parse(time.DateOnly, written)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: date %q", ErrSchedule, s)
	}
	if yearly {
		return &c.yearly, 100*int(t.Month()) + t.Day(), nil
	}
	return &c.dates, dayOf(wallMinute(t)), nil
}

// Union is open whenever one of the schedules is. Each keeps its own zone and special
// days: a holiday of one closes nothing of another. Nothing is never open; a nil
// Compiled makes the union always open.
func Union(schedules ...*Compiled) *Compiled {
	if slices.Contains(schedules, nil) {
		return nil
	}
	if len(schedules) == 1 {
		return schedules[0]
	}
	return &Compiled{any: slices.Clone(schedules), zone: time.UTC}
}

// Open reports whether the schedule is open at t.
func (c *Compiled) Open(t time.Time) bool {
	if c == nil {
		return true
	}
	for _, one := range c.any {
		if one.Open(t) {
			return true
		}
	}
	now := wallMinute(t.In(c.zone))
	if !c.on(now).has(clockOf(now)) {
		return false
	}
	if len(c.bounds) == 0 {
		return true
	}
	in, _ := within(c.bounds, now)
	return in
}

// on is the mask of the day on which a minute of the wall lies.
func (c *Compiled) on(minute int) *minutes {
	d := dayOf(minute)
	if m := c.dates.at(d); m != nil {
		return m
	}
	if len(c.yearly.keys) > 0 {
		_, month, date := time.Unix(86_400*int64(d), 0).UTC().Date()
		if m := c.yearly.at(100*int(month) + date); m != nil {
			return m
		}
	}
	return &c.week[((d+4)%7+7)%7] // day 0 was a Thursday
}

// Next returns the first instant after t at which Open changes, zero if it never does.
func (c *Compiled) Next(t time.Time) time.Time {
	if c == nil {
		return time.Time{}
	}
	open := c.Open(t)
	for last := c.horizon(t); !t.IsZero() && !t.After(last); {
		if t = c.step(t, open); !t.IsZero() && c.Open(t) != open {
			return t
		}
	}
	return time.Time{}
}

// step is an instant after t before which Open does not change: not always one at which
// it does. Zero if there is none.
func (c *Compiled) step(t time.Time, open bool) time.Time {
	if c.any != nil {
		var first time.Time
		for _, one := range c.any {
			if next := one.Next(t); !next.IsZero() && (first.IsZero() || next.Before(first)) {
				first = next
			}
		}
		return first
	}
	t = t.In(c.zone)
	now := wallMinute(t)
	in, change := true, 0
	if len(c.bounds) > 0 {
		in, change = within(c.bounds, now)
	}
	until := day // where to look next, in minutes of this day
	if in {
		until = c.on(now).change(clockOf(now), open)
	}
	if change > 0 {
		until = min(until, clockOf(now)+Clock(change-now))
	}
	// Within one day and one offset from UTC, wall time runs evenly.
	minutes := time.Duration(until-clockOf(now)) * time.Minute
	next := t.Add(minutes - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	if _, shift := t.ZoneBounds(); !shift.IsZero() && shift.Before(next) {
		return shift
	}
	return next
}

// horizon is when every pattern of the schedule has been seen: a week and a day of
// skipped hours after the last special day or period that is still to come; with days
// of every year, after the longest time between two 29ths of February.
func (c *Compiled) horizon(t time.Time) time.Time {
	if c == nil {
		return t
	}
	last := t
	for _, one := range c.any {
		if h := one.horizon(t); h.After(last) {
			last = h
		}
	}
	if n := len(c.dates.keys); n > 0 {
		if d := time.Unix(86_400*int64(c.dates.keys[n-1]), 0); d.After(last) {
			last = d
		}
	}
	if n := len(c.bounds); n > 0 {
		if end := time.Unix(60*int64(c.bounds[n-1].until), 0); end.After(last) {
			last = end
		}
	}
	if len(c.yearly.keys) > 0 {
		last = last.AddDate(8, 1, 0)
	}
	return last.AddDate(0, 0, 16)
}
