package roster

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrLineBusy: another worker talks to the panel right now.
var ErrLineBusy = fault.New(fault.Busy, "roster: the panel is being worked on").
	Hinted("Try again in a moment.")

// Trial is what a test of a panel showed.
type Trial struct {
	Facts panel.Facts
	Model panel.Model
	Users int           // users that exist on the panel
	Clock time.Duration // how far the panel's clock is off, 0 if it does not tell
	Took  time.Duration
}

// Test connects to the panel, proves the key, reads what it says of itself and counts
// its users. It changes nothing on the panel and nothing here but the log.
func (t *Tab) Test(ctx context.Context) (Trial, error) {
	p, err := t.peek(ctx, "Test")
	if err != nil {
		return Trial{}, err
	}
	if t.op.desk.opener == nil {
		return Trial{}, ErrNoOpener
	}
	if p.State == rec.Retired {
		return Trial{}, ErrNotInService
	}
	line, err := t.own(ctx, "test", trialFor)
	if err != nil {
		return Trial{}, err
	}
	trial, terr := t.try(ctx, p)
	end := context.WithoutCancel(ctx)
	_, err = t.core().Act(end, t.op.actor, func(u *flow.Unit) error {
		u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token})
		fields := []flow.Field{flow.F(audit.FieldPanel, t.id), flow.F(audit.FieldIdent, p.Ident), flow.F(audit.FieldSite, p.Site)}
		outcome := audit.Success
		if terr != nil {
			outcome = audit.Failure
			fields = append(fields, flow.F(audit.FieldReason, flow.Reason(terr)))
		} else {
			fields = append(fields, flow.F(audit.FieldUsers, number(trial.Users)))
		}
		_, err := u.Say(audit.PanelTested, outcome, []string{t.id, flow.Site(p.Site)}, fields...)
		return err
	})
	if terr != nil {
		return trial, terr
	}
	return trial, err
}

// trialFor is how long a test keeps the workers off the panel at most.
const trialFor = 5 * time.Minute

// own takes the panel's line for an act of the operator, before a worker does. It beats
// for itself: a line whose owner does not live is anybody's.
func (t *Tab) own(ctx context.Context, act string, within time.Duration) (store.Line, error) {
	owner := t.op.desk.o.Node + "/" + act
	if _, err := t.core().Store.Beat(ctx, owner, within); err != nil {
		return store.Line{}, err
	}
	line, err := t.core().Store.Own(ctx, owner, linePanel(t.id))
	for try := 0; isOwned(err) && try < ownTries; try++ {
		wait := time.NewTimer(ownPause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return line, ctx.Err()
		}
		line, err = t.core().Store.Own(ctx, owner, linePanel(t.id))
	}
	if isOwned(err) {
		return line, ErrLineBusy
	}
	return line, err
}

// How long own waits for a worker that is just giving the line back.
const (
	ownTries = 10
	ownPause = 100 * time.Millisecond
)

func (t *Tab) try(ctx context.Context, p rec.Panel) (Trial, error) {
	d := t.op.desk
	begun := d.core.Time()
	var trial Trial
	drv, ok := d.o.Drivers[p.Driver]
	if !ok {
		return trial, ErrNoDriver
	}
	a, err := d.attempt(ctx, t.id)
	if err != nil {
		return trial, err
	}
	target, err := d.target(t.id, p, a)
	if err != nil {
		return trial, err
	}
	s, err := drv.Open(ctx, target)
	if err != nil {
		return trial, err
	}
	defer func() { _ = s.Close() }() // nothing was changed that could be lost
	for ev, err := range s.Read(ctx, panel.Query{All: true}) {
		switch {
		case err != nil:
			return trial, err
		case ev.Panel != nil:
			trial.Facts = *ev.Panel
		case ev.User != nil && ev.User.Exists:
			trial.Users++
		}
	}
	trial.Model = s.Model()
	now := d.core.Time()
	trial.Took = now.Sub(begun)
	if !trial.Facts.Clock.IsZero() {
		trial.Clock = trial.Facts.Clock.Sub(now)
	}
	return trial, nil
}
