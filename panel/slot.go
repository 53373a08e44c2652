package panel

import (
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of wishes.
var (
	// ErrRemovalStands: a wish that takes access away has no deadline and cannot be
	// cancelled; only a wish that gives the access again undoes it.
	ErrRemovalStands = fault.New(fault.Precondition, "panel: taking access away stands").
				Hinted("Give the access again with a new wish instead.")
	// ErrSending: the wish may have reached the panel; going back is itself a wish.
	ErrSending = fault.New(fault.Precondition, "panel: the change may have reached the panel").
			Hinted("Wait until it has settled, or ask for another value.")
	// ErrNothingPending: there is no wish to cancel.
	ErrNothingPending = fault.New(fault.Precondition, "panel: nothing is pending")
	// ErrUnmanaged: a user that nobody here set lives at this place.
	ErrUnmanaged = fault.New(fault.Conflict, "panel: a user that was set at the panel lives here").
			Hinted("Adopt this user for a person, or clear it, before you set a code.")
)

// CodeRef is a code as the slot machine sees it: what is claimed for it in the store,
// and the sealed digits for as long as something still has to write them.
type CodeRef struct {
	Names  []string           `json:"names,omitempty"`
	Sealed credentials.Sealed `json:"sealed,omitzero"`
	ID     uint64             `json:"id,omitempty"` // generation that the sealed digits are bound to
	Len    int                `json:"len,omitempty"`
	Mark   string             `json:"mark,omitempty"` // keyed fingerprint of the panel's opaque mark for it
}

// Ours reports whether this is a code that was claimed here; one that was only seen at the
// panel has a mark and no name.
func (c CodeRef) Ours() bool { return len(c.Names) > 0 }

// Same reports whether both mean the same digits, as far as their names tell.
func (c CodeRef) Same(d CodeRef) bool {
	return slices.ContainsFunc(c.Names, func(n string) bool { return slices.Contains(d.Names, n) })
}

// State is what a panel user is, was agreed to be, or should be.
type State struct {
	Set        bool       `json:"set,omitempty"`  // the code is set: the user exists
	Code       CodeRef    `json:"code,omitzero"`  // zero while Set: a code that is not ours
	Known      Field      `json:"known,omitzero"` // which of the fields below mean something
	Label      string     `json:"label,omitempty"`
	Role       Role       `json:"role,omitempty"`
	Partitions Partitions `json:"partitions,omitempty"`
	Tags       int        `json:"tags,omitempty"` // enrolled tags whose numbers are hidden
	Keypads    []string   `json:"keypads,omitempty"`
	Locks      []string   `json:"locks,omitempty"`
	Window     Window     `json:"window,omitzero"`
}

// copyField sets one field of s to what it is in t.
func (s *State) copyField(f Field, t State) {
	switch f {
	case FieldCode:
		s.Set, s.Code = t.Set, t.Code
	case FieldLabel:
		s.Label = t.Label
	case FieldRole:
		s.Role = t.Role
	case FieldPartitions:
		s.Partitions = t.Partitions
	case FieldLegacyTags, FieldLockTags:
		s.Tags = t.Tags
	case FieldKeypads:
		s.Keypads = t.Keypads
	case FieldLocks:
		s.Locks = t.Locks
	case FieldFrom:
		s.Window.From = t.Window.From
	case FieldUntil:
		s.Window.Until = t.Window.Until
	}
	s.Known |= f
}

// equalField reports whether one field is the same in both.
func (s *State) equalField(f Field, t *State) bool {
	switch f {
	case FieldCode:
		return s.Set == t.Set && (!s.Set || s.Code.Same(t.Code) || !s.Code.Ours() && !t.Code.Ours())
	case FieldLabel:
		return s.Label == t.Label
	case FieldRole:
		return s.Role == t.Role
	case FieldPartitions:
		return s.Partitions == t.Partitions
	case FieldLegacyTags, FieldLockTags:
		return s.Tags == t.Tags
	case FieldKeypads:
		return slices.Equal(s.Keypads, t.Keypads)
	case FieldLocks:
		return slices.Equal(s.Locks, t.Locks)
	case FieldFrom:
		return s.Window.From.Equal(t.Window.From)
	case FieldUntil:
		return s.Window.Until.Equal(t.Window.Until)
	}
	return false
}

// Slot is the state machine of one place on one panel: pure data, moved only by its
// methods, each of which returns the slot after it.
//
// The rule that everything here serves: a code that may open the panel is never free.
// [Slot.Claims] lists what the place holds; whoever stores a moved slot claims what is
// new in that list and releases what is gone from it, in the same commit.
type Slot struct {
	Place
	Reported State `json:"reported,omitzero"` // what the panel last said
	Agreed   State `json:"agreed,omitzero"`   // what was last written and confirmed, or adopted
	Wanted   State `json:"wanted,omitzero"`   // what should be, in the fields of Pending

	Pending Field `json:"pending,omitzero"` // wished and not settled
	Unsure  Field `json:"unsure,omitzero"`  // bytes may have left and the result is unknown

	Tenancy uint64 `json:"tenancy,omitempty"` // whose user is wanted: grows with every removal
	Settled uint64 `json:"settled,omitempty"` // whose user the panel has

	Sent     []CodeRef `json:"sent,omitempty"`     // codes that may be live without being agreed
	Flight   *Flight   `json:"flight,omitempty"`   // the edit that is on the wire
	Clearing bool      `json:"clearing,omitempty"` // an edit in doubt may itself have emptied the place
	Cure     bool      `json:"cure,omitempty"`     // the panel refuses a code that may be its own: clear first
	Over     bool      `json:"over,omitempty"`     // the code is set, its restrictions are not yet

	Refused map[Field]string `json:"refused,omitempty"` // why the last wish for a field failed
	Gone    Gone             `json:"gone,omitempty"`    // why there is no user
	SentAt  time.Time        `json:"sentAt,omitzero"`   // when the last edit left

	Revision uint64    `json:"revision,omitempty"` // counts wishes: the caller's ETag
	Until    time.Time `json:"until,omitzero"`     // giving wishes end then
	WishedAt time.Time `json:"wishedAt,omitzero"`
}

// Gone is why a place that had a user has none.
type Gone string

// The reasons.
const (
	NeverSet  Gone = ""
	Disabled  Gone = "disabled"             // by a wish
	AtPanel   Gone = "removed at the panel" // by somebody at the panel
	Withdrawn Gone = "withdrawn"            // by keyholder, because a restriction was refused
)

// Flight is an edit that was handed to a driver.
type Flight struct {
	Do      Do     `json:"do"`
	Set     Field  `json:"set"`
	State   State  `json:"state,omitzero"`
	Tenancy uint64 `json:"tenancy"`
	Before  Field  `json:"before,omitzero"` // unsure already before this edit
	Added   bool   `json:"added,omitempty"` // its code joined Sent with it
}

// Wish is what somebody wants of a place.
type Wish struct {
	Remove bool  // take the user away; Set and State are ignored
	Set    Field // the fields of State to change
	State  State
	At     time.Time
	Until  time.Time // a giving wish ends then, zero: never
}

// Exists reports whether the place has a user as far as wishes go: the panel has one
// that is not being removed, or a code is on its way.
func (s Slot) Exists() bool {
	if s.Pending.Has(FieldCode) {
		return s.Wanted.Set
	}
	return s.Reported.Set || s.Agreed.Set
}

// Removing reports whether a removal is pending.
func (s Slot) Removing() bool { return s.Pending.Has(FieldCode) && !s.Wanted.Set }

// Unmanaged reports whether a user lives here that nobody here set.
func (s Slot) Unmanaged() bool {
	return s.Reported.Set && !s.Agreed.Set && !s.Unsure.Has(FieldCode) && s.Flight == nil
}

// Idle reports whether nothing is to be done.
func (s Slot) Idle() bool { return s.Pending|s.Unsure == 0 && s.Flight == nil }

// Claims lists the names of every code that may open the panel because of us, or is
// wanted to: sorted, without doubles.
func (s Slot) Claims() []string {
	var names []string
	names = append(names, s.Agreed.Code.Names...)
	if s.Pending.Has(FieldCode) {
		names = append(names, s.Wanted.Code.Names...)
	}
	for _, c := range s.Sent {
		names = append(names, c.Names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Superseded reports whether a code that is no longer wanted may still open the panel.
func (s Slot) Superseded() bool {
	wanted := s.Agreed.Code
	if s.Pending.Has(FieldCode) {
		wanted = s.Wanted.Code
		if s.Agreed.Set && !s.Agreed.Code.Same(wanted) {
			return true
		}
	}
	return slices.ContainsFunc(s.Sent, func(c CodeRef) bool { return !c.Same(wanted) })
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

// occupied reports whether the panel may have a user here.
func (s Slot) occupied() bool {
	return s.Agreed.Set || s.Reported.Set || len(s.Sent) > 0 || s.Flight != nil || s.Unsure.Has(FieldCode)
}

// narrowing are the fields that restrict a user whose code is set.
const narrowing = FieldRole | FieldPartitions | FieldFrom | FieldUntil

// Giving is the part of the pending wish that gives access. Partitions and windows may
// give and take at once. What is still to restrict a user whose code is set already
// gives nothing: it cannot be cancelled and does not end.
func (s Slot) Giving() Field {
	if s.Over {
		return s.gives() &^ narrowing
	}
	return s.gives()
}

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
			if s.Wanted.Tags > s.Agreed.Tags {
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

// ByHand reports whether a code is wished for that its holder chooses at the keypad:
// nobody here knows it, so nothing is claimed and nothing is sent.
func (s Slot) ByHand() bool {
	return s.Pending.Has(FieldCode) && s.Wanted.Set && !s.Wanted.Code.Ours()
}

// Taking is the part of the pending wish that takes access away: it stands.
func (s Slot) Taking() Field {
	t := s.Pending &^ s.Giving()
	if s.Pending.Has(FieldPartitions) && s.Agreed.Known.Has(FieldPartitions) && !s.Agreed.Partitions.Within(s.Wanted.Partitions) {
		t |= FieldPartitions
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
	s.Agreed = s.Reported
	s.Agreed.Known |= FieldCode
	s.Agreed.Code.Names = nil
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
	s.Sent, s.Flight, s.Unsure = nil, nil, 0
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

// Work is the edit that a place needs now; codes are still sealed.
type Work struct {
	Do     Do
	Set    Field
	Unsure Field
	State  State
}

// Compose says what to send now, from what is wanted now; false: nothing.
func (s Slot) Compose() (Work, bool) {
	if s.Pending == 0 && !s.Cure {
		return Work{}, false
	}
	if s.Removing() {
		return Work{Do: Remove, Set: FieldCode, Unsure: s.Unsure & FieldCode}, true
	}
	w := Work{Do: Change, Set: s.Pending, State: s.Wanted}
	switch {
	case s.Pending.Has(FieldCode) && !s.occupied():
		w.Do = Create
	case s.Pending.Has(FieldCode) && s.Settled != s.Tenancy:
		w.Do = Replace
	case s.Pending.Has(FieldCode) && s.Cure:
		w.Do = Replace
	}
	w.Unsure = s.Unsure & w.Set
	return w, true
}

// ComposeTaking is [Slot.Compose] for a wish that is held back: a removal stands, and a
// former holder's user goes though the new one's code has to wait.
func (s Slot) ComposeTaking() (Work, bool) {
	if s.Pending.Has(FieldCode) && (!s.Wanted.Set || s.Settled != s.Tenancy && s.occupied()) {
		return Work{Do: Remove, Set: FieldCode, Unsure: s.Unsure & FieldCode}, true
	}
	return Work{}, false
}

// Dispatch notes, before the first byte leaves, that a work is on the wire. Whatever
// happens from now on, its fields are unsure until something says otherwise.
func (s Slot) Dispatch(w Work, at time.Time) Slot {
	s = s.clone()
	f := &Flight{Do: w.Do, Set: w.Set, State: w.State, Tenancy: s.Tenancy, Before: s.Unsure}
	if w.Set.Has(FieldCode) && w.Do != Remove && !slices.ContainsFunc(s.Sent, w.State.Code.Same) {
		s.Sent = append(s.Sent, w.State.Code)
		f.Added = true
	}
	if w.Do == Remove || w.Do == Replace {
		s.Clearing = true
	}
	s.Unsure |= w.Set
	s.Flight, s.SentAt = f, at
	return s
}

// Lost forgets an edit on the wire whose answer nobody will bring: its fields stay unsure.
func (s Slot) Lost() Slot {
	s = s.clone()
	s.Flight = nil
	return s
}

// Again wishes once more for what was agreed in some fields, if the place has to be
// cleared to cure a code in doubt: clearing resets them, and the holder stays the same.
// Call it after [Slot.Settle], with the fields that the panel takes with a new code.
func (s Slot) Again(f Field) Slot {
	if !s.Cure {
		return s
	}
	s = s.clone()
	again := s.Agreed.Known & (FieldLabel | narrowing) & f &^ s.Pending
	for one := range again.Each() {
		s.Wanted.copyField(one, s.Agreed)
	}
	s.Pending |= again
	return s
}

// Settle takes in what came of the edit on the wire. A later report goes to [Slot.Observe].
func (s Slot) Settle(o Outcome, sight Sight) Slot {
	if s.Flight == nil {
		return s
	}
	s = s.clone()
	f := *s.Flight
	s.Flight = nil
	var refused Field
	for one := range o.Refused {
		refused |= one
	}
	done := o.Done & f.Set &^ o.Unsure
	refused &= f.Set &^ (done | o.Unsure)
	unsent := f.Set &^ (done | refused | o.Unsure)

	// What was not sent is as sure as it was before.
	s.Unsure = s.Unsure&^unsent | f.Before&unsent
	if unsent.Has(FieldCode) {
		if f.Added {
			s.unsend(f.State.Code)
		}
		if f.Do == Replace && done == 0 && o.Unsure == 0 && !f.Before.Has(FieldCode) {
			s.Clearing = false
		}
	}

	if o.Unsure.Has(FieldCode) && f.Before.Has(FieldCode) && f.Do != Remove && o.Report != nil {
		// The panel answers and the code is still in doubt: it refuses what may be its own.
		s.Cure = true
	}
	if done.Has(FieldCode) {
		s.codeDone(f, sight)
	}
	for one := range (done &^ FieldCode).Each() {
		s.Agreed.copyField(one, f.State)
		s.settleField(one, f)
	}
	s.Unsure &^= done

	if refused.Has(FieldCode) {
		s.codeRefused(f, o)
	}
	for one := range (refused &^ FieldCode).Each() {
		if f.Before.Has(one) && (o.Report == nil || !o.Report.Known.Has(one)) {
			continue // it may have been written by an earlier edit: only a report tells
		}
		s.Unsure &^= one
		s.refuse(one, f, o.Refused[one])
	}
	s.restrict(f, done)
	return s
}

// codeDone takes in a confirmed write or removal of the code.
func (s *Slot) codeDone(f Flight, sight Sight) {
	old := s.Agreed.Code
	if f.Do != Change {
		s.Settled = f.Tenancy
		s.Agreed = State{} // the panel has reset the rest; the report tells to what
	}
	s.Cure, s.Clearing = false, false
	if f.Do == Remove {
		s.Agreed = State{Known: FieldCode}
		s.Gone = Disabled
		if s.Over {
			s.Gone = Withdrawn
		}
		s.Over = false
	} else {
		s.Agreed.Set, s.Agreed.Code = true, f.State.Code
		s.Agreed.Known |= FieldCode
		s.Gone = NeverSet
	}
	if sight >= Marked {
		// Only a later report shows that the old code is gone.
		if old.Ours() && !old.Same(f.State.Code) && !slices.ContainsFunc(s.Sent, old.Same) {
			s.Sent = append(s.Sent, old)
		}
		s.unsend(f.State.Code)
	} else {
		s.Sent = nil
	}
	s.settleField(FieldCode, f)
}

// settleField ends the wish for a field if it is still what the edit wrote.
func (s *Slot) settleField(one Field, f Flight) {
	if s.Pending.Has(one) && s.Tenancy == f.Tenancy && s.Wanted.equalField(one, &f.State) {
		s.drop(one)
	}
}

// codeRefused takes in a refusal of the code.
func (s *Slot) codeRefused(f Flight, o Outcome) {
	empty := o.Report != nil && !o.Report.Exists
	if f.Do == Remove {
		return // a removal stands; Unsure stays until a report says what is so
	}
	if f.Before.Has(FieldCode) && !empty {
		// The panel may hold this very code from an earlier edit and refuse its own
		// duplicate: clear the place first.
		s.Cure = true
		return
	}
	if f.Do == Replace && !empty {
		return // whether the place was cleared is not known: a report tells
	}
	if f.Added || empty {
		s.unsend(f.State.Code)
	}
	s.Unsure &^= FieldCode
	s.Cure = false
	if empty {
		s.emptied(f.Tenancy)
	}
	s.refuse(FieldCode, f, o.Refused[FieldCode])
}

// emptied notes that the panel has no user here, by our own doing.
func (s *Slot) emptied(tenancy uint64) {
	s.Agreed = State{Known: FieldCode}
	s.Sent, s.Clearing, s.Cure = nil, false, false
	s.Settled = tenancy
	s.Unsure &^= FieldCode
	if s.Gone == NeverSet {
		s.Gone = Disabled
	}
}

// refuse ends the wish for a field with a reason, unless it takes access away.
func (s *Slot) refuse(one Field, f Flight, why error) {
	if !s.Pending.Has(one) || s.Tenancy != f.Tenancy || !s.Wanted.equalField(one, &f.State) {
		return // another wish stands meanwhile
	}
	if s.Taking().Has(one) && one != FieldCode {
		return
	}
	text := ErrRefused.Error()
	if why != nil {
		text = why.Error()
	}
	fallen := one
	if one == FieldCode {
		fallen = s.Pending
	}
	s.drop(fallen)
	if s.Refused == nil {
		s.Refused = map[Field]string{}
	}
	for g := range fallen.Each() {
		s.Refused[g] = text
	}
}

// restrict looks after a user whose code is set while what narrows it is not: it is
// repaired before anything else, and taken away again if that is refused for good.
func (s *Slot) restrict(f Flight, done Field) {
	created := f.Do == Create || f.Do == Replace
	if created && done.Has(FieldCode) && f.Set&narrowing&^done != 0 {
		s.Over = true
	}
	if !s.Over {
		return
	}
	for one := range narrowing.Each() {
		if _, no := s.Refused[one]; no {
			refused := s.Refused
			s.Wanted, s.Pending, s.Until = State{}, FieldCode, time.Time{}
			s.Tenancy++
			s.Refused = refused
			return
		}
	}
	if s.Pending&narrowing == 0 && s.Unsure&narrowing == 0 {
		s.Over = false
	}
}

// unsend takes a code out of Sent.
func (s *Slot) unsend(c CodeRef) {
	s.Sent = slices.DeleteFunc(s.Sent, c.Same)
	if len(s.Sent) == 0 {
		s.Sent = nil
	}
}

func (s Slot) clone() Slot {
	s.Sent = slices.Clone(s.Sent)
	if s.Flight != nil {
		f := *s.Flight
		s.Flight = &f
	}
	s.Refused = maps.Clone(s.Refused)
	return s
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}
