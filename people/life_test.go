package people_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// Rights for a time begin and end at their second, are listed, and give nobody more than
// the lender has.
//
// Rules: G215
func TestRightsForATimeEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *people.Options) {
			o.Authority = accounts.StaticAuthority{"operator": everything,
				"weaker": {Enabled: true, Rights: accounts.RightsOf(accounts.RolesManage), Sites: accounts.AllSites()}}
		})
		as := b.inside()
		a := b.hired("installer@example.com", sites)
		view := accounts.RightsOf(accounts.AccountsView)
		may := func() bool {
			_, err := as(a).Accounts(t.Context(), people.Search{})
			return err == nil
		}
		until := time.Now().Add(2 * time.Hour)
		_, err := b.as("weaker").Lend(t.Context(), a.ID, people.Loan{Rights: view, Until: until, Reason: "commissioning"})
		require.ErrorIs(t, err, accounts.ErrPermissionDenied)
		for _, bad := range []people.Loan{{Until: until, Reason: "x"}, {Rights: view, Until: until}, {Rights: view, Reason: "x"},
			{Rights: view, Reason: "x", Until: time.Now()}, {Rights: view, Reason: "x", From: until, Until: until}} {
			_, err := b.as("operator").Lend(t.Context(), a.ID, bad)
			require.ErrorIs(t, err, accounts.ErrTemporary)
		}
		v, err := b.as("operator").Lend(t.Context(), a.ID, people.Loan{Rights: view, From: time.Now().Add(time.Hour), Until: until, Reason: "commissioning"})
		require.NoError(t, err)
		require.Len(t, v.Temporary, 1)
		assert.False(t, may())
		time.Sleep(time.Hour)
		assert.True(t, may())
		time.Sleep(time.Hour - time.Second)
		assert.True(t, may())
		time.Sleep(time.Second)
		assert.False(t, may())

		v, err = b.as("operator").Lend(t.Context(), a.ID, people.Loan{Rights: view, Until: time.Now().Add(time.Hour), Reason: "again"})
		require.NoError(t, err)
		require.Len(t, v.Temporary, 1, "what has ended is forgotten")
		assert.True(t, may())
		_, err = b.as("operator").Unlend(t.Context(), a.ID, v.Temporary[0].ID)
		require.NoError(t, err)
		assert.False(t, may())
		assert.Equal(t, 2, b.entries()[audit.AccountRightsLent])
		assert.Equal(t, 1, b.entries()[audit.AccountRightsTakenBack])
	})
}

// Revoking, validity and suspension are facts beside each other: taking one back gives
// nothing that another keeps away.
//
// Rules: G146
func TestRevocationAndValidityAreTheirOwnFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a := b.account("owner@example.com", accounts.Active)
		state := func() accounts.State { return b.facts(a.ID).State }
		_, err := b.op.SetWindow(t.Context(), a.ID, credentials.Window{Until: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		_, err = b.op.Revoke(t.Context(), a.ID, "lost")
		require.NoError(t, err)
		assert.Equal(t, accounts.Revoked, state())
		_, err = b.op.Suspend(t.Context(), a.ID, "away")
		require.NoError(t, err)
		_, err = b.op.Unrevoke(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.Suspended, state())
		_, err = b.op.Enable(t.Context(), a.ID)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		assert.Equal(t, accounts.Expired, state())
		_, err = b.op.SetWindow(t.Context(), a.ID, credentials.Window{})
		require.NoError(t, err)
		assert.Equal(t, accounts.Active, state())
		_, err = b.op.Unlock(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrInvalidTransition)
		_, err = b.op.SetWindow(t.Context(), a.ID, credentials.Window{From: time.Now(), Until: time.Now().Add(-time.Hour)})
		require.ErrorIs(t, err, credentials.ErrValidityOrder)
	})
}

// A changed address is found, claimed and mailed to from then on; the one before is free,
// and what was sent to it works no more.
func TestAContactIsChanged(t *testing.T) {
	b := newBench(t)
	a, code := b.invited("old@example.com")
	b.account("taken@example.com", accounts.Active)
	_, err := b.op.SetContact(t.Context(), a.ID, email(t, "taken@example.com"), "")
	require.ErrorIs(t, err, accounts.ErrEmailInUse)
	_, err = b.op.SetContact(t.Context(), a.ID, a.Email, "0123")
	require.ErrorIs(t, err, accounts.ErrPhoneFormat)
	_, err = b.op.SetContact(t.Context(), a.ID, accounts.Email{}, "")
	require.ErrorIs(t, err, accounts.ErrEmailRequired)
	v, err := b.op.SetContact(t.Context(), a.ID, email(t, "OLD@example.com"), "+1234567890")
	require.NoError(t, err, "another case of the same address")
	assert.Equal(t, "+1234567890", v.Phone)
	_, err = b.op.SetContact(t.Context(), a.ID, email(t, "new@example.com"), "")
	require.NoError(t, err)
	_, err = b.op.Confirm(t.Context(), people.ByID(a.ID), code)
	require.ErrorIs(t, err, people.ErrCode)
	b.account("old@example.com", accounts.Active)
	_, err = b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	require.NoError(t, b.svc.Work(t.Context()))
	sent := b.mail.Sent()
	assert.Equal(t, "new@example.com", sent[len(sent)-1].To)
	for _, address := range []string{"old@example.com", "new@example.com"} {
		found, err := b.svc.Resolve(t.Context(), email(t, address))
		require.NoError(t, err)
		assert.Contains(t, found, a.ID, "the log finds it by either")
	}
}

// The former address is told, and its owner can object once, within 72 hours: the account
// stops until an operator has looked.
//
// Rules: G202
func TestAnOwnerObjectsToANewAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a := b.account("old@example.com", accounts.Active)
		move := func(to string) credentials.Code {
			_, err := b.as("operator").SetContact(t.Context(), a.ID, email(t, to), "")
			require.NoError(t, err)
			require.NoError(t, b.svc.Work(t.Context()))
			return b.code()
		}
		code := move("new@example.com")
		sent := b.mail.Sent()
		require.Len(t, sent, 1)
		assert.Equal(t, "old@example.com", sent[0].To)
		assert.Contains(t, sent[0].Text, "object")
		require.ErrorIs(t, b.op.Object(t.Context(), a.ID, other(t, code)), people.ErrCode)
		require.ErrorIs(t, b.op.Object(t.Context(), "nobody", code), people.ErrCode)
		_, err := b.op.SetContact(t.Context(), a.ID, email(t, "newest@example.com"), "")
		require.NoError(t, err)
		require.NoError(t, b.svc.Work(t.Context()))
		sent = b.mail.Sent()
		require.Len(t, sent, 2)
		assert.Equal(t, "new@example.com", sent[1].To)
		assert.Empty(t, codeForm.FindString(sent[1].Text), "a second change takes nothing from the first owner")
		require.NoError(t, b.op.Object(t.Context(), a.ID, code))
		assert.Equal(t, accounts.Suspended, b.facts(a.ID).State)
		_, err = b.op.Enable(t.Context(), a.ID)
		require.NoError(t, err)
		require.ErrorIs(t, b.op.Object(t.Context(), a.ID, code), people.ErrCode, "once")
		code = move("newer@example.com")
		time.Sleep(72 * time.Hour)
		require.ErrorIs(t, b.op.Object(t.Context(), a.ID, code), people.ErrCode, "in time")
		assert.Equal(t, accounts.Active, b.facts(a.ID).State)
	})
}

// An owner is told at the address from before the change, of each thing that was changed,
// and only then.
func TestAnOwnerIsToldOfANewPhoneNumberAndANewAddress(t *testing.T) {
	b := newBench(t)
	a := b.account("old@example.com", accounts.Active)
	told := func() []string {
		require.NoError(t, b.svc.Work(t.Context()))
		var out []string
		for _, m := range b.mail.Sent() {
			for _, what := range []string{"phone number of your account was changed", "has another e-mail address"} {
				if strings.Contains(m.Text, what) {
					out = append(out, m.To+": "+what)
				}
			}
		}
		return out
	}
	_, err := b.op.SetContact(t.Context(), a.ID, a.Email, "+12025550123")
	require.NoError(t, err)
	phone := "old@example.com: phone number of your account was changed"
	assert.Equal(t, []string{phone}, told())
	_, err = b.op.SetContact(t.Context(), a.ID, a.Email, "+12025550123")
	require.NoError(t, err)
	assert.Len(t, told(), 1, "nothing was changed")
	_, err = b.op.SetContact(t.Context(), a.ID, email(t, "new@example.com"), "")
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{phone, phone, "old@example.com: has another e-mail address"}, told())
	invited := b.account("invited@example.com", accounts.NotConfirmed)
	_, err = b.op.SetContact(t.Context(), invited.ID, invited.Email, "+12025550123")
	require.NoError(t, err)
	assert.Len(t, told(), 3, "an account that is nobody's yet has nobody to tell")

	silent := newBench(t, func(o *people.Options) { o.Mailer = nil })
	s := silent.account("old@example.com", accounts.Active)
	_, err = silent.op.SetContact(t.Context(), s.ID, s.Email, "+12025550123")
	require.NoError(t, err, "without mail the change is made all the same")
}

// What an owner is told waits for the mail server, three days and not longer.
func TestANoticeOfAChangeWaitsForTheMailServer(t *testing.T) {
	for down, sent := range map[time.Duration]int{24 * time.Hour: 1, 73 * time.Hour: 0} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.run()
			a := b.account("old@example.com", accounts.Active)
			b.mail.Down(true)
			_, err := b.op.SetContact(t.Context(), a.ID, a.Email, "+12025550123")
			require.NoError(t, err)
			time.Sleep(down)
			b.mail.Down(false)
			time.Sleep(10 * time.Minute)
			assert.Len(t, b.mail.Sent(), sent)
			if sent == 0 {
				d, err := b.op.Account(t.Context(), a.ID)
				require.NoError(t, err)
				assert.Equal(t, people.GivenUp, d.Delivery.State)
				assert.Equal(t, people.PhoneLetter, d.Delivery.Kind)
			}
		})
	}
}

// Rules: G207
func TestMailLeavesWithinItsBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *people.Options) {
			o.Policy, o.Budgets = accounts.GEM(), notify.Budgets{Mail: notify.Budget{Address: 3}}
			o.Policy.ResetByMail = true
		})
		b.run()
		for i := range 10 {
			a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: fmt.Sprintf("owner_%d", i), Email: email(t, "one@example.com"), Sites: sites})
			require.NoError(t, err)
			_, err = b.op.ResetPassword(t.Context(), a.ID)
			require.NoError(t, err)
		}
		time.Sleep(9 * time.Minute)
		assert.Len(t, b.mail.Sent(), 3, "many accounts share one mailbox")
	})
}

// Where addresses are shared, changing one claims and frees nothing.
func TestSharedAddressesAreChangedToo(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.GEM() })
	for _, name := range []string{"first", "second"} {
		a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: name, Email: email(t, name+"@example.com"), Sites: sites})
		require.NoError(t, err)
		_, err = b.op.SetContact(t.Context(), a.ID, email(t, "both@example.com"), "")
		require.NoError(t, err)
	}
	found, err := b.svc.Resolve(t.Context(), email(t, "both@example.com"))
	require.NoError(t, err)
	assert.Len(t, found, 2)
}

func TestDetailsAreReplaced(t *testing.T) {
	b := newBench(t)
	a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Username: "owner_1", First: "Tower", Sites: sites})
	require.NoError(t, err)
	minutes, never, negative := 480, 0, -1
	v, err := b.op.SetDetails(t.Context(), a.ID, people.Details{First: "Porter", Session: &minutes})
	require.NoError(t, err)
	assert.Equal(t, []any{"Porter", &minutes, "owner_1"}, []any{v.Name(), v.Session, v.Username})
	v, err = b.op.SetDetails(t.Context(), a.ID, people.Details{Session: &never})
	require.NoError(t, err)
	assert.Equal(t, "owner_1", v.Name(), "names are optional")
	_, err = b.op.SetDetails(t.Context(), a.ID, people.Details{Session: &negative})
	require.ErrorIs(t, err, accounts.ErrTokenDuration)
	_, err = b.op.SetDetails(t.Context(), a.ID, people.Details{Profile: "nights"})
	require.ErrorIs(t, err, accounts.ErrProfileNotFound)
}

// A profile acts on the next notification after it was changed, for everybody who has it.
//
// Rules: S37
func TestAProfileActsAtOnce(t *testing.T) {
	b := newBench(t)
	office := accounts.Profile{Name: "office", Enabled: true, Email: true}
	require.NoError(t, b.op.SetProfile(t.Context(), office))
	require.ErrorIs(t, b.op.SetProfile(t.Context(), accounts.Profile{Name: "Office Hours"}), accounts.ErrProfile)
	require.ErrorIs(t, b.op.SetProfile(t.Context(), accounts.Profile{Name: "zone", When: credentials.Schedule{Zone: "Nowhere/None"}}), credentials.ErrSchedule)
	require.ErrorIs(t, b.as("north").SetProfile(t.Context(), office), accounts.ErrSiteMismatch)
	a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Profile: "office", Sites: sites})
	require.NoError(t, err)
	bare := b.account("bare@example.com", accounts.Active)
	notify := func(id accounts.ID, c accounts.Channel) error {
		n, err := b.svc.Notify(t.Context(), id, c)
		require.NoError(t, err)
		assert.Equal(t, n.Cause == nil, n.Now)
		return n.Cause
	}
	require.NoError(t, notify(a.ID, accounts.EmailChannel))
	require.ErrorIs(t, notify(a.ID, accounts.SMSChannel), accounts.ErrChannelOff)
	require.ErrorIs(t, notify(bare.ID, accounts.EmailChannel), accounts.ErrNoProfile)
	office.SMS = true
	require.NoError(t, b.op.SetProfile(t.Context(), office))
	require.ErrorIs(t, notify(a.ID, accounts.SMSChannel), accounts.ErrNoPhone)
	office.Enabled = false
	require.NoError(t, b.op.SetProfile(t.Context(), office))
	require.ErrorIs(t, notify(a.ID, accounts.EmailChannel), accounts.ErrProfileDisabled)
	_, err = b.svc.Notify(t.Context(), "nobody", accounts.EmailChannel)
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
	list, err := b.op.Profiles(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []accounts.Profile{office}, list)
}

// A page, a route or a function of the host's own is opened by the roles of the account.
func TestRolesOpenTheHostsOwnSurfaces(t *testing.T) {
	b := newBench(t)
	a := b.hired("user@example.com", sites, "user")
	open := func(surface accounts.Surface, target string) bool {
		ok, err := b.svc.MayOpen(t.Context(), accounts.HostActor(a.ID, "", "test"), surface, target)
		require.NoError(t, err)
		require.False(t, ok, "a host's actor is no account's")
		ok, err = b.svc.MayOpen(t.Context(), b.actor(a), surface, target)
		require.NoError(t, err)
		return ok
	}
	assert.True(t, open(accounts.Route, "/panels/1"))
	assert.False(t, open(accounts.Route, "/admin/roles"))
	assert.False(t, open(accounts.API, "panels"))
	_, err := b.op.Suspend(t.Context(), a.ID, "")
	require.NoError(t, err)
	assert.False(t, open(accounts.Route, "/panels/1"))
	require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "user@example.com"}))
	assert.False(t, open(accounts.Route, "/panels/1"))
}
