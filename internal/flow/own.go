package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// OwnChange counts a code that somebody draws for themselves. The commit fails with
// [store.ErrLimit] when that is one too many for the day; see [OwnChanges].
func (u *Unit) OwnChange(account string, p accounts.Policy) {
	day := u.now.UTC().Truncate(24 * time.Hour)
	u.Do(store.Count{Counter: fmt.Sprintf("own/%d/%s", day.Unix(), account), By: 1,
		Max: int64(cmp.Or(p.OwnChanges, accounts.DefaultOwnChanges)), Until: day.Add(48 * time.Hour)})
}

// OwnChanges is what the failure of a commit with [Unit.OwnChange] says.
func OwnChanges(err error) error {
	if errors.Is(err, store.ErrLimit) {
		return accounts.ErrOwnChanges
	}
	return err
}

// PINDigits is how many digits a new PIN of somebody's has: as many as the one before, else
// so many.
func (c *Core) PINDigits(ctx context.Context, account string, otherwise int) (int, error) {
	rs, err := c.Store.Load(ctx, rec.Credentials.Key(rec.CredentialID(account, rec.PIN, 0)))
	if err != nil {
		return 0, err
	}
	pin, _, err := rec.Credentials.Decode(rs[0])
	if pin.Sealed.IsZero() {
		return otherwise, err
	}
	return pin.Len, err
}
