package accounts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// The table as people review it: a change of a right or of a flag shows here.
//
// Rules: R239
func TestEveryOperationNamesOneRight(t *testing.T) {
	all := accounts.Permissions()
	assert.True(t, slices.IsSortedFunc(all, func(a, b accounts.Permission) int { return strings.Compare(a.Op, b.Op) }), "found by halving")
	var text strings.Builder
	seen := map[string]bool{}
	for _, p := range all {
		assert.False(t, seen[p.Op], "%s stands twice", p.Op)
		seen[p.Op] = true
		assert.True(t, accounts.AllRights().Has(p.Right), p.Op)
		assert.Equal(t, p, accounts.PermissionFor(p.Op))
		fmt.Fprintf(&text, "%-24s %s", p.Op, p.Right)
		if p.StepUp {
			text.WriteString(", step-up")
		}
		if p.Takes {
			text.WriteString(", takes")
		}
		if p.Loose {
			text.WriteString(", loose")
		}
		if p.Inner != "" {
			assert.True(t, accounts.PermissionFor(p.Inner).StepUp, p.Op)
			text.WriteString(", with " + p.Inner)
		}
		text.WriteString("\n")
	}
	golden(t, "permissions.golden", text.String())
	all[0].Right = 0
	assert.NotEqual(t, all[0], accounts.Permissions()[0], "the table is not the caller's to change")
}

func TestAnOperationThatIsNotInTheTableIsNobodys(t *testing.T) {
	p := accounts.PermissionFor("roster.DoAnything")
	assert.Equal(t, accounts.Permission{Op: "roster.DoAnything"}, p)
	everything := accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}
	assert.ErrorIs(t, accounts.Authorise(everything, p.Right, "s1"), accounts.ErrPermissionDenied)
}

// Rules: R239
func TestWhatTakesAccessAwayNeedsNoRightThatGivesIt(t *testing.T) {
	gives := accounts.RightsOf(accounts.PanelUsersManage, accounts.AccountsAdd, accounts.AccountsAssign, accounts.AccountsEnable).
		Without(accounts.RightsOf(accounts.PanelUsersEnd))
	for _, p := range accounts.Permissions() {
		if p.Takes {
			assert.False(t, gives.Has(p.Right), p.Op)
		}
	}
}
