package workflows_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// An administrator has every right everywhere, signs in with a second factor, and stays
// signed in for two hours.
func Example_createAnAdminUser() {
	o := openOffice()
	admin, err := o.staff().CreateConfirmed(ctx, people.NewAccount{
		Username: "admin",
		Email:    mailbox("admin@example.com"),
		Roles:    []string{accounts.AdminRole},
		Sites:    accounts.AllSites(),
		Session:  new(120), // minutes
	})
	check(err)
	check(o.front().SetPassword(ctx, admin.ID, password.Of("Violet-Rivers-9")))
	check(o.front().RequireFactor(ctx, admin.ID, true))

	in, err := o.signin.SignIn(ctx, signin.Attempt{Name: "admin", Password: password.Of("Violet-Rivers-9")})
	check(err)
	fmt.Println("signed in with the password alone:", in.Session != nil)
	fmt.Println("a code was sent by:", in.Challenge.Sent)
	in, err = o.signin.Answer(ctx, signin.Reply{Challenge: in.Challenge.Token, Method: signin.Mail, Code: o.code()})
	check(err)
	fmt.Println("the session lasts:", in.Session.Ends.Sub(in.Session.Began))
	page, err := o.people.As(in.Session.Actor()).Accounts(ctx, people.Search{})
	check(err)
	fmt.Println("accounts that the administrator sees:", page.Total)
	// Output:
	// signed in with the password alone: false
	// a code was sent by: mail
	// the session lasts: 2h0m0s
	// accounts that the administrator sees: 1
}

// A standard user has an address, a role, the sites of their own and no others, and a
// notification profile.
func Example_createAStandardUser() {
	o := openOffice()
	check(o.staff().SetProfile(ctx, accounts.Profile{
		Name: "working_hours", Enabled: true, Email: true,
		When: credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{
			{Days: []credentials.Weekday{1, 2, 3, 4, 5}, From: 8 * 60, Until: 18 * 60}, // Monday to Friday, 8:00 to 18:00
		}},
	}))
	owner, err := o.staff().CreateConfirmed(ctx, people.NewAccount{
		Username: "homeowner_smith",
		Email:    mailbox("smith@example.com"),
		Roles:    []string{"user"},
		Sites:    accounts.TheseSites("harbour"),
		Profile:  "working_hours",
	})
	check(err)
	check(o.front().SetPassword(ctx, owner.ID, password.Of("Violet-Rivers-9")))

	// Why may somebody do something, or not? Ask before they ask you.
	for _, site := range []string{"harbour", "meadow"} {
		x, err := o.staff().Explain(ctx, owner.ID, "roster.Users", site)
		check(err)
		fmt.Println("may see the users of", site+":", x.Allowed)
	}
	n, err := o.people.Notify(ctx, owner.ID, accounts.EmailChannel)
	check(err)
	fmt.Println("is told by mail on a Monday morning:", n.Now)
	o.now = o.now.Add(12 * time.Hour)
	n, err = o.people.Notify(ctx, owner.ID, accounts.EmailChannel)
	check(err)
	fmt.Println("at night:", n.Now)
	// Output:
	// may see the users of harbour: true
	// may see the users of meadow: false
	// is told by mail on a Monday morning: true
	// at night: false
}

// An installer has a working day's sessions, and is disabled when the work is done.
func Example_createAnInstallerAccount() {
	o := openOffice()
	installer, err := o.staff().CreateConfirmed(ctx, people.NewAccount{
		Username: "installer_company",
		Roles:    []string{"installer"},
		Sites:    accounts.TheseSites("harbour"),
		Session:  new(480), // minutes
	})
	check(err)
	check(o.front().SetPassword(ctx, installer.ID, password.Of("Violet-Rivers-9")))

	in, err := o.signin.SignIn(ctx, signin.Attempt{Name: "installer_company", Password: password.Of("Violet-Rivers-9")})
	check(err)
	fmt.Println("the session lasts:", in.Session.Ends.Sub(in.Session.Began))
	_, err = o.desk.As(in.Session.Actor()).Panels(ctx, "", 0)
	fmt.Println("may see the panels:", err == nil)
	_, err = o.people.As(in.Session.Actor()).Accounts(ctx, people.Search{})
	fmt.Println("may see the accounts:", !errors.Is(err, accounts.ErrPermissionDenied))

	installer, err = o.staff().Suspend(ctx, installer.ID, "commissioning is complete")
	check(err)
	fmt.Println("then the account is:", installer.StatusGEM(o.now))
	_, err = o.signin.Check(ctx, in.Token, signin.From{})
	fmt.Println("and the session goes on:", err == nil)
	// Output:
	// the session lasts: 8h0m0s
	// may see the panels: true
	// may see the accounts: false
	// then the account is: Inactive
	// and the session goes on: false
}

// An integration has a token instead of a password, which may do less than its role.
func Example_createAnAPIServiceAccount() {
	o := openOffice()
	pager, err := o.staff().CreateConfirmed(ctx, people.NewAccount{
		Username: "api_integration_pager",
		Kind:     accounts.ServiceKind,
		Roles:    []string{"api_only"},
		Sites:    accounts.TheseSites("harbour"),
	})
	check(err)
	token, err := o.front().IssueToken(ctx, pager.ID, signin.NewToken{
		Name:   "pager",
		Rights: accounts.RightsOf(accounts.EquipmentView),
		Life:   365 * 24 * time.Hour,
	})
	check(err)
	fmt.Println("the token prints as:", token)

	// At each request of the integration:
	actor, err := o.signin.CheckToken(ctx, token, signin.From{})
	check(err)
	_, err = o.desk.As(actor).Panels(ctx, "", 0)
	fmt.Println("may see the panels:", err == nil)
	_, err = o.people.As(actor).Accounts(ctx, people.Search{})
	fmt.Println("may see the accounts:", err == nil)
	_, err = o.signin.SignIn(ctx, signin.Attempt{Name: "api_integration_pager", Password: password.Of("Violet-Rivers-9")})
	fmt.Println("with a password:", err)
	o.now = o.now.AddDate(1, 0, 1)
	_, err = o.signin.CheckToken(ctx, token, signin.From{})
	fmt.Println("a year later:", err)
	// Output:
	// the token prints as: [redacted]
	// may see the panels: true
	// may see the accounts: false
	// with a password: accounts: sign-in failed
	// a year later: signin: not a valid token
}

// A new password ends what was begun with the old one, and the owner is told.
func Example_resetAPassword() {
	o := openOffice()
	owner, err := o.staff().CreateConfirmed(ctx, people.NewAccount{Username: "smith", Email: mailbox("smith@example.com"), Roles: []string{"user"}, Sites: accounts.TheseSites("harbour")})
	check(err)
	check(o.front().SetPassword(ctx, owner.ID, password.Of("Violet-Rivers-9")))
	in, err := o.signin.SignIn(ctx, signin.Attempt{Name: "smith", Password: password.Of("Violet-Rivers-9")})
	check(err)
	o.post()
	told := len(o.mail.Sent())

	check(o.front().SetPassword(ctx, owner.ID, password.Of("Amber-Mountains-7")))
	_, err = o.signin.Check(ctx, in.Token, signin.From{})
	fmt.Println("the session goes on:", err == nil)
	_, err = o.signin.SignIn(ctx, signin.Attempt{Name: "smith", Password: password.Of("Violet-Rivers-9")})
	fmt.Println("the old password:", err)
	_, err = o.signin.SignIn(ctx, signin.Attempt{Name: "smith", Password: password.Of("Amber-Mountains-7")})
	fmt.Println("the new one works:", err == nil)
	o.post()
	fmt.Println("mails to the owner:", len(o.mail.Sent())-told)

	// What is too easy is refused before anything changes, and says what to do.
	err = o.front().SetPassword(ctx, owner.ID, password.Of("smith"))
	fmt.Println("refused:", err)
	fmt.Println(fault.Hint(err))
	// Output:
	// the session goes on: false
	// the old password: accounts: sign-in failed
	// the new one works: true
	// mails to the owner: 1
	// refused: password: too short: at least 8 characters
	// Use a longer password: several words that do not belong together are easy to remember.
}

// Disabling takes access away at once, keeps everything else, and can be taken back. The
// page says nothing to a stranger; the operator is told the cause.
func Example_disableAUserAccount() {
	o := openOffice()
	owner, err := o.staff().CreateConfirmed(ctx, people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: accounts.TheseSites("harbour")})
	check(err)
	check(o.front().SetPassword(ctx, owner.ID, password.Of("Violet-Rivers-9")))
	in, err := o.signin.SignIn(ctx, signin.Attempt{Name: "smith", Password: password.Of("Violet-Rivers-9")})
	check(err)

	_, err = o.staff().Suspend(ctx, owner.ID, "moved out")
	check(err)
	_, err = o.signin.Check(ctx, in.Token, signin.From{})
	fmt.Println("the session goes on:", err == nil)
	_, err = o.signin.SignIn(ctx, signin.Attempt{Name: "smith", Password: password.Of("Violet-Rivers-9")})
	fmt.Println("the owner sees:", err)
	standing, err := o.staff().Status(ctx, owner.ID)
	check(err)
	fmt.Println("the operator sees:", standing.Access)
	fmt.Println("and what to do:", fault.Hint(standing.Access))

	_, err = o.staff().Enable(ctx, owner.ID)
	check(err)
	_, err = o.signin.SignIn(ctx, signin.Attempt{Name: "smith", Password: password.Of("Violet-Rivers-9")})
	fmt.Println("enabled again, with the password of before:", err == nil)
	// Output:
	// the session goes on: false
	// the owner sees: accounts: sign-in failed
	// the operator sees: accounts: the account is suspended
	// and what to do: Enable the account first.
	// enabled again, with the password of before: true
}

// Access for a time begins and ends by itself, to the second.
func Example_grantTemporaryAccess() {
	o := openOffice()
	until := o.now.Add(8 * time.Hour)
	contractor, err := o.staff().CreateConfirmed(ctx, people.NewAccount{
		Username: "contractor",
		Roles:    []string{"user"},
		Sites:    accounts.TheseSites("harbour"),
		Session:  new(0), // as long as the account is valid
		Window:   credentials.Window{Until: until},
	})
	check(err)
	check(o.front().SetPassword(ctx, contractor.ID, password.Of("Violet-Rivers-9")))
	in, err := o.signin.SignIn(ctx, signin.Attempt{Name: "contractor", Password: password.Of("Violet-Rivers-9")})
	check(err)

	o.now = until.Add(-time.Second)
	_, err = o.signin.Check(ctx, in.Token, signin.From{})
	fmt.Println("signed in a second before the end:", err == nil)
	o.now = until
	_, err = o.signin.Check(ctx, in.Token, signin.From{})
	fmt.Println("at the end:", err == nil)
	standing, err := o.staff().Status(ctx, contractor.ID)
	check(err)
	fmt.Println("the operator sees:", standing.Access)
	// Output:
	// signed in a second before the end: true
	// at the end: false
	// the operator sees: accounts: the account has expired
}
