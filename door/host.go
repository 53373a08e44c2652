package door

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// account reads who somebody is, and whether they may have access at all: keyholder's own
// account, which the commit checks again, or one of the host's people.
func (s *Service) account(u *flow.Unit, id string) (a accounts.Account, in bool, err error) {
	if s.o.Directory == nil {
		return flow.Load(u, rec.Accounts, id)
	}
	in, err = s.hosts(u.Context(), id)
	return hosted(id), in, err
}

// hosted is what is known of one of the host's people beside whether they are kept out.
func hosted(id string) accounts.Account { return accounts.Account{ID: accounts.ID(id)} }

// hosts reports whether the host's directory has somebody and did not suspend them.
func (s *Service) hosts(ctx context.Context, id string) (bool, error) {
	p, err := s.o.Directory.Person(ctx, accounts.ID(id))
	if errors.Is(err, accounts.ErrAccountNotFound) {
		return false, nil
	}
	return p.Status != accounts.StatusSuspended, err
}

// census is whom the host's directory kept out when it was last asked about everybody.
type census struct {
	mu    sync.Mutex
	asked time.Time // by this node's running clock
	out   []string
}

const censusEvery = time.Minute

// out lists the accounts with a credential that the host's directory keeps out, sorted;
// none where the people are keyholder's own.
func (s *Service) out(ctx context.Context) ([]string, error) {
	if s.o.Directory == nil {
		return nil, nil
	}
	c := &s.census
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := time.Now()
	if !c.asked.IsZero() && asked.Sub(c.asked) < censusEvery {
		return c.out, nil
	}
	all, err := s.everybody(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, id := range all {
		in, err := s.hosts(ctx, id)
		if err != nil {
			return nil, err
		}
		if !in {
			out = append(out, id)
		}
	}
	c.asked, c.out = asked, out
	return out, nil
}

// turned are the holders that an edge keeps whom the host keeps out now and did not
// before, or the other way round.
func (e *Edge) turned(out []string) []fedHolder {
	if slices.Equal(e.out, out) {
		return nil
	}
	var all []fedHolder
	for _, h := range e.holders {
		if among(e.out, h.Account) != among(out, h.Account) {
			all = append(all, h)
		}
	}
	return all
}

// among reports whether a sorted list has an account.
func among(sorted []string, account string) bool {
	_, found := slices.BinarySearch(sorted, account)
	return found
}
