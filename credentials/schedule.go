package credentials

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// ErrSchedule: a schedule cannot be understood.
var ErrSchedule = fault.New(fault.Invalid, "credentials: not a schedule").
	Hinted("Give times of day from 00:00 to 24:00, days once each, and a time zone such as Europe/Berlin.")

// Schedule says at which times of the week something is open, as people write it and as
// it is stored. [Schedule.Compile] makes the form that is asked.
//
// Times are those on the wall in Zone. An hour that the clocks skip does not exist: what
// would be open only then stays closed, what would open then opens with the first
// minute that exists. An hour that the clocks repeat counts both times.
type Schedule struct {
	Days []SpecialDay `json:"days,omitempty"` // holidays and other exceptions
	Week []Span       `json:"week,omitempty"` // empty: closed on every ordinary day
	Zone string       `json:"zone"`           // IANA name; "" is UTC
}

// Span is a time of day on some weekdays: From inclusive, Until exclusive. If Until is
// not after From it ends on the next day: from 22:00 until 06:00; equal times are 24
// hours.
type Span struct {
	Days  []Weekday `json:"days"`
	From  Clock     `json:"from"`
	Until Clock     `json:"until"`
}

// SpecialDay replaces the whole day of that date, including what a span of the eve
// would have left open after midnight. Without hours the day is closed. Its hours stay
// within the day.
type SpecialDay struct {
	Date  string  `json:"date"` // 2026-12-24
	Hours []Hours `json:"hours,omitempty"`
}

// Hours is a time of day: From inclusive, Until exclusive.
type Hours struct {
	From  Clock `json:"from"`
	Until Clock `json:"until"`
}

// Weekday is a day of the week with the JSON form "mon", "tue" and so on.
type Weekday time.Weekday

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// MarshalText implements encoding.TextMarshaler.
func (d Weekday) MarshalText() ([]byte, error) {
	if d < 0 || int(d) >= len(weekdays) {
		return nil, fmt.Errorf("%w: a weekday", ErrSchedule)
	}
	return []byte(weekdays[d]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Weekday) UnmarshalText(b []byte) error {
	i := slices.Index(weekdays[:], strings.ToLower(string(b)))
	if i < 0 {
		return fmt.Errorf("%w: weekday %q", ErrSchedule, b)
	}
	*d = Weekday(i)
	return nil
}

// Clock is a time of day in minutes after midnight, 0 to 1440, with the JSON form
// "17:30".
type Clock int

const day Clock = 24 * 60

// String returns "17:30".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// MarshalText implements encoding.TextMarshaler.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads two digits, a colon and two digits: 00:00 to 24:00.
func (c *Clock) UnmarshalText(b []byte) error {
	var h, m Clock
	_, err := fmt.Sscanf(string(b), "%02d:%02d", &h, &m)
	if t := 60*h + m; err == nil && m < 60 && t.valid() && t.String() == string(b) {
		*c = t
		return nil
	}
	return fmt.Errorf("%w: time %q", ErrSchedule, b)
}

func (c Clock) valid() bool { return c >= 0 && c <= day }

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
	for c < day && m.has(c) == want {
		c++
	}
	return c
}

// Compiled is a schedule in the form that is asked: a mask of minutes for each day of
// the week and for each special day. It never changes and may be shared. A nil Compiled
// is always open.
type Compiled struct {
	zone  *time.Location
	week  [7]minutes
	dates []int // of the special days, in order: 20261224
	days  []minutes
}

// Compile checks the schedule, or fails with [ErrSchedule].
func (s Schedule) Compile() (*Compiled, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "Local" {
		return nil, fmt.Errorf("%w: zone %q", ErrSchedule, s.Zone)
	}
	c := &Compiled{zone: zone}
	for _, span := range s.Week {
		if !span.From.valid() || !span.Until.valid() || span.From == day || len(span.Days) == 0 {
			return nil, fmt.Errorf("%w: from %s until %s on %d days", ErrSchedule, span.From, span.Until, len(span.Days))
		}
		for _, d := range span.Days {
			if d < 0 || d > 6 {
				return nil, fmt.Errorf("%w: weekday %d", ErrSchedule, d)
			}
			if span.Until > span.From {
				c.week[d].add(span.From, span.Until)
				continue
			}
			c.week[d].add(span.From, day)
			c.week[(d+1)%7].add(0, span.Until)
		}
	}
	special := slices.SortedFunc(slices.Values(s.Days), func(a, b SpecialDay) int { return strings.Compare(a.Date, b.Date) })
	for i, d := range special {
		date, err := time.Parse(time.DateOnly, d.Date)
		if err != nil || i > 0 && special[i-1].Date == d.Date {
			return nil, fmt.Errorf("%w: date %q", ErrSchedule, d.Date)
		}
		var open minutes
		for _, h := range d.Hours {
			if !h.From.valid() || !h.Until.valid() || h.Until <= h.From {
				return nil, fmt.Errorf("%w: from %s until %s on %s", ErrSchedule, h.From, h.Until, d.Date)
			}
			open.add(h.From, h.Until)
		}
		c.dates, c.days = append(c.dates, number(date)), append(c.days, open)
	}
	return c, nil
}

// Open reports whether the schedule is open at t.
func (c *Compiled) Open(t time.Time) bool {
	if c == nil {
		return true
	}
	t = t.In(c.zone)
	return c.on(t).has(clock(t))
}

func clock(t time.Time) Clock { return Clock(60*t.Hour() + t.Minute()) }

// number is the date of t as one number that sorts.
func number(t time.Time) int {
	y, m, d := t.Date()
	return 10_000*y + 100*int(m) + d
}

// on is the mask of the day on which t falls; t is in the schedule's zone.
func (c *Compiled) on(t time.Time) *minutes {
	if len(c.dates) > 0 {
		if i, special := slices.BinarySearch(c.dates, number(t)); special {
			return &c.days[i]
		}
	}
	return &c.week[t.Weekday()]
}

// Next returns the first instant after t at which Open changes, zero if it never does.
func (c *Compiled) Next(t time.Time) time.Time {
	if c == nil {
		return time.Time{}
	}
	t = t.In(c.zone)
	open := c.Open(t)
	for last := c.horizon(t); !t.After(last); {
		// Within one day and one offset from UTC, wall time runs evenly.
		seconds := 3600*t.Hour() + 60*t.Minute() + t.Second()
		next := t.Truncate(time.Second).Add(time.Duration(60*int(c.on(t).change(clock(t), open))-seconds) * time.Second)
		if _, shift := t.ZoneBounds(); !shift.IsZero() && shift.Before(next) {
			next = shift
		}
		if t = next.In(c.zone); c.Open(t) != open {
			return t
		}
	}
	return time.Time{}
}

// horizon is when every pattern of the schedule has been seen: a week and a day of
// skipped hours after the last special day that is still to come.
func (c *Compiled) horizon(t time.Time) time.Time {
	if n := len(c.dates); n > 0 {
		last := c.dates[n-1]
		if d := time.Date(last/10_000, time.Month(last/100%100), last%100, 0, 0, 0, 0, c.zone); d.After(t) {
			t = d
		}
	}
	return t.AddDate(0, 0, 16)
}
