package recur

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// event is one VEVENT, with its times as the wall shows them.
type event struct {
	start time.Time
	long  time.Duration
	rule  *rrule.ROption // nil: it does not recur
	dates []time.Time    // RDATE
	not   []time.Time    // EXDATE
}

func (e event) recurs() bool { return e.rule != nil }

// weekly says on which days a plain weekly or daily event is.
func (e event) weekly() (days []credentials.Weekday, plain bool, err error) {
	if e.rule == nil || len(e.dates) > 0 || len(e.not) > 0 || e.long > day {
		return nil, false, nil
	}
	r := e.rule
	others := len(r.Bysetpos) + len(r.Bymonth) + len(r.Bymonthday) + len(r.Byyearday) + len(r.Byweekno) + len(r.Byhour) + len(r.Byminute) + len(r.Bysecond) + len(r.Byeaster)
	if r.Count > 0 || r.Interval > 1 || !r.Until.IsZero() || others > 0 || r.Freq != rrule.WEEKLY && r.Freq != rrule.DAILY {
		return nil, false, nil
	}
	for _, d := range r.Byweekday {
		if d.N() != 0 {
			return nil, false, fmt.Errorf("%w: a weekday with a number, every week", ErrText)
		}
		days = append(days, credentials.Weekday((d.Day()+1)%7))
	}
	switch {
	case len(days) == 0 && r.Freq == rrule.DAILY:
		days = []credentials.Weekday{0, 1, 2, 3, 4, 5, 6}
	case len(days) == 0:
		days = []credentials.Weekday{credentials.Weekday(e.start.Weekday())}
	}
	return days, true, nil
}

// occurrences calls each with every beginning, in order, until it says no more.
func (e event) occurrences(each func(time.Time) (more bool, err error)) error {
	set := rrule.Set{}
	set.DTStart(e.start)
	if e.rule != nil {
		r, err := rrule.NewRRule(*e.rule)
		if err != nil {
			return fmt.Errorf("%w: RRULE", ErrText)
		}
		set.RRule(r)
	} else {
		set.RDate(e.start)
	}
	for _, t := range e.dates {
		set.RDate(t)
	}
	for _, t := range e.not {
		set.ExDate(t)
	}
	var next func() (time.Time, bool)
	if err := guarded(func() { next = set.Iterator() }); err != nil {
		return err
	}
	for {
		var at time.Time
		var ok bool
		if err := guarded(func() { at, ok = next() }); err != nil || !ok {
			return err
		}
		if more, err := each(at); !more || err != nil {
			return err
		}
	}
}

// guarded turns a panic of rrule-go into an error: it takes some rules that it cannot
// follow, such as the tenth Friday of a month.
func guarded(do func()) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: RRULE", ErrText)
		}
	}()
	do()
	return nil
}

// read takes the events out of the text, and the zone that they have in common.
func read(text, zone string) ([]event, string, error) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = strings.NewReplacer("\n ", "", "\n\t", "").Replace(text) // long lines are folded
	z := &zones{otherwise: zone}
	if !strings.Contains(text, "BEGIN:VEVENT") {
		text = "BEGIN:VEVENT\n" + text + "\nEND:VEVENT"
	}
	var events []event
	var lines []string
	depth, inEvent := 0, false
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case line == "BEGIN:VEVENT" && !inEvent:
			inEvent, lines = true, nil
		case line == "END:VEVENT" && inEvent && depth == 0:
			e, err := parseEvent(lines, z)
			if err != nil {
				return nil, "", err
			}
			events, inEvent = append(events, e), false
		case inEvent && strings.HasPrefix(line, "BEGIN:"):
			depth++ // an alarm
		case inEvent && depth > 0 && strings.HasPrefix(line, "END:"):
			depth--
		case inEvent && depth == 0 && line != "":
			lines = append(lines, line)
		}
	}
	if inEvent || len(events) == 0 {
		return nil, "", fmt.Errorf("%w: no event that ends", ErrText)
	}
	if z.found {
		zone = z.name
	}
	return events, zone, nil
}

// zones makes sure that there is one.
type zones struct {
	otherwise, name string
	found           bool
}

func (z *zones) meet(name string) error {
	if z.found && z.name != name {
		return fmt.Errorf("%w: two time zones", ErrText)
	}
	z.name, z.found = name, true
	return nil
}

// parseEvent reads the lines of one event.
func parseEvent(lines []string, z *zones) (e event, err error) {
	var end time.Time
	rule := ""
	for _, line := range lines {
		head, value, ok := strings.Cut(line, ":")
		if !ok {
			return e, fmt.Errorf("%w: a line without a colon", ErrText)
		}
		name, params, _ := strings.Cut(head, ";")
		var times []time.Time
		switch name = strings.ToUpper(name); name {
		case "DTSTART", "DTEND", "RDATE", "EXDATE":
			if times, err = parseTimes(params, value, z); err != nil {
				return e, err
			}
		case "DURATION":
			if e.long, err = parseDuration(value); err != nil {
				return e, err
			}
		case "RRULE":
			rule = value
		case "EXRULE", "RECURRENCE-ID":
			return e, fmt.Errorf("%w: %s", ErrText, name)
		}
		switch name {
		case "DTSTART":
			e.start = times[0]
		case "DTEND":
			end = times[0]
		case "RDATE":
			e.dates = append(e.dates, times...)
		case "EXDATE":
			e.not = append(e.not, times...)
		}
	}
	if e.start.Year() < 1970 {
		return e, fmt.Errorf("%w: no DTSTART from 1970 on", ErrText)
	}
	if !end.IsZero() {
		e.long = end.Sub(e.start)
	}
	if rule != "" {
		e.rule, err = parseRule(rule, e.start, z)
	}
	return e, err
}

// parseTimes reads one or more times as the wall shows them.
func parseTimes(params, value string, z *zones) (out []time.Time, err error) {
	zone := ""
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(k, "TZID") {
			zone = strings.Trim(v, `"`)
		}
	}
	for v := range strings.SplitSeq(value, ",") {
		t, utc, err := parseTime(v)
		if err != nil {
			return nil, err
		}
		switch {
		case utc:
			err = z.meet("UTC")
		case zone != "":
			err = z.meet(zone)
		case len(v) > len(time.DateOnly): // a date belongs to every zone
			err = z.meet(z.otherwise)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func parseTime(v string) (t time.Time, utc bool, err error) {
	bare, utc := strings.CutSuffix(v, "Z")
	for _, form := range []string{rrule.LocalDateTimeFormat, rrule.DateFormat} {
		if t, err = time.Parse(form, bare); err == nil {
			return t, utc, nil
		}
	}
	return t, utc, fmt.Errorf("%w: time %q", ErrText, v)
}

// parseRule reads an RRULE whose beginning is known. Its UNTIL in UTC is the wall's time
// in the event's zone.
func parseRule(s string, start time.Time, z *zones) (*rrule.ROption, error) {
	parts := strings.Split(strings.ToUpper(s), ";")
	for i, p := range parts {
		v, is := strings.CutPrefix(p, "UNTIL=")
		if !is {
			continue
		}
		t, utc, err := parseTime(v)
		if err != nil {
			return nil, err
		}
		if len(v) == len(rrule.DateFormat) {
			t = t.Add(day - time.Second) // the whole of that day
		}
		if utc && z.found {
			zone, err := time.LoadLocation(z.name)
			if err != nil {
				return nil, fmt.Errorf("%w: zone %q", credentials.ErrSchedule, z.name)
			}
			t = floating(t.In(zone))
		}
		parts[i] = "UNTIL=" + t.Format(rrule.LocalDateTimeFormat)
	}
	o, err := rrule.StrToROptionInLocation(strings.Join(parts, ";"), time.UTC)
	if err != nil || !slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, "FREQ=") }) {
		return nil, fmt.Errorf("%w: RRULE", ErrText)
	}
	if o.Freq > rrule.HOURLY {
		return nil, fmt.Errorf("%w: nothing recurs more often than every hour", ErrText)
	}
	if o.Freq == rrule.HOURLY && len(o.Byhour) > 0 {
		// With an interval that never meets the hour rrule-go looks for ever.
		return nil, fmt.Errorf("%w: BYHOUR every hour; say it with FREQ=DAILY", ErrText)
	}
	o.Dtstart = start
	return o, nil
}

// parseDuration reads P1W, P1D, PT8H30M and the like.
func parseDuration(s string) (d time.Duration, err error) {
	bad := fmt.Errorf("%w: DURATION", ErrText)
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return 0, bad
	}
	date, clock, _ := strings.Cut(rest, "T")
	for _, part := range []struct {
		text  string
		units map[byte]time.Duration
	}{{date, map[byte]time.Duration{'W': 7 * day, 'D': day}}, {clock, map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}}} {
		n, digits := 0, 0
		for i := range len(part.text) {
			c := part.text[i]
			unit := part.units[c]
			switch {
			case c >= '0' && c <= '9' && digits < 5:
				n, digits = 10*n+int(c-'0'), digits+1
			case unit > 0 && digits > 0:
				d, n, digits = d+time.Duration(n)*unit, 0, 0
			default:
				return 0, bad
			}
		}
		if digits > 0 {
			return 0, bad
		}
	}
	return d, nil
}
