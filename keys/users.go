package keys

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// users are panel users: their codes and tags.
type users struct{ *job }

func (users) kind() store.Kind { return rec.Users.Name }

// held is one code or tag of a panel user.
type held struct {
	*panel.CodeRef
	tag  bool
	seen bool // the panel showed it
	// offer is what the copy is part of that waits for its holder; nil: it is no copy.
	offer *rec.Offer
}

// refs are all codes and tags that a user's record carries.
func refs(u *rec.User) []held {
	var out []held
	tags := func(list []panel.TagRef, seen bool) {
		for i := range list {
			out = append(out, held{CodeRef: &list[i].CodeRef, tag: true, seen: seen})
		}
	}
	state := func(s *panel.State, seen bool) {
		out = append(out, held{CodeRef: &s.Code, seen: seen}, held{CodeRef: &s.Duress, seen: seen})
		tags(s.TagRefs, seen)
	}
	state(&u.Reported, true)
	state(&u.Agreed, false)
	state(&u.Wanted, false)
	if u.Carry != nil {
		state(u.Carry, false)
	}
	for i := range u.Sent {
		out = append(out, held{CodeRef: &u.Sent[i]})
	}
	tags(u.SentTags, false)
	if u.Offer.Open() {
		out = append(out, held{CodeRef: &u.Offer.Code, offer: u.Offer})
	}
	for _, f := range []*panel.Flight{u.Flight, u.Job} {
		if f != nil {
			state(&f.State, false)
			tags(f.AddedTags, false)
		}
	}
	return out
}

func (j users) count(_ context.Context, r store.Record, t *counts) error {
	u, _, err := rec.Users.Decode(r)
	if err != nil {
		return err
	}
	var opaque []string
	for _, ref := range refs(&u) {
		j.sealed(t, ref.Sealed)
		if ref.Sealed.IsZero() && !j.has(ref.Names) {
			opaque = append(opaque, ref.Names...)
		}
	}
	j.names(t, u.Claims(), opaque)
	return nil
}

func (j users) fill(u *flow.Unit, id string) (bool, error) {
	return j.edit(u, id, func(user *rec.User) error {
		all := refs(user)
		for _, ref := range all {
			if err := j.renew(user.Panel, id, ref); err != nil {
				return fmt.Errorf("user %s: %w", id, err)
			}
		}
		for _, ref := range all { // what nobody can open is named by what is known to be the same
			for _, same := range all {
				if len(ref.Names) > 0 && ref.tag == same.tag && ref.Same(*same.CodeRef) && !j.has(ref.Names) {
					ref.Names = union(same.Names, ref.Names)
				}
			}
		}
		return nil
	})
}

// renew gives a sealed code or tag its names under the new key, and seals it anew.
func (j users) renew(panelID, id string, ref held) error {
	if ref.Sealed.IsZero() || j.has(ref.Names) && !j.old(ref.Sealed) {
		return nil
	}
	scope := credentials.Scope{Kind: credentials.PanelScope, ID: panelID}
	b := rec.UserBinding(id, rec.CodeSealed, ref.ID)
	if ref.offer != nil {
		b = rec.OfferBinding(id, ref.offer.Tenancy, ref.ID)
	}
	var materials []credentials.Material
	if ref.tag {
		b = rec.UserBinding(id, rec.TagSealed, ref.ID)
		tag, err := credentials.OpenNamedTag(j.keys, j.keys, b, ref.Sealed, scope, ref.Names)
		if err != nil {
			return err
		}
		materials = credentials.TagMaterials(tag)
	} else {
		code, err := credentials.OpenNamedCode(j.keys, j.keys, b, ref.Sealed, scope, ref.Names)
		if err != nil {
			return err
		}
		materials = []credentials.Material{credentials.CodeMaterial(code)}
	}
	var names []string
	for _, m := range materials {
		more, err := credentials.Names(j.keys, scope, m)
		if err != nil {
			return err
		}
		names = append(names, more...)
	}
	ref.Names = union(names, ref.Names)
	return j.reseal(b, &ref.Sealed)
}

func (j users) shed(u *flow.Unit, id string) (bool, error) {
	return j.edit(u, id, func(user *rec.User) error {
		claimed := user.Claims()
		for _, ref := range refs(user) {
			claims := slices.ContainsFunc(ref.Names, func(n string) bool { return slices.Contains(claimed, n) })
			if claims && !j.has(ref.Names) {
				continue // the old key stays for as long as this does
			}
			ref.Names = j.without(ref.Names)
			if flow.KeyOf(ref.Mark) != j.r.From {
				continue
			}
			if ref.Mark = ""; len(ref.Names) > 0 {
				ref.Mark = ref.Names[0]
			}
		}
		return nil
	})
}

// edit changes a user's references, and its claims with them.
func (j users) edit(u *flow.Unit, id string, change func(*rec.User) error) (bool, error) {
	user, found, err := flow.Load(u, rec.Users, id)
	if err != nil || !found {
		return false, err
	}
	before, text := user.Claims(), fingerprint(&user)
	if err := change(&user); err != nil || fingerprint(&user) == text {
		return false, err
	}
	after := user.Claims()
	for _, n := range after {
		if !slices.Contains(before, n) {
			u.Do(store.Claim{Name: store.Name(n), Holder: user.Holder, Use: id})
		}
	}
	for _, n := range before {
		if !slices.Contains(after, n) {
			u.Do(store.Release{Name: store.Name(n), Holder: user.Holder, Use: id})
		}
	}
	return true, flow.Put(u, rec.Users, id, &user)
}

// fingerprint says whether references have changed.
func fingerprint(u *rec.User) string {
	var text strings.Builder
	for _, ref := range refs(u) {
		_, _ = fmt.Fprintln(&text, ref.Names, ref.Mark, ref.Sealed.KeyID) // never fails
	}
	return text.String()
}

// marks refuses users whose code is known by a panel's mark alone: marks of two keys
// cannot be compared, so each would look changed at the panel.
func (s *Service) marks(ctx context.Context) error {
	return list(ctx, s.core.Store, store.Query{Kind: rec.Users.Name}, func(r store.Record) error {
		u, _, err := rec.Users.Decode(r)
		if err != nil {
			return err
		}
		for _, ref := range refs(&u) {
			if !ref.seen && ref.Mark != "" && !slices.Contains(ref.Names, ref.Mark) {
				return fmt.Errorf("%w: user %s", ErrMarks, r.Key.ID)
			}
		}
		return nil
	})
}
