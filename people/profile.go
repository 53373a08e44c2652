package people

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// SetProfile adds a notification profile, or puts it in the place of the one with its name.
// It acts at once for every account that has it. Profiles are of the whole store, so only
// operators of all sites change them; one that is not wanted any more is disabled. Errors:
// [accounts.ErrProfile], [credentials.ErrSchedule], [accounts.ErrSiteMismatch].
func (op *Operator) SetProfile(ctx context.Context, p accounts.Profile) error {
	const name = "SetProfile"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if err := p.Check(); err != nil {
			return err
		}
		if !g.Sites.All() {
			return accounts.ErrSiteMismatch
		}
		if _, _, err := flow.Load(u, rec.Profiles, p.Name); err != nil {
			return err
		}
		if _, err := u.Say(audit.ProfileChanged, audit.Success, nil, flow.F(audit.FieldProfile, p.Name)); err != nil {
			return err
		}
		return flow.Put(u, rec.Profiles, p.Name, &p)
	})
	return op.refused(ctx, name, nil, err)
}

// Profiles lists all notification profiles, by name.
func (op *Operator) Profiles(ctx context.Context) ([]accounts.Profile, error) {
	if _, err := op.allowed(ctx, "Profiles"); err != nil {
		return nil, err
	}
	var out []accounts.Profile
	q := store.Query{Kind: rec.Profiles.Name, Term: rec.ByName}
	for {
		rs, err := op.people.core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			p, _, err := rec.Profiles.Decode(r)
			if err != nil {
				return nil, err
			}
			q.After = &store.Position{Value: []byte(p.Name), ID: r.Key.ID}
			out = append(out, p)
		}
		if len(rs) < store.Page(q.Limit) {
			return out, nil
		}
	}
}

// Notify decides whether an account's owner may be notified by a channel now, else why not
// and when again. It reads the account and its profile each time, so that a change acts on
// the next notification. It is for the host's own notifier and asks no right. Errors:
// [accounts.ErrAccountNotFound].
func (s *Service) Notify(ctx context.Context, id accounts.ID, c accounts.Channel) (accounts.Notify, error) {
	a, err := s.peek(ctx, accounts.AllSites(), id)
	if err != nil {
		return accounts.Notify{}, err
	}
	if a.Profile == "" {
		return a.Notify(nil, c, s.core.Time())
	}
	rs, err := s.core.Store.Load(ctx, rec.Profiles.Key(a.Profile))
	if err != nil {
		return accounts.Notify{}, err
	}
	p, _, err := rec.Profiles.Decode(rs[0])
	if err != nil {
		return accounts.Notify{}, err
	}
	return a.Notify(&p, c, s.core.Time())
}
