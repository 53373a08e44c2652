package keys

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// persons are the codes and tags that persons have, whatever device they are on.
type persons struct{ *job }

func (persons) kind() store.Kind { return rec.Credentials.Name }

func (j persons) count(_ context.Context, r store.Record, t *counts) error {
	c, _, err := rec.Credentials.Decode(r)
	if err != nil {
		return err
	}
	j.sealed(t, c.Sealed)
	opaque := slices.Clone(c.Leaving)
	if c.Sealed.IsZero() {
		opaque = append(append(opaque, c.Names...), c.Reserves...)
	}
	if j.has(opaque) {
		opaque = nil // they were given up during the rotation and have both
	}
	j.names(t, append(append(slices.Clone(c.Names), c.Reserves...), c.Leaving...), opaque)
	return nil
}

func (j persons) fill(u *flow.Unit, id string) (bool, error) {
	return j.edit(u, id, func(c *rec.Credential) error {
		if c.Sealed.IsZero() || j.has(c.Names) && !j.old(c.Sealed) {
			return nil
		}
		b, scope := rec.CredentialBinding(c.Account, c.Kind, c.Generation), credentials.Scope{Kind: credentials.TenantScope}
		var claim credentials.Claim
		if c.Kind == rec.TagNumber {
			tag, err := credentials.OpenNamedTag(j.keys, j.keys, b, c.Sealed, scope, c.Names)
			if err != nil {
				return err
			}
			if claim, err = credentials.ClaimTag(j.keys, scope, tag, c.Formats...); err != nil {
				return err
			}
		} else {
			code, err := credentials.OpenNamedCode(j.keys, j.keys, b, c.Sealed, scope, c.Names)
			if err != nil {
				return err
			}
			if claim, err = j.codes.Claim(j.keys, scope, code, c.Kind == rec.DuressPIN); err != nil {
				return err
			}
		}
		c.Names, c.Reserves = union(claim.Hold, c.Names), union(claim.Reserve, c.Reserves)
		slices.Sort(c.Names)
		slices.Sort(c.Reserves)
		return j.reseal(b, &c.Sealed)
	})
}

func (j persons) shed(u *flow.Unit, id string) (bool, error) {
	return j.edit(u, id, func(c *rec.Credential) error {
		for _, names := range []*[]string{&c.Names, &c.Reserves, &c.Leaving} {
			if j.has(*names) {
				*names = j.without(*names)
			}
		}
		return nil
	})
}

// edit changes a credential and its claims.
func (j persons) edit(u *flow.Unit, id string, change func(*rec.Credential) error) (bool, error) {
	c, found, err := flow.Load(u, rec.Credentials, id)
	if err != nil || !found {
		return false, err
	}
	before, key := c.Claims(), c.Sealed.KeyID
	if err := change(&c); err != nil {
		return false, fmt.Errorf("credential %s: %w", id, err)
	}
	after := c.Claims()
	for n, holds := range after {
		if _, had := before[n]; !had {
			u.Do(store.Claim{Name: store.Name(n), Holder: c.Account, Use: id, Reserve: !holds})
		}
	}
	for n, held := range before {
		if _, stays := after[n]; !stays {
			u.Do(store.Release{Name: store.Name(n), Holder: c.Account, Use: id, Reserve: !held})
		}
	}
	if u.Empty() && key == c.Sealed.KeyID {
		return false, nil
	}
	return true, flow.Put(u, rec.Credentials, id, &c)
}
