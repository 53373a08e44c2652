package keys

import (
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// people are accounts: the names by which they sign in, and the lists by which the log
// finds them.
type people struct{ *job }

func (people) kind() store.Kind { return rec.Accounts.Name }

// called is one name of an account under both keys.
type called struct{ from, to string }

// called are an account's address and username; the address is "" in each if there is none.
func (j people) called(a accounts.Account) (email, username called, err error) {
	for _, n := range []struct {
		value string
		into  *called
		scope credentials.Scope
	}{{a.Email.Canonical(), &email, credentials.Scope{Kind: "email"}}, {a.Username, &username, credentials.Scope{Kind: "username"}}} {
		if n.value == "" {
			continue
		}
		for key, into := range map[string]*string{j.r.From: &n.into.from, j.r.To: &n.into.to} {
			f, err := j.keys.Print(key, n.scope, credentials.MarkMaterial([]byte(n.value)))
			if err != nil {
				return email, username, err
			}
			*into = credentials.Name(n.scope, key, f)
		}
	}
	return email, username, nil
}

// claimed are those of the names that the account holds under the old key, and those that
// it holds under the new one.
func (j people) claimed(ctx context.Context, id string, all ...called) (old, renewed []called, err error) {
	for _, c := range all {
		if c.from == "" {
			continue
		}
		hs, err := j.core.Store.Holders(ctx, store.Name(c.from), store.Name(c.to))
		if err != nil {
			return nil, nil, err
		}
		if hs[0].Holder == id {
			old = append(old, c)
		}
		if hs[1].Holder == id {
			renewed = append(renewed, c)
		}
	}
	return old, renewed, nil
}

func (j people) count(ctx context.Context, r store.Record, t *counts) error {
	a, _, err := rec.Accounts.Decode(r)
	if err != nil {
		return err
	}
	email, username, err := j.called(a)
	if err != nil {
		return err
	}
	old, renewed, err := j.claimed(ctx, r.Key.ID, email, username)
	if err != nil {
		return err
	}
	t.OldNames, t.NewNames = t.OldNames+len(old), t.NewNames+len(renewed)
	if email.from == "" {
		return nil
	}
	t.listed[email.from] = true
	rs, err := j.core.Store.Load(ctx, rec.Addresses.Key(email.from), rec.Addresses.Key(email.to))
	if err != nil {
		return err
	}
	if rs[0].Version != 0 {
		t.OldNames++
	}
	if rs[1].Version != 0 {
		t.NewNames++
	}
	return nil
}

func (j people) fill(u *flow.Unit, id string) (bool, error) {
	a, found, err := flow.Load(u, rec.Accounts, id) // the change rests on its being called so
	if err != nil || !found {
		return false, err
	}
	email, username, err := j.called(a)
	if err != nil {
		return false, err
	}
	old, renewed, err := j.claimed(u.Context(), id, email, username)
	if err != nil {
		return false, err
	}
	for _, c := range old {
		if !slices.Contains(renewed, c) {
			u.Do(store.Claim{Name: store.Name(c.to), Holder: id, Use: "account"})
		}
	}
	if email.from == "" {
		return !u.Empty(), nil
	}
	was, found, err := flow.Load(u, rec.Addresses, email.from)
	if err != nil || !found {
		return !u.Empty(), err
	}
	now, _, err := flow.Load(u, rec.Addresses, email.to)
	if err != nil {
		return false, err
	}
	if all := union(was.Accounts, now.Accounts); !slices.Equal(all, now.Accounts) {
		now.Accounts = all
		if err := flow.Put(u, rec.Addresses, email.to, &now); err != nil {
			return false, err
		}
	}
	return !u.Empty(), nil
}

func (j people) shed(u *flow.Unit, id string) (bool, error) {
	a, found, err := flow.Load(u, rec.Accounts, id)
	if err != nil || !found {
		return false, err
	}
	email, username, err := j.called(a)
	if err != nil {
		return false, err
	}
	old, _, err := j.claimed(u.Context(), id, email, username)
	if err != nil {
		return false, err
	}
	for _, c := range old {
		u.Do(store.Release{Name: store.Name(c.from), Holder: id, Use: "account"})
	}
	if email.from != "" {
		_, found, err := flow.Load(u, rec.Addresses, email.from)
		if err != nil {
			return false, err
		}
		if found {
			flow.Drop(u, rec.Addresses, email.from)
		}
	}
	return !u.Empty(), nil
}

// former lists the address lists under the old key that are of no account's present
// address: nobody knows any more which address each is of.
func (s *Service) former(ctx context.Context, j *job, t *counts) ([]string, error) {
	var out []string
	err := list(ctx, s.core.Store, store.Query{Kind: rec.Addresses.Name}, func(r store.Record) error {
		if flow.KeyOf(r.Key.ID) == j.r.From && !t.listed[r.Key.ID] {
			out = append(out, r.Key.ID)
		}
		return nil
	})
	return out, err
}

// ForgetFormer gives up finding accounts by addresses that they no longer have: such a
// list has a name under the old key only, and would hold a rotation up for ever. It works
// while the rotation verifies; else [credentials.ErrRotation]. It returns how many there
// were.
func (s *Service) ForgetFormer(ctx context.Context, actor accounts.Actor) (int, error) {
	r, _, err := s.rotation(ctx)
	if err != nil {
		return 0, err
	}
	if r.Phase != credentials.Verifying {
		return 0, credentials.ErrRotation
	}
	j, t := &job{s, r}, &counts{listed: map[string]bool{}}
	h := people{j}
	if err := list(ctx, s.core.Store, store.Query{Kind: h.kind()}, func(row store.Record) error { return h.count(ctx, row, t) }); err != nil {
		return 0, err
	}
	former, err := s.former(ctx, j, t)
	if err != nil {
		return 0, err
	}
	for _, id := range former {
		_, err := s.core.Act(ctx, actor, func(u *flow.Unit) error {
			if _, found, err := flow.Load(u, rec.Addresses, id); err != nil || !found {
				return err
			}
			flow.Drop(u, rec.Addresses, id)
			_, err := u.Say(audit.KeysRotated, audit.Success, []string{rec.RotationID}, flow.F(audit.FieldKeyBefore, r.From), flow.F(audit.FieldFields, "address"))
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return len(former), nil
}
