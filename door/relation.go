package door

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// relation is the rules and groups of a site in the form that is asked, with the versions
// of which it was made: it is made anew when one of them is another.
type relation struct {
	*credentials.Access
	of []version

	mu      sync.Mutex
	codes   int // that open something at the site, when they were counted
	counted time.Time
}

type version struct {
	key store.Key
	n   uint64
}

// rules reads who may enter where at a site. A change counts from its commit on.
func (s *Service) rules(ctx context.Context, site string) (*relation, error) {
	groups, err := s.atSite(ctx, rec.Groups.Name, "", site)
	if err != nil {
		return nil, err
	}
	rules, err := s.atSite(ctx, rec.Rules.Name, site)
	if err != nil {
		return nil, err
	}
	var of []version
	for _, r := range slices.Concat(groups, rules) {
		of = append(of, version{r.Key, r.Version})
	}
	s.mu.Lock()
	known := s.access[site]
	s.mu.Unlock()
	if known != nil && slices.Equal(known.of, of) {
		return known, nil
	}
	access, err := compile(groups, rules)
	if err != nil {
		return nil, err
	}
	known = &relation{Access: access, of: of}
	s.mu.Lock()
	s.access[site] = known
	s.mu.Unlock()
	return known, nil
}

// atSite lists all records of a kind at sites.
func (s *Service) atSite(ctx context.Context, kind store.Kind, sites ...string) ([]store.Record, error) {
	var all []store.Record
	for _, site := range sites {
		q := store.Query{Kind: kind, Term: rec.BySite, From: []byte(site), To: append([]byte(site), 0), Limit: store.MaxPage}
		for {
			page, err := s.core.Store.List(ctx, q)
			if err != nil {
				return nil, err
			}
			all = append(all, page...)
			if len(page) < q.Limit {
				break
			}
			q.After = &store.Position{Value: []byte(site), ID: page[len(page)-1].Key.ID}
		}
	}
	return all, nil
}

func compile(groups, rules []store.Record) (*credentials.Access, error) {
	var gs []credentials.Group
	for _, r := range groups {
		g, _, err := rec.Groups.Decode(r)
		if err != nil {
			return nil, err
		}
		gs = append(gs, g.Group)
	}
	var rs []credentials.Rule
	for _, r := range rules {
		rule, _, err := rec.Rules.Decode(r)
		if err != nil {
			return nil, err
		}
		c, err := rule.Compile()
		if err != nil {
			return nil, err
		}
		rs = append(rs, c)
	}
	return credentials.NewAccess(gs, rs), nil
}
