package people

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// The limits of the access groups of visitors.
const (
	maxGroups = 16                  // of one visitor
	longGone  = 30 * 24 * time.Hour // after that a visitor whose visit is over leaves a group
	tidied    = 8                   // members that are looked at whenever one joins
)

// join makes the visitor a member of an access group: one of a site that the operator and
// the visitor have, or one of all sites, which only operators of all sites give.
func (v *issue) join(u *flow.Unit, id string) error {
	group, found, err := flow.Load(u, rec.Groups, id)
	switch {
	case err != nil:
		return err
	case !found, group.Disabled, group.Site == "" && !v.grant.Sites.All(), group.Site != "" && !v.grant.Sites.Has(group.Site):
		return accounts.ErrGroupNotFound
	case group.Site != "" && !v.Sites.Has(group.Site):
		return accounts.ErrSiteMismatch
	}
	if group.Members, err = staying(u, group.Members); err != nil {
		return err
	}
	group.Members = append(group.Members, credentials.Subject{Kind: rec.AccountSubject, ID: string(v.id)})
	targets := []string{string(v.id)}
	if group.Site != "" {
		targets = append(targets, flow.Site(group.Site))
	}
	if _, err := u.Say(audit.AccessGroupChanged, audit.Success, targets, flow.F(audit.FieldRow, id),
		flow.F(audit.FieldState, "visitor joined"), flow.F(audit.FieldSites, group.Site)); err != nil {
		return err
	}
	return flow.Put(u, rec.Groups, id, &group)
}

// staying are the members of a group without visitors who left long ago, so that it does
// not grow for ever. Those who have been in it longest are looked at, a few each time.
func staying(u *flow.Unit, members []credentials.Subject) ([]credentials.Subject, error) {
	gone := map[credentials.Subject]bool{}
	for _, m := range members[:min(len(members), tidied)] {
		if m.Kind != rec.AccountSubject {
			continue
		}
		a, _, err := flow.Peek(u, rec.Accounts, m.ID)
		if err != nil {
			return nil, err
		}
		gone[m] = a.Kind == accounts.VisitorKind && a.Window.Until.Add(longGone).Before(u.Now())
	}
	return slices.DeleteFunc(slices.Clone(members), func(m credentials.Subject) bool { return gone[m] }), nil
}
