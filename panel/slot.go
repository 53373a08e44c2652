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

// CodeRef is a code or a tag as the slot machine sees it: what is claimed for it in the
// store, and the sealed digits for as long as something still has to write them.
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

// alike reports whether both mean the same digits, or neither means any of ours.
func (c CodeRef) alike(d CodeRef) bool { return c.Same(d) || !c.Ours() && !d.Ours() }

// State is what a panel user is, was agreed to be, or should be.
type State struct {
	Set        bool       `json:"set,omitempty"`   // the code is set: the user exists
	Code       CodeRef    `json:"code,omitzero"`   // zero while Set: a code that is not ours
	Duress     CodeRef    `json:"duress,omitzero"` // the holder's duress code, which goes with Code
	Known      Field      `json:"known,omitzero"`  // which of the fields below mean something
	Label      string     `json:"label,omitempty"`
	Role       Role       `json:"role,omitempty"`
	Partitions Partitions `json:"partitions,omitempty"`
	Tags       int        `json:"tags,omitempty"`    // enrolled tags, where their numbers are hidden
	TagRefs    []TagRef   `json:"tagRefs,omitempty"` // where they are known
	Keypads    []string   `json:"keypads,omitempty"`
	Locks      []string   `json:"locks,omitempty"`
	Window     Window     `json:"window,omitzero"`
}

// copyField sets one field of s to what it is in t.
func (s *State) copyField(f Field, t State) {
	switch f {
	case FieldCode:
		s.Set, s.Code, s.Duress = t.Set, t.Code, t.Duress
	case FieldLabel:
		s.Label = t.Label
	case FieldRole:
		s.Role = t.Role
	case FieldPartitions:
		s.Partitions = t.Partitions
	case FieldLegacyTags, FieldLockTags:
		s.copyTags(f, t)
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
		return s.Set == t.Set && (!s.Set || s.Code.alike(t.Code) && s.Duress.alike(t.Duress))
	case FieldLabel:
		return s.Label == t.Label
	case FieldRole:
		return s.Role == t.Role
	case FieldPartitions:
		return s.Partitions == t.Partitions
	case FieldLegacyTags, FieldLockTags:
		return s.sameTags(f, t)
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
	SentTags []TagRef  `json:"sentTags,omitempty"` // and tags
	Flight   *Flight   `json:"flight,omitempty"`   // the edit that is on the wire
	Job      *Flight   `json:"job,omitempty"`      // an edit that still runs at the far end, with its ticket
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

// Claims lists the names of every code and tag that may open the panel because of us, or
// is wanted to: sorted, without doubles.
func (s Slot) Claims() []string {
	var names []string
	names = append(append(names, s.Agreed.Code.Names...), s.Agreed.Duress.Names...)
	if s.Pending.Has(FieldCode) {
		names = append(append(names, s.Wanted.Code.Names...), s.Wanted.Duress.Names...)
	}
	for _, c := range s.Sent {
		names = append(names, c.Names...)
	}
	for _, list := range [][]TagRef{s.Agreed.TagRefs, s.SentTags, s.Wanted.TagsOf(s.Pending)} {
		for _, t := range list {
			names = append(names, t.Names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Superseded reports whether a code that is no longer wanted may still open the panel.
func (s Slot) Superseded() bool {
	wanted, duress := s.Agreed.Code, s.Agreed.Duress
	if s.Pending.Has(FieldCode) {
		wanted, duress = s.Wanted.Code, s.Wanted.Duress
		if s.Agreed.Set && !(s.Agreed.Code.Same(wanted) && s.Agreed.Duress.alike(duress)) {
			return true
		}
	}
	return slices.ContainsFunc(s.Sent, func(c CodeRef) bool { return !c.Same(wanted) && !c.Same(duress) })
}

// occupied reports whether the panel may have a user here.
func (s Slot) occupied() bool {
	return s.Agreed.Set || s.Reported.Set || len(s.Sent) > 0 || s.Flight != nil || s.Unsure.Has(FieldCode)
}

func (s Slot) clone() Slot {
	s.Sent, s.SentTags = slices.Clone(s.Sent), slices.Clone(s.SentTags)
	if s.Flight != nil {
		f := *s.Flight
		s.Flight = &f
	}
	s.Refused = maps.Clone(s.Refused)
	return s
}
