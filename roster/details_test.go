package roster_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

func (r *rig) assign(n int, who string) {
	r.Helper()
	found, err := r.op.Suggest(r.ctx, who)
	require.NoError(r.T, err)
	_, err = r.tab.Assign(r.ctx, slot(n), found[0])
	require.NoError(r.T, err)
}

// Rules: R119, R126, R159, R160, R161, R162, R164, R166, R169, R170, R171, R172, R173, R174, R175, R176, R206, R226
func TestWhatIsOfferedFollowsFromCodeAndAccount(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{Role: panel.User}), roster.Settled)
		r.settles(r.set(5, "8604", roster.CodeWish{Role: panel.User}), roster.Settled)
		r.assign(5, "owner")
		r.assign(1, "owned")
		r.settles(r.set(6, "7283", roster.CodeWish{Role: panel.User}), roster.Settled)

		offers := func(n int) []roster.Action { return r.details(n).Details() }
		edits := []roster.Action{roster.ActCode, roster.ActLabel, roster.ActRole, roster.ActPartitions}
		account := []roster.Action{roster.ActUnassign, roster.ActReset, roster.ActRemove}
		for _, c := range []struct {
			what    string
			slot    int
			details []roster.Action
			menu    []roster.Action
		}{
			{"no code, no account", 7, []roster.Action{roster.ActCode}, nil},
			{"a code", 4, slices.Concat([]roster.Action{roster.ActDisable, roster.ActAssign}, edits), []roster.Action{roster.ActDisable}},
			{"a code and an account", 5, slices.Concat([]roster.Action{roster.ActDisable}, account, edits), []roster.Action{roster.ActDisable, roster.ActUnassign}},
			{"a Master with an account", 1, slices.Concat(account, []roster.Action{roster.ActCode, roster.ActLabel}), []roster.Action{roster.ActUnassign}},
		} {
			require.Equal(t, c.details, offers(c.slot), c.what)
			row := r.details(c.slot).Row
			require.Equal(t, c.menu, row.Actions, c.what)
			require.Equal(t, len(c.menu) > 0, row.MenuVisible(), c.what)
		}
		for action, why := range map[roster.Action]error{
			roster.ActDisable: panel.ErrCodeNotSet, roster.ActLabel: panel.ErrCodeNotSet, roster.ActPartitions: panel.ErrCodeNotSet,
			roster.ActAssign: panel.ErrCodeNotSet, roster.ActUnassign: accounts.ErrNoAccountAssigned, roster.ActReset: accounts.ErrNoAccountAssigned,
		} {
			require.ErrorIs(t, r.details(7).WhyNot(action), why, action)
		}
		require.ErrorIs(t, r.details(1).WhyNot(roster.ActDisable), panel.ErrMasterDisable)
		require.ErrorIs(t, r.details(1).WhyNot(roster.ActPartitions), panel.ErrMasterPartitions)
		require.ErrorIs(t, r.details(5).WhyNot(roster.ActAssign), accounts.ErrSlotHasAccount)

		// An account on a user without a code: no menu, but the details still offer it.
		rec, err := r.tab.Disable(r.ctx, slot(5))
		require.NoError(t, err)
		r.settles(rec, roster.Settled)
		require.Empty(t, r.details(5).Row.Actions)
		require.Contains(t, offers(5), roster.ActUnassign)
	})
}

// Rules: R4, R46, R51, R101, R102, R103, R167, R202, R209, R231
func TestADetailIsAProjection(t *testing.T) {
	inBubble(t, func(r *rig) {
		fresh := r.details(4)
		require.Equal(t, "User 4", fresh.Label)
		require.Equal(t, "No code", fresh.CodeText)
		require.Equal(t, "-", fresh.RoleText())
		require.Equal(t, roster.ReasonCodeNeverSet, fresh.Explain)

		r.settles(r.set(4, "6137", roster.CodeWish{Role: panel.Supervisor, Partitions: panel.PartitionsOf(1, 4)}), roster.Settled)
		require.Equal(t, roster.Minus, fresh.Code, "an old snapshot does not change by itself")
		r.assign(4, "owner")
		d := r.details(4)
		require.Equal(t, "Set", d.CodeText)
		require.Equal(t, roster.ReasonNone, d.Explain)
		require.Contains(t, d.Details(), roster.ActLabel)
		require.Equal(t, "Supervisor", d.RoleText())
		require.Equal(t, "4:24:55 PM Wed 13 May, 2026", d.CreatedText(time.UTC))
		require.True(t, d.Account.Assigned.Before(d.Account.Created), "the time of the account, not of the assignment (which fake time puts earlier)")

		b, err := json.Marshal(d.Row)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(b, &fields))
		for _, name := range []string{"id", "place", "label", "role", "code", "account", "fields", "actions", "revision"} {
			require.Contains(t, fields, name)
		}
		require.NotRegexp(t, `\b6137\b`, string(b)) // not as a part of a random id
	})
}

// Every change of the tab, made once from the details, is one entry with who, what and when.
//
// Rules: R5, R87, R118, R129, R179, R189, R190, R191, R229, G139
func TestEveryChangeIsInTheLog(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{Role: panel.User}), roster.Settled)
		must := func(_ roster.Receipt, err error) { t.Helper(); require.NoError(t, err) }
		for _, step := range []struct {
			action audit.Action
			do     func()
		}{
			{audit.UserCodeChanged, func() { r.set(4, "8604", roster.CodeWish{}) }},
			{audit.UserLabelChanged, func() { must(r.tab.SetLabel(r.ctx, slot(4), "Cleaner")) }},
			{audit.UserPartitionsChanged, func() { must(r.tab.SetPartitions(r.ctx, slot(4), panel.PartitionsOf(2))) }},
			{audit.UserRoleChanged, func() { must(r.tab.SetRole(r.ctx, slot(4), panel.OneTime)) }},
			{audit.AccountAssigned, func() { r.assign(4, "owner") }},
			{audit.AccountUnassigned, func() { must(r.tab.Unassign(r.ctx, slot(4))) }},
			{audit.UserDisabled, func() { must(r.tab.Disable(r.ctx, slot(4))) }},
			{audit.UserCodeSet, func() { r.set(4, "7283", roster.CodeWish{}) }},
			{audit.UserWishCancelled, func() { must(r.tab.Cancel(r.ctx, slot(4))) }},
		} {
			before := r.entries(string(step.action))
			step.do()
			require.Equal(t, before+1, r.entries(string(step.action)), step.action)
			es, err := r.store.Entries(r.ctx, store.EntryQuery{Target: []byte(r.details(4).ID), Actions: []string{string(step.action)}, OldestLast: true, Limit: 1})
			require.NoError(t, err)
			e, err := audit.Decode(es[0].Body)
			require.NoError(t, err)
			require.Equal(t, "host/operator", e.Actor().String())
			require.Equal(t, "4", e.Value(audit.FieldSlot))
			require.Equal(t, ident, e.Value(audit.FieldIdent))
			require.WithinDuration(t, time.Now(), e.At, 5*time.Second)
		}
	})
}

// Rules: R1
func TestUsersOfTwoPanelsAreNeverMixed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.another("298765430001")
		reg := registration()
		reg.Ident, reg.Name = "298765430001", "Back house"
		p, err := r.op.Register(r.ctx, reg)
		require.NoError(t, err)
		other := r.op.Panel(p.ID)
		r.until("it was read", func() bool {
			info, err := other.Info(r.ctx)
			require.NoError(t, err)
			return !info.Baseline.IsZero()
		})
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner"}), roster.Settled)
		d, err := other.Details(r.ctx, slot(4))
		require.NoError(t, err)
		require.Equal(t, roster.Minus, d.Code)
		// One code on two panels is no collision: it is unique for each.
		rec, err := other.SetCode(r.ctx, slot(7), roster.CodeWish{Code: digits(t, "6137")})
		require.NoError(t, err)
		ctx, cancel := r.hour()
		defer cancel()
		_, err = other.Wait(ctx, rec)
		require.NoError(t, err)
		require.Equal(t, roster.Minus, r.details(7).Code)
	})
}

// Rules: R244
func TestWhatPanelsDiscloseClaimsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		// Every factory Master is the same: no panel is in another's way.
		for _, id := range []string{"298765430001", "298765430002", "298765430003"} {
			r.another(id)
			reg := registration()
			reg.Ident = id
			p, err := r.op.Register(r.ctx, reg)
			require.NoError(t, err)
			r.until("it was read", func() bool {
				info, err := r.op.Panel(p.ID).Info(r.ctx)
				require.NoError(t, err)
				return !info.Baseline.IsZero()
			})
			// A code that was seen at one panel's keypad can be had at another, and here.
			require.NoError(t, r.sim.Keypad(panel.Edit{Place: slot(40), Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: digits(t, "9164")}}))
			r.wait(time.Minute)
			rec, err := r.op.Panel(p.ID).SetCode(r.ctx, slot(4), roster.CodeWish{Code: digits(t, "9164")})
			require.NoError(t, err)
			ctx, cancel := r.hour()
			got, err := r.op.Panel(p.ID).Wait(ctx, rec)
			cancel()
			require.NoError(t, err)
			require.Equal(t, roster.Settled, got.Fate)
			require.NoError(t, r.sim.Keypad(panel.Edit{Place: slot(40), Do: panel.Remove}))
			r.wait(time.Minute)
		}
	})
}

// What the tab relies on are interfaces that a host can plug its own into.
//
// Rules: R232
func TestAHostBringsItsOwn(t *testing.T) {
	var (
		_ accounts.Directory = (*people)(nil)
		_ accounts.Authority = accounts.StaticAuthority(nil)
		_ panel.Driver       = (*mute)(nil)
	)
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		r.assign(4, "owner")
		require.Equal(t, "Owner", mustPerson(t, r, "account-1").Name)
	})
}

func mustPerson(t *testing.T, r *rig, id accounts.ID) accounts.Person {
	t.Helper()
	p, err := r.people.Person(r.ctx, id)
	require.NoError(t, err)
	return p
}
