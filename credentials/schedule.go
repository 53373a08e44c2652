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
	// Periods bound the whole: open only within one of them. With periods and no week
	// every ordinary day within them is open. None: no bound.
	Periods []Period `json:"periods,omitempty"`
	Week    []Span   `json:"week,omitempty"` // empty, without periods: closed on every ordinary day
	Zone    string   `json:"zone"`           // IANA name; "" is UTC
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
// within the day. A date without a year is that day of every year; one with a year
// comes before it.
type SpecialDay struct {
	Date  string  `json:"date"` // 2026-12-24, or --12-24 for every year
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
