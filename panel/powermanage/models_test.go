package powermanage

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Rules: R30, R32, R33, R34, D23, D24, D26
func TestFamiliesHaveTheirOwnRules(t *testing.T) {
	for _, m := range []panel.Model{Visonic(), NeoR(), DualPath()} {
		roles, usual := panel.RolesOf(m.Kind)
		assert.Equal(t, roles, m.Roles, m.Name)
		assert.Equal(t, usual, m.DefaultRole, m.Name)
		assert.Equal(t, panel.FieldCode|panel.FieldLabel, m.Writes(), "nothing else has a public call")
		zeros, err := panel.ParseCode("0000")
		require.NoError(t, err)
		require.ErrorIs(t, m.CheckCode(zeros, 0), panel.ErrCodeReserved, m.Name)
	}
	v := Visonic()
	assert.Equal(t, []int{4}, v.Code.Lens)
	assert.Equal(t, []string{"1111"}, v.Code.Defaults)
	assert.Equal(t, 1, v.MasterSlot)
	assert.Equal(t, panel.DuressPerPanel, v.Duress)
	assert.Zero(t, v.Experimental)
	assert.Equal(t, NeoR().Writes(), NeoR().Experimental)
	assert.Equal(t, DualPath().Writes(), DualPath().Experimental)
}

// Rules: D2
func TestServersNarrowTheModel(t *testing.T) {
	const code, label = panel.FieldCode, panel.FieldLabel
	for _, c := range []struct {
		set            string
		create, change panel.Field
	}{
		{`{}`, code | label, code | label},
		{`{"user":{}}`, code | label, code | label},
		{`{"user":{"editable_features":[]}}`, 0, 0},
		{`{"user":{"editable_features":["UEF_CODE","UEF_LABEL"]}}`, 0, code | label},
		{`{"user":{"editable_features":["UEF_CODE","UEF_CREATE_USER"]}}`, code, code},
		{`{"user":{"editable_features":["UEF_LABEL","UEF_CREATE_USER"]}}`, code | label, label},
		{`{"user":{"editable_features":["UEF_ROLE","UEF_PARTITIONS"]}}`, 0, 0},
		{`{"user":{"code_length":[4]}}`, code | label, code | label},
		{`{"user":{"code_length":[6]}}`, 0, label},
	} {
		set := read[featureSet](t, []byte(c.set))
		m := narrow(Visonic(), set, userList{})
		assert.Equal(t, c.create, m.Create, c.set)
		assert.Equal(t, c.change, m.Change, c.set)
		wide(t, Visonic(), m)
	}
	m := narrow(NeoR(), read[featureSet](t, []byte(`{"user":{"code_length":[6,5]},"partitions":{"is_enabled":true,"max_partitions":8}}`)),
		userList{Max: 72, Reserved: []int{72, 1, 40, 40, 99}})
	assert.Equal(t, []int{6}, m.Code.Lens)
	assert.Equal(t, 8, m.Partitions)
	assert.Equal(t, 72, m.Slots.Last)
	assert.Equal(t, []int{40, 72}, m.Reserved)
}

// Roles are read where the server says them in a word that somebody has published.
//
// Rules: R30, R32, R33
func TestRolesAreNotInvented(t *testing.T) {
	for _, c := range []struct {
		m    panel.Model
		u    user
		want panel.Role
	}{
		{Visonic(), user{ID: 1}, panel.Master}, {Visonic(), user{ID: 2}, panel.User},
		{Visonic(), user{ID: 2, Role: "MASTER_USER"}, panel.Master}, {Visonic(), user{ID: 2, Role: "SUPERVISOR"}, ""},
		{NeoR(), user{ID: 1}, ""}, {NeoR(), user{ID: 3, Role: "USER"}, panel.User}, {NeoR(), user{ID: 3, Role: "DURESS"}, ""},
		{DualPath(), user{ID: 3}, panel.Master}, {DualPath(), user{ID: 3, Role: "USER"}, panel.Master},
	} {
		assert.Equal(t, c.want, roleOf(c.m, c.u), "%s %+v", c.m.Name, c.u)
	}
	m := narrow(NeoR(), featureSet{}, userList{Users: []user{{ID: 1}, {ID: 3, Role: "USER"}}})
	assert.Zero(t, m.Read&panel.FieldRole, "a role that is not told of everybody is not read")
}
