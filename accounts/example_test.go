package accounts_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// A host with a fixed set of operators says who may do what, and where.
func ExampleStaticAuthority() {
	viewer, _ := accounts.DefaultRoles().Rights(false, "viewer")
	authority := accounts.StaticAuthority{
		"operator": {Enabled: true, Rights: viewer, Sites: accounts.TheseSites("harbour")},
	}
	who := accounts.HostActor("operator", "The operator", "cli")
	grant, _ := authority.Grant(context.Background(), who)

	fmt.Println(accounts.Authorise(grant, accounts.PanelUsersView, "harbour"))
	err := accounts.Authorise(grant, accounts.PanelUsersManage, "harbour")
	fmt.Println(err)
	fmt.Println(fault.Hint(err))
	// Output:
	// <nil>
	// accounts: permission denied: panelusers.manage
	// Ask an administrator for a role with the right that is named.
}

// The host answers for its person, and for the factor that the person has just proven.
func ExampleHostActor() {
	signedIn := time.Date(2026, 5, 13, 16, 24, 55, 0, time.UTC)
	who := accounts.HostActor("operator", "The operator", "http").Vouched(signedIn)
	fmt.Println(who, who.Fresh(signedIn.Add(time.Minute), 5*time.Minute))
	fmt.Println(who, who.Fresh(signedIn.Add(time.Hour), 5*time.Minute))
	// Output:
	// host/operator true
	// host/operator false
}

// What the Users grid shows of an account follows from its facts.
func ExampleAccount_StatusPowerManage() {
	now := time.Date(2026, 5, 13, 16, 24, 55, 0, time.UTC)
	a := accounts.Account{ID: "a1", Created: now}
	fmt.Println(a.StatusPowerManage(now))
	a, _ = a.Confirm(now)
	fmt.Println(a.StatusPowerManage(now))
	a, _ = a.Suspend(now, "moved out", accounts.PowerManage())
	fmt.Println(a.StatusPowerManage(now))
	_, err := a.Confirm(now)
	fmt.Println(err)
	// Output:
	// Not confirmed
	// Active
	// Suspended
	// accounts: not possible in this state: confirm an account that is suspended
}
