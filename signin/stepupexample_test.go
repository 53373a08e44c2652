package signin_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// An administrator proves the password for one act on one account. It counts for that act
// alone, and once.
func ExampleOwner_Prove() {
	ctx := context.Background()
	st, mail := memstore.Open(), &notifytest.Capture{}
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	policy := signin.PowerManage()
	policy.Hash.Cost = 4 // only a demo may be in such a hurry
	policy.StepUp = signin.Bound
	service := must(signin.New(signin.Options{Store: st, Keys: keys, Mailer: mail, Policy: &policy}))
	desk := must(people.New(people.Options{Store: st, Keys: keys, Authority: service.Authority(), Mailer: mail, FirstTry: -1}))

	setup := must(people.New(people.Options{Store: st, Keys: keys, Mailer: mail, FirstTry: -1, Authority: accounts.StaticAuthority{
		"setup": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
	}})).As(accounts.HostActor("setup", "", "cli").Vouched(time.Now()))
	_, _, err := setup.Create(ctx, people.NewAccount{Email: must(accounts.ParseEmail("chief@example.com")), Roles: []string{accounts.AdminRole}, Sites: accounts.AllSites()})
	if err != nil {
		panic(err)
	}
	guard := must(setup.CreateConfirmed(ctx, people.NewAccount{Email: must(accounts.ParseEmail("guard@example.com")), Sites: accounts.TheseSites("north")}))
	typed := password.Of("Violet-Rivers-9")
	code := program{accounts: desk, signin: service, mail: mail}.mailed(ctx)
	if err := service.SetPassword(ctx, signin.NewPassword{Name: "chief@example.com", Code: code, Password: typed}); err != nil {
		panic(err)
	}
	in := must(service.SignIn(ctx, signin.Attempt{Name: "chief@example.com", Password: typed}))
	_, err = desk.As(in.Session.Actor()).SetRoles(ctx, guard.ID, "user")
	fmt.Println(err)

	// The page asks for the password again and says for what.
	chief := must(service.Owner(ctx, in.Token, signin.From{}))
	token := must(chief.Prove(ctx, signin.Act{Op: "people.SetRoles", Target: string(guard.ID)}, signin.Password, otp.Answer{}, typed))

	session := must(service.Check(ctx, token, signin.From{})) // the next request, with the new token
	changed, err := desk.As(session.Actor()).SetRoles(ctx, guard.ID, "user")
	fmt.Println(changed.Roles, err)
	session = must(service.Check(ctx, token, signin.From{}))
	_, err = desk.As(session.Actor()).SetRoles(ctx, guard.ID)
	fmt.Println(err)
	// Output:
	// accounts: a fresh sign-in factor is required
	// [user] <nil>
	// accounts: a fresh sign-in factor is required
}
