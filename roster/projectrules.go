package roster

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// relation is who may enter where, as it is read for one pass.
type relation struct {
	access *credentials.Access
	points map[string]rec.Point
	doors  map[string]bool // rules that let use doors only
	digest uint64          // of all this, as it is stored

	mu      sync.Mutex
	devices map[string]device // the panels that were asked for
}

// relation reads the rules, groups and points.
func (d *Desk) relation(ctx context.Context) (*relation, error) {
	r := &relation{points: map[string]rec.Point{}, doors: map[string]bool{}, devices: map[string]device{}}
	h := d.local.digest()
	points, err := every(ctx, d.core, rec.Points, h)
	if err != nil {
		return nil, err
	}
	for _, p := range points {
		r.points[p.ID] = p
	}
	groups, err := every(ctx, d.core, rec.Groups, h)
	if err != nil {
		return nil, err
	}
	members := make([]credentials.Group, len(groups))
	for i, g := range groups {
		members[i] = g.Group
	}
	rules, err := every(ctx, d.core, rec.Rules, h)
	if err != nil {
		return nil, err
	}
	compiled := make([]credentials.Rule, len(rules))
	for i, one := range rules {
		if compiled[i], err = one.Compile(); err != nil {
			return nil, err
		}
		r.doors[one.ID] = one.DoorsOnly
	}
	r.access, r.digest = credentials.NewAccess(members, compiled), h.Sum64()
	return r, nil
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
}

// reaches lists, by panel, where somebody may enter.
func (r *relation) reaches(as []credentials.Subject) map[string]reach {
	out := map[string]reach{}
	for _, way := range r.access.Where(as...) {
		p := r.points[way.Point]
		if p.Panel == "" || !p.Projects {
			continue
		}
		on := func(m credentials.Medium) bool { return way.Rule.On == 0 || way.Rule.On.Has(m) }
		one, seen := out[p.Panel]
		if !seen {
			one = reach{both: true, doors: true}
		}
		if on(credentials.Reader) {
			one.reader = append(one.reader, way.Rule.Schedule)
		}
		if on(credentials.Keypad) {
			one.keypad, one.both = append(one.keypad, way.Rule.Schedule), one.both && on(credentials.Reader)
		}
		if on(credentials.Reader) || on(credentials.Keypad) {
			one.doors = one.doors && r.doors[way.Rule.ID]
			out[p.Panel] = one
		}
	}
	return out
}

// actionAt is what a duress code of somebody sets off at a panel, and the point at which it
// was presented, as far as rules tell.
func (r *relation) actionAt(as []credentials.Subject, panelID string) (point, action string) {
	for _, way := range r.access.Where(as...) {
		p := r.points[way.Point]
		if p.Panel == panelID && p.Projects && (way.Rule.On == 0 || way.Rule.On.Has(credentials.Keypad)) {
			return way.Point, way.Rule.Duress
		}
	}
	return "", ""
}

// stand is what of a person decides whether devices may have them.
type stand struct {
	in      bool // neither removed, suspended nor revoked
	gone    bool // removed
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
		return stand{gone: true}, err
	}
	for _, role := range a.Roles {
		as = append(as, credentials.Subject{Kind: rec.RoleSubject, ID: role})
	}
	s := stand{in: a.Suspended.At.IsZero() && !a.Window.Revoked, windows: []credentials.Window{a.Window}, as: as, name: a.Name()}
	if a.Kind == accounts.InstallerKind {
		s.barred = func(site string) bool { return a.Approval(site) != accounts.Accepted }
	}
	return s, nil
}
