package flow

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// budgetScope keeps the fingerprints of addresses apart from all others.
const budgetScope credentials.ScopeKind = "budget"

// counts takes a message from its budgets, in the hour of at; with by -1 it gives it back.
// The counters' names hold no address.
func counts(b notify.Budgets, keys credentials.Sealer, c Channel, account, to string, at time.Time, by int64) ([]store.Op, error) {
	hour, l := at.Truncate(time.Hour), b.Mail
	switch c {
	case SMS:
		l = b.SMS
	case Push:
		l = b.Push
	}
	mark, err := keys.Print(keys.Epoch().Prints[0], credentials.Scope{Kind: budgetScope, ID: string(c)}, credentials.MarkMaterial([]byte(to)))
	if err != nil {
		return nil, err
	}
	var ops []store.Op
	add := func(limit int64, what, which string) {
		if limit > 0 {
			ops = append(ops, store.Count{Counter: fmt.Sprintf("post/%s/%s/%s/%d", c, what, which, hour.Unix()), By: by, Max: limit, Until: hour.Add(2 * time.Hour)})
		}
	}
	add(l.Address, "to", hex.EncodeToString(mark[:16]))
	add(l.Account, "account", account)
	if c == SMS {
		add(l.Country, "country", notify.Country(to))
	}
	add(l.Store, "all", "")
	return ops, nil
}
