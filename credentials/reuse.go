package credentials

import (
	"slices"
	"time"
)

// Tenure is a holder's time with a code.
type Tenure struct {
	Holder string
	Window Window
	Gone   time.Time // when the last device had confirmed that the code is gone; zero: not yet
}

// Reuse says when a code may go to another holder. The zero value never lets it, while
// anybody has it. It is for hosts that keep tenures of their own: the services give a code to
// nobody else before it has left every device and has rested.
type Reuse struct {
	// Disjoint lets a code go to a holder whose window begins when another's is over.
	Disjoint bool
	// Quarantine is how long nobody has the code in between.
	Quarantine time.Duration
}

// Check reports [ErrCodeTaken] if the wanted tenure may not be given beside the others.
// With Disjoint it begins after each of the others has ended and every device has
// confirmed that the code is gone, and after the quarantine: an unreachable device
// blocks the code. A tenure before one that was given already is always refused, because
// nothing promises that it will be gone in time.
func (r Reuse) Check(others []Tenure, want Tenure, now time.Time) error {
	begin := later(want.Window.From, now)
	for _, o := range others {
		if o.Holder == want.Holder {
			continue
		}
		over := !o.Window.Until.IsZero() && !o.Gone.IsZero() &&
			!begin.Before(later(o.Window.Until, o.Gone).Add(r.Quarantine))
		if !r.Disjoint || !over {
			return ErrCodeTaken
		}
	}
	return nil
}

// Rest is how long the codes that a holder gave up go to nobody. The zero value is not
// at all.
type Rest struct {
	For  time.Duration
	Last int // how many of each holder's codes rest, 0: 3, so that nobody uses the space up
}

// Released is a name that its holder gave up.
type Released struct {
	Name string
	At   time.Time
}

// Over lists the names of one holder that need not rest any more: those that rested long
// enough, and all but the last few.
func (r Rest) Over(released []Released, now time.Time) []string {
	last := r.Last
	if last == 0 {
		last = 3
	}
	newest := slices.SortedStableFunc(slices.Values(released), func(a, b Released) int { return b.At.Compare(a.At) })
	var over []string
	for i, name := range newest {
		if i >= last || !now.Before(name.At.Add(r.For)) {
			over = append(over, name.Name)
		}
	}
	return over
}
