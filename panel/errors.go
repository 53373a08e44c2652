package panel

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors about a line: the panel as a whole. The engine reacts to these and to nothing
// else; drivers wrap each cause exactly once with one of them.
var (
	// ErrAbsent: the panel calls in and is not here. The line waits; no attempt is counted.
	ErrAbsent = fault.New(fault.Unavailable, "panel: not connected").
			Hinted("The panel calls in by itself. Check its power, its network and the address that it calls.")
	// ErrUnreachable: no connection, or it broke.
	ErrUnreachable = fault.New(fault.Unavailable, "panel: out of reach").
			Hinted("Check the panel's network and address. The change is kept and sent when it is back.")
	// ErrTimeout: the panel did not answer in time.
	ErrTimeout = fault.New(fault.Unavailable, "panel: no answer in time")
	// ErrBusy: the panel cannot take edits now (somebody is programming it).
	ErrBusy = fault.New(fault.Busy, "panel: busy").
		Hinted("Somebody is programming the panel at a keypad. The change is sent when they have finished.")
	// ErrArmed: the panel takes no edits while it is armed.
	ErrArmed = fault.New(fault.Busy, "panel: armed").
			Hinted("The panel takes no changes while it is armed. The change is sent after disarming.")
	// ErrBlocked: the panel has locked us out for a time.
	ErrBlocked = fault.New(fault.Busy, "panel: locked out").
			Hinted("Too many wrong codes were given to the panel. Wait until it opens again.")
	// ErrSecret: the panel refuses our code or key. The route is parked, never retried.
	ErrSecret = fault.New(fault.Denied, "panel: refuses our code or key").
			Hinted("Enter the panel's master code or key anew, then resume the panel.")
	// ErrIdentity: another panel than the expected one answered.
	ErrIdentity = fault.New(fault.Denied, "panel: identity differs")
	// ErrProtocol: the panel said something that has no meaning.
	ErrProtocol = fault.New(fault.Internal, "panel: unintelligible answer")
)

// Errors inside an [Outcome].
var (
	// ErrRefused: the panel refuses this value.
	ErrRefused = fault.New(fault.Conflict, "panel: refused by the panel").
			Hinted("The panel does not take this value. Choose another.")
	// ErrOccupied: the place holds a user that the edit did not expect.
	ErrOccupied = fault.New(fault.Conflict, "panel: place is occupied")
	// ErrUnsupported: this panel or route cannot set the field.
	ErrUnsupported = fault.New(fault.Unsupported, "panel: not supported by this panel")
)

// Errors of choosing a panel.
var (
	// ErrPanelRequired: no panel was named.
	ErrPanelRequired = fault.New(fault.Invalid, "panel: name a panel first").
				Hinted("Open a panel before you ask for its users.")
	// ErrPanelNotFound: there is no such panel, or the caller may not see it.
	ErrPanelNotFound = fault.New(fault.NotFound, "panel: no such panel")
)

// Errors of places.
var (
	// ErrSlotOutOfRange: the panel has no such slot.
	ErrSlotOutOfRange = fault.New(fault.Invalid, "panel: no such slot").
				Hinted("Use a slot number that this panel has.")
	// ErrSlotReserved: the panel keeps this slot for itself.
	ErrSlotReserved = fault.New(fault.Unsupported, "panel: slot is reserved")
	// ErrNoFreeSlot: every slot has a user.
	ErrNoFreeSlot = fault.New(fault.Conflict, "panel: no free slot").
			Hinted("Disable a user that is no longer needed.")
	// ErrUserNotFound: there is no user at this place.
	ErrUserNotFound = fault.New(fault.NotFound, "panel: no such user")
	// ErrUserProtected: this user may not be changed by this code or on this site.
	ErrUserProtected = fault.New(fault.Denied, "panel: user is protected")
	// ErrFixed: the field is given when the user is created, and stays.
	ErrFixed = fault.New(fault.Precondition, "panel: the field is fixed when the user is created").
			Hinted("To have another value, disable the user and set it anew.")
	// ErrReadOnly: the field is set by the panel and cannot be changed.
	ErrReadOnly = fault.New(fault.Invalid, "panel: field is read-only")
)

// Errors of fields.
var (
	// ErrCodeNotSet: the user has no code, so it does not exist on the panel.
	ErrCodeNotSet = fault.New(fault.Precondition, "panel: the user has no code").
			Hinted("Set a code for this user first.")
	// ErrCodeLength and ErrCodeDigits are those of package credentials.
	ErrCodeLength = credentials.ErrCodeLength
	ErrCodeDigits = credentials.ErrCodeDigits
	// ErrCodeReserved: the panel refuses this code for everybody.
	ErrCodeReserved = fault.New(fault.Invalid, "panel: the panel never takes this code").
			Hinted("Choose another code.")
	// ErrLabel: the panel does not take this label.
	ErrLabel = fault.New(fault.Invalid, "panel: the panel does not take this label").
			Hinted("Use a shorter label, or one without the characters that the panel lacks.")
	// ErrLabelUnsupported: the panel has no labels that can be set.
	ErrLabelUnsupported = fault.New(fault.Unsupported, "panel: labels cannot be set on this panel")
	// ErrMasterPartitions: a Master always has all partitions.
	ErrMasterPartitions = fault.New(fault.Precondition, "panel: a Master always has all partitions").
				Hinted("A Master's partitions cannot be changed. Give the person another user if fewer partitions are wanted.")
	// ErrPartitionsUnsupported: the panel's partitions cannot be set.
	ErrPartitionsUnsupported = fault.New(fault.Unsupported, "panel: partitions cannot be set on this panel")
	// ErrUnknownPartition: the panel has no such partition; see [PartitionError].
	ErrUnknownPartition = fault.New(fault.Invalid, "panel: no such partition").
				Hinted("Use only partitions that this panel has.")
	// ErrNoPartition: a user must keep at least one partition.
	ErrNoPartition = fault.New(fault.Invalid, "panel: choose at least one partition").
			Hinted("To take every partition away, disable the user.")
	// ErrRoleUnsupported: the panel has no such role; see [RoleError].
	ErrRoleUnsupported = fault.New(fault.Unsupported, "panel: no such role on this panel")
	// ErrRoleRequired: neither the panel nor the caller says which role.
	ErrRoleRequired = fault.New(fault.Invalid, "panel: name a role").
			Hinted("This panel has no default role. Choose one.")
	// ErrMasterDisable: a Master cannot be disabled.
	ErrMasterDisable = fault.New(fault.Precondition, "panel: a Master cannot be disabled").
				Hinted("The Master's code can be changed, not removed. To take a Master out of use, change the code at the panel or replace the panel's Master by its own administrative process.")
	// ErrLocksUnsupported: the panel itself knows no door locks.
	ErrLocksUnsupported = fault.New(fault.Unsupported, "panel: door locks cannot be assigned on this panel")
	// ErrTagsUnsupported: this section of tags does not exist on this panel.
	ErrTagsUnsupported = fault.New(fault.Unsupported, "panel: tags cannot be set on this panel")
	// ErrKeypadsUnsupported: users are not assigned to keypads on this panel.
	ErrKeypadsUnsupported = fault.New(fault.Unsupported, "panel: keypads cannot be assigned on this panel")
	// ErrWindowUnsupported: the panel knows no validity of its own.
	ErrWindowUnsupported = fault.New(fault.Unsupported, "panel: the panel knows no validity times")
)

// ErrDriver: a driver breaks its contract (two users at one place, an outcome nobody
// asked for, a session wider than its driver).
var ErrDriver = fault.New(fault.Internal, "panel: driver breaks its contract")

// ErrRoutesDisagree: two routes to one panel show different users.
var ErrRoutesDisagree = fault.New(fault.Conflict, "panel: routes disagree about the users")

// Later wraps a line error with the time that the panel asked us to wait.
type Later struct {
	After time.Duration
	Err   error
}

// Error names the wait.
func (e *Later) Error() string { return fmt.Sprintf("%v (again in %s)", e.Err, e.After) }

// Unwrap returns the line error.
func (e *Later) Unwrap() error { return e.Err }

// SlotError is [ErrSlotOutOfRange] with the panel's limits.
type SlotError struct {
	Slot  int
	Slots Slots
}

// Error names the slot and the limits.
func (e *SlotError) Error() string {
	return fmt.Sprintf("%v: %d is not in %d to %d", ErrSlotOutOfRange, e.Slot, e.Slots.First, e.Slots.Last)
}

// Unwrap returns the sentinel.
func (e *SlotError) Unwrap() error { return ErrSlotOutOfRange }

// PartitionError is [ErrUnknownPartition] with the partition.
type PartitionError struct{ Partition int }

// Error names the partition.
func (e *PartitionError) Error() string {
	return fmt.Sprintf("%v: %d", ErrUnknownPartition, e.Partition)
}

// Unwrap returns the sentinel.
func (e *PartitionError) Unwrap() error { return ErrUnknownPartition }

// RoleError is [ErrRoleUnsupported] with the roles that the panel has.
type RoleError struct {
	Role    Role
	Allowed []Role
}

// Error names the role and the allowed ones.
func (e *RoleError) Error() string {
	names := make([]string, len(e.Allowed))
	for i, r := range e.Allowed {
		names[i] = string(r)
	}
	return fmt.Sprintf("%v: %q is none of %s", ErrRoleUnsupported, e.Role, strings.Join(names, ", "))
}

// Unwrap returns the sentinel.
func (e *RoleError) Unwrap() error { return ErrRoleUnsupported }

// LengthError is [ErrCodeLength] with the lengths that the panel takes.
type LengthError struct{ Want []int }

// Error names the lengths.
func (e *LengthError) Error() string {
	return fmt.Sprintf("%v: the panel takes %v digits", ErrCodeLength, e.Want)
}

// Unwrap returns the sentinel.
func (e *LengthError) Unwrap() error { return ErrCodeLength }

// LabelError is [ErrLabel] with the rule.
type LabelError struct{ Rule LabelRule }

// Error names the rule.
func (e *LabelError) Error() string {
	if e.Rule.Charset != "" {
		return fmt.Sprintf("%v: at most %d characters of %s", ErrLabel, e.Rule.Max, e.Rule.Charset)
	}
	return fmt.Sprintf("%v: at most %d printable characters", ErrLabel, e.Rule.Max)
}

// Unwrap returns the sentinel.
func (e *LabelError) Unwrap() error { return ErrLabel }
