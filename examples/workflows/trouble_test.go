package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// trouble is a cause that a manual names for something that does not work.
type trouble struct {
	page, cause string
	preset      func() preset
	run         func(w *world) error
	want        error
	hint        string // a part of what the operator is told to do
}

// scene is a panel with a user at slot 4 and an active account.
func (w *world) scene() (*roster.Tab, people.Account) {
	w.Helper()
	tab := w.install("harbour", "298765432101")
	r, err := tab.SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "6137")})
	w.settles(tab, r, err)
	return tab, w.owner("smith")
}

// suspended is the scene's account after it was suggested, and then suspended.
func (w *world) suspended() (*roster.Tab, roster.Suggestion) {
	w.Helper()
	tab, a := w.scene()
	s, err := w.desk.As(who("operator")).Choose(w.ctx, a.ID)
	require.NoError(w, err)
	_, err = w.operator().Suspend(w.ctx, a.ID, "moved out")
	require.NoError(w, err)
	return tab, s
}

// helper is an operator without one right.
func (w *world) helper(without accounts.Right) accounts.Actor {
	w.rights["helper"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(without)), Sites: accounts.AllSites()}
	return who("helper")
}

// troubles are the causes of both manuals, page by page. What no program can see, such as
// a message in a folder for spam, has no row.
var troubles = []trouble{
	{"Assign account is not successful", "the e-mail field is empty", powerManage, func(w *world) error {
		_, err := w.desk.As(who("operator")).Suggest(w.ctx, "")
		return err
	}, accounts.ErrEmailRequired, "choose it from the suggestions"},
	{"Assign account is not successful", "the address was typed and no suggestion chosen", powerManage, func(w *world) error {
		tab, _ := w.scene()
		_, err := tab.Assign(w.ctx, slot(4), roster.Suggestion{})
		return err
	}, accounts.ErrAccountNotSelected, "from the suggestions"},
	{"Assign account is not successful", "the account is suspended", powerManage, func(w *world) error {
		tab, s := w.suspended()
		_, err := tab.Assign(w.ctx, slot(4), s)
		return err
	}, accounts.ErrAccountSuspended, "Enable the account"},
	{"Assign account is not successful", "no panel user is chosen", powerManage, func(w *world) error {
		tab, a := w.scene()
		s, err := w.desk.As(who("operator")).Choose(w.ctx, a.ID)
		require.NoError(w, err)
		form, err := tab.NewAssignment(w.ctx)
		require.NoError(w, err)
		form.Choose(s)
		_, err = form.Save(w.ctx)
		return err
	}, accounts.ErrPanelUserRequired, "Choose the panel user"},
	{"Assign account is not successful", "no permission", powerManage, func(w *world) error {
		tab, a := w.scene()
		s, err := w.desk.As(who("operator")).Choose(w.ctx, a.ID)
		require.NoError(w, err)
		_, err = w.desk.As(w.helper(accounts.AccountsAssign)).Panel(tab.ID()).Assign(w.ctx, slot(4), s)
		return err
	}, accounts.ErrPermissionDenied, "Ask an administrator"},

	{"Panel user does not appear as active", "the code is not set", powerManage, func(w *world) error {
		tab, _ := w.scene()
		d, err := tab.Details(w.ctx, slot(5))
		require.NoError(w, err)
		require.Equal(w, roster.Minus, d.Code)
		require.Equal(w, roster.ReasonCodeNeverSet, d.Explain)
		return d.WhyNot(roster.ActDisable)
	}, panel.ErrCodeNotSet, "Set a code"},
	{"Panel user does not appear as active", "the user was disabled", powerManage, func(w *world) error {
		tab, _ := w.scene()
		r, err := tab.Disable(w.ctx, slot(4))
		w.settles(tab, r, err)
		d, err := tab.Details(w.ctx, slot(4))
		require.NoError(w, err)
		require.Equal(w, roster.Minus, d.Code)
		require.Equal(w, roster.ReasonDisabled, d.Explain)
		return d.WhyNot(roster.ActLabel)
	}, panel.ErrCodeNotSet, "Set a code"},
	{"Panel user does not appear as active", "the code was removed at the panel", powerManage, func(w *world) error {
		tab, _ := w.scene()
		require.NoError(w, w.sim.Keypad(panel.Edit{Place: slot(4), Do: panel.Remove}))
		w.pass(24 * time.Hour) // it is read again by then, however the panel tells
		d, err := tab.Details(w.ctx, slot(4))
		require.NoError(w, err)
		require.Equal(w, roster.Minus, d.Code)
		require.Equal(w, roster.ReasonCodeRemovedExternally, d.Explain)
		return d.WhyNot(roster.ActDisable)
	}, panel.ErrCodeNotSet, "Set a code"},
	{"Label or partitions cannot be changed", "the code is not set", powerManage, func(w *world) error {
		tab, _ := w.scene()
		_, err := tab.SetLabel(w.ctx, slot(5), "Cleaner")
		return err
	}, panel.ErrCodeNotSet, "Set a code"},
	{"Label or partitions cannot be changed", "the user is a Master", powerManage, func(w *world) error {
		tab, _ := w.scene()
		_, err := tab.SetPartitions(w.ctx, slot(1), panel.PartitionsOf(1))
		return err
	}, panel.ErrMasterPartitions, ""},
	{"Label or partitions cannot be changed", "the panel has no such partition", powerManage, func(w *world) error {
		tab, _ := w.scene()
		_, err := tab.SetPartitions(w.ctx, slot(4), panel.PartitionsOf(8))
		return err
	}, panel.ErrUnknownPartition, "that this panel has"},
	{"Disable panel user is not available", "the code is not set", powerManage, func(w *world) error {
		tab, _ := w.scene()
		_, err := tab.Disable(w.ctx, slot(5))
		return err
	}, panel.ErrCodeNotSet, "Set a code"},
	{"Disable panel user is not available", "the user is a Master", powerManage, func(w *world) error {
		tab, _ := w.scene()
		_, err := tab.Disable(w.ctx, slot(1))
		return err
	}, panel.ErrMasterDisable, "code"},
	{"Disable panel user is not available", "no permission", powerManage, func(w *world) error {
		tab, _ := w.scene()
		_, err := w.desk.As(w.helper(accounts.PanelUsersEnd)).Panel(tab.ID()).Disable(w.ctx, slot(4))
		return err
	}, accounts.ErrPermissionDenied, "Ask an administrator"},
	{"The action is missing from the menu", "the code is not set", powerManage, func(w *world) error {
		tab, _ := w.scene()
		d, err := tab.Details(w.ctx, slot(5))
		require.NoError(w, err)
		return d.Row.WhyNot(roster.ActDisable)
	}, panel.ErrCodeNotSet, "Set a code"},
	{"The action is missing from the menu", "the user is a Master", powerManage, func(w *world) error {
		tab, _ := w.scene()
		d, err := tab.Details(w.ctx, slot(1))
		require.NoError(w, err)
		return d.Row.WhyNot(roster.ActDisable)
	}, panel.ErrMasterDisable, "code"},
	{"The action is missing from the menu", "no permission", powerManage, func(w *world) error {
		tab, _ := w.scene()
		page, err := w.desk.As(w.helper(accounts.PanelUsersEnd)).Panel(tab.ID()).Users(w.ctx, 1, 0)
		require.NoError(w, err)
		return page.Rows[3].WhyNot(roster.ActDisable)
	}, accounts.ErrPermissionDenied, "Ask an administrator"},
	{"The action is missing from the menu", "no account is assigned", powerManage, func(w *world) error {
		tab, _ := w.scene()
		return w.row(tab).WhyNot(roster.ActUnassign)
	}, accounts.ErrNoAccountAssigned, "Assign an account"},

	{"The owner cannot get in", "the account is not confirmed", powerManage, func(w *world) error {
		a, _, err := w.operator().Create(w.ctx, people.NewAccount{Email: address(w, "smith@example.com"), Roles: []string{"user"}, Sites: harbour})
		require.NoError(w, err)
		_, err = w.try(a, first)
		return err
	}, accounts.ErrAccountNotConfirmed, "set a password with the code"},
	{"The owner cannot get in", "the owner has not set a password with the code", powerManage, func(w *world) error {
		a, _, err := w.operator().Create(w.ctx, people.NewAccount{Email: address(w, "smith@example.com"), Roles: []string{"user"}, Sites: harbour})
		require.NoError(w, err)
		s, err := w.operator().Status(w.ctx, a.ID)
		require.NoError(w, err)
		require.Equal(w, accounts.StatusNotConfirmed, s.PowerManage)
		return s.Access
	}, accounts.ErrAccountNotConfirmed, "set a password with the code"},
	{"The owner cannot get in", "the account is suspended", powerManage, func(w *world) error {
		a := w.owner("smith")
		_, err := w.operator().Suspend(w.ctx, a.ID, "moved out")
		require.NoError(w, err)
		_, err = w.try(a, first)
		return err
	}, accounts.ErrAccountSuspended, "Enable the account"},
	{"The owner cannot get in", "the account was removed", powerManage, func(w *world) error {
		a := w.owner("smith")
		require.NoError(w, w.operator().Remove(w.ctx, a.ID, people.Confirmation{Account: "smith@example.com"}))
		_, err := w.try(a, first)
		return err
	}, accounts.ErrAccountRemoved, "Add a new account"},
	{"The owner cannot get in", "an old password", powerManage, func(w *world) error {
		a := w.owner("smith")
		_, err := w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		require.NoError(w, w.set(a, second))
		_, err = w.try(a, first)
		return err
	}, accounts.ErrBadCredentials, "old password does not work"},
	{"The mail for a new password does not arrive", "the mail server is out of reach", powerManage, func(w *world) error {
		a := w.owner("smith")
		w.mail.Down(true)
		d, err := w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		_ = w.people.Work(w.ctx) // it is tried, and fails
		d, err = w.operator().Delivery(w.ctx, d.Receipt)
		require.NoError(w, err)
		return d.Err()
	}, accounts.ErrMailerUnavailable, "Check the mail server"},
	{"The mail for a new password does not arrive", "the address is wrong", powerManage, func(w *world) error {
		a := w.owner("smith")
		w.mail.Reject("smith@example.com")
		d, err := w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		_ = w.people.Work(w.ctx) // it is tried, and refused
		d, err = w.operator().Delivery(w.ctx, d.Receipt)
		require.NoError(w, err)
		return d.Err()
	}, accounts.ErrEmailRejected, "Check the account's e-mail"},
	{"The account was removed by mistake", "it was to be unassigned", powerManage, func(w *world) error {
		a := w.owner("smith")
		require.NoError(w, w.operator().Remove(w.ctx, a.ID, people.Confirmation{Account: "smith@example.com"}))
		require.Equal(w, 1, w.actions(string(a.ID))[audit.AccountRemoved], "the log says who did it")
		_, err := w.operator().Status(w.ctx, a.ID)
		return err
	}, accounts.ErrAccountRemoved, "Add a new account"},
	{"The account was removed by mistake", "somebody else's account was meant", powerManage, func(w *world) error {
		a := w.owner("smith")
		return w.operator().Remove(w.ctx, a.ID, people.Confirmation{Account: "jones@example.com"})
	}, accounts.ErrConfirmationMismatch, "Review it"},

	{"User cannot log in", "the account is disabled", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		_, err := w.operator().Suspend(w.ctx, a.ID, "moved out")
		require.NoError(w, err)
		_, err = w.try(a, first)
		return err
	}, accounts.ErrAccountSuspended, "Enable the account"},
	{"User cannot log in", "the password is wrong", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		_, err := w.try(a, second)
		return err
	}, accounts.ErrBadCredentials, "Check the name and the password"},
	{"User cannot log in", "no role may sign in", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Sites: harbour})
		_, err := w.try(a, first)
		return err
	}, accounts.ErrNoLoginRole, "signin.use"},
	{"User cannot log in", "another site", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: accounts.TheseSites("meadow")})
		_, err := w.try(a, first)
		return err
	}, accounts.ErrSiteMismatch, "this site"},
	{"User cannot log in", "the network", gem, func(w *world) error {
		require.NoError(w, w.operator().AddRole(w.ctx, accounts.Role{Name: "inside", Allow: accounts.RightsOf(accounts.SignIn), LocalOnly: true}))
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"inside"}, Sites: harbour})
		_, err := w.try(a, first)
		return err
	}, accounts.ErrNetworkBlocked, "local network"},
	{"User has wrong permissions", "the role lacks the right", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		x, err := w.operator().Explain(w.ctx, a.ID, "roster.SetCode", "harbour")
		require.NoError(w, err)
		require.False(w, x.Allowed)
		return x.Causes[0]
	}, accounts.ErrPermissionDenied, "Ask an administrator"},
	{"User has wrong permissions", "a role denies the right", gem, func(w *world) error {
		require.NoError(w, w.operator().AddRole(w.ctx, accounts.Role{Name: "no_codes", Allow: accounts.RightsOf(accounts.SignIn), Deny: accounts.RightsOf(accounts.PanelUsersManage)}))
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"no_codes"}, Sites: harbour})
		x, err := w.operator().Explain(w.ctx, a.ID, "roster.SetCode", "harbour")
		require.NoError(w, err)
		require.False(w, x.Allowed)
		return x.Causes[0]
	}, accounts.ErrPermissionDenied, "Ask an administrator"},
	{"User has wrong permissions", "another site", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"installer"}, Sites: harbour})
		x, err := w.operator().Explain(w.ctx, a.ID, "roster.Users", "meadow")
		require.NoError(w, err)
		require.False(w, x.Allowed)
		return x.Causes[0]
	}, accounts.ErrSiteMismatch, "this site"},
	{"User has wrong permissions", "the role was given after the sign-in", gem, func(w *world) error {
		tab := w.install("harbour", "298765432101")
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"viewer"}, Sites: harbour})
		early, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.operator().SetRoles(w.ctx, a.ID, "viewer", "installer")
		require.NoError(w, err)
		late, err := w.try(a, first)
		require.NoError(w, err)
		set := func(r signin.Result) error {
			_, err := w.desk.As(r.Session.Actor()).Panel(tab.ID()).SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "6137")})
			return err
		}
		err = set(early)
		require.NoError(w, set(late), "signed in again")
		return err
	}, accounts.ErrPermissionDenied, "Ask an administrator"},
	{"Removing a user", "accounts are not removed here", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		return w.operator().Remove(w.ctx, a.ID, people.Confirmation{Account: "smith"})
	}, accounts.ErrDeleteForbidden, "Disable the account or revoke it"},
	{"Two-factor not working", "no address and no phone", gem, func(w *world) error {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, true))
		_, err := w.try(a, first)
		return err
	}, signin.ErrNoFactor, "add an address"},
	{"Two-factor not working", "the code has expired", gem, func(w *world) error {
		c, code := w.challenged()
		w.pass(10 * time.Minute)
		_, err := w.signin.Answer(w.ctx, signin.Reply{Challenge: c.Token, Method: signin.Mail, Code: code, From: home})
		return err
	}, signin.ErrChallenge, "Begin again"},
	{"Two-factor not working", "too many wrong codes", gem, func(w *world) error {
		c, _ := w.challenged()
		var err error
		for range 6 {
			_, err = w.signin.Answer(w.ctx, signin.Reply{Challenge: c.Token, Method: signin.Mail, Code: otp.AnswerOf("WRONGCOD"), From: home})
		}
		return err
	}, signin.ErrFactorLocked, "Begin again"},
	{"A PIN is refused", "it is taken on the panel", gem, func(w *world) error {
		tab := w.install("harbour", "298765432101")
		r, err := tab.SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "6137")})
		w.settles(tab, r, err)
		_, err = w.desk.As(w.helper(accounts.CollisionsView)).Panel(tab.ID()).SetCode(w.ctx, slot(5), roster.CodeWish{Code: digits(w, "6137")})
		return err
	}, credentials.ErrNotAvailable, ""},
}

// challenged is a sign-in that waits for a code by mail, and that code.
func (w *world) challenged() (signin.Challenge, otp.Answer) {
	w.Helper()
	a := w.hire(people.NewAccount{Username: "smith", Email: address(w, "smith@example.com"), Roles: []string{"user"}, Sites: harbour})
	require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, true))
	r, err := w.try(a, first)
	require.NoError(w, err)
	return *r.Challenge, w.code()
}

// Every cause is an error of its own, and the hint says what the manual says to do about
// it.
//
// Rules: R213, R214, R215, R216, R217, G164, G165, G166, G167, G168, G170
func TestEveryCauseInTheManualsHasItsErrorAndItsHint(t *testing.T) {
	for _, x := range troubles {
		t.Run(x.page+"/"+x.cause, func(t *testing.T) {
			in(t, x.preset(), func(w *world) {
				err := cause(x.run(w))
				require.ErrorIs(w, err, x.want)
				assert.Contains(w, fault.Hint(err), x.hint)
			})
		})
	}
}

// Who looks at the log finds the cause that the page does not tell.
func TestTheLogSaysWhyASignInFailed(t *testing.T) {
	in(t, gem(), func(w *world) {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		_, err := w.operator().Suspend(w.ctx, a.ID, "moved out")
		require.NoError(w, err)
		_, err = w.try(a, first)
		require.EqualError(w, err, accounts.ErrSignIn.Error())
		page, err := w.journal.As(who("operator")).Query(w.ctx, journal.Query{Filter: journal.Filter{About: []string{string(a.ID)}, Actions: []audit.Action{audit.SignInRefused}}})
		require.NoError(w, err)
		require.Len(w, page.Entries, 1)
		require.Contains(w, page.Entries[0].Description, "suspended")
	})
}

// Without a mail server nothing is promised to the owner.
func TestWithoutAMailServerAResetIsRefused(t *testing.T) {
	in(t, powerManage(), func(w *world) {
		a, err := w.operator().CreateConfirmed(w.ctx, people.NewAccount{Email: address(w, "smith@example.com"), Roles: []string{"user"}, Sites: harbour})
		require.NoError(w, err)
		_, err = w.operator().ResetPassword(w.ctx, a.ID)
		require.ErrorIs(w, err, accounts.ErrMailerNotConfigured)
		assert.Contains(w, fault.Hint(err), "Set up the mail server")
	}, func(e *edit) { e.mail = false })
}

// A session's length is the account's, for sign-ins to come.
func TestASessionThatExpiresTooQuicklyIsMadeLonger(t *testing.T) {
	in(t, gem(), func(w *world) {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour, Session: new(5)})
		short, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.operator().SetDetails(w.ctx, a.ID, people.Details{Session: new(60)})
		require.NoError(w, err)
		long, err := w.try(a, first)
		require.NoError(w, err)
		w.pass(6 * time.Minute)
		assert.False(w, w.alive(short.Token))
		assert.True(w, w.alive(long.Token))
	})
}
