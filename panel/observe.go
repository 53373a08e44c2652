package panel

import (
	"slices"
	"strings"
	"time"
)

// Sighting is a report in the slot machine's terms: secrets are fingerprints already.
type Sighting struct {
	// State is what the panel says: Set, the fields in Known, and of the code either
	// Code.Names (the digits were seen) or Code.Mark (a mark was).
	State State
	Sight Sight
	At    time.Time
	// Changed: the panel says that somebody changed the code, without showing it.
	Changed bool
}

// Finding is a set of things that a report showed and nobody here did.
type Finding uint8

// The findings.
const (
	FoundRemoved   Finding = 1 << iota // the user was removed at the panel
	FoundChanged                       // the code was changed at the panel
	FoundUnmanaged                     // a user appeared that nobody here set
	FoundNarrowed                      // partitions, locks or another right were taken away at the panel
	FoundDrift                         // a field differs from what was agreed, and gives more or something else
	FoundOccupied                      // a wish meant an empty place and somebody lives there
	FoundCancelled                     // a pending wish that gives access fell because of this
)

var findingNames = [...]string{"removed", "changed", "unmanaged", "narrowed", "drift", "occupied", "cancelled"}

// Has reports whether f holds every finding of g.
func (f Finding) Has(g Finding) bool { return f&g == g }

// String lists the names.
func (f Finding) String() string {
	if f == 0 {
		return "nothing"
	}
	var names []string
	for i, n := range findingNames {
		if f>>i&1 == 1 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// visible are the fields whose value a report shows.
const visible = AllFields &^ FieldCode

// Observe takes in what the panel says about the place, while no edit is on the wire.
//
// Less access at the panel always wins: what somebody removed or narrowed there is
// adopted, and pending wishes that give access fall. More access is never adopted. A
// report that is older than the last edit by less than lag settles nothing.
func (s Slot) Observe(g Sighting, lag time.Duration) (Slot, Finding) {
	s = s.clone()
	s.Flight = nil
	s.Reported = g.State
	late := !s.SentAt.IsZero() && g.At.Before(s.SentAt.Add(lag))
	if (late || s.Job != nil) && s.Unsure != 0 {
		return s, 0
	}
	var found Finding
	if !g.State.Set {
		found = s.gone()
	} else {
		found = s.codeSeen(g)
		switch {
		case s.Unsure.Has(FieldCode):
		case s.Agreed.Set:
			found |= s.fieldsSeen(g.State)
		default:
			for f := range (g.State.Known & tagFields).Each() {
				s.tagsSeen(f, g.State) // a former holder's
			}
		}
	}
	if s.Settled != s.Tenancy && !s.occupied() && !s.Pending.Has(FieldCode) {
		s.Settled = s.Tenancy
	}
	return s, found
}

// gone takes in that the panel has no user here. No code of ours is live any more.
func (s *Slot) gone() Finding {
	doubt := s.Unsure.Has(FieldCode)
	had := s.Agreed.Set
	switch {
	case s.Removing():
		s.Agreed, s.Sent, s.SentTags, s.Unsure = State{Known: FieldCode}, nil, nil, 0
		s.Settled, s.Gone = s.Tenancy, Disabled
		if s.Over {
			s.Gone = Withdrawn
		}
		s.Clearing, s.Cure, s.Over = false, false, false
		s.drop(s.Pending)
		return 0
	case had && !s.Clearing, had && !doubt:
		// Somebody at the panel took the user away: nothing of it is written back.
		found := FoundRemoved
		if s.Pending != 0 {
			found |= FoundCancelled
		}
		s.drop(s.Pending)
		s.Agreed, s.Sent, s.SentTags, s.Unsure = State{Known: FieldCode}, nil, nil, 0
		s.Clearing, s.Cure, s.Over = false, false, false
		s.Tenancy++
		s.Settled, s.Gone = s.Tenancy, AtPanel
		return found
	}
	// Nobody was here, or our own edit emptied the place and did not get further.
	s.Agreed, s.Sent, s.SentTags, s.Unsure = State{Known: FieldCode}, nil, nil, s.Unsure&^AllFields
	s.Settled = s.Tenancy
	s.Clearing, s.Cure, s.Over = false, false, false
	return 0
}

// codeSeen takes in that the panel has a user here.
func (s *Slot) codeSeen(g Sighting) Finding {
	seen := g.State.Code
	doubt := s.Unsure.Has(FieldCode)
	if s.ByHand() && !doubt && s.setByHand(g) {
		return 0
	}
	if !s.Agreed.Set && !doubt {
		return s.strangers()
	}
	switch g.Sight {
	case Value:
		return s.digitsSeen(seen, doubt)
	case Marked:
		return s.markSeen(seen.Mark, doubt)
	}
	if g.Changed && !doubt && !s.Over {
		// Changed at the keypad, unseen: what we hold may or may not be live, so it is
		// kept; the wish that would overwrite the owner's change falls.
		return FoundChanged | s.cancelGiving()
	}
	return 0
}

// setByHand settles a wish that waits for hands: a code appeared, or changed, since. Whose
// digits they are is not verified, so no claim moves on the strength of it.
func (s *Slot) setByHand(g Sighting) bool {
	seen := g.State.Code
	if s.Agreed.Set {
		switch {
		case g.Sight == Presence && !g.Changed, g.Sight < Presence:
			return false
		case g.Sight == Marked && (s.Agreed.Code.Mark == "" || s.Agreed.Code.Mark == seen.Mark):
			return false
		case g.Sight == Value && (s.Agreed.Code.Same(seen) || s.Agreed.Code.Mark == seen.Mark):
			return false
		}
	}
	for _, t := range s.Agreed.TagRefs {
		if t.Ours() && !among(s.SentTags, t) {
			s.SentTags = append(s.SentTags, t) // until a report shows that it went
		}
	}
	s.Agreed = State{Set: true, Code: CodeRef{Mark: seen.Mark}, Known: FieldCode}
	s.Settled, s.Gone = s.Tenancy, NeverSet
	s.drop(FieldCode)
	return true
}

// strangers takes in a user that nobody here set.
func (s *Slot) strangers() Finding {
	s.Unsure = 0 // whatever was in doubt was about a user of ours, and this is none
	if !s.Pending.Has(FieldCode) || !s.Wanted.Set {
		return FoundUnmanaged
	}
	s.drop(s.Pending)
	s.Refused = map[Field]string{FieldCode: ErrOccupied.Error()}
	return FoundUnmanaged | FoundOccupied | FoundCancelled
}

// digitsSeen compares a code that was seen with those that may be live.
func (s *Slot) digitsSeen(seen CodeRef, doubt bool) Finding {
	flying := slices.IndexFunc(s.Sent, seen.Same)
	switch {
	case s.Agreed.Set && s.Agreed.Code.Same(seen):
		// The agreed code is live; nothing that was sent has landed.
		s.Sent = nil
		s.Unsure &^= FieldCode
		s.Cure, s.Clearing = false, false
		return 0
	case flying >= 0:
		landed := s.Sent[flying]
		s.Agreed.Set, s.Agreed.Code = true, landed
		s.Agreed.Known |= FieldCode
		s.Sent = nil
		s.Unsure &^= FieldCode
		s.Cure = false
		if s.Pending.Has(FieldCode) && s.Wanted.Set && s.Wanted.Code.Same(landed) {
			s.Settled = s.Tenancy
			s.Clearing = false
			s.drop(FieldCode)
		}
		return 0
	case !s.Agreed.Set:
		s.Sent, s.Unsure = nil, s.Unsure&^FieldCode
		return s.strangers()
	case !s.Agreed.Code.Ours() && s.Agreed.Code.Mark == seen.Mark && !doubt:
		return 0 // seen before, not claimed
	}
	s.Agreed.Code = CodeRef{Mark: seen.Mark}
	s.Sent, s.Unsure, s.Cure = nil, s.Unsure&^FieldCode, false
	if s.Removing() {
		return FoundChanged
	}
	return FoundChanged | s.cancelGiving()
}

// markSeen compares an opaque mark with the agreed one.
func (s *Slot) markSeen(mark string, doubt bool) Finding {
	known := s.Agreed.Code.Mark
	switch {
	case !doubt && known == "":
		s.Agreed.Code.Mark = mark // the first report after our write
		s.Sent = nil
		return 0
	case !doubt && known == mark:
		s.Sent = nil
		return 0
	case doubt && s.Agreed.Set && known == mark:
		// The old code is still there: the edit did not land.
		s.Sent, s.Unsure = nil, s.Unsure&^FieldCode
		s.Cure, s.Clearing = false, false
		return 0
	case doubt:
		// Something else is there, most likely ours: it is written again, which tells.
		// Until then its mark means nothing.
		if s.Agreed.Set && known != "" {
			s.Agreed.Code = CodeRef{}
		}
		return 0
	}
	s.Agreed.Code, s.Sent = CodeRef{Mark: mark}, nil
	if s.Removing() {
		return FoundChanged
	}
	return FoundChanged | s.cancelGiving()
}

// cancelGiving lets pending wishes fall that give access and have not left.
func (s *Slot) cancelGiving() Finding {
	g := s.Giving()
	if g&^FieldLabel == 0 {
		return 0
	}
	s.dropGiving()
	return FoundCancelled
}

// fieldsSeen compares every visible field with what was agreed.
func (s *Slot) fieldsSeen(r State) Finding {
	var found Finding
	for f := range (r.Known & visible).Each() {
		switch {
		case s.Unsure.Has(f):
			s.Unsure &^= f
			if s.fulfils(f, r) {
				s.Agreed.copyField(f, s.Wanted)
				s.drop(f)
			} else if !s.Agreed.Known.Has(f) {
				s.Agreed.copyField(f, s.adoptable(r))
			}
		case s.fulfils(f, r):
			s.Agreed.copyField(f, s.Wanted) // somebody at the panel did what was wished
			s.drop(f)
		case !s.Agreed.Known.Has(f):
			s.Agreed.copyField(f, s.adoptable(r))
		case r.equalField(f, &s.Agreed):
		default:
			found |= s.differs(f, r)
		}
		s.tagsSeen(f, r)
	}
	if s.Over && !s.Removing() && s.Pending&(FieldRole|FieldPartitions|FieldFrom|FieldUntil) == 0 {
		s.Over = false
	}
	return found
}

// fulfils reports whether a report shows that a pending wish for a field has come true.
func (s *Slot) fulfils(f Field, r State) bool {
	return s.Pending.Has(f) && s.Settled == s.Tenancy && r.tells(f) && r.equalField(f, &s.Wanted)
}

// differs takes in a field that somebody changed at the panel. Where that is less than
// was agreed it is agreed from now on, and a wish that exceeds it falls.
func (s *Slot) differs(f Field, r State) Finding {
	var found Finding
	switch f {
	case FieldLabel:
		s.Agreed.Label = r.Label // opens nothing: taken as it is
		return FoundDrift
	case FieldPartitions:
		both := r.Partitions & s.Agreed.Partitions
		if both == s.Agreed.Partitions {
			return FoundDrift
		}
		if both != r.Partitions {
			found = FoundDrift
		}
		s.Agreed.Partitions = both
	case FieldRole:
		if !s.Agreed.Role.Protected() || r.Role.Protected() {
			return FoundDrift
		}
		s.Agreed.Role = r.Role
	case FieldLegacyTags, FieldLockTags:
		less, other := s.fewerTags(f, r)
		if !less {
			return FoundDrift
		}
		if other {
			found = FoundDrift
		}
	case FieldLocks:
		if !subset(r.Locks, s.Agreed.Locks) {
			return FoundDrift
		}
		s.Agreed.Locks = r.Locks
	case FieldKeypads:
		if !subset(r.Keypads, s.Agreed.Keypads) {
			return FoundDrift
		}
		s.Agreed.Keypads = r.Keypads
	case FieldFrom, FieldUntil:
		if !r.Window.Within(s.Agreed.Window) {
			return FoundDrift
		}
		s.Agreed.Window = r.Window
	default:
		return FoundDrift
	}
	found |= FoundNarrowed
	if s.gives().Has(f) {
		s.drop(f)
		found |= FoundCancelled
	}
	return found
}

// Drift is the set of fields that the panel shows otherwise than was agreed.
func (s Slot) Drift() Field {
	if !s.Reported.Set || !s.Agreed.Set {
		return 0
	}
	var d Field
	for f := range (s.Reported.Known & s.Agreed.Known & visible &^ (s.Pending | s.Unsure)).Each() {
		if !s.Reported.equalField(f, &s.Agreed) {
			d |= f
		}
	}
	return d
}
