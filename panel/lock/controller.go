package lock

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Controller is a host's radio, or gateway, as far as user codes go. A node is named as
// the host names it. Calls about one node come one at a time.
//
// An error is about the node, not about a code, and wraps one of package panel's line
// errors: [panel.ErrUnreachable] for a dead node or radio, [panel.ErrTimeout] for no
// answer, [panel.ErrBusy] while the controller cannot send, [panel.ErrSecret] for a node
// that refuses the network's key. A sleeping node may be answered with [panel.Later].
type Controller interface {
	// Capacity is what the lock can hold: Z-Wave Users Number Report and User Code
	// Capabilities Report; ZigBee attributes 0x0012, 0x0017 and 0x0018.
	Capacity(ctx context.Context, node string) (Capacity, error)
	// UserCode reads a slot: Z-Wave User Code Get, ZigBee Get PIN Code.
	UserCode(ctx context.Context, node string, slot int) (UserCode, error)
	// SetUserCode writes a code and enables it: Z-Wave User Code Set with status 1, ZigBee
	// Set PIN Code with user status 1 and type 0 (unrestricted).
	SetUserCode(ctx context.Context, node string, slot int, code panel.Code) (Result, error)
	// ClearUserCode empties a slot: Z-Wave User Code Set with status 0, ZigBee Clear PIN
	// Code.
	ClearUserCode(ctx context.Context, node string, slot int) (Result, error)
}

// Capacity is what a lock says it can hold; a zero means that it has not said.
type Capacity struct {
	Slots  int // user slots for PINs, the standard's number
	MinLen int // digits
	MaxLen int
}

// UserCode is a slot as a lock reports it.
type UserCode struct {
	Status Status
	Code   panel.Code // zero where the lock hides digits
}

// Status is the state of a slot.
type Status uint8

// The states. The numbers are the package's own: Z-Wave has 0, 1, 2 and 0xFE for these,
// ZigBee 0, 1, 3 and 0xFF.
const (
	Available   Status = iota // empty
	Enabled                   // the code opens
	Disabled                  // a code is there and does not open
	Unsupported               // there is no such slot
)

// Result is what a lock answers to a write.
type Result uint8

// The results. All but Unconfirmed are the standards' (ZigBee 0 to 3; Z-Wave by
// Supervision or a Notification).
const (
	Unconfirmed Result = iota // sent; the lock says no more than that
	Confirmed                 // carried out
	Failed                    // refused, without a reason
	Full                      // no room
	Duplicate                 // another slot, or this one, has the code
)

// Errors of a slot beside those of package panel.
var (
	// ErrDuplicate: the lock has this code already.
	ErrDuplicate = fault.New(fault.Conflict, "lock: the lock has this code already").
			Hinted("Choose another code, or clear the slot that has it at the lock.")
	// ErrFull: the lock has no room.
	ErrFull = fault.New(fault.Conflict, "lock: no room for another code")
	// ErrIgnored: the lock took the command and kept what it had.
	ErrIgnored = fault.New(fault.Conflict, "lock: the lock ignored the code").
			Hinted("Locks do so with a code that another slot has, or that is too simple. Choose another code.")
)
