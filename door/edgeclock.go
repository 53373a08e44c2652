package door

import (
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// served is the server's clock, as an edge was told it.
type served struct {
	at, last   time.Time // the server's time, and that of the newest entry of its log
	asked, got time.Time // between which it was that time there
}

// contradicts reports whether a time cannot be right, give or take skew: it is before the
// program was built or the log's newest entry, or is not the time that it is at the server
// by now.
func (s served) contradicts(t, built time.Time, skew time.Duration) bool {
	if t.Before(built) {
		return true
	}
	if s.got.IsZero() {
		return false
	}
	earliest, latest := s.now(), s.at.Add(time.Since(s.asked))
	return t.Add(skew).Before(s.last) || t.Add(skew).Before(earliest) || t.Add(-skew).After(latest)
}

// now is the earliest that it can be at the server by now.
func (s served) now() time.Time { return s.at.Add(time.Since(s.got)) }

// now reads the clock. One that something contradicts is in doubt.
func (e *Edge) now() credentials.Now {
	now := e.o.Clock()
	if e.served.contradicts(now.T, flow.Built(), e.p.Skew) {
		now.Quality = min(now.Quality, credentials.ClockDoubtful)
	}
	return now
}
