package roster

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// How the lag of a device is estimated, and when somebody is warned of it.
const (
	editFor   = 2 * time.Second // an edit, where none was measured yet
	turnFor   = 5 * time.Second // what a turn takes beside its edits
	warnAhead = time.Hour       // before an end
)

// lag is what is expected of a device: by when it has done all that waits for it, or why
// that cannot be said.
type lag struct {
	by  time.Time
	why string
}

// lag estimates a device's lag from what waits for it, how long an edit took lately, how
// long its driver may hold it, and how late it reports. Of a device that does not answer,
// or waits for a person, nothing can be said.
func (d *Desk) lag(ctx context.Context, id string, p rec.Panel) (lag, error) {
	rs, err := d.core.Store.Load(ctx, rec.Attempts.Key(linePanel(id)))
	if err != nil {
		return lag{}, err
	}
	a, _, err := rec.Attempts.Decode(rs[0])
	if err != nil {
		return lag{}, err
	}
	lines, err := d.core.Store.Lines(ctx, linePanel(id), "", 1)
	if err != nil {
		return lag{}, err
	}
	waits, err := d.core.Store.Tally(ctx, store.Query{Kind: rec.Users.Name, Term: rec.ByPending, From: []byte(id), To: append([]byte(id), 0)})
	if err != nil {
		return lag{}, err
	}
	switch {
	case p.State == rec.OutOfService:
		return lag{why: "the panel is out of service"}, nil
	case len(lines) == 1 && lines[0].Name == linePanel(id) && len(lines[0].Parked) > 0:
		return lag{why: "the panel waits for a person: " + a.Words}, nil
	case a.Words != "":
		return lag{why: a.Words}, nil
	}
	pace := a.Pace
	if pace == 0 {
		pace = editFor
	}
	wait := d.o.PollEvery + turnFor + p.Model.Hold + p.Model.Lag + time.Duration(waits+1)*pace*3/2
	return lag{by: d.local.now().Add(wait)}, nil
}

// lags are the lags of the panels of one view.
type lags struct {
	desk *Desk
	seen map[string]lag
}

func (l *lags) of(ctx context.Context, id string, p rec.Panel) (lag, error) {
	one, known := l.seen[id]
	if known {
		return one, nil
	}
	if l.seen == nil {
		l.seen = map[string]lag{}
	}
	one, err := l.desk.lag(ctx, id, p)
	l.seen[id] = one
	return one, err
}

// warn tells ahead that a device which does not end users by itself will be late with the
// end of one: its line fails, waits for a person, or is slower than the bound. Each end is
// told once. It returns the ends that were told.
func (p *pass) warn(ctx context.Context) (map[string]time.Time, error) {
	rs, err := p.desk.core.Store.Load(ctx, rec.Misses.Key(p.line.Name))
	if err != nil {
		return nil, err
	}
	was, _, err := rec.Misses.Decode(rs[0])
	if err != nil {
		return nil, err
	}
	out := map[string]time.Time{}
	for id, t := range p.plan.targets {
		if t.until.IsZero() {
			continue
		}
		if early := t.until.Add(-warnAhead); p.now.Before(early) {
			p.plan.next = sooner(p.plan.next, early)
			continue
		}
		if was.Warned[id].Equal(t.until) {
			out[id] = t.until
			continue
		}
		rs, err := p.desk.core.Store.Load(ctx, rec.Panels.Key(id))
		if err != nil {
			return out, err
		}
		device, _, err := rec.Panels.Decode(rs[0])
		if err != nil {
			return out, err
		}
		l, err := p.desk.lag(ctx, id, device)
		if err != nil {
			return out, err
		}
		why := l.why
		if late := l.by.Sub(p.now); why == "" && late > p.desk.o.LagBound {
			why = "it needs " + late.Round(time.Second).String()
		}
		if why == "" {
			p.plan.next = sooner(p.plan.next, p.now.Add(lookAgain))
			continue
		}
		out[id] = t.until
		p.desk.alert(Alert{At: p.now, Kind: EndAtRisk, Panel: id, Place: p.placeAt(id), Text: "an end at " + stamp(t.until) + " may be late: " + why})
	}
	return out, nil
}

// placeAt is the person's place at a device.
func (p *pass) placeAt(id string) panel.Place {
	for _, u := range p.users[id] {
		if p.plan.made(u) {
			return u.Place
		}
	}
	return panel.Place{}
}

// misses is what the person's line keeps of a pass.
func (p *pass) misses(u *flow.Unit, words map[string]string, warned map[string]time.Time) error {
	was, _, err := flow.Load(u, rec.Misses, p.line.Name)
	if err != nil || len(words)+len(was.Panels)+len(warned)+len(was.Warned) == 0 {
		return err
	}
	next := was.After(words, u.Now())
	next.Warned = warned
	return flow.Put(u, rec.Misses, p.line.Name, next)
}
