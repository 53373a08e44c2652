package people

import (
	"context"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// SetSite adds a site, or puts it in the place of the one with its name; one that is not
// wanted any more is disabled. Only operators of all sites do so. What keeping sites here
// changes is said at [accounts.SiteKeeping]; under accounts.SitesElsewhere nothing asks
// whether a site is here, but one that is here and disabled is closed all the same.
// Errors: [accounts.ErrSiteForm], [accounts.ErrSiteManaged], [accounts.ErrSiteMismatch].
func (op *Operator) SetSite(ctx context.Context, s accounts.Site) error {
	const name = "SetSite"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if err := s.Check(); err != nil {
			return err
		}
		if op.people.o.Policy.Sites == accounts.SitesManaged {
			return accounts.ErrSiteManaged
		}
		if !g.Sites.All() {
			return accounts.ErrSiteMismatch
		}
		was, found, err := flow.Load(u, rec.Sites, s.Name)
		if err != nil {
			return err
		}
		if found && was == s {
			return nil
		}
		before := ""
		if found {
			before = siteState(was)
		}
		if _, err := u.Say(audit.SiteChanged, audit.Success, []string{flow.Site(s.Name)}, flow.F(audit.FieldSites, s.Name), flow.F(audit.FieldSiteName, s.Label),
			flow.F(audit.FieldFields, siteFields(was, s)), flow.F(audit.FieldStateBefore, before), flow.F(audit.FieldState, siteState(s))); err != nil {
			return err
		}
		return flow.Put(u, rec.Sites, s.Name, &s)
	})
	return op.refused(ctx, name, nil, err)
}

func siteState(s accounts.Site) string {
	if s.Enabled {
		return "enabled"
	}
	return "disabled"
}

// siteFields names what differs between two versions of a site.
func siteFields(a, b accounts.Site) string {
	var names []string
	for name, same := range map[string]bool{"enabled": a.Enabled == b.Enabled, "label": a.Label == b.Label, "url": a.URL == b.URL} {
		if !same {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Sites lists the sites that are kept here and are the operator's, by name.
func (op *Operator) Sites(ctx context.Context) ([]accounts.Site, error) {
	g, err := op.allowed(ctx, "Sites")
	if err != nil {
		return nil, err
	}
	var out []accounts.Site
	q := store.Query{Kind: rec.Sites.Name, Term: rec.ByName}
	for {
		rs, err := op.people.core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			s, _, err := rec.Sites.Decode(r)
			if err != nil {
				return nil, err
			}
			q.After = &store.Position{Value: []byte(s.Name), ID: r.Key.ID}
			if g.Sites.Has(s.Name) {
				out = append(out, s)
			}
		}
		if len(rs) < store.Page(q.Limit) {
			return out, nil
		}
	}
}

// hasSites reports [accounts.ErrSiteNotFound] for a site that an account is to be given and
// that is not here, or disabled, where sites are kept here. What it had it keeps.
func (s *Service) hasSites(u *flow.Unit, had, gets accounts.Sites) error {
	if s.o.Policy.Sites == accounts.SitesElsewhere {
		return nil
	}
	for _, id := range gets.Without(had.IDs()...).IDs() {
		if len(id) > store.MaxID {
			return accounts.ErrSiteNotFound
		}
		site, found, err := flow.Load(u, rec.Sites, id)
		if err != nil {
			return err
		}
		if !found || !site.Enabled {
			return accounts.ErrSiteNotFound
		}
	}
	return nil
}
