package door

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

const countEvery = time.Hour

// budget is how many wrong codes a site has in a day.
func (s *Service) budget(ctx context.Context, site string, now time.Time) (int64, error) {
	if s.p.Guesses > 0 {
		return s.p.Guesses, nil
	}
	known, err := s.rules(ctx, site)
	if err != nil {
		return 0, err
	}
	known.mu.Lock() // so that of many who guess at once one counts
	defer known.mu.Unlock()
	if known.counted.IsZero() || now.Sub(known.counted).Abs() >= countEvery {
		n, err := s.codes(ctx, known)
		if err != nil {
			return 0, err
		}
		known.codes, known.counted = n, now
	}
	return s.p.budget(known.codes), nil
}

// codes counts the PINs and duress PINs of those whom a rule of a site lets in.
func (s *Service) codes(ctx context.Context, known *relation) (n int, err error) {
	have := map[string]int{}
	if err := s.inUse(ctx, func(c rec.Credential) {
		if c.Kind != rec.TagNumber && c.Works() {
			have[c.Account]++
		}
	}); err != nil {
		return 0, err
	}
	people, err := s.people(ctx, slices.Collect(maps.Keys(have)))
	if err != nil {
		return 0, err
	}
	for _, a := range people {
		if len(known.Where(subjects(a)...)) > 0 {
			n += have[string(a.ID)]
		}
	}
	return n, nil
}

// people reads as whom accounts act, for what no decision rests on.
func (s *Service) people(ctx context.Context, ids []string) ([]accounts.Account, error) {
	var all []accounts.Account
	var keys []store.Key
	for _, id := range ids {
		all, keys = append(all, hosted(id)), append(keys, rec.Accounts.Key(id))
	}
	if s.o.Directory != nil {
		return all, nil
	}
	rs, err := s.core.Store.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, r := range rs {
		if all[i], _, err = rec.Accounts.Decode(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}
