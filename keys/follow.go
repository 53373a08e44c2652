package keys

import (
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Follow moves this node's keyring to the store's epoch and says that it has. A node that
// lacks a key stays where it is and claims nothing until it has it:
// [credentials.ErrKeyMissing].
func (s *Service) Follow(ctx context.Context) error {
	rs, err := s.core.Store.Load(ctx, rec.Epochs.Key(rec.EpochID))
	if err != nil {
		return err
	}
	e, _, err := rec.Epochs.Decode(rs[0])
	if err != nil {
		return err
	}
	var turned error
	if rs[0].Version != 0 && e.N != s.keys.Epoch().N {
		turned = s.keys.Turn(e)
	}
	_, err = s.core.Act(ctx, system(), func(u *flow.Unit) error {
		id := "writer/" + s.node
		if _, _, err := flow.Load(u, rec.Writers, id); err != nil {
			return err
		}
		ring := s.keys.Ring()
		return flow.Put(u, rec.Writers, id, &rec.Writer{Epoch: ring.Epoch().N, Keys: ring.Keys(), Node: s.node, Until: u.Now().Add(lives)})
	})
	if turned != nil {
		return turned
	}
	return err
}

// writers counts the live writers that are behind.
func (s *Service) writers(ctx context.Context, r credentials.Rotation, t *credentials.Tally) error {
	now := s.core.Time()
	return list(ctx, s.core.Store, store.Query{Kind: rec.Writers.Name, Term: rec.ByWriter}, func(row store.Record) error {
		w, _, err := rec.Writers.Decode(row)
		if err != nil || !now.Before(w.Until) {
			return err
		}
		if !slices.Contains(w.Keys, r.To) {
			t.Lacking++
		}
		if w.Epoch < r.Epoch().N {
			t.Stale++
		}
		return nil
	})
}

// list does something for every record of a query, a page at a time.
func list(ctx context.Context, st store.Store, q store.Query, do func(store.Record) error) error {
	for {
		rs, err := st.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if err := do(r); err != nil {
				return err
			}
			q.After = &store.Position{ID: r.Key.ID}
			for _, t := range r.Terms {
				if t.Name == q.Term {
					q.After.Value = t.Value
				}
			}
		}
		if len(rs) < store.MaxPage {
			return nil
		}
	}
}
