package panel

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Action is something that can be done to a panel user at the panel.
type Action string

// The actions.
const (
	EditCode       Action = "edit code"
	EditLabel      Action = "edit label"
	EditRole       Action = "edit role"
	EditPartitions Action = "edit partitions"
	EditLegacyTags Action = "edit legacy tags"
	EditLockTags   Action = "edit lock tags"
	EditKeypads    Action = "edit keypads"
	EditLocks      Action = "edit locks"
	EditWindow     Action = "edit validity"
	Disable        Action = "disable"
)

// Actions lists every action, in the order in which views show them.
func Actions() []Action {
	return []Action{EditCode, EditLabel, EditRole, EditPartitions, EditLegacyTags, EditLockTags, EditKeypads, EditLocks, EditWindow, Disable}
}

// Field returns the fields that an action changes.
func (a Action) Field() Field {
	switch a {
	case EditCode, Disable:
		return FieldCode
	case EditLabel:
		return FieldLabel
	case EditRole:
		return FieldRole
	case EditPartitions:
		return FieldPartitions
	case EditLegacyTags:
		return FieldLegacyTags
	case EditLockTags:
		return FieldLockTags
	case EditKeypads:
		return FieldKeypads
	case EditLocks:
		return FieldLocks
	case EditWindow:
		return FieldFrom | FieldUntil
	}
	return 0
}

// Standing is what [Model.Allow] has to know about a user.
type Standing struct {
	Place
	Role     Role
	Exists   bool  // has a code, or one is on its way
	Unknown  bool  // set at the panel by somebody else
	Editable Field // what the panel lets be changed on this user; 0: what the model says
}

// Standing returns what the panel's answer depends on.
func (s Slot) Standing(m Model) Standing {
	st := Standing{Place: s.Place, Exists: s.Exists(), Unknown: s.Unmanaged(), Role: s.Reported.Role}
	if s.Pending.Has(FieldRole) {
		st.Role = s.Wanted.Role
	}
	if st.Role == "" && m.MasterSlot > 0 && s.Slot == m.MasterSlot {
		st.Role = Master
	}
	if st.Role == "" && s.Exists() {
		st.Role = m.DefaultRole
	}
	return st
}

// Allow is the panel's one answer to whether an action is possible on a user: nil, or
// the reason. Menus and the action itself both ask it.
func (m Model) Allow(u Standing, a Action) error {
	if err := m.CheckPlace(u.Place); err != nil {
		return err
	}
	if a == Disable {
		switch {
		case !u.Exists:
			return ErrCodeNotSet
		case u.Role == Master || m.MasterSlot > 0 && u.Slot == m.MasterSlot:
			return ErrMasterDisable
		case u.Unknown && u.Role.Protected():
			return ErrUserProtected
		}
		return nil
	}
	f := a.Field()
	if f == 0 {
		return ErrUnsupported
	}
	if m.Writes()&f == 0 && m.Hands&f == 0 {
		return unsupported(a)
	}
	if a == EditCode {
		if u.Unknown {
			return ErrUnmanaged
		}
		return nil
	}
	switch {
	case a == EditPartitions && m.Partitions == 0:
		return ErrPartitionsUnsupported
	case a == EditLabel && m.Label.Max == 0:
		return ErrLabelUnsupported
	case !u.Exists:
		return ErrCodeNotSet
	case u.Unknown:
		return ErrUnmanaged
	case m.HandsOnce&f != 0:
		return ErrFixed
	case a == EditPartitions && u.Role == Master:
		return ErrMasterPartitions
	case a == EditRole && (u.Role == Master || m.MasterSlot > 0 && u.Slot == m.MasterSlot):
		return ErrUserProtected
	case u.Editable != 0 && u.Editable&f == 0:
		return ErrUserProtected
	}
	return nil
}

func unsupported(a Action) error {
	switch a {
	case EditLabel:
		return ErrLabelUnsupported
	case EditPartitions:
		return ErrPartitionsUnsupported
	case EditLegacyTags, EditLockTags:
		return ErrTagsUnsupported
	case EditKeypads:
		return ErrKeypadsUnsupported
	case EditLocks:
		return ErrLocksUnsupported
	case EditWindow:
		return ErrWindowUnsupported
	}
	return ErrUnsupported
}

// CheckPlace reports whether the panel has the place and lets it be used.
func (m Model) CheckPlace(p Place) error {
	if m.Slots.Len() == 0 {
		if p.ID == "" || p.Slot != 0 {
			return ErrUserNotFound
		}
		return nil
	}
	if p.ID != "" || p.Slot < max(m.Slots.First, 1) || p.Slot > m.Slots.Last {
		return &SlotError{Slot: p.Slot, Slots: m.Slots}
	}
	if slices.Contains(m.Reserved, p.Slot) {
		return ErrSlotReserved
	}
	return nil
}

// CheckCode reports whether the panel can take a code, as far as its own digits tell.
// length is the length that the panel is set to, 0 if it has not said. Whether another
// user has it is not asked here.
func (m Model) CheckCode(c Code, length int) error {
	want := m.Code.Lens
	if length != 0 {
		want = []int{length}
	}
	switch {
	case c.IsZero():
		return ErrCodeLength
	case !slices.Contains(want, c.Len()):
		return &LengthError{Want: want}
	}
	for _, never := range m.Code.Never {
		if n, err := credentials.ParseCode(never); err == nil && c.Equal(n) {
			return ErrCodeReserved
		}
	}
	return nil
}

// CheckRole reports whether the panel has the role and it can be given. An empty role
// is allowed where the panel or the model says which.
func (m Model) CheckRole(p Place, r Role) error {
	switch {
	case r == "":
		return nil
	case !m.Allows(r):
		return &RoleError{Role: r, Allowed: m.Roles}
	case r == Master && m.MasterSlot > 0 && p.Slot != m.MasterSlot:
		return &RoleError{Role: r, Allowed: slices.DeleteFunc(slices.Clone(m.Roles), func(x Role) bool { return x == Master })}
	}
	return nil
}

// CheckPartitions reports whether the panel has every partition of the set.
func (m Model) CheckPartitions(p Partitions) error {
	switch {
	case m.Partitions == 0:
		return ErrPartitionsUnsupported
	case p == 0:
		return ErrNoPartition
	case !p.Within(m.AllPartitions()):
		return &PartitionError{Partition: (p &^ m.AllPartitions()).Numbers()[0]}
	}
	return nil
}

// CheckLabel reports whether the panel can show a label. Surrounding space is not part
// of a label; see [CleanLabel].
func (m Model) CheckLabel(s string) error {
	if m.Label.Max == 0 {
		return ErrLabelUnsupported
	}
	bad := func(r rune) bool {
		return !unicode.IsPrint(r) || m.Label.Charset == "ascii" && r > unicode.MaxASCII || r > 0xffff
	}
	if s == "" || s != CleanLabel(s) || !utf8.ValidString(s) || utf8.RuneCountInString(s) > m.Label.Max || strings.ContainsFunc(s, bad) {
		return &LabelError{Rule: m.Label}
	}
	return nil
}

// CleanLabel cuts surrounding space off, as panels pad labels with it.
func CleanLabel(s string) string { return strings.TrimSpace(s) }
