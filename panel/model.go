package panel

import (
	"slices"
	"time"
)

// Kind is the family that decides which roles there are.
type Kind string

// The kinds that the products name, and access devices.
const (
	DSC      Kind = "dsc"
	NeoR     Kind = "neor"
	Qolsys   Kind = "qolsys"
	DualPath Kind = "dualpath"
	Visonic  Kind = "visonic"
	Access   Kind = "access" // intercoms, readers and locks with a directory of their own
)

// Role is what a panel calls a user's rank. Roles are open strings: a [Model] lists
// those that its panel knows.
type Role string

// The roles that the products name.
const (
	Master        Role = "Master"
	Supervisor    Role = "Supervisor"
	User          Role = "User"
	OneTime       Role = "One-time User" // on DSC: disarms once a day, not once for ever
	DuressRole    Role = "Duress"
	DwellerMaster Role = "DwellerMaster"
	Guest         Role = "Guest"
	Installer     Role = "Installer"
	Dealer        Role = "Dealer"
)

// RolesOf lists the roles of a kind of panel, the highest first, and the role that a new
// user has if nobody names one ("": there is none, and none is invented). One panel may
// have fewer; see [Model.Roles]. Nil for a kind without roles.
func RolesOf(k Kind) (roles []Role, usual Role) {
	switch k {
	case DSC, NeoR:
		return []Role{Master, Supervisor, User, OneTime, DuressRole}, ""
	case Qolsys:
		return []Role{Master, DwellerMaster, User, Guest, Installer, DuressRole, Dealer}, ""
	case DualPath:
		return []Role{Master}, Master
	case Visonic:
		return []Role{Master, User}, ""
	}
	return nil, ""
}

// Protected reports whether changing the code, role or existence of a user with this
// role, or granting it, needs a right of its own.
func (r Role) Protected() bool {
	switch r {
	case Master, DwellerMaster, Supervisor, Installer, Dealer, DuressRole:
		return true
	}
	return false
}

// Sight is how much of a stored code a route can see. Higher sees more.
type Sight uint8

// The grades of sight.
const (
	Hidden   Sight = iota // nothing, not even whether a write arrived
	Acked                 // a write is acknowledged, what is stored is not seen
	Presence              // that there is a code
	Marked                // an opaque mark, equal while the code is the same
	Value                 // the digits
)

// Duress is how a panel knows that somebody is forced.
type Duress uint8

// The ways of duress.
const (
	NoDuress           Duress = iota
	DuressPerPanel            // one setting for the whole panel
	DuressPerPartition        // one code for each partition
	DuressPerUser             // a user is a duress user
	DuressByEvent             // the device reports who opened, and a watched entry raises the alarm: [Opened]
)

// Model says what a panel is and can do. It is plain data: comparable with
// reflect.DeepEqual, stored as JSON, shown to people, checked by the conformance kit.
type Model struct {
	Kind   Kind   `json:"kind"`
	Vendor string `json:"vendor"`
	Name   string `json:"name"`

	Create       Field `json:"create"`                 // settable in the edit that creates a user
	Change       Field `json:"change"`                 // settable later; Create&^Change is create-only
	Read         Field `json:"read"`                   // reported by Read
	Hands        Field `json:"hands,omitempty"`        // only a person at the keypad can set these
	HandsOnce    Field `json:"handsOnce,omitempty"`    // of Hands: only when the user is created
	Experimental Field `json:"experimental,omitempty"` // no public capture proves these writes

	// Codeless: a user may have tags alone. An edit that creates one has no FieldCode, and a
	// report says that it exists.
	Codeless bool `json:"codeless,omitempty"`
	// Tells: a Watch yields [Opened] for whoever opens; so it does with [DuressByEvent].
	Tells bool `json:"tells,omitempty"`
	// DoorRole is the rank of users who open doors and neither arm nor disarm, "": there is
	// none. Kind [Access] needs none.
	DoorRole Role `json:"doorRole,omitempty"`

	Sight  Sight  `json:"sight"`
	Duress Duress `json:"duress,omitempty"`

	// Slots bounds the slot numbers; a zero Last means places have ids, minted by the service.
	Slots Slots `json:"slots,omitzero"`
	// MasterSlot is the slot of the Master, 0 if there is none with a fixed place.
	MasterSlot int `json:"masterSlot,omitempty"`
	// Reserved are slots that nobody may use.
	Reserved []int `json:"reserved,omitempty"`
	// Secret is the slot whose code opens a route, 0 if none: changing that code changes
	// the panel's secret.
	Secret int `json:"secret,omitempty"`

	Roles       []Role `json:"roles"`
	DefaultRole Role   `json:"defaultRole,omitempty"` // "": the panel or the caller says
	// RoleFromPanel: a user that is created without a role gets one from the panel.
	RoleFromPanel bool `json:"roleFromPanel,omitempty"`
	Partitions    int  `json:"partitions,omitempty"` // 0: not supported

	Code  CodeRule  `json:"code"`
	Label LabelRule `json:"label"`

	// CallsIn: the panel dials the driver; nobody can reach it before it does.
	CallsIn bool `json:"callsIn,omitempty"`
	// Hold bounds how long a driver may hold an exclusive mode that locks keypads out.
	Hold time.Duration `json:"hold,omitempty"`
	// Linger bounds how long an unused session may stay open, 0: as long as it lives.
	Linger time.Duration `json:"linger,omitempty"`
	// Lag is how late a report may show a write that succeeded.
	Lag time.Duration `json:"lag,omitempty"`

	Guides   []Guide `json:"guides,omitempty"`   // keypad steps for the fields in Hands
	Evidence string  `json:"evidence,omitempty"` // what proves this model, in a sentence
}

// Slots is a range of slot numbers, both ends included.
type Slots struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// Len is the number of slots.
func (s Slots) Len() int {
	if s.Last < s.First || s.Last == 0 {
		return 0
	}
	return s.Last - s.First + 1
}

// CodeRule is what a panel asks of a code.
type CodeRule struct {
	// Lens are the lengths that the panel can be set to; a panel uses one at a time and
	// reports it in [Facts]. One element: that length.
	Lens []int `json:"lens"`
	// Unique: the panel refuses a code that another user has.
	Unique bool `json:"unique,omitempty"`
	// Never are codes that the panel refuses for everybody (public facts, not secrets).
	Never []string `json:"never,omitempty"`
	// Near is the distance that a duress code keeps from every other code: with 1, a
	// duress code may not be another code plus or minus 1. 0: no such rule.
	Near int `json:"near,omitempty"`
	// Defaults are published factory codes, for advisories and refusals.
	Defaults []string `json:"defaults,omitempty"`
	// Recode says what a change of the code length does to the codes that are there.
	Recode Recode `json:"recode,omitempty"`
}

// Recode is how a change of code length rewrites codes.
type Recode string

// The ways of recoding.
const (
	RecodeNone   Recode = ""       // the panel forgets or keeps them unusable: set them anew
	RecodeAppend Recode = "append" // "00" is appended, and cut off on the way back
)

// LabelRule is what a panel asks of a label.
type LabelRule struct {
	Max     int    `json:"max"`               // characters; 0: labels unsupported
	Charset string `json:"charset,omitempty"` // "": any printable; "ascii"
	Default string `json:"default,omitempty"` // text with %d for the slot: "User %d"
}

// Guide is how a person does by hand what no route can write. Steps hold no code.
type Guide struct {
	Set      Field    `json:"set"`
	Language string   `json:"language"` // BCP 47
	Steps    []string `json:"steps"`
	Evidence string   `json:"evidence"`
}

// Allows reports whether role is one of the model's.
func (m Model) Allows(role Role) bool { return slices.Contains(m.Roles, role) }

// TellsWhoOpened reports whether a Watch yields [Opened].
func (m Model) TellsWhoOpened() bool { return m.Tells || m.Duress == DuressByEvent }

// AllPartitions is the set of every partition of the panel.
func (m Model) AllPartitions() Partitions { return FirstPartitions(m.Partitions) }

// Writes is every field that some edit can set.
func (m Model) Writes() Field { return m.Create | m.Change }
