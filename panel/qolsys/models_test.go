package qolsys

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

func named(t *testing.T, name string) panel.Model {
	t.Helper()
	for _, m := range Models() {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no model %q", name)
	return panel.Model{}
}

// Rules: R31
func TestRoles(t *testing.T) {
	assert.ElementsMatch(t, []panel.Role{"Master", "DwellerMaster", "User", "Guest", "Installer", "Duress", "Dealer"}, Roles())
}

// Rules: D2, D16, D17, D20
func TestModels(t *testing.T) {
	for name, want := range map[string]struct {
		users, label int
		lens         []int
	}{
		"IQ Panel (first)": {242, 10, []int{4}},
		"IQ Panel 2":       {242, maxLabel, []int{4, 6}},
		"IQ Panel 2 Plus":  {242, maxLabel, []int{4, 6}},
		"IQ Panel 4":       {242, maxLabel, []int{4, 6}},
		"IQ4 Hub":          {242, maxLabel, []int{4, 6}},
		"IQ4 NS":           {242, maxLabel, []int{4, 6}},
		"IQ5 Hub":          {242, maxLabel, []int{4, 6}},
		"IQ Pro":           {1000, maxLabel, []int{4, 6}},
	} {
		m := named(t, name)
		assert.Equal(t, want.users, m.Slots.Len(), name)
		assert.Equal(t, want.lens, m.Code.Lens, name)
		assert.Equal(t, want.label, m.Label.Max, name)
		assert.Zero(t, m.Writes(), name)
		assert.NotEmpty(t, m.Evidence, name)
		assert.Equal(t, Roles(), m.Roles, name)
	}
	m := named(t, "IQ Panel 4")
	assert.ErrorIs(t, m.CheckPlace(panel.Place{Slot: 243}), panel.ErrSlotOutOfRange)
	assert.ErrorIs(t, m.CheckPlace(panel.Place{Slot: 241}), panel.ErrSlotReserved)
	assert.NoError(t, m.CheckPlace(panel.Place{Slot: 239}))
	pro := named(t, "IQ Pro")
	assert.ErrorIs(t, pro.CheckPlace(panel.Place{Slot: 243}), panel.ErrSlotReserved)
	assert.NoError(t, pro.CheckPlace(panel.Place{Slot: 1000}))
	assert.ErrorIs(t, m.Allow(panel.Standing{Place: panel.Place{Slot: 1}, Role: panel.Master, Exists: true}, panel.Disable), panel.ErrMasterDisable)
	guest := panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.Guest, Exists: true}
	assert.ErrorIs(t, m.Allow(guest, panel.EditRole), panel.ErrFixed)
	assert.NoError(t, m.Allow(guest, panel.EditPartitions))
	assert.ErrorIs(t, named(t, "IQ Panel (first)").CheckLabel("Elevenchars"), panel.ErrLabel)
}

// A dealer manages everybody, an installer everybody but dealers, a master masters and
// users, and no user anybody.
//
// Rules: D21
func TestRanks(t *testing.T) {
	below := []panel.Role{panel.User, panel.Guest, panel.DwellerMaster}
	for by, want := range map[panel.Role][]panel.Role{
		panel.Dealer:        append([]panel.Role{panel.Dealer, panel.Installer, panel.DuressRole, panel.Master}, below...),
		panel.Installer:     append([]panel.Role{panel.Installer, panel.DuressRole, panel.Master}, below...),
		panel.Master:        append([]panel.Role{panel.Master}, below...),
		panel.DwellerMaster: nil, panel.User: nil, panel.Guest: nil, panel.DuressRole: nil, "": nil,
	} {
		var manages []panel.Role
		for _, of := range Roles() {
			if Manages(by, of) {
				manages = append(manages, of)
			}
		}
		assert.ElementsMatch(t, want, manages, "%q", by)
	}
}

// Rules: D16
func TestBoards(t *testing.T) {
	for board, want := range map[string]string{"msm8226": "IQ Panel 2 Plus", "msm8953_64": "IQ Panel 4", "bengal": "IQ5 Hub", "": "IQ Panel", "other": "IQ Panel"} {
		assert.Equal(t, want, modelOf(board).Name, board)
	}
}

// Every field that needs hands has steps, and no step holds a code.
//
// Rules: R246
func TestGuides(t *testing.T) {
	for _, m := range Models() {
		var told panel.Field
		for _, g := range m.Guides {
			told |= g.Set
			assert.NotEmpty(t, g.Evidence)
			for _, step := range g.Steps {
				assert.NotRegexp(t, `\d{4}`, step)
			}
		}
		assert.Equal(t, m.Hands, told, m.Name)
	}
}

func TestEveryEditIsRefused(t *testing.T) {
	edits := []panel.Edit{
		{Place: panel.Place{Slot: 2}, Set: panel.AllFields},
		{Place: panel.Place{Slot: 3}, Do: panel.Remove},
	}
	var said []panel.Outcome
	for o, err := range refuseAll(edits) {
		require.NoError(t, err)
		said = append(said, o)
	}
	require.Len(t, said, 2)
	for f := range panel.AllFields.Each() {
		assert.ErrorIs(t, said[0].Refused[f], panel.ErrUnsupported)
	}
	assert.Len(t, said[1].Refused, 1)
	assert.ErrorIs(t, said[1].Refused[panel.FieldCode], panel.ErrUnsupported)
}

// However much a panel says, the box holds a bounded number of places.
func TestMailbox(t *testing.T) {
	b := newMailbox()
	assert.Nil(t, b.take())
	b.changed(7)
	b.changed(3)
	b.changed(7)
	assert.Equal(t, &panel.Query{Places: []panel.Place{{Slot: 3}, {Slot: 7}}}, b.take())
	assert.Nil(t, b.take())
	for i := range 100_000 {
		b.changed(i)
		require.LessOrEqual(t, len(b.places), manyPlaces)
	}
	assert.Equal(t, &panel.Query{All: true}, b.take())
	b.changed(3)
	b.doubt()
	b.changed(4)
	assert.Equal(t, &panel.Query{All: true}, b.take())
	assert.Nil(t, b.take())
	assert.Len(t, b.signal, 1, "bells do not pile up")
}

func TestPairingSecretsThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":  "",
		"no PEM":   "secret",
		"one only": "-----BEGIN PRIVATE KEY-----\nRemote: F2:16:3E:00:00:01\n\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openPairing(panel.SecretOf(text))
			require.ErrorIs(t, err, panel.ErrSecret)
			require.ErrorIs(t, err, ErrPairing)
			assert.False(t, text != "" && strings.Contains(err.Error(), text))
		})
	}
	_, err := NewIQRemote(Options{}).Open(t.Context(), panel.Target{Routes: map[string]panel.Route{Route: {Addr: "192.0.2.1"}}})
	assert.ErrorIs(t, err, panel.ErrSecret, "without a pairing nobody is called")
}

func TestAddresses(t *testing.T) {
	for addr, want := range map[string]string{"10.0.0.1": "10.0.0.1:8883", "10.0.0.1:1": "10.0.0.1:1", "fe80::1": "[fe80::1]:8883", "panel": "panel:8883"} {
		assert.Equal(t, want, withPort(addr, "8883"))
	}
}
