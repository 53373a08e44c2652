package powermanage

import (
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

const (
	writable = panel.FieldCode | panel.FieldLabel
	readable = panel.FieldLabel | panel.FieldRole | panel.FieldPartitions

	// masterSlot is the master user's slot.
	masterSlot = 1
	// removed is the code that takes a user's code away.
	removed = "0000"
	// linger bounds an unused session: how long the server keeps one is not published.
	linger = 5 * time.Minute
	// lag is how late the list of users may show a change: whether it comes from the panel
	// or from the server's memory is not published.
	lag = 30 * time.Second
)

// Visonic is the widest PowerMaster panel: a Master in slot 1 that cannot be removed,
// Users, codes of four digits, and at most three partitions.
func Visonic() panel.Model {
	return panel.Model{
		Kind: panel.Visonic, Vendor: "Visonic", Name: "PowerMaster",
		Create: writable, Change: writable, Read: readable,
		Sight: panel.Presence, Duress: panel.DuressPerPanel,
		Slots: panel.Slots{First: 1, Last: 48}, MasterSlot: masterSlot, Secret: masterSlot,
		Roles: []panel.Role{panel.Master, panel.User}, RoleFromPanel: true,
		Partitions: 3,
		Code:       panel.CodeRule{Lens: []int{4}, Unique: true, Never: []string{removed}, Defaults: []string{"1111"}},
		Label:      panel.LabelRule{Max: 32, Default: "User %d"},
		Linger:     linger, Lag: lag,
		Evidence: "users, features and status published from PowerMaster panels (REST 9.0 and 14.0) and documented (10.0); set_user_code and set_name reported to work on a PowerMaster-10; " +
			"limits from manuals and from the server; the length of a label is not published; not run against a server of the maker",
	}
}

// NeoR is the profile of NeoR panels behind this interface. The roles are the
// product's; limits, and what can be written, are what the server says. Nothing public
// shows such a panel here: its slot numbers and its names of roles are unproven, and every
// write is experimental.
func NeoR() panel.Model {
	roles, _ := panel.RolesOf(panel.NeoR)
	return panel.Model{
		Kind: panel.NeoR, Vendor: "DSC", Name: "NeoR over PowerManage",
		Create: writable, Change: writable, Read: readable, Experimental: writable,
		Sight: panel.Presence, Duress: panel.DuressPerUser,
		Slots: panel.Slots{First: 1, Last: 1000}, MasterSlot: masterSlot, Secret: masterSlot,
		Roles: roles, RoleFromPanel: true,
		Partitions: 32,
		Code:       panel.CodeRule{Lens: []int{4, 6, 8}, Unique: true, Never: []string{removed, "000000", "00000000"}},
		Label:      panel.LabelRule{Max: 32, Default: "User %d"},
		Linger:     linger, Lag: lag,
		Evidence: "unverified: no public source shows a NeoR panel behind this interface; limits come from the server",
	}
}

// DualPath is the profile of PowerSeries panels behind a dual-path communicator: they
// know the role Master alone, and it is the usual one. Nothing public shows such a panel
// here; whether it has slots at all is unproven, and every write is experimental.
func DualPath() panel.Model {
	return panel.Model{
		Kind: panel.DualPath, Vendor: "DSC", Name: "PowerSeries Dual Path",
		Create: writable, Change: writable, Read: readable, Experimental: writable,
		Sight: panel.Presence,
		Slots: panel.Slots{First: 1, Last: 95},
		Roles: []panel.Role{panel.Master}, DefaultRole: panel.Master,
		Partitions: 8,
		Code:       panel.CodeRule{Lens: []int{4, 6}, Unique: true, Never: []string{removed, "000000"}},
		Label:      panel.LabelRule{Max: 32, Default: "User %d"},
		Linger:     linger, Lag: lag,
		Evidence: "unverified: a licence names the family and the product its only role; limits come from the server",
	}
}

// Qolsys is the profile of IQ panels behind this interface, to be combined with the route
// of package panel/qolsys, which sees a mark of each code and hears of changes. The roles are
// the product's. Nothing public shows such a panel here: whether the server's numbers of
// users are the panel's is unproven, and every write is experimental. panel.Combine writes
// nothing of a second route before both lists agree; that of a code it cannot check.
func Qolsys() panel.Model {
	roles, _ := panel.RolesOf(panel.Qolsys)
	return panel.Model{
		Kind: panel.Qolsys, Vendor: "Qolsys", Name: "IQ Panel over PowerManage",
		Create: writable, Change: writable, Read: readable, Experimental: writable,
		Sight: panel.Presence, Duress: panel.DuressPerPartition,
		Slots: panel.Slots{First: 1, Last: 1000}, MasterSlot: masterSlot, Secret: masterSlot,
		Reserved: []int{240, 241, 242, 243, 244, 245}, // duress users, installer and dealer
		Roles:    roles, RoleFromPanel: true,
		Partitions: 4,
		Code: panel.CodeRule{
			Lens: []int{4, 6}, Unique: true, Never: []string{removed, "000000"},
			Defaults: []string{"1234", "1111", "2222", "123400", "111100", "222200"}, Recode: panel.RecodeAppend,
		},
		Label:  panel.LabelRule{Max: 32, Default: "User %d"},
		Linger: linger, Lag: lag,
		Evidence: "unverified: the product hosts the family, no public source shows such a panel behind this interface, and its numbering is unproven; limits come from the server",
	}
}

// The features of users that the server names, as far as there is a call for them. Taking
// a user away, UEF_REMOVE_USER, is not among them: it is tried, and the server's to refuse.
const (
	featureCode   = "UEF_CODE"
	featureLabel  = "UEF_LABEL"
	featureCreate = "UEF_CREATE_USER"
)

// editable are the fields that a list of features lets change.
func editable(features []string) panel.Field {
	var f panel.Field
	if slices.Contains(features, featureCode) {
		f |= panel.FieldCode
	}
	if slices.Contains(features, featureLabel) {
		f |= panel.FieldLabel
	}
	return f
}

// narrow cuts a family's model down to what the server says of one panel. Versions that
// say nothing about users leave the family's: their calls were reported to work without.
func narrow(m panel.Model, f featureSet, l userList) panel.Model {
	if u := f.User; u != nil && u.Features != nil {
		m.Change &= editable(u.Features)
		switch {
		case !slices.Contains(u.Features, featureCreate):
			m.Create = 0
		default:
			m.Create &= panel.FieldCode | m.Change
		}
	}
	if u := f.User; u != nil && len(u.CodeLens) > 0 {
		lens := slices.DeleteFunc(slices.Clone(m.Code.Lens), func(n int) bool { return !slices.Contains(u.CodeLens, n) })
		if len(lens) > 0 {
			m.Code.Lens = lens
		} else { // codes of this length are not the family's: none is written
			m.Create, m.Change = 0, m.Change&^panel.FieldCode
		}
	}
	if p := f.Partitions; p != nil {
		m.Partitions = min(m.Partitions, max(0, p.Max))
		if !p.Enabled || m.Partitions == 0 {
			m.Partitions = 0
			m.Read &^= panel.FieldPartitions
		}
	}
	if l.Max > 0 {
		m.Slots.Last = min(m.Slots.Last, l.Max)
	}
	outside := func(slot int) bool { return slot < m.Slots.First || slot > m.Slots.Last || slot == m.MasterSlot }
	reserved := slices.Sorted(slices.Values(slices.Concat(m.Reserved, l.Reserved)))
	m.Reserved = slices.DeleteFunc(slices.Compact(reserved), outside)
	if len(m.Reserved) == 0 {
		m.Reserved = nil
	}
	if !l.roles(m) {
		m.Read &^= panel.FieldRole
	}
	m.Experimental &= m.Writes()
	return m
}

// roleOf is a user's role, "" where the server does not say it in a known word. Before
// version 14.0 it says none: on Visonic panels slot 1 is the Master and nobody else.
func roleOf(m panel.Model, u user) panel.Role {
	var r panel.Role
	switch {
	case u.Role == "MASTER_USER":
		r = panel.Master
	case u.Role == "USER":
		r = panel.User
	case u.Role != "":
		return ""
	case m.Kind == panel.Visonic && u.ID == m.MasterSlot:
		r = panel.Master
	case m.Kind == panel.Visonic:
		r = panel.User
	}
	if m.Kind == panel.DualPath {
		r = panel.Master // there is no other
	}
	if !m.Allows(r) {
		return ""
	}
	return r
}

// partitionsOf are a user's partitions. -1 stands for the whole panel.
func partitionsOf(m panel.Model, u user) panel.Partitions {
	if slices.Contains(u.Partitions, wholePanel) {
		return m.AllPartitions()
	}
	return panel.PartitionsOf(u.Partitions...) & m.AllPartitions()
}

// familyOf is the kind that the server's type of a panel means; "" for a word that no
// source explains.
func familyOf(kind string) panel.Kind {
	if strings.EqualFold(kind, "POWER_MASTER") {
		return panel.Visonic
	}
	return ""
}
