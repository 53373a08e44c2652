package people

import (
	"context"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Shared is an address that several accounts have.
type Shared struct {
	Email    accounts.Email // as one of them has it
	Accounts []accounts.ID
}

// SharedEmails lists the addresses that more than one of the operator's accounts has,
// visitors among them, by address: what has to be changed before a policy makes addresses
// unique ([accounts.Policy].EmailUnique). Under such a policy nobody gets an address that an account
// has, but those that share one keep it, and nobody is let in by it. It reads every
// account of the operator's sites.
func (op *Operator) SharedEmails(ctx context.Context) ([]Shared, error) {
	g, err := op.allowed(ctx, "SharedEmails")
	if err != nil {
		return nil, err
	}
	have := map[string]Shared{}
	for _, visitors := range []bool{false, true} {
		err := op.people.walk(ctx, listing{sites: g.Sites, visitors: visitors}, func(a accounts.Account) bool {
			if !a.Email.IsZero() {
				s := have[a.Email.Canonical()]
				have[a.Email.Canonical()] = Shared{Email: a.Email, Accounts: append(s.Accounts, a.ID)}
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	var out []Shared
	for _, s := range have {
		if len(s.Accounts) > 1 {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Shared) int { return strings.Compare(a.Email.Canonical(), b.Email.Canonical()) })
	return out, nil
}
