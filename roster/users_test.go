package roster_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Rules: R40, R41, R42, R53, R65, R71, R205, R229, R237
func TestACodeIsSetOnThePanel(t *testing.T) {
	inBubble(t, func(r *rig) {
		before := r.details(4)
		require.Equal(t, roster.Minus, before.Code)
		require.Equal(t, "# 4", before.Title)
		require.Equal(t, "No code", before.CodeText)
		require.Equal(t, roster.ReasonCodeNeverSet, before.Explain)
		require.ErrorIs(t, before.WhyNot(roster.ActLabel), panel.ErrCodeNotSet)

		rec := r.set(4, "6137", roster.CodeWish{Label: "Cleaner", Role: panel.User, Partitions: panel.PartitionsOf(1, 3)})
		pending := r.details(4)
		require.Equal(t, roster.Minus, pending.Code, "a view shows what the panel said, never the wish as fact")
		require.Equal(t, roster.FieldPending, pending.Field(panel.FieldCode).State)
		require.Equal(t, "set", pending.Field(panel.FieldCode).Wanted)

		r.settles(rec, roster.Settled)
		u, ok := r.user(4)
		require.True(t, ok)
		require.Equal(t, paneltest.User{Place: slot(4), Code: "6137", Label: "Cleaner", Role: panel.User, Partitions: panel.PartitionsOf(1, 3)}, u)
		require.True(t, r.sim.Accepts("6137"))

		after := r.details(4)
		require.Equal(t, roster.Check, after.Code)
		require.Equal(t, "Cleaner", after.Title)
		require.Equal(t, "1, 3", after.PartitionsText())
		require.Equal(t, "Cleaner · User", after.LabelAndRole())
		require.Contains(t, after.Details(), roster.ActLabel)
	})
}

// Rules: R43, R44, R50
func TestACodeIsChangedInPlace(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner", Role: panel.User, Partitions: panel.PartitionsOf(2)}), roster.Settled)
		was, _ := r.user(4)
		r.settles(r.set(4, "8604", roster.CodeWish{}), roster.Settled)
		is, _ := r.user(4)
		was.Code = "8604"
		require.Equal(t, was, is)
		require.False(t, r.sim.Accepts("6137"))
		require.Contains(t, r.actions(), "user.code.set")
		require.Contains(t, r.actions(), "user.code.changed")

		// The Master's code can be changed, and the panel still opens for us afterwards.
		r.settles(r.set(1, "3861", roster.CodeWish{}), roster.Settled)
		require.True(t, r.sim.Accepts("3861"))
		r.settles(r.set(5, "7490", roster.CodeWish{}), roster.Settled)
	})
}

// Rules: R69, R70, R72, R73, R74, R76, R78, R162, R203, R210, R211
func TestAUserIsDisabled(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, err := r.tab.Disable(r.ctx, slot(4))
		require.ErrorIs(t, err, panel.ErrCodeNotSet)
		_, err = r.tab.Disable(r.ctx, slot(1))
		require.ErrorIs(t, err, panel.ErrMasterDisable)
		require.NotEmpty(t, fault.Hint(err))
		require.ErrorIs(t, r.details(1).WhyNot(roster.ActDisable), panel.ErrMasterDisable)

		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner"}), roster.Settled)
		rec, err := r.tab.Disable(r.ctx, slot(4))
		require.NoError(t, err)
		r.settles(rec, roster.Settled)
		_, there := r.user(4)
		require.False(t, there)
		d := r.details(4)
		require.Equal(t, roster.Minus, d.Code)
		require.Equal(t, roster.ReasonDisabled, d.Explain)
		require.NotEmpty(t, d.Entry, "the entry says who did it")
		_, err = r.tab.SetLabel(r.ctx, slot(4), "Night")
		require.ErrorIs(t, err, panel.ErrCodeNotSet)

		r.settles(r.set(4, "7283", roster.CodeWish{}), roster.Settled)
		require.Equal(t, roster.Check, r.details(4).Code)
	})
}

// Rules: R27, R35, R36, R45, R47, R54, R61, R62, R63, R207, D5, G181
func TestValuesAreCheckedBeforeAnythingIsSent(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		entered := r.sim.Entered()
		wish := func(w roster.CodeWish, code string) error {
			w.Code = digits(t, code)
			_, err := r.tab.SetCode(r.ctx, slot(5), w)
			return err
		}
		edits := []struct {
			name string
			err  error
			want error
		}{
			{"length", wish(roster.CodeWish{}, "61371"), credentials.ErrCodeLength},
			{"role of another kind", wish(roster.CodeWish{Role: panel.DwellerMaster}, "8604"), panel.ErrRoleUnsupported},
			{"a second Master", wish(roster.CodeWish{Role: panel.Master}, "8604"), panel.ErrRoleUnsupported},
			{"label too long", wish(roster.CodeWish{Label: "a label that is far too long"}, "8604"), panel.ErrLabel},
			{"unknown partition", wish(roster.CodeWish{Partitions: panel.PartitionsOf(9)}, "8604"), panel.ErrUnknownPartition},
			{"weak", wish(roster.CodeWish{}, "1234"), credentials.ErrWeak},
			{"taken", wish(roster.CodeWish{}, "6137"), credentials.ErrCodeTaken},
			{"the Master's", wish(roster.CodeWish{}, master), credentials.ErrCodeTaken},
		}
		for _, e := range edits {
			require.ErrorIs(t, e.err, e.want, e.name)
		}
		_, err := r.tab.SetCode(r.ctx, slot(49), roster.CodeWish{Code: digits(t, "8604")})
		require.ErrorIs(t, err, panel.ErrSlotOutOfRange)
		_, err = r.tab.SetPartitions(r.ctx, slot(1), 1)
		require.ErrorIs(t, err, panel.ErrMasterPartitions)
		_, err = r.tab.SetPartitions(r.ctx, slot(4), 0)
		require.ErrorIs(t, err, panel.ErrNoPartition)
		_, err = r.tab.SetLocks(r.ctx, slot(4), []string{"x"})
		require.ErrorIs(t, err, panel.ErrLocksUnsupported)
		require.Equal(t, entered, r.sim.Entered(), "no byte was sent")
	})
}

// Rules: R16, R17, R18, R22, R23, R24, R75, R122, R130, R195, R200, R212, G170
func TestEveryOperationAsksItsRight(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.rights["viewer"] = grant(accounts.EquipmentView, accounts.PanelUsersView)
		viewer := r.as("viewer").Panel(r.tab.ID())
		var denied *accounts.PermissionError

		_, err := viewer.SetCode(r.ctx, slot(4), roster.CodeWish{Code: digits(t, "6137")})
		require.ErrorAs(t, err, &denied)
		require.Equal(t, accounts.PanelUsersManage, denied.Right)
		_, err = viewer.Disable(r.ctx, slot(4))
		require.ErrorAs(t, err, &denied)
		require.Equal(t, accounts.PanelUsersEnd, denied.Right)
		found, err := r.op.Suggest(r.ctx, "owner")
		require.NoError(t, err)
		_, err = viewer.Assign(r.ctx, slot(1), found[0])
		require.ErrorAs(t, err, &denied)
		require.Equal(t, accounts.AccountsAssign, denied.Right)
		_, err = viewer.Unassign(r.ctx, slot(1))
		require.ErrorAs(t, err, &denied)
		require.Equal(t, accounts.AccountsUnassign, denied.Right)

		d, err := viewer.Details(r.ctx, slot(1))
		require.NoError(t, err)
		require.Empty(t, d.Details(), "a viewer is offered nothing")
		require.ErrorIs(t, d.WhyNot(roster.ActDisable), accounts.ErrPermissionDenied)

		r.rights["equipment"] = grant(accounts.EquipmentView)
		_, err = r.as("equipment").Panel(r.tab.ID()).Users(r.ctx, 1, 0)
		require.ErrorAs(t, err, &denied)
		require.Equal(t, accounts.PanelUsersView, denied.Right)
		_, err = r.as("nobody").Panel(r.tab.ID()).Count(r.ctx)
		require.ErrorIs(t, err, accounts.ErrNotEnabled)
		require.Contains(t, r.actions(), "access.denied")
	})
}

// Rules: R2, R3, R114, R240
func TestPanelsOfOtherSitesDoNotExist(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, err := r.op.Panel("").Users(r.ctx, 1, 0)
		require.ErrorIs(t, err, panel.ErrPanelRequired)
		_, err = r.op.Panel("nope").Users(r.ctx, 1, 0)
		require.ErrorIs(t, err, panel.ErrPanelNotFound)

		r.rights["dealer"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("another")}
		dealer := r.as("dealer")
		_, err = dealer.Panel(r.tab.ID()).Users(r.ctx, 1, 0)
		require.ErrorIs(t, err, panel.ErrPanelNotFound, "as if it did not exist")
		list, err := dealer.Panels(r.ctx, "", 0)
		require.NoError(t, err)
		require.Empty(t, list)
		found, err := dealer.Suggest(r.ctx, "own")
		require.NoError(t, err)
		require.Empty(t, found)
		open, err := dealer.Outstanding(r.ctx)
		require.NoError(t, err)
		require.Empty(t, open)
	})
}

// Rules: R38, R57, R58, R64, R104, R153, R154, R155, R156, R157, R158, R159, R160, R161, R163, R165, R180, R181, R182, R183, R184, R185, R186, R188
func TestTheGrid(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner", Role: panel.User, Partitions: panel.PartitionsOf(1, 4)}), roster.Settled)
		require.Equal(t, []string{"№", "Label & role", "Code", "Partitions", "Account", "Created", "Status", ""}, roster.Columns())

		p, err := r.tab.Users(r.ctx, 1, 0)
		require.NoError(t, err)
		require.Len(t, p.Rows, roster.DefaultPageSize)
		require.Equal(t, "1-15 of 48", p.Range())
		require.False(t, p.HasPrev())
		require.True(t, p.HasNext())
		show := func(row roster.Row) string {
			return fmt.Sprint(row.Number(), " | ", row.LabelAndRole(), " | ", row.Code, " | ", row.PartitionsText(), " | ", row.AccountText(), " | ", row.CreatedText(time.UTC), " | ", row.StatusText(), " | ", row.Actions)
		}
		require.Equal(t, "1 | User 1 · Master | check | 1, 2, 3, 4 | - | - | Unknown | []", show(p.Rows[0]))
		require.Equal(t, "2 | User 2 · - | minus | - | - | - | Unknown | []", show(p.Rows[1]))
		require.Equal(t, "4 | Cleaner · User | check | 1, 4 | - | - | Unknown | [Disable panel user]", show(p.Rows[3]))

		found, err := r.op.Suggest(r.ctx, "owner")
		require.NoError(t, err)
		_, err = r.tab.Assign(r.ctx, slot(4), found[0])
		require.NoError(t, err)
		p, err = r.tab.Users(r.ctx, 1, 10)
		require.NoError(t, err)
		require.Equal(t, "4 | Cleaner · User | check | 1, 4 | owner@example.com | 4:24:55 PM Wed 13 May, 2026 | Active | [Disable panel user Unassign account]", show(p.Rows[3]))

		last, err := r.tab.Users(r.ctx, 4, 15)
		require.NoError(t, err)
		require.Equal(t, "46-48 of 48", last.Range())
		require.False(t, last.HasNext())
		_, err = r.tab.Users(r.ctx, 5, 15)
		require.ErrorIs(t, err, roster.ErrNoMorePages)
		for _, size := range []int{-1, 11, 201} {
			_, err = r.tab.Users(r.ctx, 1, size)
			require.ErrorIs(t, err, roster.ErrPageSize)
		}
		n, err := r.tab.Count(r.ctx)
		require.NoError(t, err)
		require.Equal(t, "48 users", roster.CountText(n))
	})
}

// Rules: R6, R12, R15, R98, R99, R100, R106, R107, R108, R109, R110, R111, R112, R113, R115, R116, R117, R118, R119, R120, R123, R196, R197, R198, R199, R201, R227, R235, G148
func TestAccountsAreAssigned(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		r.settles(r.set(5, "8604", roster.CodeWish{}), roster.Settled)

		_, err := r.op.Suggest(r.ctx, "")
		require.ErrorIs(t, err, accounts.ErrEmailRequired)
		_, err = r.op.Suggest(r.ctx, "ow")
		require.ErrorIs(t, err, roster.ErrPrefix)
		found, err := r.op.Suggest(r.ctx, "OWN")
		require.NoError(t, err)
		require.Len(t, found, 2)

		a, err := r.tab.NewAssignment(r.ctx)
		require.NoError(t, err)
		require.Equal(t, "Assign account to panel "+ident, a.Title())
		_, err = a.Save(r.ctx)
		require.ErrorIs(t, err, accounts.ErrAccountNotSelected)
		a.Choose(found[1])
		_, err = a.Save(r.ctx)
		require.ErrorIs(t, err, accounts.ErrPanelUserRequired)
		require.Nil(t, r.details(4).Account, "nothing was stored")

		rows, err := r.tab.AssignableUsers(r.ctx, found[1])
		require.NoError(t, err)
		require.Len(t, rows, 3, "the users with a code")
		a.Place(slot(6))
		_, err = a.Save(r.ctx)
		require.ErrorIs(t, err, panel.ErrCodeNotSet)
		a.Place(slot(4))
		_, err = a.Save(r.ctx)
		require.NoError(t, err)
		require.Equal(t, "owner@example.com", r.details(4).Account.Email)

		_, err = r.tab.Assign(r.ctx, slot(4), found[0])
		require.ErrorIs(t, err, accounts.ErrSlotHasAccount)
		var on *accounts.AccountOnPanelError
		_, err = r.tab.Assign(r.ctx, slot(5), found[1])
		require.ErrorAs(t, err, &on)
		require.Equal(t, 4, on.Slot)

		// What was found is judged again when it is assigned.
		second := found[0].Person()
		second.Status = accounts.StatusSuspended
		r.people.set(second)
		_, err = r.tab.Assign(r.ctx, slot(5), found[0])
		require.ErrorIs(t, err, accounts.ErrAccountSuspended)
		r.people.remove(second.ID)
		_, err = r.tab.Assign(r.ctx, slot(5), found[0])
		require.ErrorIs(t, err, accounts.ErrAccountNotFound)

		first := found[1].Person()
		first.Status = accounts.StatusSuspended
		r.people.set(first)
		require.Equal(t, accounts.StatusSuspended, r.details(4).Account.Status, "the link stays")
	})
}

// Rules: R124, R125, R126, R127, R129, R145, R150, R168, R171
func TestAccountsAreUnassigned(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, err := r.tab.Unassign(r.ctx, slot(4))
		require.ErrorIs(t, err, accounts.ErrNoAccountAssigned)
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner"}), roster.Settled)
		found, err := r.op.Suggest(r.ctx, "owner")
		require.NoError(t, err)
		_, err = r.tab.Assign(r.ctx, slot(4), found[0])
		require.NoError(t, err)
		require.Contains(t, r.details(4).Details(), roster.ActUnassign)
		was, _ := r.user(4)

		_, err = r.tab.Unassign(r.ctx, slot(4))
		require.NoError(t, err)
		d := r.details(4)
		require.Nil(t, d.Account)
		require.Equal(t, "- - Unknown", fmt.Sprint(d.AccountText(), " ", d.CreatedText(time.UTC), " ", d.StatusText()))
		is, _ := r.user(4)
		require.Equal(t, was, is, "the panel user is untouched")
		_, err = r.people.Person(r.ctx, "account-1")
		require.NoError(t, err, "the account stays")
		require.Contains(t, r.actions(), "account.unassigned")

		// An account that was removed reads as none at once.
		_, err = r.tab.Assign(r.ctx, slot(4), found[0])
		require.NoError(t, err)
		r.people.remove("account-1")
		require.Nil(t, r.details(4).Account)
	})
}

// Rules: R189
func TestALinkNamesATenancy(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		found, err := r.op.Suggest(r.ctx, "owner")
		require.NoError(t, err)
		_, err = r.tab.Assign(r.ctx, slot(4), found[0])
		require.NoError(t, err)
		rec, err := r.tab.Disable(r.ctx, slot(4))
		require.NoError(t, err)
		r.settles(rec, roster.Settled)
		d := r.details(4)
		require.True(t, d.Account.Former)
		require.Equal(t, "-", d.AccountText())
		require.Contains(t, d.Details(), roster.ActUnassign)
		require.Empty(t, d.Row.Actions, "no menu without a code")
	})
}

// Rules: R121
func TestTwoOperatorsAssignOneSlot(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		found, err := r.op.Suggest(r.ctx, "own")
		require.NoError(t, err)
		errs := make(chan error, 2)
		for _, s := range found {
			go func() {
				_, err := r.tab.Assign(r.ctx, slot(4), s)
				errs <- err
			}()
		}
		a, b := <-errs, <-errs
		require.NotEqual(t, a == nil, b == nil, "one of them wins")
		require.ErrorIs(t, errors.Join(a, b), accounts.ErrSlotHasAccount)
	})
}

// Rules: R39, R193, D4
func TestNoSecretIsEverSeen(t *testing.T) {
	const planted = "60718293"
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		_, err := r.tab.SetCode(r.ctx, slot(5), roster.CodeWish{Code: digits(t, planted)})
		require.ErrorIs(t, err, credentials.ErrCodeLength)
		d := r.details(4)
		es, err2 := r.store.Entries(r.ctx, store.EntryQuery{})
		require.NoError(t, err2)
		for _, text := range []string{fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%+v %#v", d, roster.CodeWish{Code: digits(t, planted)}), fmt.Sprintf("%+v", es)} {
			require.NotContains(t, text, planted)
			require.NotRegexp(t, `\b6137\b`, text) // not as a part of a random id
		}
	})
}
