package keys

import (
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// holding is one kind of records that carry names or sealed values. Who adds a kind that
// does adds its holding to [job.holdings], and its name to [rec.KeyedKinds]: until it has
// one, the old key is not dropped as long as such a record names it.
type holding interface {
	kind() store.Kind
	// count adds what a record has under either key.
	count(ctx context.Context, r store.Record, t *counts) error
	// fill gives what is under the old key a name and a seal under the new one.
	fill(u *flow.Unit, id string) (bool, error)
	// shed takes the names under the old key away from what has both.
	shed(u *flow.Unit, id string) (bool, error)
}

// job is one rotation at work.
type job struct {
	*Service
	r credentials.Rotation
}

func (j *job) holdings() []holding {
	return []holding{users{j}, people{j}, persons{j}, salts{j}, panels{j}, logins{j}, attributes{j}, readers{j}}
}

// counts is a tally while it grows.
type counts struct {
	credentials.Tally
	listed map[string]bool // address lists of accounts, under the old key
}

// names adds claimed names; opaque are those of which nobody can open the secret.
func (j *job) names(t *counts, claimed, opaque []string) {
	for _, n := range claimed {
		switch flow.KeyOf(n) {
		case j.r.From:
			t.OldNames++
			if slices.Contains(opaque, n) {
				t.Opaque++
			}
		case j.r.To:
			t.NewNames++
		}
	}
}

func (j *job) sealed(t *counts, all ...credentials.Sealed) {
	for _, s := range all {
		if j.old(s) {
			t.Sealed++
		}
	}
}

// old reports whether a value is sealed under the old key.
func (j *job) old(s credentials.Sealed) bool { return !s.IsZero() && s.KeyID == j.r.From }

// reseal seals a value anew, for the same place.
func (j *job) reseal(b credentials.Binding, s *credentials.Sealed) error {
	if !j.old(*s) {
		return nil
	}
	plain, err := j.keys.Open(b, *s)
	if err != nil {
		return err
	}
	defer clear(plain)
	*s, err = j.keys.Seal(b, plain)
	return err
}

// has reports whether one of the names is under the new key.
func (j *job) has(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return flow.KeyOf(n) == j.r.To })
}

// without are the names that are not under the old key.
func (j *job) without(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return flow.KeyOf(n) == j.r.From })
}

// union are the names of both lists, in their order.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, n := range b {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// each does something to every record that may need it, one in each commit.
func (s *Service) each(ctx context.Context, r credentials.Rotation, do func(holding, *flow.Unit, string) (bool, error)) error {
	j := &job{s, r}
	for _, h := range j.holdings() {
		err := list(ctx, s.core.Store, store.Query{Kind: h.kind()}, func(row store.Record) error {
			_, err := s.core.Act(ctx, system(), func(u *flow.Unit) error {
				changed, err := do(h, u, row.Key.ID)
				if err != nil || !changed {
					return err
				}
				_, err = u.Say(audit.KeysRotated, audit.Success, []string{rec.RotationID}, flow.F(audit.FieldKeyBefore, r.From), flow.F(audit.FieldKey, r.To),
					flow.F(audit.FieldState, phases[r.Phase]), flow.F(audit.FieldRow, row.Key.String()))
				return err
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tally counts what the next step has to know.
func (s *Service) tally(ctx context.Context, r credentials.Rotation) (credentials.Tally, error) {
	j := &job{s, r}
	t := &counts{listed: map[string]bool{}}
	if err := s.writers(ctx, r, &t.Tally); err != nil {
		return t.Tally, err
	}
	for _, h := range j.holdings() {
		if err := list(ctx, s.core.Store, store.Query{Kind: h.kind()}, func(row store.Record) error { return h.count(ctx, row, t) }); err != nil {
			return t.Tally, err
		}
	}
	former, err := s.former(ctx, j, t)
	t.OldNames, t.Opaque = t.OldNames+len(former), t.Opaque+len(former)
	return t.Tally, err
}
