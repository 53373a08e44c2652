package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// tidied is how much of what has ended is cleared away with each sign-in.
const tidied = 8

// room clears away what has ended of the account's, and makes room for one more session.
func (s *Service) room(u *flow.Unit, id string, login *rec.Login) error {
	live, err := s.live(u.Context(), id, login.Epoch, u.Now())
	if err != nil {
		return err
	}
	if s.p.MaxSessions > 0 {
		// The list is not part of the decision; that two sign-ins at once do not both take the
		// last place is: they write one record.
		if err := flow.Put(u, rec.Logins, id, login); err != nil {
			return err
		}
		slices.SortFunc(live, func(a, b Session) int { return a.Began.Compare(b.Began) })
		if len(live) >= s.p.MaxSessions && s.p.RefuseMore {
			return ErrTooManySessions
		}
		for ; len(live) >= s.p.MaxSessions; live = live[1:] {
			if err := end(u, live[0].ID, id, Superseded); err != nil {
				return err
			}
		}
	}
	return s.tidy(u, id, login.Epoch)
}

// tidy drops sessions, challenges and devices that have ended by themselves. They opened
// nothing any more, so no entry says it.
func (s *Service) tidy(u *flow.Unit, id string, epoch uint64) error {
	dropped := 0
	done := func(e uint64, ends time.Time) bool {
		if dropped == tidied || e == epoch && u.Now().Before(ends) {
			return false
		}
		dropped++
		return true
	}
	return errors.Join(
		each(u.Context(), s.core.Store, rec.Sessions, id, func(key string, v rec.Session) error {
			if v.Over != "" {
				v.Ends = v.Began
			}
			if !done(v.Epoch, v.Ends) {
				return nil
			}
			return gone(u, rec.Sessions, key)
		}),
		each(u.Context(), s.core.Store, rec.Challenges, id, func(key string, v rec.Challenge) error {
			if !done(v.Epoch, v.Ends) {
				return nil
			}
			return errors.Join(u.VoidSecret(flow.Second, key), gone(u, rec.Challenges, key))
		}),
		each(u.Context(), s.core.Store, rec.Devices, id, func(key string, v rec.Device) error {
			if !done(v.Epoch, v.Ends) {
				return nil
			}
			return gone(u, rec.Devices, key)
		}))
}

// gone drops a record if it is still there.
func gone[T any](u *flow.Unit, k rec.Kind[T], id string) error {
	_, found, err := flow.Load(u, k, id)
	if err == nil && found {
		flow.Drop(u, k, id)
	}
	return err
}

// each reads the records of an account, the first hundred.
func each[T any](ctx context.Context, st store.Store, k rec.Kind[T], account string, do func(id string, v T) error) error {
	rs, err := st.List(ctx, store.Query{Kind: k.Name, Term: rec.ByAccount, From: []byte(account), To: append([]byte(account), 0), Limit: 100})
	if err != nil {
		return err
	}
	for _, r := range rs {
		v, _, err := k.Decode(r)
		if err != nil {
			return err
		}
		if err := do(r.Key.ID, v); err != nil {
			return err
		}
	}
	return nil
}
