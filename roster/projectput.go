package roster

import (
	"context"
	"errors"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// at loads a place of a panel for a decision that follows from rules, not from an actor.
func (p *pass) at(u *flow.Unit, id string, place panel.Place) (*decision, plan, error) {
	d := &decision{Unit: u, tab: &Tab{op: p.desk.As(projector()), id: id}, id: rec.UserID(id, place)}
	plan, err := p.decide(u, id)
	if err != nil {
		return d, plan, err
	}
	if d.panel, _, err = flow.Load(u, rec.Panels, id); err != nil {
		return d, plan, err
	}
	if d.panel.State == rec.Retired {
		return d, plan, ErrNotInService
	}
	if err := d.panel.Model.CheckPlace(place); err != nil {
		return d, plan, err
	}
	if d.user, d.found, err = flow.Load(u, rec.Users, d.id); err != nil {
		return d, plan, err
	}
	if !d.found {
		d.user = rec.User{Panel: id, Slot: panel.Slot{Place: place}}
	}
	d.user.Site = d.panel.Site
	return d, plan, nil
}

// act decides about a place and counts the wish, if there was one.
func (p *pass) act(ctx context.Context, id string, place panel.Place, decide func(d *decision, now plan) error) error {
	moved := false
	_, err := p.desk.core.Act(ctx, projector(), func(u *flow.Unit) error {
		d, now, err := p.at(u, id, place)
		if err != nil {
			return err
		}
		before := d.user
		if err := decide(d, now); err != nil {
			return err
		}
		if moved = d.user.Revision != before.Revision; !moved {
			return nil
		}
		return d.write(before)
	})
	if err == nil && moved {
		p.moved++
	}
	return err
}

// remove wishes the person's user away, if the plan still says so.
func (p *pass) remove(ctx context.Context, id string, place panel.Place) error {
	return p.act(ctx, id, place, func(d *decision, now plan) error {
		if !now.goes(d.user) {
			return nil
		}
		if err := d.panel.Model.Allow(d.user.Standing(d.panel.Model), panel.Disable); err != nil {
			return err
		}
		// The entry speaks of the tenancy that ends, so it comes before the wish.
		if err := d.say(audit.UserDisabled, flow.F(audit.FieldReason, now.whyNot(id, d.panel.Site)), flow.F(audit.FieldRevision, number(d.user.Revision+1))); err != nil {
			return err
		}
		if was := d.user.Projected; was != nil {
			mark := *was
			mark.Taken, mark.Ended = true, p.ended(d.user)
			d.user.Projected = &mark
		}
		return d.wish(panel.Wish{Remove: true}, wishOptions{})
	})
}

// put writes the person's user at a place, or brings it up to date. former is the record
// that still has their link to this panel.
func (p *pass) put(ctx context.Context, id string, place panel.Place, former string) error {
	return p.act(ctx, id, place, func(d *decision, now plan) error {
		t, wanted := now.targets[id]
		if !wanted || now.goes(d.user) {
			return nil
		}
		set := panel.FieldCode
		if now.made(d.user) && d.user.Exists() {
			if set = now.stale(d.user, t, p.now); set == 0 {
				return nil
			}
		} else if !now.free(d.user) {
			return errNotVacant
		}
		action, err := p.wish(d, now, t, set)
		if err != nil {
			return err
		}
		if err := d.belong(now, t, former); err != nil {
			return err
		}
		return d.say(action, flow.F(audit.FieldReason, "a rule lets them in"), flow.F(audit.FieldRevision, number(d.user.Revision)))
	})
}

// wish sets the fields that the device should have, and returns what that is called.
func (p *pass) wish(d *decision, now plan, t target, set panel.Field) (audit.Action, error) {
	w, with := panel.Wish{Set: set &^ (panel.FieldRole | panel.FieldFrom | panel.FieldUntil)}, CodeWish{}
	creates := !d.user.Exists()
	if creates {
		with.Label = labelFor(d.panel.Model, now.name)
		if len(t.tags) > 0 {
			w.Set |= t.field
		}
	}
	if creates || set.Has(panel.FieldRole) {
		with.Role = roleFor(d.panel.Model, t.doors)
	}
	if creates || set.Has(panel.FieldUntil) {
		with.Window = t.window
	}
	if err := d.fill(&w, with); err != nil {
		return "", err
	}
	if set.Has(panel.FieldCode) {
		if err := p.codes(d, now, t, &w.State); err != nil {
			return "", err
		}
	}
	if w.Set&t.field != 0 {
		for _, c := range t.tags {
			tag, err := p.desk.openTag(c)
			if err != nil {
				return "", err
			}
			ref, err := d.sealTag(t.field, tag)
			if err != nil {
				return "", err
			}
			w.State.TagRefs = append(w.State.TagRefs, ref)
		}
	}
	if err := d.wish(w, wishOptions{stands: true}); err != nil {
		return "", err
	}
	switch {
	case creates:
		return audit.UserCodeSet, nil
	case set.Has(panel.FieldCode):
		return audit.UserCodeChanged, nil
	case w.Set&t.field != 0:
		return audit.UserTagsChanged, nil
	}
	return audit.UserWindowChanged, nil
}

// codes fills in the codes that a user should have: none, where tags are all.
func (p *pass) codes(d *decision, now plan, t target, s *panel.State) error {
	s.Set = true
	if t.pin == 0 {
		return nil
	}
	pin, err := p.desk.openPIN(now.pin)
	if err != nil {
		return err
	}
	if err := d.panel.Model.CheckCode(pin, d.panel.CodeLen); err != nil {
		return err
	}
	if s.Code, err = d.seal(pin); err != nil {
		return err
	}
	if t.blind {
		if s.Duress = d.user.Agreed.Duress; d.user.Pending.Has(panel.FieldCode) {
			s.Duress = d.user.Wanted.Duress
		}
		return nil
	}
	if t.duress == 0 {
		return nil
	}
	duress, err := p.desk.openPIN(now.duress)
	if err != nil {
		return err
	}
	s.Duress, err = d.seal(duress)
	return err
}

// belong notes for whom the user was made, and links it to them.
func (d *decision) belong(now plan, t target, former string) error {
	duress := t.duress
	if t.blind {
		if duress = 0; d.user.Projected != nil && d.user.Projected.Tenancy == d.user.Tenancy {
			duress = d.user.Projected.Duress
		}
	}
	code := d.user.Agreed.Code.ID
	if d.user.Pending.Has(panel.FieldCode) {
		code = d.user.Wanted.Code.ID
	}
	d.user.Projected = &rec.Projected{Account: now.account, Generation: t.pin, Duress: duress, Code: code, Tags: t.generations(), Tenancy: d.user.Tenancy, Doors: t.doors}
	link := &rec.Link{Account: now.account, Tenancy: d.user.Tenancy, At: d.Now()}
	if l := d.user.Link; l != nil && l.Account == now.account {
		d.user.Link = link
		return nil
	}
	if d.user.Link != nil {
		d.unlink()
	}
	if former != "" {
		old, _, err := flow.Load(d.Unit, rec.Users, former)
		if err != nil {
			return err
		}
		before := old
		old.Link = nil
		if err := keep(d.Unit, former, before, &old); err != nil {
			return err
		}
	}
	d.Do(store.Claim{Name: flow.LinkName(d.tab.id, now.account), Holder: d.id, Use: "link", From: former})
	d.user.Link = link
	return nil
}

// giveAt makes one device have the person as the plan says: where they have a user, else
// where they had one, else at the first place that is free.
func (p *pass) giveAt(ctx context.Context, id string) error {
	former := ""
	for _, u := range p.users[id] {
		switch l := u.CurrentLink(); {
		case p.plan.made(u) && u.Exists() && p.plan.stale(u, p.plan.targets[id], p.now) == 0:
			return nil // what has changed since makes the line due again
		case p.plan.made(u) && u.Exists():
			return p.put(ctx, id, u.Place, "")
		case p.plan.withheld(u):
			return nil // somebody else took the user away, and knew why
		case l != nil && l.Account == p.account && u.Projected == nil:
			return nil // somebody gave them a user there by hand
		case u.Link != nil && u.Link.Account == p.account:
			former = rec.UserID(id, u.Place)
		}
	}
	for _, u := range p.users[id] {
		if p.plan.free(u) {
			if former == rec.UserID(id, u.Place) {
				former = ""
			}
			return p.put(ctx, id, u.Place, former)
		}
	}
	rs, err := p.desk.core.Store.Load(ctx, rec.Panels.Key(id))
	if err != nil {
		return err
	}
	device, _, err := rec.Panels.Decode(rs[0])
	if err != nil {
		return err
	}
	if device.Model.Slots.Len() == 0 {
		return p.put(ctx, id, panel.Place{ID: flow.NewID()}, former)
	}
	// The list only proposes: whether a slot is free is decided, and checked, with the wish.
	used, err := (&Tab{op: p.desk.As(projector()), id: id}).used(ctx)
	for slot := device.Model.Slots.First; err == nil && slot <= device.Model.Slots.Last; slot++ {
		place := panel.Place{Slot: slot}
		if used[place] || slot == device.Model.MasterSlot || device.Model.CheckPlace(place) != nil {
			continue
		}
		if err := p.put(ctx, id, place, former); !errors.Is(err, errNotVacant) {
			return err
		}
	}
	if err == nil {
		err = panel.ErrNoFreeSlot
	}
	return err
}

// roleFor is the rank of somebody whom a rule lets in.
func roleFor(m panel.Model, doors bool) panel.Role {
	if doors {
		return m.DoorRole
	}
	if m.DefaultRole == "" && m.Allows(panel.User) {
		return panel.User
	}
	return m.DefaultRole
}

// labelFor is a name as the panel can show it, "" if it cannot.
func labelFor(m panel.Model, name string) string {
	if !m.Create.Has(panel.FieldLabel) {
		return ""
	}
	runes := []rune(panel.CleanLabel(name))
	name = strings.TrimSpace(string(runes[:min(len(runes), m.Label.Max)]))
	if m.CheckLabel(name) != nil {
		return ""
	}
	return name
}
