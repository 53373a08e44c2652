package roster

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// judge decides what devices should have of a person now, and wishes for nothing.
func (d *Desk) judge(ctx context.Context, rel *relation, account string) (*pass, error) {
	p := &pass{desk: d, rel: rel, account: account, now: d.core.Time()}
	if !d.local.held().IsZero() {
		p.now = d.local.now()
	}
	_, err := d.core.Act(ctx, projector(), func(u *flow.Unit) error {
		var err error
		p.plan, err = p.decide(u, "")
		return err
	})
	return p, err
}

// ended is since when a user should not be on a device that the person has to go from, zero:
// nothing that is stored tells.
func (p *pass) ended(u rec.User) time.Time {
	now := &p.plan
	switch {
	case now.owner.Ended.Holds(u.Site):
		return now.owner.Ended.At
	case !now.in:
		return now.out
	case now.life.Revoked:
		return now.used.Last
	}
	r := p.reach[entrance{u.Panel, u.Site}]
	typed := u.Projected != nil && u.Projected.Generation != 0
	switch {
	case typed && !now.pin.Works():
		return now.pin.Changed
	case typed && len(r.keypad) > 0:
		return now.typed(r).closed(u.WishedAt, p.now)
	case len(r.reader) > 0:
		var last time.Time
		for _, tag := range now.tags {
			own, err := tag.Hours()
			if err != nil {
				continue // a schedule that cannot be read opens nothing
			}
			h := hours{windows: append([]credentials.Window{tag.Window}, now.windows...), own: own, rules: credentials.Union(r.reader...)}
			if at := h.closed(u.WishedAt, p.now); at.After(last) {
				last = at
			}
		}
		return last
	}
	return time.Time{}
}

// closed is when they could last no longer enter, between from and now: zero if they could
// all the time or never, or that takes too many changes to say.
func (h hours) closed(from, now time.Time) (last time.Time) {
	open := h.open(from)
	for range maxTurns {
		t := h.next(from)
		if t.IsZero() || t.After(now) {
			return last
		}
		was := open
		if open = h.open(t); was && !open {
			last = t
		}
		from = t
	}
	return time.Time{}
}

// overdue lists the users of the operator's sites whose person has to go, although no wish
// has said so to the device yet: nobody who could has looked since.
func (op *Operator) overdue(ctx context.Context) ([]Matter, error) {
	d := op.desk
	g, err := d.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return nil, err
	}
	rel, err := d.relation(ctx)
	if err != nil {
		return nil, err
	}
	panels, words := map[string]rec.Panel{}, map[string]string{}
	var out []Matter
	err = d.persons(ctx, func(ids []string) error {
		for _, account := range ids {
			users, err := d.usersFor(ctx, account)
			if err != nil {
				return err
			}
			if len(users) == 0 {
				continue
			}
			p, err := d.judge(ctx, rel, account)
			if err != nil {
				return err
			}
			for id, list := range users {
				one, err := op.panelOf(ctx, panels, words, id)
				if err != nil {
					return err
				}
				for _, u := range list {
					if !g.Sites.Has(one.Site) || one.State == rec.Retired || !p.plan.goes(u) {
						continue
					}
					m := about(u)
					m.Kind, m.Fields, m.Since, m.Ident, m.Words = RemovalOpen, panel.FieldCode, p.ended(u), one.Ident, words[id]
					out = append(out, m)
				}
			}
		}
		return nil
	})
	return out, err
}
