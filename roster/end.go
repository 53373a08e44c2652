package roster

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// End takes the person off every device of the operator's sites, also where somebody
// assigned them a user by hand, and keeps them off until [Person.Lift]. It needs
// [Confirmed]. It is one commit; [Person.Live] lists the devices that have not confirmed.
func (p *Person) End(ctx context.Context, opts ...WishOption) error {
	o := options(opts)
	return p.order(ctx, "End", o, func(g accounts.Grant, owner *rec.Projection, u *flow.Unit) (audit.Action, error) {
		if o.confirm == "" {
			return "", accounts.ErrConfirmationRequired
		}
		end := rec.End{At: u.Now(), By: rec.Author{Kind: u.Actor().Kind(), ID: string(u.Actor().ID())}, Reason: o.reason, Sites: g.Sites.IDs()}
		if was := owner.Ended; was != nil {
			end.At = was.At
			if len(was.Sites) == 0 {
				end.Sites = nil // it holds on all sites already
			} else if len(end.Sites) > 0 {
				end.Sites = accounts.TheseSites(append(end.Sites, was.Sites...)...).IDs()
			}
		}
		owner.Ended = &end
		return audit.AccountEnded, nil
	})
}

// Lift lets devices have the person again, as far as rules say so. What was assigned by
// hand does not come back. It takes the rights of whoever may act on all sites concerned.
func (p *Person) Lift(ctx context.Context, opts ...WishOption) error {
	return p.order(ctx, "Lift", options(opts), func(g accounts.Grant, owner *rec.Projection, _ *flow.Unit) (audit.Action, error) {
		if owner.Ended == nil {
			return "", panel.ErrNothingPending
		}
		for _, site := range append([]string{}, owner.Ended.Sites...) {
			if !g.Sites.Has(site) {
				return "", accounts.ErrSiteMismatch
			}
		}
		if len(owner.Ended.Sites) == 0 && !g.Sites.All() {
			return "", accounts.ErrSiteMismatch
		}
		owner.Ended = nil
		return audit.AccountEndLifted, nil
	})
}

// order changes what holds for all devices of the person, in one commit.
func (p *Person) order(ctx context.Context, name string, o wishOptions, edit func(accounts.Grant, *rec.Projection, *flow.Unit) (audit.Action, error)) error {
	g, err := p.may(ctx, name)
	if err != nil {
		return err
	}
	_, err = p.core().Act(ctx, p.op.actor, func(u *flow.Unit) error {
		who, err := p.op.desk.someone(u, p.id)
		if err != nil {
			return err
		}
		if !g.Sites.All() && !g.Sites.Overlaps(who.Sites) {
			return accounts.ErrAccountNotFound
		}
		owner, _, err := flow.Load(u, rec.Projections, p.id)
		if err != nil {
			return err
		}
		action, err := edit(g, &owner, u)
		if err != nil {
			return err
		}
		if owner.Since.IsZero() {
			owner.Since = u.Now()
		}
		u.Project(p.id)
		if err := flow.Put(u, rec.Projections, p.id, &owner); err != nil {
			return err
		}
		_, err = u.Say(action, audit.Success, []string{p.id}, flow.F(audit.FieldAccount, p.id), flow.F(audit.FieldReason, o.reason))
		return err
	})
	if err != nil {
		return p.op.refused(ctx, "Person."+name, []string{p.id}, err)
	}
	p.op.desk.follow(ctx, p.id)
	return nil
}

// Live is where somebody is on devices.
type Live struct {
	// Ended is since when they should be on none of them: since [Person.End], or since rules
	// or windows let them in nowhere. Zero: they may be, or that is not known.
	Ended time.Time
	On    []Device
}

// Device is somebody at one device.
type Device struct {
	Panel string
	Ident string
	Site  string
	Place panel.Place // zero: the device cannot have them
	// Active: they may still get in there.
	Active bool
	// Going: the device was told, or will be when it is reached, to take them away.
	Going bool
	// Since is, of one that is going, since when they should not be there, where that is
	// known; else when the last wish was.
	Since time.Time
	// By is by when the device has done what waits for it, at the latest; zero: nothing
	// waits, or Words says why that cannot be said.
	By    time.Time
	Words string // the device's last words, or why it cannot have them
}

// Live lists the devices of the operator's sites at which the person may get in, and which
// of them have to take them away, by what rules and windows say now. After [Person.End] it
// gets shorter with each device that confirms, and ends empty.
func (p *Person) Live(ctx context.Context) (Live, error) {
	all, err := p.devices(ctx, "Live")
	all.On = slices.DeleteFunc(all.On, func(d Device) bool { return !d.Active })
	return all, err
}

// Devices lists the devices of the operator's sites that have the person, will have them,
// or cannot.
func (p *Person) Devices(ctx context.Context) (Live, error) { return p.devices(ctx, "Devices") }

func (p *Person) devices(ctx context.Context, name string) (Live, error) {
	var out Live
	g, err := p.may(ctx, name)
	if err != nil {
		return out, err
	}
	rs, err := p.core().Store.Load(ctx, rec.Projections.Key(p.id), rec.Misses.Key(flow.ProjectLine(p.id)))
	if err != nil {
		return out, err
	}
	owner, _, err := rec.Projections.Decode(rs[0])
	if err != nil {
		return out, err
	}
	misses, _, err := rec.Misses.Decode(rs[1])
	if err != nil {
		return out, err
	}
	if owner.Ended != nil {
		out.Ended = owner.Ended.At
	}
	users, err := p.op.desk.usersFor(ctx, p.id)
	if err != nil {
		return out, err
	}
	rel, err := p.op.desk.relation(ctx)
	if err != nil {
		return out, err
	}
	now, err := p.op.desk.judge(ctx, rel, p.id)
	if err != nil {
		return out, err
	}
	var last time.Time // since when the last of those that go should be gone
	panels, words, late := map[string]rec.Panel{}, map[string]string{}, lags{desk: p.op.desk}
	for id, list := range users {
		one, err := p.op.panelOf(ctx, panels, words, id)
		if err != nil {
			return out, err
		}
		for _, u := range list {
			active := mayOpen(u, p.id)
			if g.Sites.Has(one.Site) && (active || !u.Idle()) {
				dev := Device{Panel: id, Ident: one.Ident, Site: one.Site, Place: u.Place, Active: active,
					Going: u.Removing() || tenancyOf(u, p.id) != u.Tenancy, Since: wished(u), Words: words[id]}
				if one.State != rec.Retired && now.plan.goes(u) {
					dev.Going = true
					if at := now.ended(u); !at.IsZero() {
						dev.Since = at
					}
				}
				if dev.Going && dev.Since.After(last) {
					last = dev.Since
				}
				if !u.Idle() {
					l, err := late.of(ctx, id, one)
					if err != nil {
						return out, err
					}
					if dev.By = l.by; dev.Words == "" {
						dev.Words = l.why
					}
				}
				out.On = append(out.On, dev)
			}
		}
	}
	if out.Ended.IsZero() && len(now.plan.targets) == 0 {
		out.Ended = last
	}
	for id, miss := range misses.Panels {
		one, err := p.op.panelOf(ctx, panels, words, id)
		if err != nil {
			return out, err
		}
		if g.Sites.Has(one.Site) {
			out.On = append(out.On, Device{Panel: id, Ident: one.Ident, Site: one.Site, Since: miss.Since, Words: miss.Words})
		}
	}
	slices.SortFunc(out.On, func(a, b Device) int {
		return cmp.Or(cmp.Compare(a.Ident, b.Ident), cmp.Compare(a.Panel, b.Panel), cmp.Compare(a.Place.String(), b.Place.String()))
	})
	return out, nil
}

// tenancyOf is the tenancy in which a place was the account's.
func tenancyOf(u rec.User, account string) uint64 {
	if r := u.Projected; r != nil && r.Account == account {
		return r.Tenancy
	}
	if u.Link != nil && u.Link.Account == account {
		return u.Link.Tenancy
	}
	return 0
}

// mayOpen reports whether the account may get in by the user that is or was theirs: the
// panel has it, or may have it. Somebody else who has the place since is not them.
func mayOpen(u rec.User, account string) bool {
	if tenancyOf(u, account) != u.Tenancy && u.Settled == u.Tenancy {
		return false
	}
	return u.Reported.Set || u.Agreed.Set || len(u.Sent) > 0 || u.Flight != nil || u.Unsure.Has(panel.FieldCode)
}
