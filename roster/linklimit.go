package roster

import (
	"unicode/utf8"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrAliasTooLong: a panel's name has more than 24 characters.
var ErrAliasTooLong = fault.New(fault.Invalid, "roster: the name of the panel is too long").
	Hinted("Use at most 24 characters.")

// maxAlias is how many characters the name of a panel has at most.
const maxAlias = 24

func checkAlias(name string) error {
	if utf8.RuneCountInString(name) > maxAlias {
		return ErrAliasTooLong
	}
	return nil
}

// room reports [accounts.ErrLinkLimit] if an account has as many panel users as the policy
// lets it have. It counts what there is, so that a limit holds from the moment on in which
// the policy has it; links of former tenancies are none, and what access rules make of a
// person is not assigned by anybody.
func (d *decision) room(account string) error {
	most := d.tab.op.desk.o.Policy.MaxLinks
	if most == 0 {
		return nil
	}
	turn, _, err := flow.Load(d.Unit, rec.Assigneds, account) // before the count: who is assigned meanwhile makes it stale
	if err != nil {
		return err
	}
	turn.Times++
	if err := flow.Put(d.Unit, rec.Assigneds, account, &turn); err != nil {
		return err
	}
	q := store.Query{Kind: rec.Users.Name, Term: rec.ByAccount, From: []byte(account), To: append([]byte(account), 0), Limit: store.MaxPage}
	for have := 0; ; {
		rs, err := d.tab.op.desk.core.Store.List(d.Context(), q)
		if err != nil {
			return err
		}
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return err
			}
			if u.CurrentLink() != nil && u.Projected == nil {
				have++
			}
			q.After = &store.Position{Value: []byte(account), ID: r.Key.ID}
		}
		switch {
		case have >= most:
			return accounts.ErrLinkLimit
		case len(rs) < store.MaxPage:
			return nil
		}
	}
}
