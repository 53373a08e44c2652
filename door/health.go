package door

import (
	"context"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// ErrClock: this node's time cannot be relied on, so it denies what depends on time.
var ErrClock = fault.New(fault.Precondition, "door: the clock is in doubt, so what depends on time is denied").
	Hinted("Synchronise the clock: it ends by itself as soon as the time is right. If the clock was ahead and is right now, confirm that with Options.LogAhead.")

// Health is how this node stands. It is green without problems.
type Health struct {
	Clock    credentials.ClockQuality // with which it decides now
	Problems []string
}

// OK reports whether there are no problems.
func (h Health) OK() bool { return len(h.Problems) == 0 }

// Health looks at what this node cannot do as it stands: decide about what depends on
// time, because its clock is in doubt; carry alarms and feed edges, because its keyring
// cannot open. Errors: the store's.
func (s *Service) Health(ctx context.Context) (Health, error) {
	now, why, err := s.judged(ctx, s.core.Time())
	if err != nil {
		return Health{}, err
	}
	h := Health{Clock: now.Quality}
	if why != "" {
		err := fmt.Errorf("%w: %s", ErrClock, why)
		h.Problems = append(h.Problems, err.Error()+". "+fault.Hint(err))
	}
	if s.core.Opener == nil {
		h.Problems = append(h.Problems, flow.ErrNoOpener.Error())
	}
	return h, nil
}
