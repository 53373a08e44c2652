package flow

import (
	"context"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Accounts returns keyholder's own people as a directory.
func (c *Core) Accounts() *Accounts { return &Accounts{core: c} }

// Accounts is the directory over the accounts in the store.
type Accounts struct{ core *Core }

// Person implements [accounts.Directory].
func (d *Accounts) Person(ctx context.Context, id accounts.ID) (accounts.Person, error) {
	r, err := d.core.Store.Load(ctx, rec.Accounts.Key(string(id)))
	if err != nil {
		return accounts.Person{}, err
	}
	a, _, err := rec.Accounts.Decode(r[0])
	return person(a, r[0].Version != 0, d.core.Time(), err)
}

// Bind is Person for a decision: the commit checks that the account is still as seen.
func (d *Accounts) Bind(u *Unit, id accounts.ID) (accounts.Person, error) {
	a, found, err := Load(u, rec.Accounts, string(id))
	return person(a, found, u.now, err)
}

func person(a accounts.Account, found bool, now time.Time, err error) (accounts.Person, error) {
	switch {
	case err != nil:
		return accounts.Person{}, err
	case !found || a.State(now) == accounts.Removed || a.ID == accounts.SystemID:
		return accounts.Person{}, accounts.ErrAccountNotFound
	}
	return accounts.Person{ID: a.ID, Email: a.Email, Name: a.Name(), Created: a.Created, Status: a.StatusPowerManage(now), Sites: a.Sites}, nil
}

// Suggest implements [accounts.Directory].
func (d *Accounts) Suggest(ctx context.Context, sites accounts.Sites, prefix string, limit int) ([]accounts.Person, error) {
	now := d.core.Time()
	q := store.Query{Kind: rec.Accounts.Name, Term: rec.ByEmail, Prefix: []byte(strings.ToLower(prefix)), Limit: 100}
	var out []accounts.Person
	for {
		rs, err := d.core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			a, _, err := rec.Accounts.Decode(r)
			if err != nil {
				return nil, err
			}
			q.After = &store.Position{Value: []byte(a.Email.Canonical()), ID: r.Key.ID}
			p, err := person(a, true, now, nil)
			if err != nil || p.Status == accounts.StatusSuspended || !sites.Overlaps(a.Sites) {
				continue
			}
			if out = append(out, p); len(out) == limit {
				return out, nil
			}
		}
		if len(rs) < q.Limit {
			return out, nil
		}
	}
}
