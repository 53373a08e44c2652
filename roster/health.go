package roster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

const (
	// maxSkew is how far this node's clock may be from the store's.
	maxSkew = 2 * time.Second
	// maxBack is how far the log's newest entry may lie ahead of the time: a clock that was
	// set back by less is set right like any other.
	maxBack = time.Minute
)

// Errors of the clock.
var (
	// ErrSkew: this node's clock differs from the store's, so it does not sweep.
	ErrSkew = fault.New(fault.Precondition, "roster: this node's clock is wrong").
		Hinted("Synchronise the clock of this machine. Other nodes do the work meanwhile.")
	// ErrClock: the time cannot be relied on, so nobody is given to devices and nothing is
	// swept. Access is taken away all the same.
	ErrClock = fault.New(fault.Precondition, "roster: the clock is in doubt, so nobody is given to devices").
			Hinted("Synchronise the clock: it ends by itself as soon as the time is right. If the clock was ahead and is right now, confirm that with Options.LogAhead.")
)

// Health is how this node stands. It is green without problems.
type Health struct {
	Skew     time.Duration // how far its clock is ahead of the store's
	Problems []string
}

// OK reports whether there are no problems.
func (h Health) OK() bool { return len(h.Problems) == 0 }

// Health looks at what this node cannot do as it stands. A node whose clock is wrong does
// not sweep; ends are carried out all the same, because they are due by the store's clock.
//
// The store's clock itself is in doubt if this machine's is not synchronised
// (Options.Quality), if it is before the program was built, or more than a minute before the
// newest entry of the log: it was set back, and whoever has ended since would be let in
// again. Then no node sweeps or gives anybody to a device, each takes away what is to be
// taken by that time, and this says why. It ends within a quarter of an hour after the clock
// is right again, or has come to the time of that entry; after a clock that was far ahead an
// operator need not wait for that: Options.LogAhead.
func (d *Desk) Health(ctx context.Context) (Health, error) {
	var h Health
	if err := d.beat(ctx); err != nil {
		return h, err
	}
	if h.Skew = d.skew(); h.Skew.Abs() > maxSkew {
		h.Problems = append(h.Problems, ErrSkew.Error())
	}
	switch err := d.doubt(ctx); {
	case errors.Is(err, ErrClock):
		h.Problems = append(h.Problems, err.Error()+". "+fault.Hint(err))
	case err != nil:
		return h, err
	}
	if d.opener == nil {
		h.Problems = append(h.Problems, ErrNoOpener.Error())
	}
	return h, nil
}

// skew is how far this node's clock is ahead of the store's.
func (d *Desk) skew() time.Duration { return d.core.Time().Sub(d.local.now()) }

// doubt is [ErrClock] with the reason, if the store's time cannot be relied on.
func (d *Desk) doubt(ctx context.Context) error {
	why, err := d.core.Doubt(ctx, credentials.Now{T: d.local.now(), Quality: d.o.Quality()}, maxBack, d.o.LogAhead)
	if err != nil || why == "" {
		return err
	}
	return fmt.Errorf("%w: %s", ErrClock, why)
}
