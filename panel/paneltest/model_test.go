package paneltest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

func sane() panel.Model {
	fields := panel.FieldCode | panel.FieldLabel | panel.FieldPartitions
	return panel.Model{
		Kind: "toy", Vendor: "Toy", Name: "Toy 9", Evidence: "A toy.",
		Create: fields, Change: fields, Read: fields, Hands: panel.FieldLegacyTags, Sight: panel.Presence,
		Slots: panel.Slots{First: 1, Last: 9}, MasterSlot: 1, Reserved: []int{2},
		Roles: []panel.Role{panel.Master, panel.User}, DefaultRole: panel.User, Partitions: 4,
		Code: panel.CodeRule{Lens: []int{4, 6}}, Label: panel.LabelRule{Max: 8, Default: "User %d"},
		Guides: []panel.Guide{{Set: panel.FieldLegacyTags, Language: "en", Steps: []string{"Press [*][5]."}, Evidence: "Manual."}},
	}
}

// Rules: D2
func TestModelsThatContradictThemselvesAreFound(t *testing.T) {
	require.NoError(t, checkModel(sane()))
	for says, spoil := range map[string]func(*panel.Model){
		"Vendor and Name":        func(m *panel.Model) { m.Vendor = "" },
		"Evidence":               func(m *panel.Model) { m.Evidence = "" },
		"does not know":          func(m *panel.Model) { m.Read |= 1 << 15 },
		"which Create lacks":     func(m *panel.Model) { m.Change |= panel.FieldRole },
		"no credential":          func(m *panel.Model) { m.Create, m.Change = panel.FieldLabel, panel.FieldLabel },
		"in Hands and can":       func(m *panel.Model) { m.Hands = panel.FieldLabel },
		"not in Hands":           func(m *panel.Model) { m.HandsOnce = panel.FieldRole },
		"the code is in":         func(m *panel.Model) { m.Hands, m.HandsOnce = panel.FieldCode, panel.FieldCode },
		"Experimental":           func(m *panel.Model) { m.Experimental = panel.FieldRole },
		"are none":               func(m *panel.Model) { m.Slots = panel.Slots{First: 3, Last: 2} },
		"where there are none":   func(m *panel.Model) { m.Slots = panel.Slots{} },
		"Slots begin":            func(m *panel.Model) { m.Slots.First = -1 },
		"MasterSlot 10":          func(m *panel.Model) { m.MasterSlot = 10 },
		"Secret 10":              func(m *panel.Model) { m.Secret = 10 },
		"Reserved slot 1":        func(m *panel.Model) { m.Reserved = []int{1} },
		"no Roles":               func(m *panel.Model) { m.Roles, m.DefaultRole = nil, "" },
		"there twice":            func(m *panel.Model) { m.Roles = []panel.Role{panel.User, panel.User} },
		"DefaultRole":            func(m *panel.Model) { m.DefaultRole = panel.Guest },
		"65 Partitions":          func(m *panel.Model) { m.Partitions = 65 },
		"no Partitions to write": func(m *panel.Model) { m.Partitions = 0 },
		"no Code.Lens":           func(m *panel.Model) { m.Code.Lens = nil },
		"do not rise":            func(m *panel.Model) { m.Code.Lens = []int{4, 4} },
		"17 digits":              func(m *panel.Model) { m.Code.Lens = []int{17} },
		"is no code":             func(m *panel.Model) { m.Code.Never = []string{"abcd"} },
		"Near":                   func(m *panel.Model) { m.Code.Near = -1 },
		"Label.Max is 0":         func(m *panel.Model) { m.Label = panel.LabelRule{} },
		"Charset":                func(m *panel.Model) { m.Label.Charset = "latin1" },
		"exactly one %d":         func(m *panel.Model) { m.Label.Default = "User" },
		"longer than":            func(m *panel.Model) { m.Label.Max = 5 },
		"Sight":                  func(m *panel.Model) { m.Sight = panel.Value + 1 },
		"Duress":                 func(m *panel.Model) { m.Duress = panel.DuressByEvent + 1 },
		"Create has no tags":     func(m *panel.Model) { m.Codeless = true; m.Create, m.Change = panel.FieldCode, panel.FieldCode },
		"DoorRole":               func(m *panel.Model) { m.DoorRole = panel.Guest },
		"Lag is negative":        func(m *panel.Model) { m.Lag = -time.Second },
		"a guide sets":           func(m *panel.Model) { m.Guides[0].Set = panel.FieldLocks },
		"lacks Language":         func(m *panel.Model) { m.Guides[0].Language = "" },
		"step of a guide holds":  func(m *panel.Model) { m.Guides[0].Steps = []string{"Enter 1234."} },
		"does not survive JSON":  func(m *panel.Model) { m.Reserved = []int{} },
	} {
		m := sane()
		spoil(&m)
		assert.ErrorContains(t, checkModel(m), says)
	}
}

// Rules: D2
func TestSessionsWiderThanTheirDriverAreFound(t *testing.T) {
	require.NoError(t, checkNarrower(sane(), sane()))
	narrow := sane()
	narrow.Create, narrow.Change, narrow.Read, narrow.Sight = panel.FieldCode, panel.FieldCode, 0, panel.Acked
	narrow.Slots.Last, narrow.Partitions, narrow.Roles, narrow.Code.Lens = 5, 1, narrow.Roles[:1], narrow.Code.Lens[:1]
	require.NoError(t, checkNarrower(sane(), narrow))
	for what, widen := range map[string]func(*panel.Model){
		"Kind":              func(m *panel.Model) { m.Kind = "other" },
		"Create":            func(m *panel.Model) { m.Create |= panel.FieldRole },
		"Change":            func(m *panel.Model) { m.Change |= panel.FieldRole },
		"Read":              func(m *panel.Model) { m.Read |= panel.FieldRole },
		"Sight":             func(m *panel.Model) { m.Sight++ },
		"the kind of place": func(m *panel.Model) { m.Slots = panel.Slots{} },
		"Slots":             func(m *panel.Model) { m.Slots.Last++ },
		"Partitions":        func(m *panel.Model) { m.Partitions++ },
		"Label.Max":         func(m *panel.Model) { m.Label.Max++ },
		"Hold":              func(m *panel.Model) { m.Hold++ },
		"Roles":             func(m *panel.Model) { m.Roles = append(m.Roles, panel.Guest) },
		"Code.Lens":         func(m *panel.Model) { m.Code.Lens = append(m.Code.Lens, 8) },
	} {
		m := sane()
		widen(&m)
		err := checkNarrower(sane(), m)
		require.ErrorIs(t, err, panel.ErrDriver)
		assert.ErrorContains(t, err, what+" is wider")
	}
}

// Rules: D4
func TestReportsThatSayTooMuchAreFound(t *testing.T) {
	m := sane()
	m.Sight, m.Read = panel.Value, m.Read|panel.FieldRole
	good := panel.Report{Place: panel.Place{Slot: 3}, Exists: true, Sight: panel.Presence, Known: panel.FieldLabel | panel.FieldRole, Editable: panel.FieldCode, Values: panel.Values{Label: "Side", Role: panel.User}}
	require.NoError(t, checkReport(m, good, false))
	disclosed := good
	require.NoError(t, disclosed.Code.UnmarshalText([]byte("4871")))
	disclosed.Known |= panel.FieldCode
	disclosed.Sight = panel.Value
	require.NoError(t, checkReport(m, disclosed, true))
	require.ErrorContains(t, checkReport(m, disclosed, false), "discloses")
	for says, spoil := range map[string]func(*panel.Report){
		"exactly one":         func(r *panel.Report) { r.ID = "x" },
		"no such slot":        func(r *panel.Report) { r.Slot = 10 },
		"sees more":           func(r *panel.Report) { r.Sight = panel.Value + 1 },
		"Mark without":        func(r *panel.Report) { r.Mark = []byte{1} },
		"without a Mark":      func(r *panel.Report) { r.Sight = panel.Marked },
		"not in Model.Read":   func(r *panel.Report) { r.Known |= panel.FieldLocks },
		"not Known":           func(r *panel.Report) { r.Code = disclosed.Code },
		"not in Model.Change": func(r *panel.Report) { r.Editable = panel.FieldRole },
		"is editable":         func(r *panel.Report) { r.Exists = false },
		"partitions":          func(r *panel.Report) { r.Known |= panel.FieldPartitions; r.Partitions = 1 << 5 },
		"none of Model.Roles": func(r *panel.Report) { r.Role = panel.Guest },
	} {
		r := good
		spoil(&r)
		assert.ErrorContains(t, checkReport(m, r, false), says)
	}
}

func TestSecretsAreFoundAsWords(t *testing.T) {
	for text, want := range map[string]bool{
		"code 4871 is taken": true, "4871": true, `{"code":"4871"}`: true, "=4871": true,
		"48710": false, "0xc0004871": false, "a4871": false, "": false, "4871x, then 4871": true,
	} {
		assert.Equal(t, want, tells(text, "4871"), text)
	}
	assert.False(t, tells("slot 12", "12"), "what is too short to be told from a number is let pass")
}
