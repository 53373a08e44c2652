package visonic

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// hold is how long a panel may be kept in download mode, where its keypads do not work.
const hold = 15 * time.Second

const (
	masterSlot = 1 // the Master's slot on every panel; it cannot be erased
	codeLen    = 4
)

// Panel is one kind of Visonic panel: what it is, and what cannot be said in a model.
type Panel struct {
	// Types are the numbers by which panels of this kind name themselves.
	Types []byte
	// Model is the panel as the Frames route reads it.
	Model panel.Model
	// Latchkey are the slots whose users may be latchkey (child) users: arming with one of
	// their codes in latchkey mode reports the disarming. It is a property of the slot and
	// no role. Zero where no manual says.
	Latchkey panel.Slots
	// Tags is how many proximity tags the panel takes; tag n is the tag of user n and has
	// that user's partitions.
	Tags int
	// Clock says how the panel's clock is read.
	Clock string

	codes    int  // address of the codes in the EPROM, 0: read as a setting
	messages bool // speaks PowerMaster messages
}

const (
	noClock     = "not read: no public source says where a PowerMax tells its clock"
	statusClock = "status message 24: wall clock to the second, without a zone; layout read off two captures"
)

// Panels lists every kind of panel that is known, by type. Each model says what stands
// behind it. The duress code is one setting of the panel (factory default 2580, 0000 turns
// it off), belongs to no user, and is neither read nor shown here.
func Panels() []Panel {
	const (
		eprom  = "slots, latchkey range and code rules from the user and installer guides; codes at EPROM address 01FA, documented in four public programs, one of them with a log; not run on hardware here"
		eprom3 = eprom + "; three partitions by two of three programs"
		m10    = "codes at EPROM address 0A98 and partitions by message 42 from public programs, the latter captured from a PowerMaster-10; limits from guide D-304829; older firmware has no partitions (D-303223), and the panel says whether they are on; not run on hardware here"
		m30    = "settings 08 and E2 captured from a PowerMaster-10, documented for this panel; limits from guide D-304829; not run on hardware here"
		m360   = "as PowerMaster-30, without a serial port; latchkey range unknown; not run on hardware here"
		latch  = 5
		latch2 = 23
	)
	return []Panel{
		powerMax("PowerMax", 0, 0, 0, eprom),
		powerMax("PowerMax+", 1, 0, 0, eprom),
		powerMax("PowerMax Pro", 2, 8, 0, eprom),
		powerMax("PowerMax Complete", 3, 0, 0, eprom),
		powerMax("PowerMax Pro Part", 4, 8, 3, eprom3),
		powerMax("PowerMax Complete Part", 5, 8, 3, eprom3),
		powerMax("PowerMax Express", 6, 0, 0, eprom),
		powerMaster("PowerMaster-10", 8, 8, panel.Slots{First: latch, Last: 8}, powerlink.CodesPowerMaster, m10, 7),
		powerMaster("PowerMaster-30", 48, 32, panel.Slots{First: latch2, Last: 32}, 0, m30, 8),
		powerMaster("PowerMaster-33", 48, 32, panel.Slots{First: latch2, Last: 32}, 0, m30, 10, 15),
		powerMaster("PowerMaster-360", 48, 32, panel.Slots{}, 0, m360, 13),
		powerMaster("PowerMaster-360R", 48, 32, panel.Slots{}, 0, m360, 16),
	}
}

func base(name, evidence string) panel.Model {
	roles, _ := panel.RolesOf(panel.Visonic)
	return panel.Model{
		Kind: panel.Visonic, Vendor: "Visonic", Name: name,
		Read:  panel.FieldRole,
		Hands: panel.FieldCode,
		Sight: panel.Presence, Duress: panel.DuressPerPanel,
		MasterSlot: masterSlot, Roles: roles, RoleFromPanel: true,
		Code:     panel.CodeRule{Lens: []int{codeLen}, Unique: true, Never: []string{"0000"}, Defaults: []string{"1111"}},
		Linger:   time.Minute,
		Evidence: evidence,
	}
}

func powerMax(name string, kind byte, tags, partitions int, evidence string) Panel {
	m := base(name, evidence)
	m.Slots = panel.Slots{First: 1, Last: 8}
	m.Partitions = partitions
	m.Hold = hold
	m.Guides = guides(m)
	return Panel{
		Types: []byte{kind}, Model: m, Latchkey: panel.Slots{First: 5, Last: 8}, Tags: tags, Clock: noClock,
		codes: powerlink.CodesPowerMax,
	}
}

func powerMaster(name string, users, tags int, latchkey panel.Slots, codes int, evidence string, kinds ...byte) Panel {
	m := base(name, evidence)
	m.Slots = panel.Slots{First: 1, Last: users}
	m.Partitions = 3
	m.Read |= panel.FieldPartitions | panel.FieldLegacyTags
	m.Hands |= panel.FieldPartitions
	m.Hold = hold
	m.Guides = guides(m)
	return Panel{Types: kinds, Model: m, Latchkey: latchkey, Tags: tags, Clock: statusClock, codes: codes, messages: true}
}

// widest is a panel that has whatever some panel has.
func widest(name, evidence string) panel.Model {
	p := powerMaster(name, 48, 32, panel.Slots{}, 0, evidence)
	return p.Model
}

// panelOf finds the panel of a type.
func panelOf(kind byte) (Panel, bool) {
	for _, p := range Panels() {
		if slices.Contains(p.Types, kind) {
			return p, true
		}
	}
	return Panel{}, false
}

// unpartitioned is a panel whose partitions are turned off: what it says about the
// partitions of users means nothing then.
func unpartitioned(m panel.Model) panel.Model {
	m.Partitions = 0
	m.Read &^= panel.FieldPartitions
	m.Hands &^= panel.FieldPartitions
	m.Guides = guides(m)
	return m
}

// disclosing is a model whose codes may be told.
func disclosing(m panel.Model) panel.Model {
	m.Sight = panel.Value
	m.Read |= panel.FieldCode
	return m
}
