package keys

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Affected is a person or a panel user whose codes or tags could be learned by whoever has
// a key and a copy of the store. It says nothing of what these are, and can be kept.
type Affected struct {
	// Account is whose they are; "": of a panel user whom no account is assigned to.
	Account accounts.ID `json:"account,omitempty"`
	// Panel and Place are of a panel user; zero: it is what the account holds itself.
	Panel string      `json:"panel,omitempty"`
	Place panel.Place `json:"place,omitzero"`
	// Given is how many codes and tags they had been given by then: those are known.
	Given uint64 `json:"given"`
}

// Affected lists everybody whose codes or tags have a fingerprint or are sealed under a
// key: persons, then panel users, each once. What else rests on it, such as the secrets of
// panels and authenticators, is listed by [Service.Resting].
//
// It is for a key that others may know. Rotation alone does not help then, because it keeps
// all codes; new codes alone do not, because they are under the same key. So:
//
//  1. Take the whole list and keep it: once keys are rotated, nothing tells any more.
//  2. Rotate to the end, because until then new codes have a fingerprint under the old key
//     too. Give up what [Service.Waiting] lists of panel users: they get new codes anyway.
//  3. Give new codes in waves, as many people at a time as can be helped: for what an account
//     holds, roster's Person.RemovePIN (a hand-over leaves a duress PIN as it is), people's
//     Operator.HandOverMany, and roster's Person.RemoveTag and Person.AddTag; for panel users,
//     roster's Tab.HandOver, or Tab.SetCode where no account is assigned.
//  4. After each wave ask [Service.StillAffected] for the rest of the list, until it is empty.
func (s *Service) Affected(ctx context.Context, key string) iter.Seq2[Affected, error] {
	return func(yield func(Affected, error) bool) {
		tell := func(a Affected) error {
			if !yield(a, nil) {
				return errEnough
			}
			return nil
		}
		err := s.affectedPersons(ctx, key, tell)
		if err == nil {
			err = s.affectedUsers(ctx, key, tell)
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(Affected{}, err)
		}
	}
}

// errEnough: whoever asked wants no more.
var errEnough = errors.New("keys: enough")

func (s *Service) affectedPersons(ctx context.Context, key string, tell func(Affected) error) error {
	told := map[string]bool{}
	return list(ctx, s.core.Store, store.Query{Kind: rec.Credentials.Name}, func(r store.Record) error {
		c, _, err := rec.Credentials.Decode(r)
		if err != nil || c.Sealed.IsZero() || told[c.Account] || !restsOn(key, c.Sealed, c.Names...) {
			return err
		}
		told[c.Account] = true
		rs, err := s.core.Store.Load(ctx, rec.Projections.Key(c.Account))
		if err != nil {
			return err
		}
		p, _, err := rec.Projections.Decode(rs[0])
		if err != nil {
			return err
		}
		return tell(Affected{Account: accounts.ID(c.Account), Given: p.Codes})
	})
}

func (s *Service) affectedUsers(ctx context.Context, key string, tell func(Affected) error) error {
	return list(ctx, s.core.Store, store.Query{Kind: rec.Users.Name}, func(r store.Record) error {
		u, _, err := rec.Users.Decode(r)
		if err != nil {
			return err
		}
		for _, ref := range refs(&u) {
			if !restsOn(key, ref.Sealed, append(ref.Names, ref.Mark)...) {
				continue
			}
			a := Affected{Panel: u.Panel, Place: u.Place, Given: u.Codes}
			if l := u.CurrentLink(); l != nil {
				a.Account = accounts.ID(l.Account)
			}
			return tell(a)
		}
		return nil
	})
}

// restsOn reports whether a code or tag is sealed or named under a key.
func restsOn(key string, sealed credentials.Sealed, names ...string) bool {
	if !sealed.IsZero() && sealed.KeyID == key {
		return true
	}
	return slices.ContainsFunc(names, func(n string) bool { return flow.KeyOf(n) == key })
}

// StillAffected are those of a list who have a code or tag that they were given before the
// list was made, or one that was found at the panel and not set here; also while a panel
// has not confirmed the new one. Who has left or has nothing any more is not among them.
func (s *Service) StillAffected(ctx context.Context, listed ...Affected) ([]Affected, error) {
	var out []Affected
	for _, a := range listed {
		still := s.userStill
		if a.Panel == "" {
			still = s.personStill
		}
		is, err := still(ctx, a)
		if err != nil {
			return nil, err
		}
		if is {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s *Service) personStill(ctx context.Context, a Affected) (bool, error) {
	q := store.Query{Kind: rec.Credentials.Name, Term: rec.ByAccount, From: []byte(a.Account), To: append([]byte(a.Account), 0)}
	still := false
	err := list(ctx, s.core.Store, q, func(r store.Record) error {
		c, _, err := rec.Credentials.Decode(r)
		still = still || !c.Sealed.IsZero() && c.Generation <= a.Given
		return err
	})
	return still, err
}

func (s *Service) userStill(ctx context.Context, a Affected) (bool, error) {
	rs, err := s.core.Store.Load(ctx, rec.Users.Key(rec.UserID(a.Panel, a.Place)))
	if err != nil {
		return false, err
	}
	u, _, err := rec.Users.Decode(rs[0])
	if err != nil {
		return false, err
	}
	if u.Reported.Set && !u.Agreed.Set || u.Agreed.Set && u.Agreed.Code.ID <= a.Given {
		return true, nil
	}
	for _, ref := range refs(&u) {
		if !ref.seen && ref.Ours() && ref.ID <= a.Given {
			return true, nil
		}
	}
	return false, nil
}
