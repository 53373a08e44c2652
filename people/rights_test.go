package people_test

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
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
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// turn is who does an operation, to which account, and a message to its owner.
type turn struct {
	op      *people.Operator
	a       people.Account
	receipt people.Receipt
}

// failed is why an operation that answers with something failed.
func failed[T any](_ T, err error) error { return err }

// operations is every method of an operator, on one account.
var operations = map[string]func(ctx context.Context, x turn) error{
	"Accept":          func(ctx context.Context, x turn) error { return failed(x.op.Accept(ctx, "none")) },
	"AcceptInstaller": func(ctx context.Context, x turn) error { return x.op.AcceptInstaller(ctx, x.a.ID, "north") },
	"Account":         func(ctx context.Context, x turn) error { return failed(x.op.Account(ctx, x.a.ID)) },
	"Accounts":        func(ctx context.Context, x turn) error { return failed(x.op.Accounts(ctx, people.Search{})) },
	"AddRole":         func(ctx context.Context, x turn) error { return x.op.AddRole(ctx, accounts.Role{Name: "helper"}) },
	"Approvals":       func(ctx context.Context, x turn) error { return failed(x.op.Approvals(ctx)) },
	"Approve":         func(ctx context.Context, x turn) error { return x.op.Approve(ctx, "no such approval") },
	"Attributes":      func(ctx context.Context, x turn) error { return failed(x.op.Attributes(ctx, x.a.ID)) },
	"Badge":           func(ctx context.Context, x turn) error { return failed(x.op.Badge(ctx, x.a.ID)) },
	"CancelErasure":   func(ctx context.Context, x turn) error { return x.op.CancelErasure(ctx, x.a.ID) },
	"ChangeRole":      func(ctx context.Context, x turn) error { return x.op.ChangeRole(ctx, accounts.Role{Name: "helper"}) },
	"CheckMailer":     func(ctx context.Context, x turn) error { return x.op.CheckMailer(ctx) },
	"Confirm": func(ctx context.Context, x turn) error {
		return failed(x.op.Confirm(ctx, people.ByID(x.a.ID), credentials.Code{}))
	},
	"Consents": func(ctx context.Context, x turn) error { return failed(x.op.Consents(ctx, x.a.ID)) },
	"Create": func(ctx context.Context, x turn) error {
		_, _, err := x.op.Create(ctx, people.NewAccount{Sites: x.a.Sites})
		return err
	},
	"CreateConfirmed": func(ctx context.Context, x turn) error {
		return failed(x.op.CreateConfirmed(ctx, people.NewAccount{Sites: x.a.Sites}))
	},
	"Delivery":   func(ctx context.Context, x turn) error { return failed(x.op.Delivery(ctx, x.receipt)) },
	"Enable":     func(ctx context.Context, x turn) error { return failed(x.op.Enable(ctx, x.a.ID)) },
	"EnableMany": func(ctx context.Context, x turn) error { return only(x.op.EnableMany(ctx, x.a.ID)) },
	"Erase":      func(ctx context.Context, x turn) error { return failed(x.op.Erase(ctx, x.a.ID)) },
	"Exists":     func(ctx context.Context, x turn) error { return failed(x.op.Exists(ctx, x.a.Email)) },
	"Explain": func(ctx context.Context, x turn) error {
		return failed(x.op.Explain(ctx, x.a.ID, "roster.SetCode", "north"))
	},
	"HandOver": func(ctx context.Context, x turn) error { return failed(x.op.HandOver(ctx, x.a.ID, people.HandOver{})) },
	"HandOverMany": func(ctx context.Context, x turn) error {
		return only(x.op.HandOverMany(ctx, people.HandOver{}, x.a.ID))
	},
	"Hold":       func(ctx context.Context, x turn) error { return x.op.Hold(ctx, x.a.ID, "a court asked") },
	"Hosts":      func(ctx context.Context, x turn) error { return failed(x.op.Hosts(ctx, "")) },
	"Installers": func(ctx context.Context, x turn) error { return failed(x.op.Installers(ctx, "north")) },
	"IssueVisitor": func(ctx context.Context, x turn) error {
		return failed(x.op.IssueVisitor(ctx, people.NewVisitor{First: "Guest", Host: x.a.ID, Groups: []string{"guests"}, Sites: sites, Until: time.Now().Add(time.Hour)}))
	},
	"Lend": func(ctx context.Context, x turn) error {
		return failed(x.op.Lend(ctx, x.a.ID, people.Loan{Rights: accounts.RightsOf(accounts.RolesManage), Until: time.Now().Add(time.Hour), Reason: "help"}))
	},
	"Object": func(ctx context.Context, x turn) error { return x.op.Object(ctx, x.a.ID, credentials.Code{}) },
	"OpenCodes": func(ctx context.Context, x turn) error {
		return failed(x.op.OpenCodes(ctx, x.a.ID, people.Consent{Until: time.Now().Add(time.Hour), Reason: "a new keypad"}))
	},
	"Photo":           func(ctx context.Context, x turn) error { return failed(x.op.Photo(ctx, x.a.ID)) },
	"PrintPIN":        func(ctx context.Context, x turn) error { return failed(x.op.PrintPIN(ctx, x.a.ID)) },
	"Profiles":        func(ctx context.Context, x turn) error { return failed(x.op.Profiles(ctx)) },
	"Registrations":   func(ctx context.Context, x turn) error { return failed(x.op.Registrations(ctx)) },
	"Reject":          func(ctx context.Context, x turn) error { return x.op.Reject(ctx, "none") },
	"RejectInstaller": func(ctx context.Context, x turn) error { return x.op.RejectInstaller(ctx, x.a.ID, "north") },
	"Remove": func(ctx context.Context, x turn) error {
		return x.op.Remove(ctx, x.a.ID, people.Confirmation{Account: x.a.Email.String()})
	},
	"RemoveAttribute": func(ctx context.Context, x turn) error { return x.op.RemoveAttribute(ctx, x.a.ID, "floor") },
	"RemoveMany": func(ctx context.Context, x turn) error {
		return only(x.op.RemoveMany(ctx, people.Row{Account: x.a.ID, Confirm: people.Confirmation{Account: x.a.Email.String()}}))
	},
	"RemovePhoto":   func(ctx context.Context, x turn) error { return x.op.RemovePhoto(ctx, x.a.ID) },
	"RemoveRole":    func(ctx context.Context, x turn) error { return x.op.RemoveRole(ctx, "helper") },
	"ResetPassword": func(ctx context.Context, x turn) error { return failed(x.op.ResetPassword(ctx, x.a.ID)) },
	"ResetPasswords": func(ctx context.Context, x turn) error {
		return only(x.op.ResetPasswords(ctx, people.Row{Account: x.a.ID}))
	},
	"Reveal":       func(ctx context.Context, x turn) error { return failed(x.op.Reveal(ctx, x.a.ID, "floor")) },
	"Revoke":       func(ctx context.Context, x turn) error { return failed(x.op.Revoke(ctx, x.a.ID, "")) },
	"RoleChoices":  func(ctx context.Context, x turn) error { return failed(x.op.RoleChoices(ctx, x.a.ID)) },
	"Roles":        func(ctx context.Context, x turn) error { return failed(x.op.Roles(ctx)) },
	"SetAttribute": func(ctx context.Context, x turn) error { return x.op.SetAttribute(ctx, x.a.ID, "floor", "2") },
	"SetContact": func(ctx context.Context, x turn) error {
		return failed(x.op.SetContact(ctx, x.a.ID, x.a.Email, "+1234567890"))
	},
	"SetDetails": func(ctx context.Context, x turn) error {
		return failed(x.op.SetDetails(ctx, x.a.ID, people.Details{First: "Tower"}))
	},
	"SetPhoto":   func(ctx context.Context, x turn) error { return x.op.SetPhoto(ctx, x.a.ID, portrait) },
	"SetProfile": func(ctx context.Context, x turn) error { return x.op.SetProfile(ctx, accounts.Profile{Name: "office"}) },
	"SetRoles":   func(ctx context.Context, x turn) error { return failed(x.op.SetRoles(ctx, x.a.ID)) },
	"SetSecret": func(ctx context.Context, x turn) error {
		return x.op.SetSecret(ctx, x.a.ID, "badge", panel.SecretOf("12345"))
	},
	"SetSite": func(ctx context.Context, x turn) error {
		return x.op.SetSite(ctx, accounts.Site{Name: "north", Enabled: true})
	},
	"SetSites": func(ctx context.Context, x turn) error { return failed(x.op.SetSites(ctx, x.a.ID, x.a.Sites)) },
	"SetWindow": func(ctx context.Context, x turn) error {
		return failed(x.op.SetWindow(ctx, x.a.ID, credentials.Window{Until: time.Now().Add(time.Hour)}))
	},
	"SharedEmails": func(ctx context.Context, x turn) error { return failed(x.op.SharedEmails(ctx)) },
	"Sites":        func(ctx context.Context, x turn) error { return failed(x.op.Sites(ctx)) },
	"Status":       func(ctx context.Context, x turn) error { return failed(x.op.Status(ctx, x.a.ID)) },
	"Suspend":      func(ctx context.Context, x turn) error { return failed(x.op.Suspend(ctx, x.a.ID, "")) },
	"SuspendMany":  func(ctx context.Context, x turn) error { return only(x.op.SuspendMany(ctx, "", x.a.ID)) },
	"Unhold":       func(ctx context.Context, x turn) error { return x.op.Unhold(ctx, x.a.ID) },
	"Unlend":       func(ctx context.Context, x turn) error { return failed(x.op.Unlend(ctx, x.a.ID, "no such loan")) },
	"Unlock":       func(ctx context.Context, x turn) error { return failed(x.op.Unlock(ctx, x.a.ID)) },
	"Unrevoke":     func(ctx context.Context, x turn) error { return failed(x.op.Unrevoke(ctx, x.a.ID)) },
	"Visitors":     func(ctx context.Context, x turn) error { return failed(x.op.Visitors(ctx, people.Search{})) },
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
		err = run(t.Context(), turn{b.as("without"), a, d.Receipt})
		require.ErrorIs(t, err, accounts.ErrPermissionDenied, name)
		assert.ErrorContains(t, err, right.String(), name)
		assert.Equal(t, tries, b.mail.Tries(), name)
		assert.Equal(t, []string{"count refused by=+1 max=1099511627776\n", "entry access.denied targets=1\nput person if=0\n"}, b.wrote(), name)
		err = run(t.Context(), turn{b.as("with"), a, d.Receipt})
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
		err := run(t.Context(), turn{stale, a, d.Receipt})
		if accounts.PermissionFor("people." + name).StepUp {
			require.ErrorIs(t, err, accounts.ErrStepUpRequired, name)
		} else {
			require.NotErrorIs(t, err, accounts.ErrStepUpRequired, name)
		}
	}
	_, _, err = stale.Create(t.Context(), people.NewAccount{Email: email(t, "b@example.com"), Sites: sites, Roles: []string{"user"}})
	require.ErrorIs(t, err, accounts.ErrStepUpRequired, "giving a role")
}

// A factor is fresh for five minutes, and one from the future is none.
func TestAFactorIsFreshForFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for age, want := range map[time.Duration]error{0: nil, 5 * time.Minute: nil, 5*time.Minute + time.Second: accounts.ErrStepUpRequired, -time.Second: accounts.ErrStepUpRequired} {
			op := b.svc.As(accounts.HostActor("operator", "", "test").Vouched(time.Now().Add(-age)))
			require.ErrorIs(t, op.RemoveRole(t.Context(), "nobody"), cmp.Or(want, error(accounts.ErrRoleNotFound)), age)
		}
	})
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
		foreign := run(t.Context(), turn{b.as("north"), a, d.Receipt})
		absent := run(t.Context(), turn{b.as("north"), nowhere, "no such receipt"})
		assert.Equal(t, absent, foreign, name)
		switch name {
		case "AcceptInstaller", "Account", "Attributes", "Badge", "CancelErasure", "Consents", "Enable", "EnableMany", "Erase", "Explain", "HandOver", "HandOverMany", "Hold", "IssueVisitor", "Lend", "OpenCodes", "Photo", "PrintPIN", "RejectInstaller", "Remove", "RemoveAttribute", "RemoveMany", "ResetPasswords", "SuspendMany",
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
			note(run(t.Context(), turn{b.as("nobody"), a, "x"}), run(t.Context(), turn{b.op, a, planted}))
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
