package visonic_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
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
