package roster

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrNotRead: the panel was not read since the store was restored.
var ErrNotRead = fault.New(fault.Precondition, "roster: the panel was not read since").
	Hinted("Wait until the panel has been read, look at the differences, then release it.")

// Quarantine says that the store was restored from a backup: from now on nothing is
// written to any panel, every panel is read in full, and a person releases each with
// [Tab.Release] after seeing what would be written. Use journal's check against an
// outside anchor to find out at start. It concerns the whole store, so only operators of
// all sites may say so. Errors: [accounts.ErrSiteMismatch], [ErrReasonRequired].
func (op *Operator) Quarantine(ctx context.Context, reason string) error {
	g, err := op.desk.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return err
	}
	if err := op.desk.core.Allowed(ctx, op.actor, "roster.Quarantine", ""); err != nil {
		return op.refused(ctx, "Quarantine", nil, err)
	}
	if !g.Sites.All() {
		return op.refused(ctx, "Quarantine", nil, accounts.ErrSiteMismatch)
	}
	if reason == "" {
		return op.refused(ctx, "Quarantine", nil, ErrReasonRequired)
	}
	_, err = op.desk.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if _, _, err := flow.Load(u, rec.Quarantines, rec.QuarantineID); err != nil {
			return err
		}
		if err := flow.Put(u, rec.Quarantines, rec.QuarantineID, &rec.Quarantine{Since: u.Now(), Reason: reason}); err != nil {
			return err
		}
		_, err := u.Say(audit.StoreQuarantined, audit.Success, nil, flow.F(audit.FieldReason, reason))
		return err
	})
	if err != nil {
		return err
	}
	return op.desk.markAll(ctx)
}

// markAll makes every panel's line due.
func (d *Desk) markAll(ctx context.Context) error {
	pos := &store.Position{}
	for {
		rs, err := d.core.Store.List(ctx, store.Query{Kind: rec.Panels.Name, After: pos})
		if err != nil {
			return err
		}
		for _, r := range rs {
			if err := d.mark(ctx, r.Key.ID, nil, 0); err != nil {
				return err
			}
			pos = &store.Position{ID: r.Key.ID}
		}
		if len(rs) < store.MaxPage {
			return nil
		}
	}
}

// quarantined is since when nothing may be written without a release, zero: never.
func (d *Desk) quarantined(ctx context.Context) (time.Time, error) {
	rs, err := d.core.Store.Load(ctx, rec.Quarantines.Key(rec.QuarantineID))
	if err != nil {
		return time.Time{}, err
	}
	q, _, err := rec.Quarantines.Decode(rs[0])
	return q.Since, err
}

// Release lets the panel out of quarantine: what is wanted is written again. It is
// refused with [ErrNotRead] until the panel was read in full since.
func (t *Tab) Release(ctx context.Context) error {
	return t.change(ctx, "Release", audit.StoreReleased, func(u *flow.Unit, p *rec.Panel) ([]flow.Field, error) {
		q, found, err := flow.Load(u, rec.Quarantines, rec.QuarantineID)
		if err != nil || !found {
			return nil, err
		}
		a, err := t.op.desk.attempt(ctx, t.id)
		if err != nil {
			return nil, err
		}
		if a.ReadAt.Before(q.Since) {
			return nil, ErrNotRead
		}
		p.Released = u.Now()
		return nil, nil
	})
}
