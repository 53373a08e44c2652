package door

import (
	"math"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Policy is what wrong codes lead to. The zero value is the recommended one.
type Policy struct {
	// Wrong is how many wrong codes lock a medium of a reader's point; 0: 5. A right one
	// begins the count anew.
	Wrong int
	// Lock is how long the first lock-out lasts; 0: 30 s. Each further one is twice as
	// long, up to MaxLock; 0: 15 min, which is also the most, and how long each lasts
	// while the clock is in doubt.
	Lock, MaxLock time.Duration
	// Forget is after how long without a wrong code a reader begins anew; 0: 1 h.
	Forget time.Duration
	// Risk is the chance that a guesser has found a code at a site within a day from which
	// on an alarm is raised; 0: 0.01. Guesses is that budget in wrong codes; 0: what
	// [credentials.GuessRisk] makes of Risk, Digits and the codes of those whom a rule lets
	// in at the site, at least 20 and at most 500. They are counted when a rule or group has
	// changed, and every hour.
	Risk    float64
	Guesses int64
	// Digits is the length of the shortest code in use; 0: 4.
	Digits int
	// Both asks for a second credential for the rest of the day once the alarm was raised.
	// The site is never closed.
	Both bool
	// AlarmAlways also raises the alarm of a duress code whose holder was revoked by hand.
	AlarmAlways bool
	// Skew is how far the last entry may lie ahead of this node's clock before the clock
	// is in doubt, and how far an edge's clock may be off the server's; 0: 1 min.
	Skew time.Duration
}

// The bounds of what a policy can say.
const (
	longestLock             = 15 * time.Minute
	fewestGuesses           = 20
	mostGuesses             = 500
	guessDay                = 24 * time.Hour
	defaultRisk             = 0.01
	defaultDigits           = 4
	defaultWrong            = 5
	defaultLock, defaultLag = 30 * time.Second, time.Minute
)

func (p Policy) filled() Policy {
	set(&p.Wrong, defaultWrong)
	set(&p.Lock, defaultLock)
	set(&p.MaxLock, longestLock)
	p.MaxLock = min(p.MaxLock, longestLock)
	set(&p.Forget, time.Hour)
	set(&p.Risk, defaultRisk)
	set(&p.Digits, defaultDigits)
	set(&p.Skew, defaultLag)
	return p
}

func set[T int | float64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// budget is how many wrong codes a site has in a day with so many codes in use.
func (p Policy) budget(inUse int) int64 {
	if inUse == 0 {
		return mostGuesses
	}
	free := 1 - float64(inUse)/math.Pow10(p.Digits)
	if free <= 0 {
		return fewestGuesses
	}
	most := math.Log(1-p.Risk) / math.Log(free) // drawn with replacement: never more than the exact number
	n := int64(max(fewestGuesses, min(mostGuesses, most)))
	for n > fewestGuesses && credentials.GuessRisk(inUse, p.Digits, int(n)) > p.Risk {
		n--
	}
	return n
}

// wrong is a lock-out after one more wrong code, and whether that locks.
func (p Policy) wrong(l rec.Lockout, now time.Time) (rec.Lockout, bool) {
	switch ago := now.Sub(l.Last); {
	case ago > p.Forget || ago < -longestLock:
		l = rec.Lockout{}
	case !now.Before(l.Until):
		l.Until = time.Time{}
	}
	l.Wrong++
	l.Last = now
	if l.Wrong < p.Wrong {
		return l, false
	}
	long := p.MaxLock
	if l.Level < 16 { // beyond, the shift alone is longer than any lock-out
		long = min(long, p.Lock<<l.Level)
	}
	l.Wrong, l.Until = 0, now.Add(long)
	l.Level++
	return l, true
}

// locked is until when a lock-out holds; zero if it is over. Without a trusted clock it
// holds for as long as the longest could, counted from its beginning. One that a clock far
// ahead has begun is over, whatever the clock says of itself.
func locked(l rec.Lockout, now credentials.Now) time.Time {
	ago, end := now.T.Sub(l.Last), l.Until
	if now.Quality != credentials.ClockTrusted {
		end = l.Last.Add(longestLock)
	}
	if l.Until.IsZero() || ago < -longestLock || !now.T.Before(end) {
		return time.Time{}
	}
	return l.Until
}
