package dsc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
)

func named(t *testing.T, name string) panel.Model {
	t.Helper()
	for _, m := range dsc.Models() {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no model %s", name)
	return panel.Model{}
}

// Rules: R29, R30, R34
func TestRolesAreExactlyFive(t *testing.T) {
	five := []panel.Role{"Master", "Supervisor", "User", "One-time User", "Duress"}
	require.Equal(t, five, dsc.Roles())
	require.Equal(t, five, dsc.NeoR().Roles)
	for _, m := range dsc.Models() {
		require.Equal(t, five, m.Roles, m.Name)
		require.Empty(t, m.DefaultRole, m.Name)
	}
}

// Rules: D5, D7, D8
func TestModelLimits(t *testing.T) {
	for name, want := range map[string]struct {
		slots, partitions int
		lens              []int
		near              int
	}{
		"HS2016":                 {48, 2, []int{4, 6, 8}, 0},
		"HS2032":                 {72, 4, []int{4, 6, 8}, 0},
		"HS2064":                 {95, 8, []int{4, 6}, 0},
		"HS2128":                 {95, 8, []int{4, 6}, 0},
		"HS2064E":                {500, 8, []int{4, 6, 8}, 0},
		"HS2128E":                {1000, 8, []int{4, 6, 8}, 0},
		"HS3032":                 {72, 4, []int{4, 6, 8}, 0},
		"HS3128":                 {1000, 8, []int{4, 6, 8}, 0},
		"HS3248":                 {1000, 32, []int{4, 6, 8}, 0},
		"PC1616":                 {48, 2, []int{4, 6}, 1},
		"PC1832":                 {72, 4, []int{4, 6}, 1},
		"PC1864":                 {95, 8, []int{4, 6}, 1},
		"PowerSeries before 4.2": {42, 8, []int{4, 6}, 1},
	} {
		m := named(t, name)
		require.Equal(t, want.slots, m.Slots.Last, name)
		require.Equal(t, want.partitions, m.Partitions, name)
		require.Equal(t, want.lens, m.Code.Lens, name)
		require.Equal(t, want.near, m.Code.Near, name)
		require.NotEmpty(t, m.Evidence, name)
	}
}

// What is not proven says so, and what cannot be written is not offered.
func TestUnprovenModelsSaySo(t *testing.T) {
	require.Contains(t, dsc.NeoR().Evidence, "unverified")
	require.Equal(t, panel.NeoR, dsc.NeoR().Kind)
	for _, name := range []string{"HS3032", "HS3128", "HS3248"} {
		m := named(t, name)
		require.Contains(t, m.Evidence, "unverified")
		require.Equal(t, m.Writes(), m.Experimental)
	}
	require.Equal(t, panel.FieldLabel, named(t, "HS2032").Experimental)
	for _, name := range []string{"PC1616", "PC1832", "PC1864", "PowerSeries before 4.2"} {
		m := named(t, name)
		require.Zero(t, m.Writes())
		require.Equal(t, 40, m.MasterSlot)
		require.Contains(t, m.Evidence, "no ITv2")
	}
}

func TestKeysAreChecked(t *testing.T) {
	digits := "0123456789abcdef0123456789ABCDEF"
	for _, c := range []struct {
		key  dsc.Key
		want error
	}{
		{dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(digits)}, nil},
		{dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(digits), Model: "HS2032"}, nil},
		{dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(digits), Model: "NeoR"}, nil},
		{dsc.Key{Encryption: dsc.Type1, Secret: panel.SecretOf(digits[:8])}, nil},
		{dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(digits[:8])}, dsc.ErrKeyForm},
		{dsc.Key{Encryption: dsc.Type1, Secret: panel.SecretOf(digits)}, dsc.ErrKeyForm},
		{dsc.Key{Encryption: dsc.Type1, Secret: panel.SecretOf("1234567x")}, dsc.ErrKeyForm},
		{dsc.Key{Secret: panel.SecretOf(digits)}, dsc.ErrKeyForm},
		{dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(digits), Model: "HS9999"}, dsc.ErrModel},
		{dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(digits), Model: "PC1864"}, dsc.ErrModel},
	} {
		require.ErrorIs(t, c.key.Check(), c.want)
	}
}
