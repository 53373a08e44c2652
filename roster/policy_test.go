package roster_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// Every exported method that does something has its row in the one table of rights, and
// every row of the table has its method.
//
// Rules: R239
func TestEveryOperationHasItsRow(t *testing.T) {
	// Methods that ask nothing: they hand out another value, or stand on operations that ask.
	exempt := []string{"Panel", "Person", "ID", "NewAssignment", "Wait", "Ready"}
	// Rows that are asked inside other operations.
	inner := []string{"roster.Protected", "roster.Collisions"}
	var have []string
	for _, typ := range []reflect.Type{reflect.TypeFor[*roster.Operator](), reflect.TypeFor[*roster.Tab]()} {
		for m := range typ.Methods() {
			if !slices.Contains(exempt, m.Name) {
				have = append(have, "roster."+m.Name)
			}
		}
	}
	for m := range reflect.TypeFor[*roster.Person]().Methods() {
		have = append(have, "roster.Person."+m.Name)
	}
	var listed []string
	for _, p := range accounts.Permissions() {
		if strings.HasPrefix(p.Op, "roster.") && !slices.Contains(inner, p.Op) {
			listed = append(listed, p.Op)
		}
	}
	slices.Sort(have)
	slices.Sort(listed)
	require.Equal(t, listed, have)
}

// Rules: R68
func TestAStaleRevisionIsRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		seen := r.details(4).Revision
		_, err := r.tab.SetLabel(r.ctx, slot(4), "One", roster.AtRevision(seen))
		require.NoError(t, err)
		_, err = r.tab.SetLabel(r.ctx, slot(4), "Two", roster.AtRevision(seen))
		require.ErrorIs(t, err, flow.ErrRevision)
	})
}

// Rules: R77, R128
func TestConfirmationsWhereThePolicyAsks(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		found, err := r.op.Suggest(r.ctx, "owner")
		require.NoError(t, err)
		_, err = r.tab.Assign(r.ctx, slot(4), found[0])
		require.NoError(t, err)
		_, err = r.tab.Unassign(r.ctx, slot(4))
		require.ErrorIs(t, err, accounts.ErrConfirmationRequired)
		_, err = r.tab.Disable(r.ctx, slot(4))
		require.ErrorIs(t, err, accounts.ErrConfirmationRequired)
		_, err = r.tab.Disable(r.ctx, slot(4), roster.Confirmed("disable user 4"), roster.Because("has left"))
		require.NoError(t, err)
	}, func(r *rig) {
		r.options.Policy = accounts.PowerManage()
		r.options.Policy.RequireConfirm = true
	})
}

// Rules: R248
func TestANewAddressVoidsTheSecret(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.wait(time.Minute) // the turn that read the panel is over
		entered := r.sim.Entered()
		require.NoError(t, r.tab.SetSecret(r.ctx, dsc.Route, roster.Route{Addr: "192.0.2.7:3072"}))
		_, err := r.desk.Secret(r.ctx, "dsc", ident, dsc.Route, "key")
		require.ErrorIs(t, err, panel.ErrPanelNotFound, "it has to be typed again")
		rec := r.set(4, "6137", roster.CodeWish{})
		r.wait(time.Hour)
		p, err := r.tab.Receipt(r.ctx, rec)
		require.NoError(t, err)
		require.NotEqual(t, roster.Settled, p.Fate)
		require.Equal(t, entered, r.sim.Entered())
	})
}

// Rules: R243
func TestDriftIsShownAndRestoredOnlyTowardsLess(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner", Role: panel.User, Partitions: panel.PartitionsOf(1)}), roster.Settled)
		wide := panel.Edit{Place: slot(4), Set: panel.FieldPartitions, Values: panel.Values{Partitions: panel.PartitionsOf(1, 2)}}
		require.NoError(t, r.sim.Keypad(wide))
		r.until("it is shown", func() bool { return r.details(4).Field(panel.FieldPartitions).State == roster.FieldDrifted })
		drift, err := r.tab.Drift(r.ctx)
		require.NoError(t, err)
		require.Equal(t, panel.FieldPartitions, drift[0].Fields)
		r.wait(48 * time.Hour)
		u, _ := r.user(4)
		require.Equal(t, panel.PartitionsOf(1, 2), u.Partitions, "nothing is put back by itself")
		r.renew()
		rec, err := r.tab.Restore(r.ctx, slot(4))
		require.NoError(t, err)
		r.settles(rec, roster.Settled)
		u, _ = r.user(4)
		require.Equal(t, panel.PartitionsOf(1), u.Partitions)

		// What was narrowed at the panel is adopted: there is nothing to restore.
		r.settles(r.set(5, "8604", roster.CodeWish{Role: panel.User, Partitions: panel.PartitionsOf(1, 2)}), roster.Settled)
		require.NoError(t, r.sim.Keypad(panel.Edit{Place: slot(5), Set: panel.FieldPartitions, Values: panel.Values{Partitions: panel.PartitionsOf(2)}}))
		r.until("it is noticed", func() bool { return r.details(5).PartitionsText() == "2" })
		_, err = r.tab.Restore(r.ctx, slot(5))
		require.ErrorIs(t, err, panel.ErrNothingPending)
	})
}

// Rules: G189
func TestWhetherACodeIsTakenIsPaidFromABudget(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		r.rights["manager"] = grant(accounts.EquipmentView, accounts.PanelUsersView, accounts.PanelUsersManage)
		theirs := r.as("manager").Panel(r.tab.ID())
		try := func(code string) error {
			_, err := theirs.SetCode(r.ctx, slot(5), roster.CodeWish{Code: digits(t, code)})
			return err
		}
		taken, weak := try("6137"), try("1111")
		require.Equal(t, credentials.ErrNotAvailable, taken, "one value")
		require.Equal(t, taken, weak, "for every reason")
		for range 3 {
			require.ErrorIs(t, try("6137"), credentials.ErrNotAvailable)
		}
		require.ErrorIs(t, try("6137"), roster.ErrCollisionBudget)
		require.ErrorIs(t, try("8604"), roster.ErrCollisionBudget, "whatever the answer would have been")
		_, rec, err := theirs.GenerateCode(r.ctx, slot(5), roster.CodeWish{})
		require.NoError(t, err, "generated codes are still given")
		r.settles(rec, roster.Settled)
	})
}

// Rules: R28
func TestAUserExistsExactlyWhileItsCodeIsSet(t *testing.T) {
	inBubble(t, func(r *rig) {
		same := func() {
			t.Helper()
			page, err := r.tab.Users(r.ctx, 1, 50)
			require.NoError(t, err)
			for _, row := range page.Rows {
				_, there := r.user(row.Place.Slot)
				require.Equal(t, there, row.Code == roster.Check, row.Number())
			}
		}
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		same()
		r.settles(r.set(4, "8604", roster.CodeWish{}), roster.Settled)
		same()
		rec, err := r.tab.Disable(r.ctx, slot(4))
		require.NoError(t, err)
		r.settles(rec, roster.Settled)
		same()
	})
}
