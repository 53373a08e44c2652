package roster

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrAccessFields: a point, group or rule lacks something, or names what is not there.
var ErrAccessFields = fault.New(fault.Invalid, "roster: an id, a site, and known media and points of that site are needed").
	Hinted("Give an id and a site, media that there are, points and panels of this site, and an action of at most 128 bytes.")

// The kinds of subjects that rules and groups name, beside "group".
const (
	AccountSubject = rec.AccountSubject // by the account's id
	RoleSubject    = rec.RoleSubject    // everybody with that role
)

// AccessPoint is a place where somebody presents a credential.
type AccessPoint struct {
	credentials.Point
	// Projects: whoever may enter here becomes a user of Point.Panel.
	Projects bool
}

// maxAction is how many bytes what a duress code sets off may have: a reader keeps it in its
// journal.
const maxAction = 128

// AccessRule lets somebody in somewhere at some times.
type AccessRule struct {
	Disabled bool
	ID       string
	Name     string
	Site     string // of all its points
	Who      []credentials.Subject
	Points   []string
	On       []credentials.Medium  // none: any
	Schedule *credentials.Schedule // nil: always
	Cooldown time.Duration
	// Needs is how many credentials must be shown together, each of the same person's: at
	// most [MaxNeeds]; 0: one. Where a credential asks for more, that counts. Only doors that
	// are decided here can ask for more than one: nobody becomes a user of a device by such
	// a rule.
	Needs int
	// InLockdown: it lets in during a lockdown too.
	InLockdown bool
	Duress     string // what a duress code sets off, at most 128 bytes
	// DoorsOnly: whom it lets in may use doors and not operate the alarm. A panel that has
	// no rank for that does not get them, see panel.Model.DoorRole.
	DoorsOnly bool
}

// SetPoint creates or changes a point. Its panel is one of its site: if that moves to
// another site, the point leads nowhere until it is set anew.
func (op *Operator) SetPoint(ctx context.Context, p AccessPoint) error {
	if p.ID == "" || p.Site == "" {
		return ErrAccessFields
	}
	if p.Panel != "" {
		if err := op.mayAt(ctx, "SetPoint", p.Site); err != nil {
			return op.refused(ctx, "SetPoint", nil, err)
		}
		device, err := op.desk.device(ctx, p.Panel)
		if err != nil {
			return err
		}
		if !device.found || device.Site != p.Site { // one answer: what others have is not there
			return ErrAccessFields
		}
	}
	return setAccess(ctx, op, "SetPoint", rec.Points, p.ID, p.Site, audit.AccessPointChanged, &rec.Point{Point: p.Point, Projects: p.Projects},
		func(r rec.Point) string { return r.Site })
}

// SetGroup creates or changes a group of a site; with site "" it is one of all sites. Rules
// of other sites that name it lead nowhere. Who becomes a member, or stops being one, is on devices or off them at once.
func (op *Operator) SetGroup(ctx context.Context, site string, g credentials.Group) error {
	if g.ID == "" {
		return ErrAccessFields
	}
	return setAccess(ctx, op, "SetGroup", rec.Groups, g.ID, site, audit.AccessGroupChanged, &rec.Group{Group: g, Site: site},
		func(r rec.Group) string { return r.Site })
}

// SetRule creates or changes a rule. Whoever gets a right by it becomes a user of the
// devices there, and whoever loses one is taken off, at once.
func (op *Operator) SetRule(ctx context.Context, r AccessRule) error {
	unknown := func(m credentials.Medium) bool { return !m.Known() }
	if r.ID == "" || r.Site == "" || len(r.Duress) > maxAction || slices.ContainsFunc(r.On, unknown) || r.Needs < 0 || r.Needs > MaxNeeds {
		return ErrAccessFields
	}
	if _, err := rec.Rule(r).Compile(); err != nil {
		return err
	}
	for _, id := range r.Points {
		rs, err := op.desk.core.Store.Load(ctx, rec.Points.Key(id))
		if err != nil {
			return err
		}
		p, _, err := rec.Points.Decode(rs[0])
		if err != nil {
			return err
		}
		if p.Site != r.Site {
			return ErrAccessFields
		}
	}
	stored := rec.Rule(r)
	return setAccess(ctx, op, "SetRule", rec.Rules, r.ID, r.Site, audit.AccessRuleChanged, &stored, func(r rec.Rule) string { return r.Site })
}

// RemovePoint removes a point: nobody enters by it any more.
func (op *Operator) RemovePoint(ctx context.Context, id string) error {
	return setAccess(ctx, op, "RemovePoint", rec.Points, id, "", audit.AccessPointChanged, nil, func(r rec.Point) string { return r.Site })
}

// RemoveGroup removes a group: it has no members any more.
func (op *Operator) RemoveGroup(ctx context.Context, id string) error {
	return setAccess(ctx, op, "RemoveGroup", rec.Groups, id, "", audit.AccessGroupChanged, nil, func(r rec.Group) string { return r.Site })
}

// RemoveRule removes a rule. Whoever had a right by it alone is taken off devices at once.
func (op *Operator) RemoveRule(ctx context.Context, id string) error {
	return setAccess(ctx, op, "RemoveRule", rec.Rules, id, "", audit.AccessRuleChanged, nil, func(r rec.Rule) string { return r.Site })
}

// setAccess stores a part of the relation, or removes it, under the right at its site,
// the one before included; then everybody is looked at.
func setAccess[T any](ctx context.Context, op *Operator, name string, k rec.Kind[T], id, site string, action audit.Action, v *T, siteOf func(T) string) error {
	core := op.desk.core
	_, err := core.Act(ctx, op.actor, func(u *flow.Unit) error {
		old, found, err := flow.Load(u, k, id)
		if err != nil {
			return err
		}
		sites := []string{siteOf(old)}
		if v != nil {
			sites = append(sites, site)
		}
		if !found {
			sites = sites[1:]
		}
		if len(sites) == 0 {
			return core.Allowed(ctx, op.actor, "roster."+name, "") // it is not there
		}
		for _, s := range slices.Compact(sites) {
			err := op.mayAt(ctx, name, s)
			if v == nil && s != "" && errors.Is(err, accounts.ErrSiteMismatch) {
				return core.Allowed(ctx, op.actor, "roster."+name, "") // what others have is not there
			}
			if err != nil {
				return err
			}
		}
		state := "set"
		if v == nil {
			state = "removed"
			flow.Drop(u, k, id)
		} else if err := flow.Put(u, k, id, v); err != nil {
			return err
		}
		targets := []string{}
		for _, s := range slices.Compact(sites) {
			if s != "" {
				targets = append(targets, flow.Site(s))
			}
		}
		u.Do(store.Mark{Line: flow.RightsLine})
		_, err = u.Say(action, audit.Success, targets, flow.F(audit.FieldRow, id), flow.F(audit.FieldState, state), flow.F(audit.FieldSites, list(sites)))
		return err
	})
	if err != nil {
		return op.refused(ctx, name, nil, err)
	}
	op.desk.followAll(ctx)
	return nil
}

// mayAt asks a right at a site, "" for what concerns all sites.
func (op *Operator) mayAt(ctx context.Context, name, site string) error {
	if site != "" {
		return op.desk.core.Allowed(ctx, op.actor, "roster."+name, site)
	}
	g, err := op.desk.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return err
	}
	if !g.Sites.All() {
		return accounts.ErrSiteMismatch
	}
	return op.desk.core.Allowed(ctx, op.actor, "roster."+name, "")
}
