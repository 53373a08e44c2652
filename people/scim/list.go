package scim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// A list has at most so many users, and so many if nobody says.
const (
	maxUsers  = 200
	someUsers = 100
)

// byUserName is the one filter.
var byUserName = regexp.MustCompile(`^\s*(?i:(?:urn:ietf:params:scim:schemas:core:2\.0:User:)?userName\s+eq)\s+("(?:[^"\\]|\\.)*")\s*$`)

// page is a list: RFC 7644, section 3.4.2.
type page struct {
	Schemas   []string `json:"schemas"`
	Total     int      `json:"totalResults"`
	Start     int      `json:"startIndex"`
	Count     int      `json:"itemsPerPage"`
	Resources []user   `json:"Resources"`
}

// list answers a part of all users, or those with a userName.
func (s *session) list(r *http.Request) (answer, error) {
	ctx, q := r.Context(), r.URL.Query()
	start, err := number(q, "startIndex", 1)
	if err != nil {
		return answer{}, err
	}
	count, err := number(q, "count", someUsers)
	if err != nil {
		return answer{}, err
	}
	p := page{Schemas: []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, Start: max(start, 1), Resources: []user{}}
	count = min(max(count, 0), maxUsers)
	add := func(a people.Account) error {
		k, is, err := s.user(ctx, a)
		if err != nil || !is {
			return err
		}
		p.Total++
		if p.Total >= p.Start && len(p.Resources) < count {
			p.Resources = append(p.Resources, s.shown(k))
		}
		return nil
	}
	if q.Has("filter") {
		err = s.filtered(ctx, q.Get("filter"), add)
	} else {
		err = s.each(ctx, add)
	}
	p.Count = len(p.Resources)
	return answer{status: http.StatusOK, body: p}, err
}

func number(q url.Values, name string, otherwise int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		return 0, invalid("invalidValue", name+" has to be a number.")
	}
	return n, nil
}

// filtered finds the users that a filter names.
func (s *session) filtered(ctx context.Context, filter string, add func(people.Account) error) error {
	found := byUserName.FindStringSubmatch(filter)
	var name string
	if found == nil || json.Unmarshal([]byte(found[1]), &name) != nil {
		return invalid("invalidFilter", `The filter has to be: userName eq "an address".`)
	}
	e, err := accounts.ParseEmail(name)
	if err != nil {
		return nil //nolint:nilerr // what is no address is nobody's
	}
	all, err := s.named(ctx, e)
	for _, a := range all {
		if err := add(a); err != nil {
			return err
		}
	}
	return err
}

// named lists the accounts with an address, which comes before every longer one.
func (s *session) named(ctx context.Context, e accounts.Email) ([]people.Account, error) {
	got, err := s.Accounts(ctx, people.Search{Prefix: e.String(), Limit: maxUsers})
	var out []people.Account
	for _, a := range got.Accounts {
		if a.Email.Canonical() == e.Canonical() {
			out = append(out, a)
		}
	}
	return out, err
}

// each reads all accounts in their order.
func (s *session) each(ctx context.Context, add func(people.Account) error) error {
	next := people.Search{Limit: maxUsers}
	for {
		got, err := s.Accounts(ctx, next)
		if err != nil {
			return err
		}
		for _, a := range got.Accounts {
			if err := add(a); err != nil {
				return err
			}
		}
		if next.After = got.Next; next.After == "" {
			return nil
		}
	}
}
