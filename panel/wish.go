package panel

import (
	"slices"
	"time"
)

// Wish is what somebody wants of a place.
type Wish struct {
	Remove bool  // take the user away; Set and State are ignored
	Set    Field // the fields of State to change
	State  State
	At     time.Time
	Until  time.Time // a giving wish ends then, zero: never
}

// Wish sets what is wanted. It does not judge values: [Model.Allow] and the checks
// beside it come first.
func (s Slot) Wish(w Wish) (Slot, error) {
	s = s.clone()
	if w.Remove {
		if !s.Exists() {
			return s, ErrCodeNotSet
		}
		s.Wanted, s.Pending = State{}, FieldCode
		s.Tenancy++
		s.Until = time.Time{}
		s.wished(w.At)
		s.shrink()
		return s, nil
	}
	if s.Unmanaged() && !s.Removing() {
		return s, ErrUnmanaged
	}
	if w.Set&^FieldCode != 0 && !w.Set.Has(FieldCode) && !s.Exists() {
		return s, ErrCodeNotSet
	}
	if s.Removing() && w.Set.Has(FieldCode) {
		s.Pending = 0 // the removal becomes the first half of a replacement
	}
	if s.Pending == 0 || w.Until.IsZero() || w.Until.After(s.Until) {
		s.Until = w.Until
	}
	for f := range w.Set.Each() {
		s.Wanted.copyField(f, w.State)
		delete(s.Refused, f)
	}
	s.Pending |= w.Set
	s.wished(w.At)
	s.shrink()
	return s, nil
}

func (s *Slot) wished(at time.Time) {
	s.Revision++
	s.WishedAt = at
	s.Refused = nil
}

// shrink drops from Pending what is already so and not in doubt.
func (s *Slot) shrink() {
	if s.Settled != s.Tenancy && s.occupied() {
		return // another's user has to go first: nothing is already so
	}
	if s.Pending.Has(FieldCode) && !s.Wanted.Set && !s.occupied() {
		s.Pending, s.Wanted, s.Until = 0, State{}, time.Time{}
		s.Settled = s.Tenancy
		s.Gone = Disabled
	}
}

// Giving is the part of the pending wish that gives access. Partitions and windows may
// give and take at once. What is still to restrict a user whose code is set already
// gives nothing: it cannot be cancelled and does not end.
func (s Slot) Giving() Field {
	if s.Over {
		return s.gives() &^ narrowing
	}
	return s.gives()
}

// ByHand reports whether a code is wished for that its holder chooses at the keypad:
// nobody here knows it, so nothing is claimed and nothing is sent.
func (s Slot) ByHand() bool {
	return s.Pending.Has(FieldCode) && s.Wanted.Codeless() && len(s.Wanted.TagsOf(s.Pending)) == 0
}

// Codeless reports whether a user is there, or wanted, without a code of ours: one whose
// code was never known here, or one who has tags alone, see [Model.Codeless].
func (s State) Codeless() bool { return s.Set && !s.Code.Ours() }

// Taking is the part of the pending wish that takes access away: it stands.
func (s Slot) Taking() Field {
	t := s.Pending &^ s.Giving()
	if s.Pending.Has(FieldPartitions) && s.Agreed.Known.Has(FieldPartitions) && !s.Agreed.Partitions.Within(s.Wanted.Partitions) {
		t |= FieldPartitions
	}
	for f := range (s.Pending & tagFields).Each() {
		if s.takesTags(f) {
			t |= f
		}
	}
	if s.Settled != s.Tenancy && s.occupied() {
		t |= FieldCode // a former holder's user has to go
	}
	return t
}

// Adopt takes a user that was set at the panel as one of ours: as it is, its code not
// ours to know. It begins a tenancy.
func (s Slot) Adopt(at time.Time) (Slot, error) {
	if !s.Unmanaged() {
		return s, ErrUserNotFound
	}
	s = s.clone()
	s.Agreed = s.adoptable(s.Reported)
	s.Agreed.Known |= FieldCode
	s.Tenancy++
	s.Settled, s.Gone = s.Tenancy, NeverSet
	s.wished(at)
	return s, nil
}

// Rehoused is the place on other hardware: nothing is there, no code of ours is live, and
// the tenancy goes on. A pending wish stays.
func (s Slot) Rehoused() Slot {
	s = s.clone()
	s.Reported, s.Agreed = State{Known: FieldCode}, State{Known: FieldCode}
	s.Sent, s.SentTags, s.Flight, s.Job, s.Unsure = nil, nil, nil, nil, 0
	s.Clearing, s.Cure, s.Over = false, false, false
	s.Settled = s.Tenancy
	if s.Removing() || s.Pending != 0 && !s.Pending.Has(FieldCode) {
		s.drop(s.Pending)
	}
	return s
}

// Cancel takes back what the pending wish gives, as long as none of it has left.
func (s Slot) Cancel() (Slot, error) {
	switch {
	case s.Pending == 0:
		return s, ErrNothingPending
	case s.Giving() == 0:
		return s, ErrRemovalStands
	case s.Giving()&s.Unsure != 0 || s.Flight != nil:
		return s, ErrSending
	}
	s = s.clone()
	s.dropGiving()
	s.Revision++
	return s, nil
}

// Expired reports whether the giving part of the wish has come to its end and Cancel
// would take it back.
func (s Slot) Expired(now time.Time) bool {
	g := s.Giving()
	return g != 0 && !s.Until.IsZero() && !now.Before(s.Until) && g&s.Unsure == 0 && s.Flight == nil
}

// dropGiving leaves of the pending wish only what takes access away.
func (s *Slot) dropGiving() {
	g := s.Giving()
	if g.Has(FieldCode) && s.Settled != s.Tenancy && s.occupied() {
		// The former holder still has to go: what is left of the wish is the removal.
		s.Wanted, s.Pending, s.Until = State{}, FieldCode, time.Time{}
		return
	}
	if g.Has(FieldCode) {
		g = s.Pending // everything else rides with the code
	}
	for f := range (g & tagFields).Each() {
		if s.Agreed.Set && s.keepTaking(f) {
			g &^= f
		}
	}
	if g.Has(FieldPartitions) && s.Agreed.Known.Has(FieldPartitions) && s.Agreed.Set {
		if rest := s.Wanted.Partitions & s.Agreed.Partitions; rest != s.Agreed.Partitions && rest != 0 {
			s.Wanted.Partitions = rest
			g &^= FieldPartitions
		}
	}
	s.drop(g)
}

// drop forgets the wish for fields.
func (s *Slot) drop(g Field) {
	s.Pending &^= g
	for f := range g.Each() {
		s.Wanted.copyField(f, State{})
		s.Wanted.Known &^= f
	}
	if s.Pending == 0 {
		s.Wanted, s.Until = State{}, time.Time{}
	}
}

// narrowing are the fields that restrict a user whose code is set.
const narrowing = FieldRole | FieldPartitions | FieldFrom | FieldUntil

// gives is the part of the pending wish that exceeds what was agreed.
func (s *Slot) gives() Field {
	var g Field
	for f := range s.Pending.Each() {
		switch f {
		case FieldCode:
			if s.Wanted.Set {
				g |= f
			}
		case FieldPartitions:
			if !s.Agreed.Known.Has(f) || !s.Wanted.Partitions.Within(s.Agreed.Partitions) {
				g |= f
			}
		case FieldFrom:
			if s.Wanted.Window.From.Before(s.Agreed.Window.From) {
				g |= f
			}
		case FieldUntil:
			if s.Wanted.Window.Until.IsZero() && !s.Agreed.Window.Until.IsZero() || s.Wanted.Window.Until.After(s.Agreed.Window.Until) && !s.Agreed.Window.Until.IsZero() {
				g |= f
			}
		case FieldLocks:
			if !subset(s.Wanted.Locks, s.Agreed.Locks) {
				g |= f
			}
		case FieldKeypads:
			if !subset(s.Wanted.Keypads, s.Agreed.Keypads) {
				g |= f
			}
		case FieldLegacyTags, FieldLockTags:
			if s.givesTags(f) {
				g |= f
			}
		case FieldRole:
			if s.Wanted.Role.Protected() || !s.Agreed.Role.Protected() {
				g |= f
			}
		default:
			g |= f // a label is neither; it falls with what gives
		}
	}
	return g
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}
