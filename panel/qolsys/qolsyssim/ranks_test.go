package qolsyssim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

func pin(t *testing.T, digits string) panel.Code {
	t.Helper()
	c, err := panel.ParseCode(digits)
	require.NoError(t, err)
	return c
}

// The panel lets people change exactly those whom the driver says that their rank manages.
//
// Rules: D21
func TestThePanelKeepsTheRanks(t *testing.T) {
	p := qolsyssim.New(qolsyssim.Options{})
	put := func(slot int, role panel.Role, digits string) panel.Edit {
		return panel.Edit{Place: panel.Place{Slot: slot}, Do: panel.Create, Set: panel.FieldCode | panel.FieldRole, Values: panel.Values{Code: pin(t, digits), Role: role}}
	}
	require.NoError(t, p.Keypad(put(2, panel.Master, "5111")))
	require.NoError(t, p.Keypad(put(3, panel.User, "5222")))
	require.NoError(t, p.Keypad(put(4, panel.Guest, "5333")))
	codes := map[panel.Role]string{panel.Dealer: "8373", panel.Installer: "8372", panel.Master: "5111", panel.User: "5222", panel.Guest: "5333"}
	slots := map[panel.Role]int{panel.Master: 1, panel.User: 3, panel.Guest: 4}
	for by, code := range codes {
		for of, slot := range slots {
			err := p.KeypadAs(pin(t, code), panel.Edit{Place: panel.Place{Slot: slot}, Set: panel.FieldLabel, Values: panel.Values{Label: "Renamed"}})
			if qolsys.Manages(by, of) {
				require.NoError(t, err, "%s changes %s", by, of)
			} else {
				require.ErrorIs(t, err, panel.ErrUserProtected, "%s changes %s", by, of)
			}
		}
	}
	require.ErrorIs(t, p.KeypadAs(pin(t, "9999"), put(5, panel.User, "5444")), panel.ErrUserProtected, "nobody's code")
}

// Duress is one code for each partition, and none before it is turned on.
//
// Rules: D18
func TestDuressIsTurnedOnFirst(t *testing.T) {
	p := qolsyssim.New(qolsyssim.Options{})
	require.ErrorIs(t, p.DuressCode(1, "5111"), panel.ErrRefused)
	require.False(t, p.Accepts("5111"))
	p.SetDuress(true)
	for partition, digits := range map[int]string{1: "5111", 2: "5222", 3: "5333", 4: "5444"} {
		require.NoError(t, p.DuressCode(partition, digits))
	}
	require.NoError(t, p.DuressCode(2, "5666"))
	require.False(t, p.Accepts("5222"), "one code for a partition")
	require.ErrorIs(t, p.DuressCode(5, "5777"), panel.ErrRefused)
	require.ErrorIs(t, p.DuressCode(3, "5111"), panel.ErrRefused, "another partition's")
	require.Len(t, p.Users(), 1, "none of them is a person")
}
