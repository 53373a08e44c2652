package roster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// undisclosed turns every reason why a code is not available into one answer for those
// who may not know more, and charges it to their budget.
func (t *Tab) undisclosed(ctx context.Context, err error) error {
	if !errors.Is(unsaid(err), credentials.ErrNotAvailable) {
		return err
	}
	p, perr := t.panelSite(ctx)
	if perr != nil {
		return perr
	}
	if t.core().Allowed(ctx, t.op.actor, "roster.Collisions", p) == nil {
		return err
	}
	if berr := t.charge(ctx); berr != nil {
		return berr
	}
	return credentials.ErrNotAvailable
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
	b, now := t.op.desk.o.Collisions, t.core().Time()
	hour, day := now.Truncate(time.Hour), now.Truncate(24*time.Hour)
	who := t.op.actor.Kind() + "/" + string(t.op.actor.ID())
	return []store.Count{
		{Counter: fmt.Sprintf("taken/h/%d/%s", hour.Unix(), who), By: 1, Max: b.Hour, Until: hour.Add(2 * time.Hour)},
		{Counter: fmt.Sprintf("taken/d/%d/%s", day.Unix(), who), By: 1, Max: b.Day, Until: day.Add(48 * time.Hour)},
		{Counter: fmt.Sprintf("taken/t/%d", day.Unix()), By: 1, Max: b.TenantDay, Until: day.Add(48 * time.Hour)},
	}
}

// inBudget refuses chosen codes from somebody who has used the budget up, whatever the
// answer would be. Whoever may know about collisions has no budget.
func (t *Tab) inBudget(ctx context.Context) error {
	site, err := t.panelSite(ctx)
	if err != nil {
		return err
	}
	if t.core().Allowed(ctx, t.op.actor, "roster.Collisions", site) == nil {
		return nil
	}
	counts := t.budget()
	names := make([]string, len(counts))
	for i, c := range counts {
		names[i] = c.Counter
	}
	used, err := t.core().Store.Counters(ctx, names...)
	if err != nil {
		return err
	}
	for i, n := range used {
		if n >= counts[i].Max {
			return ErrCollisionBudget
		}
	}
	return nil
}

// charge takes one answer from the budgets of the actor and of everybody.
func (t *Tab) charge(ctx context.Context) error {
	_, err := t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		for _, c := range t.budget() {
			u.Do(c)
		}
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return ErrCollisionBudget
	}
	return err
}
