package people_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// must ends an example that cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// demo is a service in memory whose mail goes nowhere, in the hands of an operator who may
// do everything.
func demo(o people.Options) (*people.Service, *people.Operator, *notifytest.Capture) {
	mail := &notifytest.Capture{}
	if o.Store == nil {
		o.Store = memstore.Open()
		o.Keys = must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	}
	o.Mailer = mail
	o.Authority = accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	service := must(people.New(o))
	return service, service.As(accounts.HostActor("operator", "An operator", "cli").Vouched(time.Now())), mail
}

// The first operator of a fresh store is imported by an actor whom the host vouches for.
// After that the roles of the accounts decide.
func ExampleNew() {
	ctx := context.Background()
	st := memstore.Open()
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))

	first := must(people.New(people.Options{Store: st, Keys: keys, Authority: accounts.StaticAuthority{
		"setup": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
	}}))
	admin, err := first.As(accounts.HostActor("setup", "", "cli").Vouched(time.Now())).CreateConfirmed(ctx, people.NewAccount{
		Email: must(accounts.ParseEmail("admin@example.com")), Roles: []string{"admin"}, Sites: accounts.AllSites(),
	})
	fmt.Println(admin.Status, admin.Roles, err)

	service := must(people.New(people.Options{Store: st, Keys: keys}))
	_, err = service.As(accounts.HostActor("setup", "", "cli")).Account(ctx, admin.ID)
	fmt.Println(err)
	// Output:
	// Active [admin] <nil>
	// accounts: the caller is not enabled
}

// An account is added; its owner confirms it with the code from the mail.
func ExampleOperator_Create() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	service, op, mail := demo(people.Options{})
	go engine.Run(ctx, nil, service.Loops()...)

	a, delivery, err := op.Create(ctx, people.NewAccount{
		Email: must(accounts.ParseEmail("owner@example.com")), First: "Tower", Sites: accounts.TheseSites("north"),
	})
	if err != nil {
		fmt.Println(err, fault.Hint(err))
		return
	}
	fmt.Println(a.Status, delivery.State)

	typed := regexp.MustCompile(`\d{8}`).FindString(mail.Sent()[0].Text)
	a, err = op.Confirm(ctx, people.ByEmail(a.Email), must(credentials.ParseCode(typed)))
	fmt.Println(a.Status, err)
	_, err = op.Confirm(ctx, people.ByEmail(a.Email), must(credentials.ParseCode(typed)))
	fmt.Println(err)
	// Output:
	// Not confirmed accepted
	// Active <nil>
	// people: the code does not work
}

// What the Users tab offers for an assigned account is done with the account's id from the
// details of the panel user.
func ExampleOperator_ResetPassword() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	st := memstore.Open()
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	service, op, mail := demo(people.Options{Store: st, Keys: keys})
	go engine.Run(ctx, nil, service.Loops()...)
	must(op.CreateConfirmed(ctx, people.NewAccount{Email: must(accounts.ParseEmail("owner@example.com")), Sites: accounts.TheseSites("north")}))

	desk := must(roster.New(roster.Options{Store: st, Keys: keys, Drivers: map[string]panel.Driver{"example": offline{}}, Policy: policy(),
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}}))
	users := desk.As(accounts.HostActor("operator", "An operator", "cli").Vouched(time.Now()))
	registered := must(users.Register(ctx, roster.Registration{Site: "north", Driver: "example", Ident: "000000000000001"}))
	tab := users.Panel(registered.ID)
	found := must(users.Suggest(ctx, "own"))
	must(tab.Assign(ctx, panel.Place{Slot: 4}, found[0]))

	details := must(tab.Details(ctx, panel.Place{Slot: 4}))
	delivery, err := op.ResetPassword(ctx, details.Account.ID)
	fmt.Println(delivery.State, err)

	mail.Down(true)
	delivery, err = op.ResetPassword(ctx, details.Account.ID)
	fmt.Println(delivery.State, errors.Is(err, accounts.ErrMailerUnavailable))
	// Output:
	// accepted <nil>
	// unavailable true
}

// Removing an account is confirmed by naming it, and cannot be undone.
func ExampleOperator_Remove() {
	ctx := context.Background()
	_, op, _ := demo(people.Options{})
	a := must(op.CreateConfirmed(ctx, people.NewAccount{Email: must(accounts.ParseEmail("owner@example.com")), Sites: accounts.TheseSites("north")}))

	fmt.Println(op.Remove(ctx, a.ID, people.Confirmation{}))
	fmt.Println(op.Remove(ctx, a.ID, people.Confirmation{Account: "another@example.com"}))
	fmt.Println(op.Remove(ctx, a.ID, people.Confirmation{Account: "owner@example.com"}))
	fmt.Println(must(op.Exists(ctx, a.Email)))
	// Output:
	// accounts: confirmation is required
	// accounts: the confirmation is for something else
	// <nil>
	// false
}

// A new PIN reaches its holder and nobody else: the operator gives the word away, the page
// behind it shows the PIN once.
func ExampleOperator_HandOver() {
	ctx := context.Background()
	service, op, _ := demo(people.Options{})
	holder := must(op.CreateConfirmed(ctx, people.NewAccount{Email: must(accounts.ParseEmail("holder@example.com")), Sites: accounts.TheseSites("north")}))
	offer, err := op.HandOver(ctx, holder.ID, people.HandOver{Life: time.Hour})
	fmt.Println(offer.Word, err) // a link carries offer.Word.Reveal()

	pin, err := service.Collect(ctx, offer.Word) // when the holder taps the button, not when the page opens
	fmt.Println(pin.Len(), err)
	_, err = service.Collect(ctx, offer.Word)
	fmt.Println(err)
	// Output:
	// [redacted] <nil>
	// 6 <nil>
	// people: the code does not work
}
