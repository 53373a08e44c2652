package door

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// place is where a reader counts wrong codes: a medium of one of its points. A controller
// speaks for many, and one that is locked locks no other.
type place struct {
	Point  string             `json:"point"`
	Medium credentials.Medium `json:"medium"`
}

// counting is what was counted at a place.
type counting struct {
	place
	rec.Lockout
}

// lockID is the id of what a reader has counted at a place.
func lockID(reader string, at place) string {
	return "door/lock/" + reader + "/" + at.Point + "/" + at.Medium.String()
}

// places are those of a medium of a reader's points, or, without one, of every medium.
func places(r rec.Reader, only credentials.Medium) (all []place) {
	for _, p := range r.Points {
		for m := credentials.Keypad; m <= credentials.Phone; m++ {
			if only == 0 || m == only {
				all = append(all, place{p.ID, m})
			}
		}
	}
	return all
}

// countings reads what a reader has counted.
func (s *Service) countings(ctx context.Context, id string, r rec.Reader) ([]counting, error) {
	at := places(r, 0)
	keys := make([]store.Key, len(at))
	for i, one := range at {
		keys[i] = rec.Lockouts.Key(lockID(id, one))
	}
	rs, err := s.core.Store.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var all []counting
	for i, r := range rs {
		l, _, err := rec.Lockouts.Decode(r)
		if err != nil {
			return nil, err
		}
		if r.Version != 0 {
			all = append(all, counting{at[i], l})
		}
	}
	return all, nil
}
