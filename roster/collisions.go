package roster

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// undisclosed turns every reason why a code is not available into one answer for those
// who paid for it, because they may not know more. Any other refusal costs nothing: what
// was reserved is given back.
func (t *Tab) undisclosed(ctx context.Context, err error, paid []store.Count) error {
	if err == nil || len(paid) == 0 {
		return err
	}
	if errors.Is(unsaid(err), credentials.ErrNotAvailable) {
		return credentials.ErrNotAvailable
	}
	_, berr := t.core().Act(context.WithoutCancel(ctx), t.op.actor, func(u *flow.Unit) error {
		for _, c := range paid {
			u.Do(c)
		}
		return nil
	})
	if berr != nil {
		return errors.Join(err, berr)
	}
	return err
}

func (t *Tab) panelSite(ctx context.Context) (string, error) {
	r, err := t.core().Store.Load(ctx, rec.Panels.Key(t.id))
	if err != nil {
		return "", err
	}
	p, _, err := rec.Panels.Decode(r[0])
	return p.Site, err
}

// budget is what the counters of an actor's answers are, and how far each may go.
func (t *Tab) budget() []store.Count {
	b := t.op.desk.o.Collisions
	return flow.Collisions(t.op.actor, t.core().Time(), b.Hour, b.Day, b.TenantDay)
}

// reserve takes one answer from the budgets of the actor and of everybody before a chosen
// code is looked at, so that however many ask at once, no more are answered than the
// budget holds. Beyond it nothing is evaluated: [ErrCollisionBudget]. It returns what
// gives the reservation back. Whoever may know about collisions has no budget, and whoever
// may set no code gets no answer.
func (t *Tab) reserve(ctx context.Context) ([]store.Count, error) {
	site, err := t.panelSite(ctx)
	if err != nil {
		return nil, err
	}
	may := func(op string) bool { return t.core().Allowed(ctx, t.op.actor, op, site) == nil }
	if may("roster.Collisions") || !may("roster.SetCode") {
		return nil, nil
	}
	counts := t.budget()
	_, err = t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		for _, c := range counts {
			u.Do(c)
		}
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return nil, ErrCollisionBudget
	}
	for i := range counts {
		counts[i].By = -1
	}
	return counts, err
}

// unavailable keeps a refusal back that whoever asks may not know the reason of. The
// decision goes on as for any other code, until its commit fails where it fails for a code
// that somebody has: the reason shows neither in the answer nor in the time it takes.
func (d *decision) unavailable(o wishOptions, err error) error {
	if !o.blind || !errors.Is(unsaid(err), credentials.ErrNotAvailable) {
		return err
	}
	d.refused = true
	return nil
}

// never is a name that the user of a place can never claim: the panel's own holds the
// panel's identity for ever.
func (d *decision) never() string { return string(identName(d.panel.Driver, d.panel.Ident)) }

// back gives a reservation back when the wish is accepted. A refused wish has as many
// operations, none of which a store lets pass.
func (d *decision) back(o wishOptions) []store.Op {
	ops := make([]store.Op, len(o.back))
	for i, c := range o.back {
		if d.refused {
			c.By, c.Max = 1, 0
		}
		ops[i] = c
	}
	return ops
}
