package qolsys

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

const (
	visible    = panel.FieldLabel | panel.FieldRole | panel.FieldPartitions | panel.FieldFrom | panel.FieldUntil
	byHand     = panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions | panel.FieldUntil
	masterSlot = 1
	usualSlots = 242
	proSlots   = 1000
	maxAreas   = 4
	// maxLabel is for first and last name together. No limit is published for panels after
	// the first; this one only bounds what a wish may ask of somebody at the keypad.
	maxLabel = 40
)

// linger is how long an unused session on Control4 may stay: the panel drops a silent
// link after about five minutes.
const linger = 4 * time.Minute

// Roles lists what a Qolsys panel calls its users. DwellerMaster is a role of the product;
// no public source shows it on a wire, and what it may do is unknown. A role is fixed when
// the user is created: another role means another user.
func Roles() []panel.Role {
	roles, _ := panel.RolesOf(panel.Qolsys)
	return roles
}

// Manages reports whether whoever has a code of one rank may add, change and remove users of
// another at the keypad. The ranks are dealer, installer, master, and everybody else: a
// rank manages its own and those below, and of the lowest nobody manages anybody, as the
// menu is in the settings that only the others reach. A duress user is managed from the
// installer upwards: no other way is published. Sources: the user management page of IQ Pro
// at alarmsystemstore.com, Brinks Home help, IQ Panel, Add User Code and Programming Duress
// Code.
func Manages(by, of panel.Role) bool {
	ranks := []panel.Role{panel.Master, panel.Installer, panel.Dealer}
	if of == panel.DuressRole {
		of = panel.Installer
	}
	return slices.Contains(ranks, by) && slices.Index(ranks, by) >= slices.Index(ranks, of)
}

// Widest is what the driver says before it knows which panel it meets.
func Widest() panel.Model {
	return model("IQ Panel", proSlots, []int{4, 6},
		"list and marks as public programs read them from panels; a user's change notice is inferred; no write is public; not run on hardware")
}

func model(name string, slots int, lens []int, evidence string) panel.Model {
	defaults := []string{"1234", "1111", "2222"}
	if slices.Contains(lens, 6) {
		defaults = append(defaults, "123400", "111100", "222200")
	}
	// On panels with more numbers the duress codes of further partitions lie among them.
	reserved := []int{240, 241, 242}
	if slots > usualSlots {
		reserved = append(reserved, 243, 244, 245)
	}
	return panel.Model{
		Kind: panel.Qolsys, Vendor: "Qolsys", Name: name,
		Read: visible, Hands: byHand, HandsOnce: panel.FieldRole,
		Sight: panel.Marked, Duress: panel.DuressPerPartition,
		Slots: panel.Slots{First: 1, Last: slots}, MasterSlot: masterSlot, Reserved: reserved,
		Roles: Roles(), Partitions: maxAreas,
		Code:     panel.CodeRule{Lens: lens, Unique: true, Defaults: defaults, Recode: panel.RecodeAppend},
		Label:    panel.LabelRule{Max: maxLabel},
		Guides:   guides(),
		Evidence: evidence,
	}
}

// firstPanel cannot be reached: IQ Remote came with its successor.
func firstPanel() panel.Model {
	m := model("IQ Panel (first)", usualSlots, []int{4},
		"limits from manuals and the code table of True Protection; no interface is known, so nothing is read")
	m.Read, m.Sight = 0, panel.Hidden
	m.Partitions = 0
	m.Hands &^= panel.FieldPartitions
	m.Duress = panel.DuressPerPanel
	m.Label = panel.LabelRule{Max: 10}
	m.Code.Recode = panel.RecodeNone
	m.Guides = firstGuides()
	return m
}

// Models lists the panels whose limits are known.
func Models() []panel.Model {
	const (
		manuals = "limits from the manual and the code table of True Protection; IQ Remote as public programs speak it; no write is public"
		expects = "limits from the manual and the code table of True Protection; expected to speak IQ Remote as its siblings do, not seen; no write is public"
	)
	both := []int{4, 6}
	return []panel.Model{
		Widest(),
		firstPanel(),
		model("IQ Panel 2", usualSlots, both, expects+"; six digits from firmware 2.3.0"),
		model("IQ Panel 2 Plus", usualSlots, both, manuals),
		model("IQ Panel 4", usualSlots, both, manuals),
		model("IQ4 Hub", usualSlots, both, manuals),
		model("IQ4 NS", usualSlots, both, expects),
		model("IQ5 Hub", usualSlots, both, manuals),
		model("IQ Pro", proSlots, both, expects+"; which numbers above 242 are the panel's own is inferred"),
	}
}

// products are the boards that panels name when a remote joins, as they were captured.
// The board of IQ Pro is not known.
func products(board string) string {
	switch board {
	case "msm8226":
		return "IQ Panel 2 Plus"
	case "msm8953_64":
		return "IQ Panel 4"
	case "bengal":
		return "IQ5 Hub"
	}
	return ""
}

// modelOf is the model of the panel that names this board: [Widest] for an unknown one.
func modelOf(board string) panel.Model {
	name := products(board)
	all := Models()
	if i := slices.IndexFunc(all, func(m panel.Model) bool { return m.Name == name }); i >= 0 {
		return all[i]
	}
	return all[0]
}

// stateOnly is the model of the route that sees no user.
func stateOnly() panel.Model {
	m := Widest()
	m.Name = "IQ Panel, state only"
	m.Read, m.Hands, m.HandsOnce, m.Sight = 0, 0, 0, panel.Hidden
	m.Label, m.Guides = panel.LabelRule{}, nil
	m.Linger = linger
	m.Evidence = "summary and state as several public programs read them from panels; this interface knows no users"
	return m
}
