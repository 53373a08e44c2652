package recur

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of a text.
var (
	// ErrText: the text is not iCalendar, or says something that a schedule cannot.
	ErrText = fault.New(fault.Invalid, "recur: not a schedule").
		Hinted("Give VEVENTs with DTSTART, DTEND or DURATION in whole minutes, and at most RRULE, RDATE and EXDATE.")
	// ErrHorizon: a rule is no plain weekly one, and nothing says for which time to
	// write its days out.
	ErrHorizon = fault.New(fault.Invalid, "recur: the rule must be written out").
			Hinted("Give From and Until, and read the text again before Until comes.")
	// ErrTooMany: the text is too long or has too many occurrences.
	ErrTooMany = fault.New(fault.Invalid, "recur: too many occurrences").
			Hinted("Choose an earlier Until.")
)

// The bounds of what is read.
const (
	maxText        = 64 << 10
	maxOccurrences = 10_000
	maxLong        = 31 * 24 * time.Hour
)

// Options say how a text is read. The zero value reads weekly rules in UTC.
type Options struct {
	// Zone is that of times that have none; "" is UTC. All events must be in one zone.
	Zone string
	// From and Until bound the days that rules are written out for which are not plain
	// weekly: with a count, an end, an interval, exceptions, or other than weekly or daily.
	// A plain rule that begins after From is written out too; without From it is read as
	// if it had always been.
	From, Until time.Time
}

// Parse reads one or more VEVENTs, or the lines of one, into a schedule that is open
// whenever one of them is. Plain weekly and daily rules become hours of the week, all
// others special days between From and Until. Times are those on the wall: what the
// clocks skip or repeat is treated as [credentials.Schedule] says, and not as rrule-go
// does. Errors: [ErrText], [ErrHorizon], [ErrTooMany], credentials.ErrSchedule.
func Parse(text string, o Options) (credentials.Schedule, error) {
	if len(text) > maxText {
		return credentials.Schedule{}, ErrTooMany
	}
	events, zone, err := read(text, o.Zone)
	if err != nil {
		return credentials.Schedule{}, err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return credentials.Schedule{}, fmt.Errorf("%w: zone %q", credentials.ErrSchedule, zone)
	}
	p := &plan{days: map[time.Time][]credentials.Hours{}}
	if !o.From.IsZero() && !o.Until.IsZero() {
		p.from, p.until = floating(o.From.In(loc)), floating(o.Until.In(loc))
	}
	for _, e := range events {
		if err := p.add(e); err != nil {
			return credentials.Schedule{}, err
		}
	}
	s := p.schedule(zone)
	_, err = s.Compile()
	return s, err
}

// floating is the wall's time of t as if it were UTC: arithmetic on it knows no clock
// changes.
func floating(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// plan is what was read so far.
type plan struct {
	from, until time.Time
	week        []credentials.Span
	days        map[time.Time][]credentials.Hours // what is open beside the week
	occurrences int
}

// add takes one event in.
func (p *plan) add(e event) error {
	if e.long <= 0 || e.long > maxLong || e.long%time.Minute != 0 || e.start.Second() != 0 {
		return fmt.Errorf("%w: an event is 1 minute to 31 days long, in whole minutes", ErrText)
	}
	weekdays, plain, err := e.weekly()
	if err != nil {
		return err
	}
	if plain && (p.from.IsZero() || !e.start.After(p.from)) {
		from := clock(e.start)
		p.week = append(p.week, credentials.Span{Days: weekdays, From: from, Until: (from+clockOf(e.long)-1)%clockOf(day) + 1})
		return nil
	}
	if e.recurs() && p.until.IsZero() {
		return ErrHorizon
	}
	return e.occurrences(func(at time.Time) (bool, error) {
		if !p.until.IsZero() && !at.Before(p.until) {
			return false, nil
		}
		if at.Second() != 0 {
			return false, fmt.Errorf("%w: seconds", ErrText)
		}
		if !at.Add(e.long).After(p.from) {
			return true, nil
		}
		if p.occurrences++; p.occurrences > maxOccurrences {
			return false, ErrTooMany
		}
		p.open(at, at.Add(e.long))
		return true, nil
	})
}

const day = 24 * time.Hour

func clock(t time.Time) credentials.Clock { return credentials.Clock(60*t.Hour() + t.Minute()) }

func clockOf(d time.Duration) credentials.Clock { return credentials.Clock(d / time.Minute) }

// open notes a stretch, day by day.
func (p *plan) open(from, until time.Time) {
	for from.Before(until) {
		date := from.Truncate(day)
		end := date.Add(day)
		if until.Before(end) {
			end = until
		}
		p.days[date] = append(p.days[date], credentials.Hours{From: clock(from), Until: clock(from) + clockOf(end.Sub(from))})
		from = end
	}
}

// schedule puts week and days together: a special day replaces the week's hours, so it
// gets them too.
func (p *plan) schedule(zone string) credentials.Schedule {
	s := credentials.Schedule{Zone: zone, Week: p.week}
	for _, date := range slices.SortedFunc(maps.Keys(p.days), time.Time.Compare) {
		hours := slices.Concat(p.days[date], p.ofWeek(date))
		s.Days = append(s.Days, credentials.SpecialDay{Date: date.Format(time.DateOnly), Hours: merged(hours)})
	}
	return s
}

// ofWeek is what the week has open on that date.
func (p *plan) ofWeek(date time.Time) (hours []credentials.Hours) {
	today := credentials.Weekday(date.Weekday())
	for _, span := range p.week {
		over := span.Until <= span.From
		if slices.Contains(span.Days, today) {
			until := span.Until
			if over {
				until = clockOf(day)
			}
			hours = append(hours, credentials.Hours{From: span.From, Until: until})
		}
		if over && span.Until > 0 && slices.Contains(span.Days, (today+6)%7) {
			hours = append(hours, credentials.Hours{From: 0, Until: span.Until})
		}
	}
	return hours
}

// merged joins hours that touch each other.
func merged(hours []credentials.Hours) []credentials.Hours {
	slices.SortFunc(hours, func(a, b credentials.Hours) int { return cmp.Compare(a.From, b.From) })
	out := hours[:1]
	for _, h := range hours[1:] {
		if last := &out[len(out)-1]; h.From <= last.Until {
			last.Until = max(last.Until, h.Until)
			continue
		}
		out = append(out, h)
	}
	return out
}
