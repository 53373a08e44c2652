package roster

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// ErrLimits: the limits are none that a credential can have.
var ErrLimits = fault.New(fault.Invalid, "roster: not limits that a credential can have").
	Hinted("Give a known type, and numbers and times that are not below zero.")

// MaxNeeds is how many credentials can be asked for at once.
const MaxNeeds = 3

// Limits are what restricts one credential beside its window, the account and rules. The
// zero value restricts nothing.
//
// Doors that are decided here keep all of them. Hours are kept on every device: it gets
// the user when they begin and loses it when they end, unless it keeps windows itself. A
// credential that ends with its use is only on devices that tell who opens them, while
// somebody listens; on others [Person.Devices] says why not.
type Limits struct {
	Type     credentials.UserType
	Schedule *credentials.Schedule // nil: always
	Uses     int                   // how often it opens, 0: no limit
	For      time.Duration         // it ends that long after its first use, 0: not so
	Idle     time.Duration         // it ends when it was not used for that long, 0: not so
	// Needs is how many credentials of the person's must be shown together, beginning with
	// this one: at most [MaxNeeds], 0: it alone. A PIN counts once, each tag once. Only doors
	// that are decided here can ask for more than one; no device is given such a credential.
	Needs    int
	Disabled bool
}

// Validate reports [ErrLimits] and what is wrong with the schedule.
func (l Limits) Validate() error {
	if l.Type > credentials.RemoteOnly || l.Uses < 0 || l.For < 0 || l.Idle < 0 || l.Needs < 0 || l.Needs > MaxNeeds {
		return ErrLimits
	}
	if l.Schedule == nil {
		return nil
	}
	_, err := l.Schedule.Compile()
	return err
}

func limitsOf(c rec.Credential) Limits {
	return Limits{Type: c.Type, Schedule: c.Schedule, Uses: c.Uses, For: c.For, Idle: c.Idle, Needs: c.Needs, Disabled: c.Disabled}
}

// restrict gives a credential its limits. What ends it by use counts from now on.
func (h *holding) restrict(c *flow.Held, l Limits) error {
	if err := l.Validate(); err != nil {
		return err
	}
	c.Type, c.Schedule, c.Uses, c.For, c.Idle, c.Needs, c.Disabled = l.Type, l.Schedule, l.Uses, l.For, l.Idle, l.Needs, l.Disabled
	return h.Unused(c)
}

// SetLimits restricts the PIN, and the duress PIN with it. Uses are counted from now on.
func (p *Person) SetLimits(ctx context.Context, l Limits, opts ...WishOption) error {
	return p.change(ctx, "SetLimits", options(opts), func(h *holding) error {
		if !h.PIN.Given() {
			return ErrNoPIN
		}
		h.fields = "limits"
		return h.restrict(&h.PIN, l)
	})
}

// SetTagLimits restricts a tag. Uses are counted from now on.
func (p *Person) SetTagLimits(ctx context.Context, id uint64, l Limits, opts ...WishOption) error {
	return p.changeTag(ctx, "SetTagLimits", id, opts, func(h *holding, t *flow.Held) error { return h.restrict(t, l) })
}
