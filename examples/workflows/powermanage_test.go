package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// owner adds an account whose owner has set a password with the mailed code.
func (w *world) owner(name string) people.Account {
	w.Helper()
	a, _, err := w.operator().Create(w.ctx, people.NewAccount{Email: address(w, name+"@example.com"), Roles: []string{"user"}, Sites: harbour})
	require.NoError(w, err)
	require.NoError(w, w.set(a, first))
	return a
}

// assign links an account to slot 4 as the form does: a typed address, a suggestion, a
// panel user, save.
func (w *world) assign(tab *roster.Tab, typed string) {
	w.Helper()
	form, err := tab.NewAssignment(w.ctx)
	require.NoError(w, err)
	require.Contains(w, form.Title(), "298765432101", "the form names its panel")
	found, err := w.desk.As(who("operator")).Suggest(w.ctx, typed)
	require.NoError(w, err)
	require.Len(w, found, 1)
	form.Choose(found[0])
	form.Place(slot(4))
	r, err := form.Save(w.ctx)
	w.settles(tab, r, err)
}

func (w *world) row(tab *roster.Tab) roster.Row {
	w.Helper()
	page, err := tab.Users(w.ctx, 1, 0)
	require.NoError(w, err)
	return page.Rows[3]
}

// The life of one panel user, as the Users tab has it job by job: a code, another one, a
// label, partitions, an account, a new password for it, unassigned, disabled, with each
// job in the log.
func TestPowerManageAPanelUserFromTheFirstCodeToTheLast(t *testing.T) {
	in(t, powerManage(), func(w *world) {
		tab := w.install("harbour", "298765432101")
		a := w.owner("smith")
		require.Equal(w, roster.Minus, w.row(tab).Code)

		// Set a code for a panel user.
		r, err := tab.SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "6137")})
		w.settles(tab, r, err)
		require.Equal(w, roster.Check, w.row(tab).Code)
		// Edit a panel user code.
		r, err = tab.SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "8604")})
		w.settles(tab, r, err)
		// Edit a panel user label.
		r, err = tab.SetLabel(w.ctx, slot(4), "Cleaner")
		w.settles(tab, r, err)
		// Change panel user partitions.
		r, err = tab.SetPartitions(w.ctx, slot(4), panel.PartitionsOf(1, 4))
		w.settles(tab, r, err)
		row := w.row(tab)
		assert.Equal(w, "Cleaner · User", row.LabelAndRole())
		assert.Equal(w, "1, 4", row.PartitionsText())
		assert.Equal(w, "Unknown", row.StatusText())

		// Assign an account to a panel user.
		w.assign(tab, "smith")
		row = w.row(tab)
		assert.Equal(w, "smith@example.com", row.Account.Email)
		assert.Equal(w, a.Created.UTC(), row.Account.Created.UTC())
		assert.Equal(w, "Active", row.StatusText())

		// Unassign it: the account stays and its owner can sign in.
		r, err = tab.Unassign(w.ctx, slot(4))
		w.settles(tab, r, err)
		assert.Equal(w, "Unknown", w.row(tab).StatusText())
		_, err = w.try(a, first)
		require.NoError(w, err)

		// Disable a panel user.
		r, err = tab.Disable(w.ctx, slot(4))
		w.settles(tab, r, err)
		row = w.row(tab)
		assert.Equal(w, roster.Minus, row.Code)
		_, err = tab.SetLabel(w.ctx, slot(4), "Nobody")
		require.ErrorIs(w, err, panel.ErrCodeNotSet)

		page, err := w.journal.As(who("operator")).Query(w.ctx, journal.Query{Filter: journal.Filter{About: []string{tab.ID()}}, Size: 200})
		require.NoError(w, err)
		log := map[audit.Action]int{}
		for _, e := range page.Entries {
			log[e.Action]++
		}
		for _, did := range []audit.Action{audit.UserCodeSet, audit.UserCodeChanged, audit.UserLabelChanged, audit.UserPartitionsChanged,
			audit.AccountAssigned, audit.AccountUnassigned, audit.UserDisabled} {
			assert.Equal(w, 1, log[did], did)
		}
	})
}

// The old password works until the owner sets a new one with the mailed code, and never
// again after it.
//
// Rules: R132, R133, R134
func TestPowerManageResetTheAssignedAccountsPassword(t *testing.T) {
	in(t, powerManage(), func(w *world) {
		tab := w.install("harbour", "298765432101")
		a := w.owner("smith")
		r, err := tab.SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "6137")})
		w.settles(tab, r, err)
		w.assign(tab, "smith")
		id := w.row(tab).Account.ID
		require.Equal(w, a.ID, id)
		in, err := w.try(a, first)
		require.NoError(w, err)

		_, err = w.operator().ResetPassword(w.ctx, id)
		require.NoError(w, err)
		_, err = w.try(a, first)
		require.NoError(w, err)
		assert.True(w, w.alive(in.Token))
		require.NoError(w, w.set(a, second))
		assert.False(w, w.alive(in.Token))
		_, err = w.try(a, first)
		require.ErrorIs(w, cause(err), accounts.ErrBadCredentials)
		_, err = w.try(a, second)
		require.NoError(w, err)
	})
}

// Removing an account ends it everywhere; the panel user and its code stay. After a
// mistake the account is added again and assigned again.
func TestPowerManageRemoveTheAssignedAccount(t *testing.T) {
	in(t, powerManage(), func(w *world) {
		tab := w.install("harbour", "298765432101")
		a := w.owner("smith")
		r, err := tab.SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "6137")})
		w.settles(tab, r, err)
		w.assign(tab, "smith")
		in, err := w.try(a, first)
		require.NoError(w, err)
		require.NoError(w, w.operator().Remove(w.ctx, a.ID, people.Confirmation{Account: "smith@example.com"}))
		assert.False(w, w.alive(in.Token))
		_, err = w.try(a, first)
		require.ErrorIs(w, cause(err), accounts.ErrAccountRemoved)
		row := w.row(tab)
		assert.Equal(w, "Unknown", row.StatusText())
		assert.Equal(w, roster.Check, row.Code)

		w.owner("smith")
		w.assign(tab, "smith")
		assert.Equal(w, "Active", w.row(tab).StatusText())
		assert.Equal(w, 1, w.actions(string(a.ID))[audit.AccountRemoved], "the log still knows the first one")
	})
}

// Pages of 10, 15, 50, 100 and 200, from the first to the last.
func TestPowerManageMoveBetweenPages(t *testing.T) {
	in(t, powerManage(), func(w *world) {
		tab := w.install("harbour", "298765432101")
		page, err := tab.Users(w.ctx, 1, 0)
		require.NoError(w, err)
		assert.Len(w, page.Rows, 8)
		for _, size := range roster.PageSizes() {
			page, err := tab.Users(w.ctx, 1, size)
			require.NoError(w, err)
			assert.Equal(w, "1-8 of 8", page.Range())
		}
		_, err = tab.Users(w.ctx, 2, 10)
		require.ErrorIs(w, err, roster.ErrNoMorePages)
		_, err = tab.Users(w.ctx, 1, 12)
		require.ErrorIs(w, err, roster.ErrPageSize)
	})
}
