package flow

import (
	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Consented reports [accounts.ErrConsentRequired] unless a consent lets the actor set the
// codes of an account's owner now. The commit checks that it is still there. Whether the
// policy asks for one, and whether the actor is the owner, is for the caller.
func Consented(u *Unit, account string) error {
	list, _, err := Load(u, rec.ConsentLists, account)
	if err != nil {
		return err
	}
	for _, c := range list.Given {
		if u.now.Before(c.Until) && (c.To == "" || c.To == string(u.actor.ID())) {
			return nil
		}
	}
	return accounts.ErrConsentRequired
}
