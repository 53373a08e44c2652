package roster

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Swept is what a sweep came to.
type Swept struct {
	Persons int // whose devices were compared
	Found   int // devices that were behind although nothing had said so: 0 is right
}

// Sweep compares what the devices of everybody were told with what follows from the
// stored state now, whatever was noticed, missed or repeated before, and puts right what
// differs. It is the backstop of what is done on time, and has to find nothing. With a clock
// that is wrong or in doubt it does nothing: [ErrSkew], [ErrClock].
func (d *Desk) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	if d.opener == nil {
		return s, ErrNoOpener
	}
	if err := d.beat(ctx); err != nil {
		return s, err
	}
	now := d.local.now()
	if d.skew().Abs() > maxSkew {
		return s, ErrSkew
	}
	if err := d.doubt(ctx); err != nil {
		return s, err
	}
	dues, err := d.dues(ctx)
	if err != nil {
		return s, err
	}
	rel, err := d.relation(ctx)
	if err != nil {
		return s, err
	}
	err = d.persons(ctx, func(ids []string) error {
		var lines []store.Line
		for _, id := range ids {
			l := store.Line{Name: flow.ProjectLine(id), Due: dues[flow.ProjectLine(id)]}
			if !l.Due.IsZero() && l.Due.Before(now.Add(flow.SweepEvery)) {
				continue // it is looked at then
			}
			same, err := d.same(ctx, rel, id, l.Due)
			if err != nil {
				return err
			}
			if !same {
				lines = append(lines, l)
			}
		}
		if s.Persons += len(ids); len(lines) == 0 {
			return nil
		}
		moved, err := d.project(ctx, once(lines))
		s.Found += moved
		return err
	})
	if err != nil || s.Found == 0 {
		return s, err
	}
	_, err = d.core.Act(ctx, projector(), func(u *flow.Unit) error {
		_, err := u.Say(audit.SweepFound, audit.Failure, nil, flow.F(audit.FieldCount, strconv.Itoa(s.Found)))
		return err
	})
	d.alert(Alert{At: now, Kind: SweepFound, Text: strconv.Itoa(s.Found) + " devices were behind"})
	return s, err
}

// same compares what is stored of a person with what the last pass found. If it is the
// same, and the line is due when that changes by itself, there is nothing to compare.
func (d *Desk) same(ctx context.Context, rel *relation, account string, due time.Time) (bool, error) {
	users, err := d.userRecords(ctx, account)
	if err != nil {
		return false, err
	}
	own, err := d.own(ctx, account, users)
	if err != nil {
		return false, err
	}
	f, holds, err := d.found(ctx, rel, account, own)
	return holds && f.guarded(due), err
}

// dues lists when the lines of persons are due.
func (d *Desk) dues(ctx context.Context) (map[string]time.Time, error) {
	dues := map[string]time.Time{}
	for after := ""; ; {
		lines, err := d.core.Store.Lines(ctx, flow.ProjectLine(""), after, 100)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			dues[l.Name] = l.Due
			after = l.Name
		}
		if len(lines) < 100 {
			return dues, nil
		}
	}
}

// sweepDue sweeps, if no node has done so for a quarter of an hour.
func (d *Desk) sweepDue(ctx context.Context) error {
	if err := d.rewind(ctx); err != nil {
		return err
	}
	return d.chore(ctx, flow.SweepLine, func() (time.Time, error) {
		s, err := d.Sweep(ctx)
		d.core.Logger().DebugContext(ctx, "swept", slog.Int("persons", s.Persons), slog.Int("found", s.Found))
		return d.local.now().Add(flow.SweepEvery), err
	})
}

// rewind makes the sweep due if it waits for longer than it ever does: the store's clock
// was set back since.
func (d *Desk) rewind(ctx context.Context) error {
	lines, err := d.core.Store.Lines(ctx, flow.SweepLine, "", 1)
	if err != nil || len(lines) == 0 || d.local.held().IsZero() {
		return err
	}
	if lines[0].Due.Sub(d.local.now()) <= flow.SweepEvery+beatEvery {
		return nil
	}
	_, err = d.core.Act(ctx, projector(), func(u *flow.Unit) error {
		u.Do(store.Mark{Line: flow.SweepLine})
		return nil
	})
	return err
}
