package visonic_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

// Rules: R33, R35, D2, D22, D23, D24, D26, G195
func TestPanelsAreData(t *testing.T) {
	seen := map[byte]bool{}
	for _, p := range visonic.Panels() {
		m := p.Model
		for _, kind := range p.Types {
			assert.False(t, seen[kind], "type %d is listed twice", kind)
			seen[kind] = true
		}
		assert.Equal(t, []panel.Role{panel.Master, panel.User}, m.Roles, m.Name)
		assert.Equal(t, 1, m.MasterSlot, m.Name)
		assert.Contains(t, []int{8, 48}, m.Slots.Last, m.Name)
		assert.Equal(t, panel.DuressPerPanel, m.Duress, m.Name)
		assert.NotContains(t, m.Roles, panel.DuressRole)
		assert.ErrorIs(t, m.CheckCode(code(t, "0000"), 0), panel.ErrCodeReserved, m.Name)
		assert.ErrorIs(t, m.CheckCode(code(t, "123456"), 0), panel.ErrCodeLength, m.Name)
		assert.NoError(t, m.CheckCode(code(t, "4871"), 0), m.Name)
		assert.Zero(t, m.Writes(), "%s: nothing is written over frames", m.Name)
		assert.NotEmpty(t, m.Evidence, m.Name)
		assert.NotEmpty(t, p.Clock, m.Name)
		assert.Contains(t, []int{0, 8, 32}, p.Tags, m.Name)
		if p.Latchkey.Len() > 0 {
			assert.Greater(t, p.Latchkey.First, 1, m.Name)
			assert.LessOrEqual(t, p.Latchkey.Last, m.Slots.Last, m.Name)
		}
	}
	assert.Len(t, seen, 13)
}

// Duress is a setting of the panel on every route: no model has a duress role, a wish for
// one is refused by the model, and among the users that are read its code is nobody's.
//
// Rules: D26, G195
func TestDuressIsThePanels(t *testing.T) {
	for name, m := range map[string]panel.Model{
		"frames":  visonic.NewFrames(visonic.Options{}).Model(),
		"calling": visonic.NewPowerLink(visonic.PowerLinkOptions{}).Model(),
		"service": visonic.NewRPC(visonic.RPCOptions{}).Model(),
		"writing": visonic.NewRPC(visonic.RPCOptions{Experimental: true}).Model(),
	} {
		assert.Equal(t, panel.DuressPerPanel, m.Duress, name)
		assert.ErrorIs(t, m.CheckRole(panel.Place{Slot: 4}, panel.DuressRole), panel.ErrRoleUnsupported, name)
		assert.False(t, m.Writes().Has(panel.FieldRole), name)
	}
	const duress = "2580" // the simulated panel's, as it leaves the factory
	inside(t, visonic.Options{DiscloseCodes: true}, visonicsim.Options{Type: 8}, func(t *testing.T, r *rig) {
		require.ErrorIs(t, r.sim.Keypad(panel.Edit{
			Place: panel.Place{Slot: 4}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code(t, duress)},
		}), panel.ErrRefused)
		r.seat(4, "6137")
		users, _, err := read(t.Context(), r.open(), panel.Query{All: true, Disclose: true})
		require.NoError(t, err)
		require.Len(t, users, 2)
		for _, u := range users {
			assert.Equal(t, panel.Value, u.Sight)
			assert.False(t, u.Code.Equal(code(t, duress)), "user %s", u.Place)
			assert.NotEqual(t, panel.DuressRole, u.Role)
		}
	})
}
