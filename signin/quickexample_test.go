package signin_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// Who has signed in completely enrols the device; from then on the PIN is enough there to
// look at things.
func ExampleService_QuickSignIn() {
	ctx := context.Background()
	st, mail := memstore.Open(), &notifytest.Capture{}
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	authority := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	operator := accounts.HostActor("operator", "An operator", "cli").Vouched(time.Now())
	policy := signin.PowerManage()
	policy.Hash.Cost = 4 // only a demo may be in such a hurry
	policy.Quick = signin.QuickPolicy{Life: 30 * 24 * time.Hour, Session: 5 * time.Minute}
	all := must(people.New(people.Options{Store: st, Keys: keys, Authority: authority, Mailer: mail, FirstTry: -1}))
	p := program{accounts: all, people: all.As(operator), mail: mail,
		signin: must(signin.New(signin.Options{Store: st, Keys: keys, Authority: authority, Mailer: mail, Policy: &policy}))}
	owner := p.owner(ctx)
	desk := must(roster.New(roster.Options{Store: st, Keys: keys, Authority: authority}))
	pin := must(credentials.ParseCode("4826"))
	err := desk.As(operator).Person(owner.ID).SetPIN(ctx, pin)
	in := must(p.signin.SignIn(ctx, signin.Attempt{Name: "owner@example.com", Password: password.Of("Violet-Rivers-9")}))

	// On the device: the private key stays there.
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	spki := must(x509.MarshalPKIXPublicKey(public))

	hands := must(p.signin.Owner(ctx, in.Token, signin.From{}))
	device, enrolled := hands.Enrol(ctx, signin.NewEnrolment{Key: must(signin.ParseDeviceKey(spki)), Name: "A phone"})
	fmt.Println(errors.Join(err, enrolled))

	challenge := must(p.signin.QuickChallenge(device.ID))
	signature := ed25519.Sign(private, []byte(challenge)) // on the device
	quick, err := p.signin.QuickSignIn(ctx, signin.QuickAttempt{Challenge: challenge, Signature: signature, PIN: pin})
	fmt.Println(quick.Session.Name, quick.Session.AAL, err)

	_, err = p.signin.Owner(ctx, quick.Token, signin.From{})
	fmt.Println(err)
	// Output:
	// <nil>
	// Tower pin <nil>
	// signin: a PIN is not enough for this
}
