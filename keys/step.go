package keys

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Begin announces a new key, which this node's keyring has. Errors: [ErrRotating],
// [ErrMarks], [credentials.ErrKeyMissing].
func (s *Service) Begin(ctx context.Context, actor accounts.Actor, to string) error {
	if !slices.Contains(s.keys.Ring().Keys(), to) {
		return fmt.Errorf("%w: %q", credentials.ErrKeyMissing, to)
	}
	if err := s.marks(ctx); err != nil {
		return err
	}
	_, err := s.core.Act(ctx, actor, func(u *flow.Unit) error {
		was, found, err := flow.Load(u, rec.Rotations, rec.RotationID)
		if err != nil {
			return err
		}
		if found && was.Phase != credentials.Dropped {
			return ErrRotating
		}
		e, found, err := flow.Load(u, rec.Epochs, rec.EpochID)
		if err != nil {
			return err
		}
		if !found {
			e = s.keys.Epoch()
		}
		r, err := credentials.Rotate(e, to)
		if err != nil {
			return err
		}
		u.Do(store.Mark{Line: line})
		return put(u, r)
	})
	return err
}

// Cancel takes an announcement back. Later a rotation can only be finished:
// [ErrNoRotation].
func (s *Service) Cancel(ctx context.Context, actor accounts.Actor) error {
	_, err := s.core.Act(ctx, actor, func(u *flow.Unit) error {
		r, _, err := flow.Load(u, rec.Rotations, rec.RotationID)
		if err != nil {
			return err
		}
		if r.Phase != credentials.Announced {
			return ErrNoRotation
		}
		flow.Drop(u, rec.Rotations, rec.RotationID)
		return say(u, r, "cancelled")
	})
	return err
}

// put stores a rotation and says how far it is.
func put(u *flow.Unit, r credentials.Rotation) error {
	if err := flow.Put(u, rec.Rotations, rec.RotationID, &r); err != nil {
		return err
	}
	return say(u, r, phases[r.Phase])
}

// phases are the phases in the words of entries.
var phases = [...]string{"", "announced", "double-writing", "back-filling", "verifying", "reading old", "dropped"}

func say(u *flow.Unit, r credentials.Rotation, state string) error {
	_, err := u.Say(audit.KeysRotated, audit.Success, []string{rec.RotationID}, flow.F(audit.FieldKeyBefore, r.From), flow.F(audit.FieldKey, r.To),
		flow.F(audit.FieldEpoch, strconv.FormatUint(r.Epoch().N, 10)), flow.F(audit.FieldState, state))
	return err
}

// Step does what the present phase asks for and goes on to the next one; it reports
// whether the rotation is over. [credentials.ErrRotation] says what it waits for. It can be
// killed anywhere and run again, and by several nodes at once.
func (s *Service) Step(ctx context.Context) (over bool, err error) {
	if err := s.Follow(ctx); err != nil {
		return false, err
	}
	r, found, err := s.rotation(ctx)
	if err != nil || !found || r.Phase == credentials.Dropped {
		return true, err
	}
	switch r.Phase {
	case credentials.BackFilling:
		err = s.each(ctx, r, holding.fill)
	case credentials.ReadingOld:
		err = s.each(ctx, r, holding.shed)
	}
	if err != nil {
		return false, err
	}
	t, err := s.tally(ctx, r)
	if err != nil {
		return false, err
	}
	if err := s.held(ctx, r, t); err != nil {
		return false, err
	}
	next, err := r.Next(t)
	if err != nil {
		return false, err
	}
	_, err = s.core.Act(ctx, system(), func(u *flow.Unit) error { return move(u, r, next) })
	if err != nil {
		return false, err
	}
	return next.Phase == credentials.Dropped, s.Follow(ctx)
}

// held refuses two steps for what [credentials.Rotation] cannot know: the old key is
// claimed under for as long as a name rests on it alone, and is dropped only when no
// record of any kind names it.
func (s *Service) held(ctx context.Context, r credentials.Rotation, t credentials.Tally) error {
	if r.Phase == credentials.Verifying && t.Opaque > 0 {
		return fmt.Errorf("%w: %d names of which nobody can open the secret are under the old key alone", credentials.ErrRotation, t.Opaque)
	}
	if r.Phase != credentials.ReadingOld {
		return nil
	}
	rests, err := s.Resting(ctx, r.From)
	if err == nil && len(rests) > 0 {
		return fmt.Errorf("%w: %d records rest on the old key", credentials.ErrRotation, len(rests))
	}
	return err
}

// move takes one step, unless somebody else has.
func move(u *flow.Unit, r, next credentials.Rotation) error {
	now, _, err := flow.Load(u, rec.Rotations, rec.RotationID)
	if err != nil || now != r {
		return err
	}
	if e := next.Epoch(); e.N != r.Epoch().N {
		if _, _, err := flow.Load(u, rec.Epochs, rec.EpochID); err != nil {
			return err
		}
		if err := flow.Put(u, rec.Epochs, rec.EpochID, &e); err != nil {
			return err
		}
	}
	return put(u, next)
}

func (s *Service) rotation(ctx context.Context) (credentials.Rotation, bool, error) {
	rs, err := s.core.Store.Load(ctx, rec.Rotations.Key(rec.RotationID))
	if err != nil {
		return credentials.Rotation{}, false, err
	}
	r, _, err := rec.Rotations.Decode(rs[0])
	return r, rs[0].Version != 0, err
}

// Progress is how far a rotation is, and what its next step counts.
type Progress struct {
	Rotation credentials.Rotation
	Tally    credentials.Tally
}

// Progress reports the present rotation, or the last one; the zero value if there was none.
func (s *Service) Progress(ctx context.Context) (Progress, error) {
	r, found, err := s.rotation(ctx)
	if err != nil || !found || r.Phase == credentials.Dropped { // the old key may be gone: there is nothing to count
		return Progress{Rotation: r}, err
	}
	t, err := s.tally(ctx, r)
	return Progress{Rotation: r, Tally: t}, err
}
