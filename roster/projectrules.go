package roster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// relation is who may enter where, as it is read for one pass.
type relation struct {
	all    *credentials.Access // as if all groups and rules were of one site: it leads to too many
	groups []rec.Group
	rules  []rec.Rule
	made   []credentials.Rule // of rules, in their order
	points map[string]rec.Point
	doors  map[string]bool // rules that let use doors only
	digest uint64          // of all this, as it is stored

	mu      sync.Mutex
	sites   map[string]*credentials.Access // those that were asked for
	devices map[string]device              // the panels that were asked for
}

// relation reads the rules, groups and points.
func (d *Desk) relation(ctx context.Context) (*relation, error) {
	r := &relation{points: map[string]rec.Point{}, doors: map[string]bool{}, sites: map[string]*credentials.Access{}, devices: map[string]device{}}
	h := d.local.digest()
	points, err := every(ctx, d.core, rec.Points, h)
	if err != nil {
		return nil, err
	}
	for _, p := range points {
		r.points[p.ID] = p
	}
	if r.groups, err = every(ctx, d.core, rec.Groups, h); err != nil {
		return nil, err
	}
	if r.rules, err = every(ctx, d.core, rec.Rules, h); err != nil {
		return nil, err
	}
	r.made = make([]credentials.Rule, len(r.rules))
	for i, one := range r.rules {
		if r.made[i], err = one.Compile(); err != nil {
			return nil, err
		}
		r.doors[one.ID] = one.DoorsOnly
	}
	r.all, r.digest = r.access(func(string) bool { return true }), h.Sum64()
	return r, nil
}

// access is the relation of those sites.
func (r *relation) access(here func(site string) bool) *credentials.Access {
	var groups []credentials.Group
	for _, g := range r.groups {
		if g.Site == "" || here(g.Site) {
			groups = append(groups, g.Group)
		}
	}
	var rules []credentials.Rule
	for i, one := range r.rules {
		if here(one.Site) {
			rules = append(rules, r.made[i])
		}
	}
	return credentials.NewAccess(groups, rules)
}

// at is the relation of a site, as its doors have it: what other sites call a group or a
// rule leads nowhere here.
func (r *relation) at(site string) *credentials.Access {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, known := r.sites[site]
	if !known {
		a = r.access(func(s string) bool { return s == site })
		r.sites[site] = a
	}
	return a
}

// way is a way in at a site.
type way struct {
	credentials.Way
	panel, site string
}

// ways lists where somebody may enter at points that have a panel.
func (r *relation) ways(as []credentials.Subject) []way {
	var sites []string
	for _, w := range r.all.Where(as...) {
		if site := r.points[w.Point].Site; !slices.Contains(sites, site) {
			sites = append(sites, site)
		}
	}
	var out []way
	for _, site := range sites {
		for _, w := range r.at(site).Where(as...) {
			if p := r.points[w.Point]; p.Site == site && p.Panel != "" && p.Projects {
				out = append(out, way{w, p.Panel, site})
			}
		}
	}
	return out
}

// every reads all records of a kind, and adds them to a digest.
func every[T any](ctx context.Context, core *flow.Core, k rec.Kind[T], h *digest) ([]T, error) {
	var out []T
	for q := (store.Query{Kind: k.Name}); ; {
		rs, err := core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		h.records(rs)
		for _, r := range rs {
			v, _, err := k.Decode(r)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			q.After = &store.Position{ID: r.Key.ID}
		}
		if len(rs) < store.MaxPage {
			return out, nil
		}
	}
}

// reach is what the rules say about somebody at one panel.
type reach struct {
	keypad []*credentials.Compiled // the hours of each rule about typed codes, nil: always
	reader []*credentials.Compiled // and about tags
	both   bool                    // every rule about typed codes is about tags too
	doors  bool                    // every rule lets them use doors only
	more   bool                    // some rule asks for several credentials, which no device does
}

// entrance is a panel with the site whose rules lead there: only if that is the panel's own
// do they count.
type entrance struct{ panel, site string }

// reaches lists where somebody may enter.
func (r *relation) reaches(as []credentials.Subject) map[entrance]reach {
	out := map[entrance]reach{}
	for _, way := range r.ways(as) {
		at := entrance{way.panel, way.site}
		on := func(m credentials.Medium) bool { return way.Rule.On == 0 || way.Rule.On.Has(m) }
		one, seen := out[at]
		if !seen {
			one = reach{both: true, doors: true}
		}
		if way.Rule.Needs > 1 {
			one.more = true
			out[at] = one
			continue
		}
		if on(credentials.Reader) {
			one.reader = append(one.reader, way.Rule.Schedule)
		}
		if on(credentials.Keypad) {
			one.keypad, one.both = append(one.keypad, way.Rule.Schedule), one.both && on(credentials.Reader)
		}
		if on(credentials.Reader) || on(credentials.Keypad) {
			one.doors = one.doors && r.doors[way.Rule.ID]
			out[at] = one
		}
	}
	return out
}

// actionAt is what a duress code of somebody sets off at a panel of a site, and the point at
// which it was presented, as far as rules tell: those that were open then before others.
func (r *relation) actionAt(as []credentials.Subject, at entrance, when time.Time) (point, action string) {
	for _, way := range r.ways(as) {
		if way.panel != at.panel || way.site != at.site || way.Rule.On != 0 && !way.Rule.On.Has(credentials.Keypad) {
			continue
		}
		if way.Rule.Schedule.Open(when) {
			return way.Point, way.Rule.Duress
		}
		if point == "" {
			point = way.Point
		}
		if action == "" {
			action = way.Rule.Duress
		}
	}
	return point, action
}

// stand is what of a person decides whether devices may have them.
type stand struct {
	in      bool      // neither removed, suspended nor revoked
	gone    bool      // removed
	out     time.Time // since when they are not in, zero: not known
	windows []credentials.Window
	as      []credentials.Subject
	name    string
	barred  func(site string) bool // nil: nowhere. An installer is where nobody has accepted them
}

// here reports whether the person can have anything at the devices of a site.
func (s stand) here(site string) bool { return s.barred == nil || !s.barred(site) }

// stands reads a person; the commit checks keyholder's own accounts again.
func (d *Desk) stands(u *flow.Unit, account string) (stand, error) {
	as := []credentials.Subject{{Kind: rec.AccountSubject, ID: account}}
	if _, own := d.people.(*flow.Accounts); !own {
		p, err := d.people.Person(u.Context(), accounts.ID(account))
		if errors.Is(err, accounts.ErrAccountNotFound) {
			return stand{gone: true}, nil
		}
		return stand{in: err == nil && p.Status != accounts.StatusSuspended, as: as, name: p.Name}, err
	}
	a, found, err := flow.Load(u, rec.Accounts, account)
	if err != nil || !found || !a.Removed.IsZero() {
		return stand{gone: true, out: a.Removed}, err
	}
	for _, role := range a.Roles {
		as = append(as, credentials.Subject{Kind: rec.RoleSubject, ID: role})
	}
	s := stand{in: a.Suspended.At.IsZero() && !a.Window.Revoked, out: a.Suspended.At, windows: []credentials.Window{a.Window}, as: as, name: a.Name()}
	if a.Kind == accounts.InstallerKind {
		s.barred = func(site string) bool { return a.Approval(site) != accounts.Accepted }
	}
	return s, nil
}
