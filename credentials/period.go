package credentials

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Period is a stretch of days and hours, by the wall's time: From inclusive, Until
// exclusive.
type Period struct {
	From  LocalTime `json:"from"`
	Until LocalTime `json:"until"`
}

// LocalTime is a time on the wall, without a zone: 2026-12-24T18:00.
type LocalTime string

const localForm = "2006-01-02T15:04"

// minute reads the time as one number that sorts.
func (l LocalTime) minute() (int, error) {
	t, err := time.Parse(localForm, string(l))
	if err != nil {
		return 0, fmt.Errorf("%w: time %q", ErrSchedule, string(l))
	}
	return wallMinute(t), nil
}

// wallMinute counts the minutes that the wall shows at t, in t's zone. An hour that the
// clocks repeat has its numbers twice.
func wallMinute(t time.Time) int {
	_, offset := t.Zone()
	return int(floorDiv(t.Unix()+int64(offset), 60))
}

// dayOf is the number of the day on which a minute of the wall lies.
func dayOf(minute int) int { return floorDiv(minute, int(day)) }

// clockOf is the time of day of a minute of the wall.
func clockOf(minute int) Clock { return Clock(minute - dayOf(minute)*int(day)) }

// floorDiv rounds down, also before 1970.
func floorDiv[T int | int64](a, b T) T {
	if a < 0 {
		return (a+1)/b - 1
	}
	return a / b
}

// stretch is a compiled period, in minutes of the wall.
type stretch struct{ from, until int }

// stretches compiles periods into sorted ones that do not touch each other.
func stretches(periods []Period) ([]stretch, error) {
	var all []stretch
	for _, p := range periods {
		from, err := p.From.minute()
		if err != nil {
			return nil, err
		}
		until, err := p.Until.minute()
		if err != nil {
			return nil, err
		}
		if until <= from {
			return nil, fmt.Errorf("%w: from %s until %s", ErrSchedule, p.From, p.Until)
		}
		all = append(all, stretch{from, until})
	}
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	var out []stretch
	for _, s := range all {
		if n := len(out); n > 0 && s.from <= out[n-1].until {
			out[n-1].until = max(out[n-1].until, s.until)
			continue
		}
		out = append(out, s)
	}
	return out, nil
}

// within reports whether minute lies in one of the stretches, and where that next
// changes: 0 if never.
func within(all []stretch, minute int) (in bool, change int) {
	i, _ := slices.BinarySearchFunc(all, minute, func(s stretch, m int) int {
		if s.until <= m {
			return -1
		}
		return 1
	})
	switch {
	case i == len(all):
		return false, 0
	case all[i].from <= minute:
		return true, all[i].until
	}
	return false, all[i].from
}
