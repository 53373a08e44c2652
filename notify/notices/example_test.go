package notices_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify/notices"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

func Example() {
	ctx := context.Background()
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	st, mail := memstore.Open(), &notifytest.Capture{}
	accts, err := people.New(people.Options{Store: st, Keys: keys, Mailer: mail,
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	op := accts.As(accounts.HostActor("operator", "Operator", "example").Vouched(time.Now()))
	if err := op.SetProfile(ctx, accounts.Profile{Name: "mail_always", Enabled: true, Email: true}); err != nil {
		fmt.Println(err)
		return
	}
	owner, err := accounts.ParseEmail("owner@example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := op.CreateConfirmed(ctx, people.NewAccount{Email: owner, Profile: "mail_always", Sites: accounts.TheseSites("north")})
	if err != nil {
		fmt.Println(err)
		return
	}

	svc, err := notices.New(notices.Options{Store: st, Keys: keys, Mailer: mail})
	if err != nil {
		fmt.Println(err)
		return
	}
	posted, err := svc.Announce(ctx, a.ID, notices.Notice{Title: "Front door", Text: "Open since 9:00."})
	for _, p := range posted {
		fmt.Println(p.Channel, p.Cause, err)
	}
	fmt.Println(svc.Work(ctx)) // hosts with a runner give it svc.Loops()
	d, err := svc.Delivery(ctx, posted[0].Receipts[0])
	fmt.Println(d.State, mail.Sent()[0].Subject, err)
	// Output:
	// email <nil> <nil>
	// sms accounts: the profile does not use this channel <nil>
	// push accounts: the profile does not use this channel <nil>
	// <nil>
	// accepted Front door <nil>
}
