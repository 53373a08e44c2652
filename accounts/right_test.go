package accounts_test

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile("testdata/"+name, []byte(text), 0o644))
	}
	want, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

func everyRight() []accounts.Right { return slices.Collect(accounts.AllRights().Each()) }

// Names are stored in the databases of hosts: this list may grow and never change.
func TestRightsHaveStableNames(t *testing.T) {
	names := accounts.AllRights().Names()
	golden(t, "rights.golden", strings.Join(names, "\n")+"\n")
	assert.Len(t, everyRight(), len(slices.Compact(slices.Sorted(slices.Values(names)))), "no name twice")
	for _, r := range everyRight() {
		back, err := accounts.ParseRight(r.String())
		require.NoError(t, err)
		assert.Equal(t, r, back)
	}
	for _, bad := range []string{"", "none", "equipment", "Equipment.View"} {
		_, err := accounts.ParseRight(bad)
		assert.ErrorIs(t, err, accounts.ErrUnknownRight)
	}
	assert.Equal(t, "none", accounts.Right(0).String())
	assert.Equal(t, "none", accounts.Right(255).String())
}

func drawRights(t *rapid.T, name string) accounts.Rights {
	return accounts.RightsOf(rapid.SliceOf(rapid.SampledFrom(everyRight())).Draw(t, name)...)
}

func TestRightsAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRights(t, "a"), drawRights(t, "b")
		for _, r := range everyRight() {
			assert.Equal(t, a.Has(r) || b.Has(r), a.With(b).Has(r))
			assert.Equal(t, a.Has(r) && !b.Has(r), a.Without(b).Has(r))
			assert.Equal(t, a.Has(r) && b.Has(r), a.Within(b).Has(r))
		}
		j, err := json.Marshal(a)
		require.NoError(t, err)
		var back accounts.Rights
		require.NoError(t, json.Unmarshal(j, &back))
		assert.Equal(t, a, back)
	})
	assert.False(t, accounts.AllRights().Has(0), "no right is nobody's")
	assert.False(t, accounts.AllRights().Has(255))
	assert.True(t, accounts.RightsOf(0, 255).IsZero())
	assert.Equal(t, "none", accounts.Rights{}.String())
	assert.Equal(t, "equipment.view, audit.view", accounts.RightsOf(accounts.AuditView, accounts.EquipmentView).String())
	var s accounts.Rights
	assert.ErrorIs(t, json.Unmarshal([]byte(`["audit.view","audit.forge"]`), &s), accounts.ErrUnknownRight)
	assert.Error(t, json.Unmarshal([]byte(`"audit.view"`), &s))
}

// Rules: R239
func TestTakingAccessAwayIsALesserRight(t *testing.T) {
	manager := accounts.RightsOf(accounts.PanelUsersManage)
	assert.True(t, manager.Has(accounts.PanelUsersEnd), "who manages may end")
	assert.False(t, accounts.RightsOf(accounts.PanelUsersEnd).Has(accounts.PanelUsersManage), "not the other way round")
	denied := manager.Without(accounts.RightsOf(accounts.PanelUsersEnd))
	assert.True(t, denied.Has(accounts.PanelUsersManage))
	assert.False(t, denied.Has(accounts.PanelUsersEnd), "a denial holds")
	var read accounts.Rights
	require.NoError(t, json.Unmarshal([]byte(`["panelusers.manage"]`), &read))
	assert.False(t, read.Has(accounts.PanelUsersEnd), "and survives being stored")
}
