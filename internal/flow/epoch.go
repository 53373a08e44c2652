package flow

import "github.com/seed-a2d3eaca/keyholder/internal/rec"

// EndSessions ends everything by which the owner of an account is signed in: sessions,
// remembered devices, and sign-ins that are half done. It belongs into every change that
// takes access away, so that nothing comes back when access does. An account that has
// never signed in has nothing to end.
func (u *Unit) EndSessions(account string) error {
	_, found, err := Peek(u, rec.Logins, account)
	if err != nil || !found {
		return err
	}
	l, _, err := Load(u, rec.Logins, account)
	if err != nil {
		return err
	}
	l.Epoch++
	return Put(u, rec.Logins, account, &l)
}
