package paneltest

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Sim is a simulated panel, driven without knowing its maker. It keeps the panel's own
// rules, speaks the panel's own bytes with an encoder of its own, and is the truth that
// tests ask. All methods are safe for concurrent use.
type Sim interface {
	// Serve lives until ctx ends: it listens, or calls in again and again.
	Serve(ctx context.Context) error
	// Users is what the panel holds now, in order of place: the existing users only.
	Users() []User
	// Keypad is a person at the wall doing what an edit says, with the panel's rules but
	// without a driver. It returns the panel's refusal.
	Keypad(e panel.Edit) error
	// Fault arms a fault; it stays armed for Fault.Times occasions.
	Fault(f Fault)
	// Quirk switches a named reading of a fact that public sources leave open.
	// It returns false if the simulator has no such quirk.
	Quirk(name string, on bool) bool
	// Quirks lists the names.
	Quirks() []string
}

// User is a user as the simulated panel holds it, digits included: tests need them to
// ask which codes open.
type User struct {
	panel.Place
	Code       string
	Label      string
	Role       panel.Role
	Partitions panel.Partitions
	Tags       int // enrolled tags
	Keypads    []string
	Locks      []string
	Window     panel.Window
}

// Fault is something that goes wrong, the same for every maker. The zero Times means once.
type Fault struct {
	Do    FaultKind
	Times int           // occasions before it is over
	After int           // messages to let pass first, counted from now
	For   time.Duration // of Delay, Busy, Lockout
	Field panel.Field   // of Refuse
	Slot  int           // of Refuse: only this slot, 0 any
}

// FaultKind is the closed list of faults.
type FaultKind uint8

// The faults. "Message" is one frame, request or reply that the simulator sends.
const (
	NoFault     FaultKind = iota
	Drop                  // a message is not sent
	Delay                 // a message is sent after For
	Corrupt               // a message is damaged on its way
	Duplicate             // a message is sent twice
	Late                  // the answer to a write comes after the driver has given up on it
	Refuse                // a write of Field is refused
	Busy                  // edits are refused as busy, for For
	WrongSecret           // our code or key is refused
	Armed                 // the panel is armed: edits are refused, until Disarm
	Disarm                // ends Armed
	Cut                   // the connection ends after After messages
	CutBefore             // the connection ends instead of the answer to the next write that was carried out
	Lockout               // we are locked out, for For
	Away                  // the panel is unplugged, until Back
	Back                  // ends Away
)

// Exclusive is implemented by the simulator of a panel whose model has a Hold: such a
// panel locks its keypads out while a driver programs it.
type Exclusive interface {
	// Held is the longest time for which keypads were locked out at a stretch so far.
	Held() time.Duration
}
