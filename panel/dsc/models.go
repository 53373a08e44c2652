package dsc

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// hold is how long keypads may be locked out by a programming session.
const hold = 15 * time.Second

const (
	writable   = panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions
	maxSlots   = 1000
	maxAreas   = 32
	masterSlot = 1 // the Master's slot on every ITv2 panel
)

// Roles lists what a DSC panel calls its users: Master (slot 1, always), Supervisor
// (manages every code but the Master's), User, One-time User (disarms once a day, until
// midnight or until the Master keys the code again: not once for ever) and Duress (works
// like a User's code, reports silently, opens no menu).
func Roles() []panel.Role {
	return []panel.Role{panel.Master, panel.Supervisor, panel.User, panel.OneTime, panel.DuressRole}
}

// Widest is what the driver says before it knows which panel it meets: every limit at
// its largest.
func Widest() panel.Model {
	return neo("ITv2", maxSlots, maxAreas, []int{4, 6, 8},
		"limits from the panel itself; layouts from public programs, no capture of the user commands, not run on hardware")
}

// NeoR is the profile of NeoR panels. No public paper says what they are or that they
// speak ITv2: the roles are the product's, the limits come from the panel, and nothing
// is verified.
func NeoR() panel.Model {
	m := Widest()
	m.Kind, m.Name = panel.NeoR, "NeoR"
	m.Experimental = writable
	m.Evidence = "unverified: no public source describes NeoR; limits come from the panel's own capabilities"
	return m
}

func neo(name string, slots, partitions int, lens []int, evidence string) panel.Model {
	return panel.Model{
		Kind: panel.DSC, Vendor: "DSC", Name: name,
		Create: writable, Change: writable,
		Read:         panel.FieldLabel | panel.FieldRole | panel.FieldPartitions | panel.FieldLegacyTags,
		Experimental: panel.FieldLabel,
		Sight:        panel.Presence,
		Duress:       panel.DuressPerUser,
		Slots:        panel.Slots{First: 1, Last: slots},
		MasterSlot:   masterSlot, Secret: masterSlot,
		Roles:         Roles(),
		RoleFromPanel: true,
		CallsIn:       true,
		Partitions:    partitions,
		Code:          panel.CodeRule{Lens: lens, Unique: true, Defaults: []string{"1234", "123456"}},
		Label:         panel.LabelRule{Max: itv2.LabelUnits, Default: "User %d"},
		Hold:          hold,
		Evidence:      evidence,
	}
}

func pro(name string, slots, partitions int) panel.Model {
	m := neo(name, slots, partitions, []int{4, 6, 8},
		"expected, unverified: manuals for the limits; the only field report shows the on-board communicator speaking HTTP instead of ITv2")
	m.Experimental = writable
	return m
}

// classic has the limits of a panel that has no ITv2: its users are set at a keypad.
func classic(name string, slots, partitions int) panel.Model {
	m := neo(name, slots, partitions, []int{4, 6},
		"no ITv2: the only public interfaces are key strings without read-back, so nothing is written; limits for firmware 4.2 and later")
	m.Create, m.Change, m.Read, m.Experimental = 0, 0, 0, 0
	m.Sight = panel.Hidden
	m.MasterSlot, m.Secret = 40, 0
	m.Code.Near = 1
	m.Label = panel.LabelRule{}
	m.Hold = 0
	return m
}

// classicFixed is a classic panel before firmware 4.2: 32 users, then slots with a fixed
// use: 33 and 34 duress, 40 master, 41 and 42 supervisors (partition masters before 1.2).
func classicFixed() panel.Model {
	m := classic("PowerSeries before 4.2", 42, 8)
	m.Reserved = []int{35, 36, 37, 38, 39}
	m.Evidence = "no ITv2, nothing is written; slot map for firmware 1.0 to 4.1 as installers describe it"
	return m
}

// Models lists the panels whose limits are known, by the names that [Key] takes. The
// panel's own capabilities narrow them.
func Models() []panel.Model {
	short, long := []int{4, 6}, []int{4, 6, 8}
	const manuals = "limits from manuals; partitions inferred from the name; user commands exercised by one public program's author against an HS2032"
	return []panel.Model{
		Widest(),
		neo("HS2016", 48, 2, long, manuals),
		neo("HS2032", 72, 4, long, manuals),
		neo("HS2064", 95, 8, short, manuals),
		neo("HS2128", 95, 8, short, manuals),
		neo("HS2064E", 500, 8, long, manuals),
		neo("HS2128E", 1000, 8, long, manuals),
		pro("HS3032", 72, 4),
		pro("HS3128", 1000, 8),
		pro("HS3248", 1000, 32),
		NeoR(),
		classic("PC1616", 48, 2),
		classic("PC1832", 72, 4),
		classic("PC1864", 95, 8),
		classicFixed(),
	}
}

// modelNamed finds a model of the listener's kind that ITv2 can reach, or [ErrModel].
// "" is the widest.
func modelNamed(name string, neoR bool) (panel.Model, error) {
	all := Models()
	if neoR {
		all = []panel.Model{NeoR()}
	} else {
		all = slices.DeleteFunc(all, func(m panel.Model) bool { return m.Kind == panel.NeoR || m.Writes() == 0 })
	}
	if name == "" {
		return all[0], nil
	}
	i := slices.IndexFunc(all, func(m panel.Model) bool { return m.Name == name })
	if i < 0 {
		return panel.Model{}, ErrModel
	}
	return all[i], nil
}

// narrow cuts a model down to what the panel says of itself and to what this line may do.
func narrow(m panel.Model, caps itv2.Capabilities, weak error, disclose bool) panel.Model {
	if caps.Users > 0 {
		m.Slots.Last = min(m.Slots.Last, caps.Users)
	}
	if caps.Partitions > 0 {
		m.Partitions = min(m.Partitions, caps.Partitions)
	}
	if disclose {
		m = disclosing(m)
	}
	if weak != nil {
		m.Create, m.Change, m.Experimental = 0, 0, 0
		m.Read, m.Sight, m.Label = 0, panel.Hidden, panel.LabelRule{}
	}
	return m
}

// disclosing is a model whose codes are read.
func disclosing(m panel.Model) panel.Model {
	m.Sight = panel.Value
	m.Read |= panel.FieldCode
	return m
}

// roleFlags are the attributes that make a role.
const roleFlags = itv2.FlagSupervisor | itv2.FlagDuress | itv2.FlagOneTime

// roleOf derives a role from slot and attributes. Papers leave open which attribute wins
// where several are set; the one that changes most what a code does wins here.
func roleOf(slot int, flags byte) panel.Role {
	switch {
	case slot == masterSlot:
		return panel.Master
	case flags&itv2.FlagDuress != 0:
		return panel.DuressRole
	case flags&itv2.FlagOneTime != 0:
		return panel.OneTime
	case flags&itv2.FlagSupervisor != 0:
		return panel.Supervisor
	}
	return panel.User
}

// withRole sets a role in attributes and keeps every other bit, also those whose
// meaning nobody knows.
func withRole(flags byte, r panel.Role) byte {
	flags &^= roleFlags
	switch r {
	case panel.DuressRole:
		flags |= itv2.FlagDuress
	case panel.OneTime:
		flags |= itv2.FlagOneTime
	case panel.Supervisor:
		flags |= itv2.FlagSupervisor
	}
	return flags
}
