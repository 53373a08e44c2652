package roster

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// lookAgain is how long a person's devices are left alone while one of them is not as it
// should be: what a panel refused is asked again then, and what it has confirmed is noted.
const lookAgain = 15 * time.Minute

// pass makes one person's devices follow from what is stored. Everything in it can be
// done again by anybody at any time: each wish is decided and committed by itself.
type pass struct {
	desk    *Desk
	rel     *relation
	account string
	line    store.Line
	now     time.Time
	as      []credentials.Subject // as whom the person acts, when reach was read
	reach   map[entrance]reach
	plan    plan
	own     uint64                // digest of what is stored of the person
	was     finding               // what the last pass found
	holds   bool                  // it still is so: there is nothing to do
	users   map[string][]rec.User // by panel
	moved   int                   // wishes that were made
	words   map[string]string     // by panel: why it cannot have the person
	looked  bool                  // what was read is there
	paused  bool                  // nothing is given: the clock is in doubt
	failed  error
}

func projector() accounts.Actor { return accounts.SystemActor("project") }

// projectLoops are what makes devices follow. Only nodes that can open sealed codes have
// them.
func (d *Desk) projectLoops() []engine.Loop {
	if d.opener == nil {
		return nil
	}
	return []engine.Loop{
		{Name: "roster/project", Every: d.o.PollEvery, Wake: d.core.Store.Wake, Pass: d.Project},
		{Name: "roster/rights", Every: beatEvery, Wake: d.core.Store.Wake, Pass: d.spread},
		{Name: "roster/listening", Every: beatEvery, Pass: d.listening},
		{Name: "roster/sweep", Every: beatEvery, Pass: d.sweepDue},
	}
}

// reaches is where the person may enter, read once for as long as they act as the same.
func (p *pass) reaches(as []credentials.Subject) map[entrance]reach {
	if p.reach == nil || !slices.Equal(p.as, as) {
		p.as, p.reach = as, p.rel.reaches(as)
	}
	return p.reach
}

// look reads what the pass goes by, unless that is what it was when the last one found
// nothing to do.
func (p *pass) look(ctx context.Context) error {
	p.now, p.looked = p.desk.local.now(), true
	stored, err := p.desk.userRecords(ctx, p.account)
	if err != nil {
		return err
	}
	if p.own, err = p.desk.own(ctx, p.account, stored); err != nil {
		return err
	}
	if p.was, p.holds, err = p.desk.found(ctx, p.rel, p.account, p.own); p.holds || err != nil {
		return err
	}
	if p.users, err = byPanel(stored); err != nil {
		return err
	}
	_, err = p.desk.core.Act(ctx, projector(), func(u *flow.Unit) error {
		var err error
		p.plan, err = p.decide(u, "")
		return err
	})
	return err
}

// usersFor lists the users that were made for an account or are linked to it, by panel.
func (d *Desk) usersFor(ctx context.Context, account string) (map[string][]rec.User, error) {
	rs, err := d.userRecords(ctx, account)
	if err != nil {
		return nil, err
	}
	return byPanel(rs)
}

// userRecords are the records of these users; one that is both comes twice.
func (d *Desk) userRecords(ctx context.Context, account string) ([]store.Record, error) {
	made, err := d.listed(ctx, rec.Users.Name, rec.ByProjected, account)
	if err != nil {
		return nil, err
	}
	linked, err := d.listed(ctx, rec.Users.Name, rec.ByAccount, account)
	return append(made, linked...), err
}

// byPanel reads users, each once.
func byPanel(rs []store.Record) (map[string][]rec.User, error) {
	out, seen := map[string][]rec.User{}, map[string]bool{}
	for _, r := range rs {
		if seen[r.Key.ID] {
			continue
		}
		seen[r.Key.ID] = true
		u, _, err := rec.Users.Decode(r)
		if err != nil {
			return nil, err
		}
		out[u.Panel] = append(out[u.Panel], u)
	}
	return out, nil
}

// forget lets go of what was read. It is read again when it is the person's turn.
func (p *pass) forget() { p.looked, p.rel, p.reach, p.plan, p.users = false, nil, nil, plan{}, nil }

// take wishes the person off every device that should not have them. A device that
// refuses does not keep the others.
func (p *pass) take(ctx context.Context) {
	p.failed = errors.Join(p.failed, p.look(ctx))
	for id, users := range p.users {
		for _, u := range users {
			if p.plan.goes(u) {
				p.note(id, p.remove(ctx, id, u.Place))
			}
		}
	}
}

// gives reports whether a device may have to be given the person, or something of them.
func (p *pass) gives() bool {
	for id, t := range p.plan.targets {
		if !slices.ContainsFunc(p.users[id], func(u rec.User) bool { return p.plan.made(u) && u.Exists() && p.plan.stale(u, t, p.now) == 0 }) {
			return true
		}
	}
	return false
}

// give wishes the person onto every device that should have them, and what they have
// there up to date. What was forgotten is looked at again, and taken away if it has ended.
func (p *pass) give(ctx context.Context) {
	if !p.looked {
		p.take(ctx)
	}
	if p.paused {
		return
	}
	for id := range p.plan.targets {
		p.note(id, p.giveAt(ctx, id))
	}
}

// note keeps why a device cannot have the person. Anything else ends the turn, to be done
// again: so does a place that was theirs and free when it was looked at, and is neither now.
func (p *pass) note(id string, err error) {
	if err == nil {
		return
	}
	kind := fault.Of(err)
	if errors.Is(err, errNotVacant) {
		kind = fault.Busy
	}
	switch kind {
	case fault.Unknown, fault.Unavailable, fault.Busy, fault.Internal:
		p.failed = errors.Join(p.failed, err)
	default:
		p.words[id] = flow.Reason(unsaid(err))
	}
}

// end gives the line back, due when the plan changes by itself. It is given back also
// when the pass was interrupted.
func (p *pass) end(ctx context.Context) error {
	now := p.was
	var warned map[string]time.Time
	news := p.failed == nil && !p.holds
	switch {
	case news && p.paused:
		now, news = finding{next: p.plan.next}, false
	case news:
		if now, warned, p.failed = p.find(ctx); p.failed != nil {
			news = false
		}
	}
	words := map[string]string{}
	maps.Copy(words, p.plan.cannot)
	maps.Copy(words, p.words)
	fate := store.Fate{Done: p.line.Gen, Again: now.next}
	switch {
	case p.failed != nil:
		fate = store.Fate{Again: p.now.Add(backoff(p.line.Attempts)), Tried: true}
	case !now.settled:
		fate.Again = sooner(now.next, p.now.Add(lookAgain))
	}
	err := p.desk.finish(ctx, p.line, fate, func(u *flow.Unit) error {
		if !news {
			return nil
		}
		return p.misses(u, words, warned)
	})
	if p.failed = errors.Join(p.failed, err); p.failed == nil && news && p.moved == 0 && len(p.words) == 0 {
		p.desk.local.find(p.account, now)
	}
	return p.failed
}

// find is what a pass found that had to look, with the ends that were told ahead.
func (p *pass) find(ctx context.Context) (finding, map[string]time.Time, error) {
	f := finding{at: p.now, panels: panelsOf(p.reach)}
	var err error
	if f.settled, err = p.settle(ctx); err != nil {
		return f, nil, err
	}
	warned, err := p.warn(ctx)
	if err != nil {
		return f, warned, err
	}
	f.next = p.plan.next
	f.basis, err = p.desk.basis(ctx, p.rel, p.own, f.panels)
	return f, warned, err
}

// settle lets go of what no device has any more, and reports whether every device is as
// it should be.
func (p *pass) settle(ctx context.Context) (bool, error) {
	users := p.users
	if p.moved > 0 {
		var err error
		if users, err = p.desk.usersFor(ctx, p.account); err != nil {
			return false, err
		}
	}
	settled, leaving := len(p.words) == 0, len(p.plan.pin.Leaving) > 0 || p.plan.gone || p.plan.owner.Moving
	for _, c := range append(slices.Clone(p.plan.tags), p.plan.duress) {
		leaving = leaving || len(c.Leaving) > 0
	}
	for id, list := range users {
		t, wanted := p.plan.targets[id]
		for _, u := range list {
			if r := u.Projected; r == nil || r.Account != p.account {
				continue
			}
			if p.plan.made(u) && u.Exists() && undone(u) {
				settled = false
			}
			if t.blind && p.plan.made(u) && u.Exists() && u.Projected.Duress != 0 && u.Projected.Duress != t.duress {
				settled = false // what is there stays until somebody listens again
			}
			settled = settled && u.Idle() && len(u.Sent)+len(u.SentTags) == 0 && !u.Superseded() && (wanted || !p.plan.made(u) || !u.Reported.Set)
		}
	}
	if !settled || !leaving {
		return settled && !leaving, nil
	}
	return true, p.release(ctx)
}

// mostFreed is how many names one change frees.
const mostFreed = 24

// release frees the names of values that have left every device, and all of them when the
// account is gone.
func (p *pass) release(ctx context.Context) error {
	for done := false; !done; {
		_, err := p.desk.core.Act(ctx, projector(), func(u *flow.Unit) error {
			h, err := flow.HoldingOf(u, p.account)
			if err != nil {
				return err
			}
			if done = h.Owner.Since.IsZero() || h.Owner.Codes != p.plan.owner.Codes; done {
				return nil // nothing was ever given, or something newer is on its way
			}
			if p.plan.gone {
				h.Leave()
			}
			names := h.Leaving()
			if done = names == 0 && !h.Owner.Moving; done {
				return nil
			}
			h.Owner.Moving = false
			done = h.Free(mostFreed)
			return h.Store("no device has the old ones", "")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// spread makes everybody due when rules, groups or points have changed.
func (d *Desk) spread(ctx context.Context) error {
	return d.chore(ctx, flow.RightsLine, func() (time.Time, error) {
		return time.Time{}, d.persons(ctx, func(ids []string) error {
			_, err := d.core.Act(ctx, projector(), func(u *flow.Unit) error {
				for _, id := range ids {
					u.Project(id)
				}
				return nil
			})
			return err
		})
	})
}

// persons walks the accounts that have credentials, some at a time.
func (d *Desk) persons(ctx context.Context, some func(ids []string) error) error {
	for q := (store.Query{Kind: rec.Projections.Name, Limit: 50}); ; {
		rs, err := d.core.Store.List(ctx, q)
		if err != nil {
			return err
		}
		var ids []string
		for _, r := range rs {
			ids = append(ids, r.Key.ID)
			q.After = &store.Position{ID: r.Key.ID}
		}
		if len(ids) > 0 {
			if err := some(ids); err != nil {
				return err
			}
		}
		if len(rs) < q.Limit {
			return nil
		}
	}
}

// followAll is the first pass for everybody, see [Desk.follow].
func (d *Desk) followAll(ctx context.Context) {
	if d.opener == nil {
		return
	}
	err := d.beat(ctx)
	if err == nil {
		err = d.spread(ctx)
	}
	if err != nil {
		d.core.Logger().WarnContext(ctx, "project later", slog.Any("error", err))
	}
}
