package people_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// customers lets owners help themselves and asks for their consent to everything else.
func customers(o *people.Options) {
	two(o)
	o.Policy = policy()
	o.Policy.SelfService, o.Policy.CodeConsent = true, true
}

// self is the account in its owner's hands, who has just signed in.
func (b *bench) self(a people.Account) *people.Self { return b.svc.Self(b.actor(a)) }

// consenting is a roster that asks for consents and lets owners help themselves, with a
// panel.
func (b *bench) consenting() (*roster.Desk, *roster.Operator, *roster.Tab) {
	b.t.Helper()
	p := policy()
	p.CodeConsent, p.SelfService = true, true
	d, err := roster.New(roster.Options{Store: b.store, Keys: b.keys, Drivers: map[string]panel.Driver{"example": offline{}},
		Authority: accounts.StaticAuthority{"operator": everything}, Policy: p})
	require.NoError(b.t, err)
	op := d.As(accounts.HostActor("operator", "", "test").Vouched(time.Now()))
	info, err := op.Register(b.t.Context(), roster.Registration{Site: "north", Name: "Home", Driver: "example", Ident: "000000000000007"})
	require.NoError(b.t, err)
	return d, op, op.Panel(info.ID)
}

// Owners see the panel users that are theirs, with their panels, and change their own code
// and label there; of other users, of other panels and of what is not theirs any more they
// learn and change nothing. It takes no right, and the policy's leave.
//
// Rules: G214, G190
func TestOwnersLookAfterTheirOwnPanelUser(t *testing.T) {
	b := newBench(t, customers)
	owner, other := b.account("owner@example.com", accounts.Active), b.account("other@example.com", accounts.Active)
	desk, op, tab := b.consenting()
	for i, name := range []string{"owner@", "other@"} {
		found, err := op.Suggest(t.Context(), name)
		require.NoError(t, err)
		_, err = tab.Assign(t.Context(), panel.Place{Slot: 4 + i}, found[0])
		require.NoError(t, err)
	}
	own, slot := desk.Self(b.actor(owner)), panel.Place{Slot: 4}
	list, err := own.Users(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, []any{"Home", "in service", slot}, []any{list[0].Panel.Name, list[0].Panel.State, list[0].Row.Place})
	for range accounts.DefaultOwnChanges {
		code, _, err := own.NewCode(t.Context(), tab.ID(), slot)
		require.NoError(t, err)
		assert.Equal(t, 4, code.Len())
	}
	_, _, err = own.NewCode(t.Context(), tab.ID(), slot)
	require.ErrorIs(t, err, accounts.ErrOwnChanges)
	_, err = own.SetLabel(t.Context(), tab.ID(), slot, "Tower")
	require.NoError(t, err)
	strict, err := roster.New(roster.Options{Store: b.store, Keys: b.keys, Drivers: map[string]panel.Driver{"example": offline{}}, Policy: policy()})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		self  *roster.Self
		panel string
		place panel.Place
		want  error
	}{
		"another's":              {own, tab.ID(), panel.Place{Slot: 5}, panel.ErrPanelNotFound},
		"nobody's":               {own, tab.ID(), panel.Place{Slot: 6}, panel.ErrPanelNotFound},
		"no such panel":          {own, "none", slot, panel.ErrPanelNotFound},
		"by the other":           {desk.Self(b.actor(other)), tab.ID(), slot, panel.ErrPanelNotFound},
		"by a host's actor":      {desk.Self(accounts.HostActor(owner.ID, "", "test").Vouched(time.Now())), tab.ID(), slot, accounts.ErrNotEnabled},
		"without policy's leave": {strict.Self(b.actor(owner)), tab.ID(), slot, accounts.ErrSelfService},
	} {
		before := len(b.allEntries())
		_, _, err := c.self.NewCode(t.Context(), c.panel, c.place)
		require.ErrorIs(t, err, c.want, name)
		_, err = c.self.SetLabel(t.Context(), c.panel, c.place, "Mine")
		require.ErrorIs(t, err, c.want, name)
		for _, e := range b.allEntries()[before:] {
			assert.Contains(t, []string{string(audit.AccessDenied), string(audit.OperationRefused)}, e.Action, name)
		}
	}
	_, err = tab.Unassign(t.Context(), slot)
	require.NoError(t, err)
	list, err = own.Users(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list, "a link that is gone shows nothing")
	_, _, err = own.NewCode(t.Context(), tab.ID(), slot)
	require.ErrorIs(t, err, panel.ErrPanelNotFound)
	_, err = b.op.Suspend(t.Context(), other.ID, "")
	require.NoError(t, err)
	_, err = desk.Self(b.actor(other)).Users(t.Context())
	require.ErrorIs(t, err, accounts.ErrNotEnabled)
}

// Owners draw another PIN for themselves where the policy lets them, with a fresh factor.
//
// Rules: G214, G190
func TestOwnersDrawTheirOwnPIN(t *testing.T) {
	b := newBench(t, customers)
	owner, other := b.account("owner@example.com", accounts.Active), b.account("other@example.com", accounts.Active)
	pin, err := b.self(owner).NewPIN(t.Context())
	require.NoError(t, err)
	assert.Equal(t, b.opened(b.pin(owner.ID)), pin.Reveal())
	assert.Zero(t, b.pin(other.ID).Generation)
	for range accounts.DefaultOwnChanges - 1 {
		_, err = b.self(owner).NewPIN(t.Context())
		require.NoError(t, err)
	}
	_, err = b.self(owner).NewPIN(t.Context())
	require.ErrorIs(t, err, accounts.ErrOwnChanges)
	_, err = b.self(other).NewPIN(t.Context())
	require.NoError(t, err, "it is each one's own budget")
	stale := accounts.Recorded(mint.Token{}, audit.AccountActor, owner.ID, "", "test", time.Time{})
	_, err = b.svc.Self(stale).NewPIN(t.Context())
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	_, err = b.svc.Self(stale).Consent(t.Context(), people.Consent{Until: time.Now().Add(time.Hour), Reason: "help"})
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	_, err = newBench(t, func(o *people.Options) { o.Store, o.Keys = b.store, b.keys }).self(owner).NewPIN(t.Context())
	require.ErrorIs(t, err, accounts.ErrSelfService, "the policy does not say so")
}

// Whoever is no account's owner, or an owner who may not sign in, does nothing by it.
//
// Rules: G214
func TestNobodyElseIsAnOwner(t *testing.T) {
	for name, c := range map[string]struct {
		actor func(b *bench, a people.Account) accounts.Actor
		want  error
	}{
		"a host's actor": {func(_ *bench, a people.Account) accounts.Actor {
			return accounts.HostActor(a.ID, "", "test").Vouched(time.Now())
		}, accounts.ErrSelfService},
		"nobody": {func(*bench, people.Account) accounts.Actor { return accounts.Actor{} }, accounts.ErrSelfService},
		"suspended": {func(b *bench, a people.Account) accounts.Actor {
			_, err := b.op.Suspend(t.Context(), a.ID, "")
			require.NoError(t, err)
			return b.actor(a)
		}, accounts.ErrAccountSuspended},
		"removed": {func(b *bench, a people.Account) accounts.Actor {
			require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
			return b.actor(a)
		}, accounts.ErrAccountRemoved},
	} {
		b := newBench(t, customers)
		a := b.account("owner@example.com", accounts.Active)
		self := b.svc.Self(c.actor(b, a))
		for what, act := range map[string]func() error{
			"NewPIN":   func() error { _, err := self.NewPIN(t.Context()); return err },
			"Consents": func() error { _, err := self.Consents(t.Context()); return err },
			"Consent": func() error {
				_, err := self.Consent(t.Context(), people.Consent{Until: time.Now().Add(time.Hour), Reason: "x"})
				return err
			},
			"Withdraw": func() error { return self.Withdraw(t.Context(), "none") },
		} {
			require.ErrorIs(t, act(), c.want, "%s: %s", name, what)
		}
		assert.Empty(t, b.kind("credential"), name)
	}
}

// Where the policy asks for the owner's consent nobody else sets their codes, by whichever
// way, before the owner or two operators have opened them, after the time, or when it was
// taken back. Both see the same list.
//
// Rules: G214, G215
func TestOwnersConsentToWhoSetsTheirCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, customers)
		a := b.account("owner@example.com", accounts.Active)
		_, op, tab := b.consenting()
		found, err := op.Suggest(t.Context(), "owner@")
		require.NoError(t, err)
		_, err = tab.Assign(t.Context(), panel.Place{Slot: 4}, found[0])
		require.NoError(t, err)
		code := func() credentials.Code {
			c, err := credentials.Generate(nil, 4, credentials.Policy{}, nil)
			require.NoError(t, err)
			return c
		}
		ways := map[string]func() error{
			"people.HandOver": func() error {
				_, err := b.as("operator").HandOver(t.Context(), a.ID, people.HandOver{Digits: 4})
				return err
			},
			"roster.Person.SetPIN":      func() error { return op.Person(a.ID).SetPIN(t.Context(), code()) },
			"roster.Person.GeneratePIN": func() error { _, err := op.Person(a.ID).GeneratePIN(t.Context(), 4); return err },
			"roster.SetCode": func() error {
				_, err := tab.SetCode(t.Context(), panel.Place{Slot: 4}, roster.CodeWish{Code: code()})
				return err
			},
			"roster.GenerateCode": func() error {
				_, _, err := tab.GenerateCode(t.Context(), panel.Place{Slot: 4}, roster.CodeWish{})
				return err
			},
		}
		every := func(want error) {
			for name, way := range ways {
				require.ErrorIs(t, way(), want, name)
			}
		}
		every(accounts.ErrConsentRequired)
		require.NoError(t, op.Person(a.ID).RemovePIN(t.Context()), "taking access away needs none")

		given, err := b.self(a).Consent(t.Context(), people.Consent{To: "somebody else", Until: time.Now().Add(time.Hour), Reason: "help"})
		require.NoError(t, err)
		every(accounts.ErrConsentRequired)
		require.NoError(t, b.self(a).Withdraw(t.Context(), given))
		given, err = b.self(a).Consent(t.Context(), people.Consent{To: "operator", Until: time.Now().Add(time.Hour), Reason: "help"})
		require.NoError(t, err)
		every(nil)
		require.NoError(t, b.self(a).Withdraw(t.Context(), given))
		every(accounts.ErrConsentRequired)
		require.ErrorIs(t, b.self(a).Withdraw(t.Context(), given), people.ErrNoConsent)

		opened := people.Consent{Until: time.Now().Add(time.Hour), Reason: "a lost phone"}
		_, err = b.as("operator").OpenCodes(t.Context(), a.ID, opened)
		var asked *accounts.ApprovalError
		require.ErrorAs(t, err, &asked)
		every(accounts.ErrConsentRequired)
		require.NoError(t, b.as("second").Approve(t.Context(), asked.ID))
		id, err := b.as("operator").OpenCodes(t.Context(), a.ID, opened)
		require.NoError(t, err)
		every(nil)
		own, err := b.self(a).Consents(t.Context())
		require.NoError(t, err)
		theirs, err := b.as("operator").Consents(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, own, theirs)
		require.Len(t, own, 1)
		assert.Equal(t, []any{id, accounts.ID("operator"), accounts.ID("second"), "a lost phone"}, []any{own[0].ID, own[0].By, own[0].Approver, own[0].Reason})
		require.NoError(t, b.svc.Work(t.Context()))
		sent := b.mail.Sent()
		assert.Equal(t, "Your codes can be changed", sent[len(sent)-1].Subject, "the owner is told")
		time.Sleep(time.Hour)
		b.op = b.as("operator")
		every(accounts.ErrConsentRequired)
		own, err = b.self(a).Consents(t.Context())
		require.NoError(t, err)
		assert.Empty(t, own)
		assert.Equal(t, 3, b.entries()[audit.AccountConsentGiven])
		assert.Equal(t, 2, b.entries()[audit.AccountConsentWithdrawn])
	})
}

// Rules: G214
func TestAConsentHasAReasonAndAnEnd(t *testing.T) {
	b := newBench(t, customers)
	a := b.account("owner@example.com", accounts.Active)
	for _, c := range []people.Consent{
		{Reason: "help"}, {Until: time.Now().Add(time.Hour)}, {Until: time.Now().Add(time.Hour), Reason: " "},
		{Until: time.Now(), Reason: "help"}, {Until: time.Now().Add(31 * 24 * time.Hour), Reason: "help"},
	} {
		_, err := b.self(a).Consent(t.Context(), c)
		require.ErrorIs(t, err, people.ErrConsent)
		_, err = b.as("operator").OpenCodes(t.Context(), a.ID, c)
		require.ErrorIs(t, err, people.ErrConsent)
	}
	c := people.Consent{Until: time.Now().Add(time.Hour), Reason: "help"}
	for range 16 {
		_, err := b.self(a).Consent(t.Context(), c)
		require.NoError(t, err)
	}
	_, err := b.self(a).Consent(t.Context(), c)
	require.ErrorIs(t, err, people.ErrConsent)
	require.NoError(t, b.as("operator").Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
	assert.Empty(t, b.kind("consent"), "they go with the account")
}

// What an owner of a site does about others there, by a role of a few rights: invite them,
// give them an end, stop them. Not those who are stronger, not those of another site, not
// themselves.
//
// Rules: G214
func TestAnOwnerLooksAfterTheOthersOfTheSite(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "owner", Allow: accounts.RightsOf(accounts.AccountsView, accounts.AccountsAdd,
		accounts.AccountsSuspend, accounts.AccountsEnable, accounts.PanelUsersEnd, accounts.AccountsAssign)}))
	owner := b.hired("owner@example.com", sites, "owner")
	op := b.inside()(owner)
	invited, _, err := op.Create(t.Context(), people.NewAccount{Email: email(t, "family@example.com"), First: "Family", Sites: sites})
	require.NoError(t, err)
	assert.Equal(t, owner.ID, invited.Creator)
	_, _, err = op.Create(t.Context(), people.NewAccount{Email: email(t, "elsewhere@example.com"), Sites: accounts.TheseSites("south")})
	require.ErrorIs(t, err, accounts.ErrSiteMismatch)
	_, _, err = op.Create(t.Context(), people.NewAccount{Email: email(t, "strong@example.com"), Sites: sites, Roles: []string{"admin"}})
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)

	family := b.hired("aunt@example.com", sites)
	for name, c := range map[string]struct {
		id   accounts.ID
		want error
	}{
		"themselves":          {owner.ID, accounts.ErrOwnAccount},
		"family":              {family.ID, nil},
		"who is invited":      {invited.ID, nil},
		"an operator":         {b.hired("admin@example.com", sites, "admin").ID, accounts.ErrOutranked},
		"of several sites":    {b.hired("dealer@example.com", accounts.TheseSites("north", "south")).ID, accounts.ErrOutranked},
		"of another site":     {b.hired("south@example.com", accounts.TheseSites("south")).ID, accounts.ErrAccountNotFound},
		"who is not there":    {"nobody", accounts.ErrAccountNotFound},
		"an owner of another": {b.hired("landlord@example.com", accounts.TheseSites("south"), "owner").ID, accounts.ErrAccountNotFound},
	} {
		_, err := op.SetWindow(t.Context(), c.id, credentials.Window{Until: time.Now().Add(time.Hour)})
		require.ErrorIs(t, err, c.want, "%s: an end", name)
		_, err = op.Revoke(t.Context(), c.id, "moved out")
		require.ErrorIs(t, err, c.want, "%s: stopped", name)
	}
}
