package people_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// An administrator: the role admin at all sites, and sessions of two hours. The password and
// the second factor are set at the sign-in.
func Example_admin() {
	_, op, _ := demo(people.Options{Policy: accounts.GEM()})
	a, err := op.CreateConfirmed(context.Background(), people.NewAccount{Username: "admin", Roles: []string{accounts.AdminRole},
		Sites: accounts.AllSites(), Session: new(120)})
	fmt.Println(a.Username, a.Roles, a.Sites, *a.Session, a.StatusGEM(time.Now()), err)
	// Output: admin [admin] all sites 120 Active <nil>
}

// A standard user: an address, the role user, their sites, and a notification profile.
func Example_user() {
	ctx := context.Background()
	_, op, _ := demo(people.Options{Policy: accounts.GEM()})
	if err := op.SetProfile(ctx, accounts.Profile{Name: "daytime", Enabled: true, Email: true}); err != nil {
		panic(err)
	}
	a, err := op.CreateConfirmed(ctx, people.NewAccount{Username: "homeowner_smith", Email: must(accounts.ParseEmail("smith@example.com")),
		Roles: []string{"user"}, Sites: accounts.TheseSites("harbour"), Profile: "daytime"})
	fmt.Println(a.Username, a.Roles, a.Sites, a.Profile, err)
	// Output: homeowner_smith [user] harbour daytime <nil>
}

// An installer: sessions of a working day, and disabled when commissioning is complete.
func Example_installer() {
	ctx := context.Background()
	_, op, _ := demo(people.Options{Policy: accounts.GEM()})
	a := must(op.CreateConfirmed(ctx, people.NewAccount{Username: "installer_company", Roles: []string{"installer"},
		Sites: accounts.TheseSites("harbour"), Session: new(480)}))
	fmt.Println(a.Username, a.Roles, a.StatusGEM(time.Now()))
	a, err := op.Suspend(ctx, a.ID, "commissioning is complete")
	fmt.Println(a.StatusGEM(time.Now()), err)
	// Output:
	// installer_company [installer] Active
	// Inactive <nil>
}

// An integration: a service account with the role api_only, no time-out, no profile.
func Example_service() {
	_, op, _ := demo(people.Options{Policy: accounts.GEM()})
	a, err := op.CreateConfirmed(context.Background(), people.NewAccount{Username: "api_integration_pager", Kind: accounts.ServiceKind,
		Roles: []string{"api_only"}, Sites: accounts.TheseSites("harbour"), Session: new(0)})
	fmt.Println(a.Username, a.Kind, a.Roles, *a.Session, a.Profile == "", err)
	// Output: api_integration_pager service [api_only] 0 true <nil>
}

// Where accounts are not removed they are disabled, or revoked: access ends at once, and
// everything about them stays.
func Example_disable() {
	ctx := context.Background()
	_, op, _ := demo(people.Options{Policy: accounts.GEM()})
	a := must(op.CreateConfirmed(ctx, people.NewAccount{Username: "homeowner_smith", Roles: []string{"user"}, Sites: accounts.TheseSites("harbour")}))
	fmt.Println(op.Remove(ctx, a.ID, people.Confirmation{Account: "homeowner_smith"}))
	a = must(op.Suspend(ctx, a.ID, "moved out"))
	fmt.Println(a.State, a.Roles, must(op.Status(ctx, a.ID)).Access)
	a = must(op.Revoke(ctx, a.ID, "lost the phone"))
	fmt.Println(a.State)
	// Output:
	// accounts: accounts are not removed here
	// suspended [user] accounts: the account is suspended
	// revoked
}

// A visitor: one form with a host and an access group. The PIN is in the answer and nowhere
// else, and does not print by itself.
func Example_visitor() {
	ctx := context.Background()
	store, keys := memstore.Open(), must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	_, op, _ := demo(people.Options{Store: store, Keys: keys, Policy: accounts.GEM()})
	doors := must(roster.New(roster.Options{Store: store, Keys: keys, Drivers: map[string]panel.Driver{"example": offline{}},
		Authority: accounts.StaticAuthority{"operator": everything}}))
	if err := doors.As(accounts.HostActor("operator", "", "cli").Vouched(time.Now())).SetGroup(ctx, "harbour", credentials.Group{ID: "lobby"}); err != nil {
		panic(err)
	}
	must(op.CreateConfirmed(ctx, people.NewAccount{Username: "tower_mill", First: "Tower", Last: "Mill", Sites: accounts.TheseSites("harbour")}))

	host := must(op.Hosts(ctx, "tower"))[0]
	visitor := must(op.IssueVisitor(ctx, people.NewVisitor{First: "Guest", Host: host.ID, Groups: []string{"lobby"},
		Sites: accounts.TheseSites("harbour"), Stay: people.Stays()[1]}))
	badge := must(op.Badge(ctx, visitor.ID))
	fmt.Println(visitor.PIN, visitor.PIN.Len(), badge.Name, "visits", badge.Host, "for", badge.Until.Sub(visitor.Created).Round(time.Minute))
	fmt.Println(must(op.Accounts(ctx, people.Search{})).Total, must(op.Visitors(ctx, people.Search{})).Total)
	// Output:
	// [redacted] 6 Guest visits Tower Mill for 4h0m0s
	// 1 1
}

// Access for a time: the whole account ends by itself, or only some of its rights do.
func Example_temporary() {
	ctx := context.Background()
	now := time.Now()
	_, op, _ := demo(people.Options{Policy: accounts.GEM()})
	guest := must(op.CreateConfirmed(ctx, people.NewAccount{Username: "contractor", Roles: []string{"user"}, Sites: accounts.TheseSites("harbour"),
		Window: credentials.Window{Until: now.Add(8 * time.Hour)}}))
	fmt.Println(guest.State, guest.Account.State(now.Add(8*time.Hour)))

	user := must(op.CreateConfirmed(ctx, people.NewAccount{Username: "caretaker", Roles: []string{"user"}, Sites: accounts.TheseSites("harbour")}))
	user = must(op.Lend(ctx, user.ID, people.Loan{Rights: accounts.RightsOf(accounts.PanelUsersManage), Until: now.Add(time.Hour), Reason: "key handover"}))
	for _, t := range user.Temporary {
		fmt.Println(t.Rights, t.Reason, t.In(now.Add(time.Minute)), t.In(now.Add(time.Hour)))
	}
	why := must(op.Explain(ctx, user.ID, "roster.SetCode", "harbour"))
	fmt.Println(why.Allowed, len(why.Temporary))
	// Output:
	// active expired
	// panelusers.manage, panelusers.end key handover true false
	// true 1
}
