package people_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// operations is every method of an operator, on one account.
var operations = map[string]func(ctx context.Context, op *people.Operator, a people.Account, r people.Receipt) error{
	"Account": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Account(ctx, a.ID)
		return err
	},
	"Accounts": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Accounts(ctx, people.Search{})
		return err
	},
	"AddRole": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.AddRole(ctx, accounts.Role{Name: "helper"})
	},
	"Approvals": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Approvals(ctx)
		return err
	},
	"Approve": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.Approve(ctx, "no such approval")
	},
	"ChangeRole": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.ChangeRole(ctx, accounts.Role{Name: "helper"})
	},
	"CheckMailer": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.CheckMailer(ctx)
	},
	"Confirm": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Confirm(ctx, people.ByID(a.ID), credentials.Code{})
		return err
	},
	"Create": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, _, err := op.Create(ctx, people.NewAccount{Sites: a.Sites})
		return err
	},
	"CreateConfirmed": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.CreateConfirmed(ctx, people.NewAccount{Sites: a.Sites})
		return err
	},
	"Delivery": func(ctx context.Context, op *people.Operator, _ people.Account, r people.Receipt) error {
		_, err := op.Delivery(ctx, r)
		return err
	},
	"Enable": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Enable(ctx, a.ID)
		return err
	},
	"Exists": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Exists(ctx, a.Email)
		return err
	},
	"Explain": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Explain(ctx, a.ID, "roster.SetCode", "north")
		return err
	},
	"Lend": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Lend(ctx, a.ID, people.Loan{Rights: accounts.RightsOf(accounts.RolesManage), Until: time.Now().Add(time.Hour), Reason: "help"})
		return err
	},
	"Remove": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.Remove(ctx, a.ID, people.Confirmation{Account: a.Email.String()})
	},
	"RemoveRole": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.RemoveRole(ctx, "helper")
	},
	"ResetPassword": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.ResetPassword(ctx, a.ID)
		return err
	},
	"Revoke": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Revoke(ctx, a.ID, "")
		return err
	},
	"RoleChoices": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.RoleChoices(ctx, a.ID)
		return err
	},
	"Roles": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Roles(ctx)
		return err
	},
	"SetRoles": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.SetRoles(ctx, a.ID)
		return err
	},
	"SetSites": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.SetSites(ctx, a.ID, a.Sites)
		return err
	},
	"SetWindow": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.SetWindow(ctx, a.ID, credentials.Window{Until: time.Now().Add(time.Hour)})
		return err
	},
	"Unlend": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Unlend(ctx, a.ID, "no such loan")
		return err
	},
	"Unlock": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Unlock(ctx, a.ID)
		return err
	},
	"Unrevoke": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Unrevoke(ctx, a.ID)
		return err
	},
	"Status": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Status(ctx, a.ID)
		return err
	},
	"Attributes": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Attributes(ctx, a.ID)
		return err
	},
	"Accept": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Accept(ctx, "none")
		return err
	},
	"Registrations": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Registrations(ctx)
		return err
	},
	"Reject": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.Reject(ctx, "none")
	},
	"Badge": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Badge(ctx, a.ID)
		return err
	},
	"CancelErasure": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.CancelErasure(ctx, a.ID)
	},
	"Erase": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Erase(ctx, a.ID)
		return err
	},
	"Hold": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.Hold(ctx, a.ID, "a court asked")
	},
	"IssueVisitor": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.IssueVisitor(ctx, people.NewVisitor{First: "Guest", Host: a.ID, Sites: sites, Until: time.Now().Add(time.Hour)})
		return err
	},
	"Object": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.Object(ctx, a.ID, credentials.Code{})
	},
	"Photo": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Photo(ctx, a.ID)
		return err
	},
	"Profiles": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Profiles(ctx)
		return err
	},
	"RemoveAttribute": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.RemoveAttribute(ctx, a.ID, "floor")
	},
	"RemovePhoto": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.RemovePhoto(ctx, a.ID)
	},
	"Reveal": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Reveal(ctx, a.ID, "floor")
		return err
	},
	"SetAttribute": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.SetAttribute(ctx, a.ID, "floor", "2")
	},
	"SetContact": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.SetContact(ctx, a.ID, a.Email, "+1234567890")
		return err
	},
	"SetDetails": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.SetDetails(ctx, a.ID, people.Details{First: "Tower"})
		return err
	},
	"SetPhoto": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.SetPhoto(ctx, a.ID, portrait)
	},
	"SetProfile": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.SetProfile(ctx, accounts.Profile{Name: "office"})
	},
	"SharedEmails": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.SharedEmails(ctx)
		return err
	},
	"SuspendMany": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return only(op.SuspendMany(ctx, "", a.ID))
	},
	"EnableMany": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return only(op.EnableMany(ctx, a.ID))
	},
	"RemoveMany": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return only(op.RemoveMany(ctx, people.Row{Account: a.ID, Confirm: people.Confirmation{Account: a.Email.String()}}))
	},
	"ResetPasswords": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return only(op.ResetPasswords(ctx, people.Row{Account: a.ID}))
	},
	"SetSite": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		return op.SetSite(ctx, accounts.Site{Name: "north", Enabled: true})
	},
	"Sites": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Sites(ctx)
		return err
	},
	"SetSecret": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.SetSecret(ctx, a.ID, "badge", panel.SecretOf("12345"))
	},
	"Unhold": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		return op.Unhold(ctx, a.ID)
	},
	"Visitors": func(ctx context.Context, op *people.Operator, _ people.Account, _ people.Receipt) error {
		_, err := op.Visitors(ctx, people.Search{})
		return err
	},
	"Suspend": func(ctx context.Context, op *people.Operator, a people.Account, _ people.Receipt) error {
		_, err := op.Suspend(ctx, a.ID, "")
		return err
	},
}

// only is what became of the one row of a bulk act.
func only(out []people.Outcome, err error) error {
	if err != nil {
		return err
	}
	return out[0].Err
}

// The table of rights has a row for every operation and no other.
func TestEveryOperationIsInTheTableOfRights(t *testing.T) {
	var listed []string
	for _, p := range accounts.Permissions() {
		if name, ok := strings.CutPrefix(p.Op, "people."); ok {
			listed = append(listed, name)
		}
	}
	var have []string
	for name := range operations {
		have = append(have, name)
	}
	slices.Sort(have)
	assert.Equal(t, have, listed)
	var methods []string
	for m := range reflect.TypeFor[*people.Operator]().Methods() {
		methods = append(methods, m.Name)
	}
	slices.Sort(methods)
	assert.Equal(t, methods, have, "every exported operation is walked below")
}

// Without its one right an operation changes nothing, sends nothing, and the refusal is
// in the log; with that right alone it is not refused for lack of one.
//
// Rules: R19, R22, R151
func TestEveryOperationAsksForItsRightFirst(t *testing.T) {
	for name, run := range operations {
		right := accounts.PermissionFor("people." + name).Right
		b := newBench(t, func(o *people.Options) {
			o.Authority = accounts.StaticAuthority{
				"operator": everything,
				"without":  {Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(right)), Sites: accounts.AllSites()},
				"with":     {Enabled: true, Rights: accounts.RightsOf(right), Sites: accounts.AllSites()},
			}
		})
		a := b.account("owner@example.com", accounts.Active)
		d, err := b.op.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		tries := b.mail.Tries()
		b.forget()
		err = run(t.Context(), b.as("without"), a, d.Receipt)
		require.ErrorIs(t, err, accounts.ErrPermissionDenied, name)
		assert.ErrorContains(t, err, right.String(), name)
		assert.Equal(t, tries, b.mail.Tries(), name)
		assert.Equal(t, []string{"count refused by=+1 max=1099511627776\n", "entry access.denied targets=1\nput person if=0\n"}, b.wrote(), name)
		err = run(t.Context(), b.as("with"), a, d.Receipt)
		assert.NotErrorIs(t, err, accounts.ErrPermissionDenied, name)
	}
}

// Acts that ask for it are refused without a factor that was proven just now.
func TestActsAskForAFreshFactor(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	d, err := b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	stale := b.svc.As(accounts.HostActor("operator", "", "test"))
	for name, run := range operations {
		err := run(t.Context(), stale, a, d.Receipt)
		if accounts.PermissionFor("people." + name).StepUp {
			require.ErrorIs(t, err, accounts.ErrStepUpRequired, name)
		} else {
			require.NotErrorIs(t, err, accounts.ErrStepUpRequired, name)
		}
	}
	_, _, err = stale.Create(t.Context(), people.NewAccount{Email: email(t, "b@example.com"), Sites: sites, Roles: []string{"user"}})
	require.ErrorIs(t, err, accounts.ErrStepUpRequired, "giving a role")
}

// An account of no shared site is one that is not there, whatever is asked.
//
// Rules: R240
func TestAnAccountOfAnotherSiteIsNotThere(t *testing.T) {
	b := newBench(t)
	a, _, err := b.op.Create(t.Context(), people.NewAccount{Email: email(t, "south@example.com"), Sites: accounts.TheseSites("south")})
	require.NoError(t, err)
	d, err := b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	nowhere := people.Account{}
	nowhere.ID, nowhere.Email, nowhere.Sites = "no such account", email(t, "nobody@example.com"), accounts.TheseSites("south")
	b.forget()
	for name, run := range operations {
		foreign := run(t.Context(), b.as("north"), a, d.Receipt)
		absent := run(t.Context(), b.as("north"), nowhere, "no such receipt")
		assert.Equal(t, absent, foreign, name)
		switch name {
		case "Account", "Attributes", "Badge", "CancelErasure", "Enable", "EnableMany", "Erase", "Explain", "Hold", "IssueVisitor", "Lend", "Photo", "Remove", "RemoveAttribute", "RemoveMany", "ResetPasswords", "SuspendMany",
			"RemovePhoto", "ResetPassword", "Reveal", "Revoke", "RoleChoices", "SetAttribute", "SetContact", "SetDetails", "SetPhoto", "SetRoles",
			"SetSecret", "SetSites", "SetWindow", "Status", "Suspend", "Unhold", "Unlend", "Unlock", "Unrevoke":
			assert.ErrorIs(t, foreign, accounts.ErrAccountNotFound, name)
		case "Delivery":
			assert.ErrorIs(t, foreign, people.ErrNoDelivery)
		}
	}
	there, err := b.as("north").Exists(t.Context(), a.Email)
	require.NoError(t, err)
	assert.False(t, there)
	page, err := b.as("north").Accounts(t.Context(), people.Search{})
	require.NoError(t, err)
	assert.Zero(t, page.Total)
	assert.Empty(t, page.Accounts)
	es, err := b.store.Entries(t.Context(), store.EntryQuery{Target: []byte("no such account")})
	require.NoError(t, err)
	assert.Empty(t, es, "what somebody typed is no target of an entry")
}

// Without an authority the roles of accounts decide; the first operator comes from the
// host, which vouches for one actor.
//
// Rules: G145
func TestRolesOfAccountsDecideWithoutAnAuthority(t *testing.T) {
	b := newBench(t)
	admin, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "admin@example.com"), Sites: accounts.AllSites(), Roles: []string{"admin"}})
	require.NoError(t, err)
	own, err := people.New(people.Options{Store: b.store, Keys: b.keys, Mailer: b.mail, FirstTry: -1})
	require.NoError(t, err)
	op := own.As(accounts.Recorded(mint.Token{}, audit.AccountActor, admin.ID, "", "test", admin.Created))
	a, _, err := op.Create(t.Context(), people.NewAccount{Email: email(t, "viewer@example.com"), Sites: sites})
	require.NoError(t, err)
	stranger := own.As(accounts.HostActor("operator", "", "test"))
	_, err = stranger.Account(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrNotEnabled)
	empty := own.On(memstore.Open()).As(accounts.Recorded(mint.Token{}, audit.AccountActor, admin.ID, "", "test", admin.Created))
	_, err = empty.Account(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrNotEnabled, "the roles are those of the store that is worked on")
	_, err = b.op.Suspend(t.Context(), admin.ID, "")
	require.NoError(t, err)
	_, err = op.Account(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrNotEnabled, "a suspended operator can do nothing from that moment on")
}

// A planted code and a planted address are in no error, no log line, and no text that an
// entry or transcript prints; once the message is settled the code is nowhere at all.
//
// Rules: R140
func TestCodesAndAddressesAreNotSpilled(t *testing.T) {
	const planted = "Planted.Owner@example.com"
	b := newBench(t)
	a, code := b.invited(planted)
	var said []string
	note := func(v ...any) {
		for _, v := range v {
			said = append(said, fmt.Sprintf("%v %+v %#v", v, v, v))
		}
	}
	for name, run := range operations {
		if name != "Remove" && name != "RemoveMany" {
			note(run(t.Context(), b.as("nobody"), a, "x"), run(t.Context(), b.op, a, people.Receipt(planted)))
		}
	}
	_, _, err := b.op.Create(t.Context(), people.NewAccount{Email: email(t, planted), Sites: sites})
	require.ErrorIs(t, err, accounts.ErrEmailInUse)
	note(err)
	_, err = b.op.Account(t.Context(), accounts.ID(planted))
	note(err)
	_, err = b.op.Confirm(t.Context(), people.ByID(accounts.ID(planted)), code)
	note(err)
	b.mail.Reject(planted)
	require.NoError(t, b.svc.Work(t.Context()))
	b.mail.Reject()
	b.mail.Lose(fmt.Errorf("550 <%s>: no such user, code %s", planted, code.Reveal()))
	_, err = b.as("operator").ResetPassword(t.Context(), a.ID)
	note(err)
	require.NoError(t, b.svc.Work(t.Context()))
	for _, m := range b.mail.Sent() {
		note(m)
	}
	said = append(said, b.log.String())
	said = append(said, b.wrote()...)
	es, err := b.store.Entries(t.Context(), store.EntryQuery{})
	require.NoError(t, err)
	for _, e := range es {
		said = append(said, string(e.Body), fmt.Sprint(e.Targets))
	}
	everything := strings.ToLower(strings.Join(said, "\n"))
	assert.NotContains(t, everything, strings.ToLower(planted))
	assert.NotContains(t, everything, code.Reveal())
	assert.NotContains(t, everything, "tower", "a person's name")

	for _, kind := range []store.Kind{"account", "onetime", store.Sent, "person"} {
		rs, err := b.store.List(t.Context(), store.Query{Kind: kind})
		require.NoError(t, err)
		require.NotEmpty(t, rs, kind)
		for _, r := range rs {
			assert.NotContains(t, string(r.Body), code.Reveal(), kind)
			if kind != "account" {
				assert.NotContains(t, strings.ToLower(string(r.Body)), strings.ToLower(planted), kind)
			}
			if kind == store.Sent && !strings.Contains(string(r.Body), `"unavailable"`) {
				assert.NotContains(t, string(r.Body), `"parts"`, "what varied in a settled message is gone")
			}
		}
	}
}
