package roster

import (
	"context"
	"errors"
	"slices"

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
}

// relation reads the rules, groups and points.
func (d *Desk) relation(ctx context.Context) (*relation, error) {
	r := &relation{points: map[string]rec.Point{}}
	points, err := every(ctx, d.core, rec.Points)
	if err != nil {
		return nil, err
	}
	for _, p := range points {
		r.points[p.ID] = p
	}
	groups, err := every(ctx, d.core, rec.Groups)
	if err != nil {
		return nil, err
	}
	members := make([]credentials.Group, len(groups))
	for i, g := range groups {
		members[i] = g.Group
	}
	rules, err := every(ctx, d.core, rec.Rules)
	if err != nil {
		return nil, err
	}
	compiled := make([]credentials.Rule, len(rules))
	for i, one := range rules {
		if compiled[i], err = one.Compile(); err != nil {
			return nil, err
		}
	}
	r.access = credentials.NewAccess(members, compiled)
	return r, nil
}

// every reads all records of a kind.
func every[T any](ctx context.Context, core *flow.Core, k rec.Kind[T]) ([]T, error) {
	var out []T
	for q := (store.Query{Kind: k.Name}); ; {
		rs, err := core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
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
	rules []*credentials.Compiled // the hours of each rule, nil: always
	tags  bool                    // every one of them is for readers too
}

// hours is when some rule is open.
func (r reach) hours() *credentials.Compiled {
	if slices.Contains(r.rules, nil) {
		return nil
	}
	return credentials.Union(r.rules...)
}

// reaches lists, by panel, where somebody may enter with a code.
func (r *relation) reaches(as []credentials.Subject) map[string]reach {
	out := map[string]reach{}
	for _, way := range r.access.Where(as...) {
		p := r.points[way.Point]
		if p.Panel == "" || !p.Projects || way.Rule.On != 0 && !way.Rule.On.Has(credentials.Keypad) {
			continue
		}
		one, seen := out[p.Panel]
		one.tags = (one.tags || !seen) && (way.Rule.On == 0 || way.Rule.On.Has(credentials.Reader))
		one.rules = append(one.rules, way.Rule.Schedule)
		out[p.Panel] = one
	}
	return out
}

// stand is what of a person decides whether devices may have them.
type stand struct {
	in      bool // neither removed, suspended nor revoked
	gone    bool // removed
	windows []credentials.Window
	as      []credentials.Subject
	name    string
}

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
	return stand{in: a.Suspended.At.IsZero() && !a.Window.Revoked, windows: []credentials.Window{a.Window}, as: as, name: a.Name()}, nil
}
