package flow

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// EndSessions ends everything by which the owner of an account is signed in or could come
// to be: sessions, remembered devices, sign-ins that are half done, and the codes that set
// a password. It belongs into every change that takes access away, so that nothing comes
// back when access does. An account that has never signed in has nothing to end.
func (u *Unit) EndSessions(account string) error {
	_, found, err := Peek(u, rec.Logins, account)
	if err != nil || !found {
		return err
	}
	l, _, err := Load(u, rec.Logins, account)
	if err != nil {
		return err
	}
	l.End()
	if err := u.VoidSecrets(account); err != nil {
		return err
	}
	return Put(u, rec.Logins, account, &l)
}

// Took ends what holds on to something that a change takes from an account. It belongs
// into every change of an account.
func (u *Unit) Took(before, after accounts.Account) error {
	if receives(before, u.now) && !receives(after, u.now) {
		if err := u.endOffers(string(before.ID), "the account lets nobody in"); err != nil {
			return err
		}
	}
	if !before.Loses(after, u.now) {
		return nil
	}
	return u.EndSessions(string(before.ID))
}

// Took numbers a change of a role that takes something from those who have it: sessions
// from before it have ended, see [Core.Taken]. It belongs into every change of a role.
func Took(u *Unit, before rec.Role, after *rec.Role) error {
	after.Taken = before.Taken
	if !before.Loses(after.Role) {
		return nil
	}
	t, _, err := Load(u, rec.Takings, rec.TakingID)
	if err != nil {
		return err
	}
	t.N++
	after.Taken = t.N
	return Put(u, rec.Takings, rec.TakingID, &t)
}

// Taken is the number of the last change that took something from one of these roles, or
// from their parents.
func (c *Core) Taken(ctx context.Context, names ...string) (uint64, error) {
	var last uint64
	_, err := gather(names, func(name string) (accounts.Role, bool, error) {
		rs, err := c.Store.Load(ctx, rec.Roles.Key(name))
		if err != nil {
			return accounts.Role{}, false, err
		}
		r, _, err := rec.Roles.Decode(rs[0])
		last = max(last, r.Taken)
		return r.Role, rs[0].Version != 0, err
	})
	return last, err
}
