package keys

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Waiting is a record that holds a rotation up: it has names under the old key of which
// nobody can open the secret, so that nobody can make the new name.
type Waiting struct {
	Row   string // the record, as [Service.GiveUp] takes it
	Names int
	// Panel and Place are of a panel user: its code ends to be a riddle when the panel shows
	// it, when it is set anew here, or when the user is gone.
	Panel string
	Place panel.Place
}

// Waiting lists what a rotation waits for while it verifies: users of panels that hide
// codes, people whose codes leave devices, recovery codes of authenticators until their
// owner has new ones, and lists of addresses that nobody has any more (see
// [Service.ForgetFormer]). While it waits nothing is lost: every claim is made under both
// keys. It is empty without a rotation.
func (s *Service) Waiting(ctx context.Context) ([]Waiting, error) {
	r, found, err := s.rotation(ctx)
	if err != nil || !found || r.Phase == credentials.Dropped {
		return nil, err
	}
	j, listed := &job{s, r}, map[string]bool{}
	var out []Waiting
	for _, h := range j.holdings() {
		err := list(ctx, s.core.Store, store.Query{Kind: h.kind()}, func(row store.Record) error {
			t := &counts{listed: listed}
			if err := h.count(ctx, row, t); err != nil || t.Opaque == 0 {
				return err
			}
			w := Waiting{Row: row.Key.String(), Names: t.Opaque}
			if h.kind() == rec.Users.Name {
				u, _, err := rec.Users.Decode(row)
				if err != nil {
					return err
				}
				w.Panel, w.Place = u.Panel, u.Place
			}
			out = append(out, w)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	former, err := s.former(ctx, j, &counts{listed: listed})
	for _, id := range former {
		out = append(out, Waiting{Row: rec.Addresses.Key(id).String(), Names: 1})
	}
	return out, err
}

// GiveUp ends the wait for named panel users, as [Service.Waiting] lists them: from then on
// their codes are codes that keyholder does not know, as if somebody had set them at the
// panel. What is lost is that nobody else is given the same code on that panel: most panels
// refuse that themselves. The code goes on to open. Set new codes instead where you can.
//
// Each is an entry. A user with something still to be written, or in doubt, is not given up,
// and neither is anything else than a panel user: [credentials.ErrRotation], as in any other
// phase than [credentials.Verifying]. Those before it in the list are given up then.
func (s *Service) GiveUp(ctx context.Context, actor accounts.Actor, rows ...string) error {
	for _, row := range rows {
		if err := s.giveUp(ctx, actor, row); err != nil {
			return fmt.Errorf("%s: %w", row, err)
		}
	}
	return nil
}

func (s *Service) giveUp(ctx context.Context, actor accounts.Actor, row string) error {
	_, err := s.core.Act(ctx, actor, func(u *flow.Unit) error {
		r, _, err := flow.Load(u, rec.Rotations, rec.RotationID)
		if err != nil {
			return err
		}
		id, ok := idOf(row, rec.Users.Name)
		if r.Phase != credentials.Verifying || !ok {
			return credentials.ErrRotation
		}
		j := users{&job{s, r}}
		changed, err := j.edit(u, id, func(user *rec.User) error { return j.forget(user) })
		if err != nil {
			return err
		}
		if !changed {
			return credentials.ErrRotation
		}
		_, err = u.Say(audit.KeysRotated, audit.Success, []string{rec.RotationID, id}, flow.F(audit.FieldKeyBefore, r.From), flow.F(audit.FieldKey, r.To),
			flow.F(audit.FieldState, "given up"), flow.F(audit.FieldRow, row))
		return err
	})
	return err
}

// idOf is the id of a record of a kind.
func idOf(row string, kind store.Kind) (string, bool) {
	prefix := store.Key{Kind: kind}.String()
	if len(row) <= len(prefix) || row[:len(prefix)] != prefix {
		return "", false
	}
	return row[len(prefix):], true
}

// forget takes the names from the codes that nobody can open: what is left of each is that
// there is one.
func (j users) forget(user *rec.User) error {
	if !user.Idle() || len(user.Sent)+len(user.SentTags) > 0 {
		return fmt.Errorf("%w: something is still to be written", credentials.ErrRotation)
	}
	for _, ref := range refs(user) {
		if !ref.Sealed.IsZero() || len(ref.Names) == 0 || j.has(ref.Names) || !slices.ContainsFunc(ref.Names, j.under) {
			continue
		}
		*ref.CodeRef = panel.CodeRef{Len: ref.Len}
	}
	return nil
}

// under reports whether a name is under the old key.
func (j *job) under(name string) bool { return flow.KeyOf(name) == j.r.From }
