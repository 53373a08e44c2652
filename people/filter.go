package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Filter selects accounts by what is known of them; what is not given does not matter, and
// what is given holds together. Case does not matter in texts.
type Filter struct {
	Keyword string // part of the name, address, username or phone number
	Name    string // part of the first and last name
	Phone   string // part of the phone number
	Role    string // the name of one of its roles
	State   accounts.State
	Creator accounts.ID // who added it

	SignedInSince    time.Time // the owner signed in at that time or later
	NotSignedInSince time.Time // the owner did not: also who never has
}

// part reports whether a text has a part.
func part(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimSpace(part)))
}

// takes judges what stands in the account itself.
func (f Filter) takes(a accounts.Account, now time.Time) bool {
	found := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return part(t, f.Keyword) })
	}
	return found(fullName(a), a.Email.String(), a.Username, a.Phone) && part(fullName(a), f.Name) && part(a.Phone, f.Phone) &&
		(f.Role == "" || slices.Contains(a.Roles, f.Role)) && (f.State == "" || a.State(now) == f.State) && (f.Creator == "" || a.Creator == f.Creator)
}

// sift walks a list and keeps what a filter takes.
func (s *Service) sift(ctx context.Context, of listing, f Filter, keep func(accounts.Account) bool) error {
	now := s.core.Time()
	var failed error
	err := s.walk(ctx, of, func(a accounts.Account) bool {
		if !f.takes(a, now) {
			return true
		}
		if !f.SignedInSince.IsZero() || !f.NotSignedInSince.IsZero() {
			one := []Account{{Account: a}}
			if failed = s.signedIn(ctx, one); failed != nil {
				return false
			}
			last := one[0].SignedIn
			if last.Before(f.SignedInSince) || !f.NotSignedInSince.IsZero() && !last.Before(f.NotSignedInSince) {
				return true
			}
		}
		return keep(a)
	})
	if failed != nil {
		return failed
	}
	return err
}

// signedIn adds to accounts when their owners signed in last.
func (s *Service) signedIn(ctx context.Context, list []Account) error {
	if len(list) == 0 {
		return nil
	}
	keys := make([]store.Key, len(list))
	for i, a := range list {
		keys[i] = rec.Seens.Key(rec.SignedIn(string(a.ID)))
	}
	rs, err := s.core.Store.Load(ctx, keys...)
	if err != nil {
		return err
	}
	for i, r := range rs {
		seen, _, err := rec.Seens.Decode(r)
		if err != nil {
			return err
		}
		list[i].SignedIn = seen.At
	}
	return nil
}
