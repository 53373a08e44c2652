package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Allowed asks whether the actor may do an operation on a site ("" for operations that
// concern no single site), and whether a fresh factor is there where the operation asks
// for one. It touches nothing; call it before anything else.
func (c *Core) Allowed(ctx context.Context, actor accounts.Actor, op, site string) error {
	g, err := c.Authority.Grant(ctx, actor)
	if err != nil {
		return err
	}
	return allowed(g, actor, op, site, c.Time())
}

func allowed(g accounts.Grant, actor accounts.Actor, op, site string, now time.Time) error {
	p := accounts.PermissionFor(op)
	if site == "" {
		if err := accounts.AuthoriseAnywhere(g, p.Right); err != nil {
			return err
		}
	} else if err := accounts.Authorise(g, p.Right, site); err != nil {
		return err
	}
	// A proof for an operation that asks for none counts for what it does on its way.
	if proven := steppedUp(actor, op, site, now); p.StepUp && !proven {
		return accounts.ErrStepUpRequired
	}
	return nil
}

// Refused records a refusal, thinned: the first, the tenth, the hundredth … of an
// actor's refusals of one operation in an hour are entries, with the count. It returns
// err, so that callers can write: return c.Refused(ctx, actor, op, err). An act that waits
// for another person's approval is recorded as that.
func (c *Core) Refused(ctx context.Context, actor accounts.Actor, op string, targets []string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	if a, ok := errors.AsType[*AskedError](err); ok {
		return c.ask(ctx, actor, a)
	}
	window := c.Time().Truncate(time.Hour)
	counter := fmt.Sprintf("refused/%s/%s/%d", op, actor.ID(), window.Unix())
	if len(counter) > store.MaxTerm {
		counter = counter[:store.MaxTerm]
	}
	res, cerr := c.Act(ctx, actor, func(u *Unit) error {
		u.Do(store.Count{Counter: counter, By: 1, Max: 1 << 40, Until: window.Add(2 * time.Hour)})
		return nil
	})
	if cerr != nil {
		return errors.Join(err, cerr)
	}
	n := res.Counts[counter]
	if !Power(n) {
		return err
	}
	action, outcome := audit.OperationRefused, audit.Failure
	if fault.Of(err) == fault.Denied {
		action, outcome = audit.AccessDenied, audit.Denied
	}
	_, cerr = c.Act(ctx, actor, func(u *Unit) error {
		_, err := u.Say(action, outcome, targets,
			F(audit.FieldOperation, op), F(audit.FieldReason, Reason(err)), F(audit.FieldCount, fmt.Sprint(n)))
		return err
	})
	if cerr != nil {
		return errors.Join(err, cerr)
	}
	return err
}

// Power reports whether n is 1, 10, 100, …: what is logged of what is counted.
func Power(n int64) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}

// Reason is an error's first line, for an entry: sentinels carry no secrets.
func Reason(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if len(text) > 200 {
		text = text[:200]
	}
	return text
}
