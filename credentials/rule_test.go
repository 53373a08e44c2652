package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func subject(kind, id string) credentials.Subject { return credentials.Subject{Kind: kind, ID: id} }

// Rules: G185
func TestExpandFollowsGroups(t *testing.T) {
	me, role := subject("account", "a1"), subject("role", "cleaner")
	groups := []credentials.Group{
		{ID: "night", Members: []credentials.Subject{subject("group", "staff")}}, // before the group that it holds
		{ID: "staff", Members: []credentials.Subject{me}},
		{ID: "by role", Members: []credentials.Subject{role}},
		{ID: "others", Members: []credentials.Subject{subject("account", "a2")}},
		{ID: "off", Disabled: true, Members: []credentials.Subject{me}},
		{ID: "behind off", Members: []credentials.Subject{subject("group", "off")}},
		{ID: "ring 1", Members: []credentials.Subject{me, subject("group", "ring 2")}},
		{ID: "ring 2", Members: []credentials.Subject{subject("group", "ring 1")}},
	}
	assert.ElementsMatch(t, []credentials.Subject{
		me, role, subject("group", "staff"), subject("group", "night"), subject("group", "by role"),
		subject("group", "ring 1"), subject("group", "ring 2"),
	}, credentials.Expand(groups, me, role))
	assert.Equal(t, []credentials.Subject{me}, credentials.Expand(nil, me))
}

func TestMediums(t *testing.T) {
	s := credentials.MediumsOf(credentials.Keypad, credentials.Phone)
	assert.True(t, s.Has(credentials.Keypad))
	assert.True(t, s.Has(credentials.Phone))
	assert.False(t, s.Has(credentials.Reader))
	assert.False(t, s.Has(0))
	for _, unknown := range []credentials.Medium{0, 5, 8, 255} {
		s := credentials.MediumsOf(unknown)
		assert.NotZero(t, s, "an empty set would be any medium")
		assert.False(t, s.Has(credentials.Keypad) || s.Has(credentials.Reader) || s.Has(credentials.Mobile) || s.Has(credentials.Phone))
	}
	for m, want := range map[credentials.Medium]string{
		credentials.Keypad: "keypad", credentials.Reader: "reader", credentials.Mobile: "mobile", credentials.Phone: "phone", 0: "unknown", 77: "unknown",
	} {
		assert.Equal(t, want, m.String())
	}
}
