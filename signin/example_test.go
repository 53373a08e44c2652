package signin_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// program is a host: accounts and sign-in over one store.
type program struct {
	accounts *people.Service
	people   *people.Operator
	signin   *signin.Service
	operator *signin.Operator
	mail     *notifytest.Capture
}

func newProgram(o signin.Options) program {
	st, mail := memstore.Open(), &notifytest.Capture{}
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	authority := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	operator := accounts.HostActor("operator", "An operator", "cli").Vouched(time.Now())
	all := must(people.New(people.Options{Store: st, Keys: keys, Authority: authority, Mailer: mail, FirstTry: -1}))
	policy := signin.PowerManage()
	policy.Hash.Cost = 4 // only a demo may be in such a hurry
	o.Store, o.Keys, o.Authority, o.Mailer, o.Policy = st, keys, authority, mail, &policy
	service := must(signin.New(o))
	return program{all, all.As(operator), service, service.As(operator), mail}
}

// mailed is the code in the newest mail, as its owner types it.
func (p program) mailed(ctx context.Context) otp.Answer {
	if err := errors.Join(p.accounts.Work(ctx), p.signin.Work(ctx)); err != nil {
		panic(err)
	}
	sent := p.mail.Sent()
	return otp.AnswerOf(regexp.MustCompile(`(?m)^    (\S+)$`).FindStringSubmatch(sent[len(sent)-1].Text)[1])
}

// owner adds an account whose owner has set a password.
func (p program) owner(ctx context.Context) people.Account {
	a, _, err := p.people.Create(ctx, people.NewAccount{Email: must(accounts.ParseEmail("owner@example.com")), First: "Tower", Roles: []string{"user"}, Sites: accounts.TheseSites("north")})
	if err == nil {
		err = p.signin.SetPassword(ctx, signin.NewPassword{Name: "owner@example.com", Code: p.mailed(ctx), Password: password.Of("Violet-Rivers-9")})
	}
	return must(a, err)
}

// The owner of a new account sets the first password with the code from the mail, and
// signs in.
func Example() {
	ctx := context.Background()
	p := newProgram(signin.Options{})
	created, _, err := p.people.Create(ctx, people.NewAccount{Email: must(accounts.ParseEmail("owner@example.com")), First: "Tower", Roles: []string{"user"}, Sites: accounts.TheseSites("north")})
	fmt.Println(created.Status, err)

	typed := password.Of("Violet-Rivers-9")
	_, err = p.signin.SignIn(ctx, signin.Attempt{Name: "owner@example.com", Password: typed})
	fmt.Println(err)
	refused, _ := errors.AsType[*signin.RefusedError](err)
	fmt.Println("for the operator:", refused.Cause())

	fmt.Println(p.signin.SetPassword(ctx, signin.NewPassword{Name: "owner@example.com", Code: p.mailed(ctx), Password: typed}))
	in, err := p.signin.SignIn(ctx, signin.Attempt{Name: "owner@example.com", Password: typed})
	fmt.Println(in.Session.Name, err)

	cookie := in.Token.Reveal()
	session, err := p.signin.Check(ctx, signin.ParseToken(cookie), signin.From{}) // at each request
	fmt.Println(session.Actor().Kind(), err)
	fmt.Println(p.signin.SignOut(ctx, signin.ParseToken(cookie)))
	_, err = p.signin.Check(ctx, signin.ParseToken(cookie), signin.From{})
	fmt.Println(err)
	// Output:
	// Not confirmed <nil>
	// accounts: sign-in failed
	// for the operator: accounts: the account is not confirmed: the setup code was not used yet
	// <nil>
	// Tower <nil>
	// account <nil>
	// <nil>
	// signin: not signed in: signed out
}

// Whoever forgot the password asks for a new one. The old one works until the code is used.
func ExampleService_Forgot() {
	ctx := context.Background()
	p := newProgram(signin.Options{})
	p.owner(ctx)
	fmt.Println(p.signin.Forgot(ctx, "nobody@example.com", signin.From{}))
	fmt.Println(p.signin.Forgot(ctx, "owner@example.com", signin.From{}))
	set := signin.NewPassword{Name: "owner@example.com", Code: p.mailed(ctx), Password: password.Of("Amber-Mountains-7")}
	fmt.Println(p.signin.SetPassword(ctx, set))
	fmt.Println(p.signin.SetPassword(ctx, set))
	_, err := p.signin.SignIn(ctx, signin.Attempt{Name: "owner@example.com", Password: password.Of("Violet-Rivers-9")})
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// signin: the code does not work
	// accounts: sign-in failed
}

// An owner sets up an authenticator app, signs in with it, and with a recovery code after
// the device is lost.
func ExampleOwner_EnrolApp() {
	ctx := context.Background()
	p := newProgram(signin.Options{Issuer: "Example"})
	p.owner(ctx)
	attempt := signin.Attempt{Name: "owner@example.com", Password: password.Of("Violet-Rivers-9")}
	in := must(p.signin.SignIn(ctx, attempt))

	owner := must(p.signin.Owner(ctx, in.Token, signin.From{}))
	secret := must(owner.EnrolApp(ctx)) // owner.URI(secret) is what the app's camera reads
	app := func(at time.Time) otp.Answer { return otp.AnswerOf(secret.At(at).Reveal()) }
	recovery, _, err := owner.ConfirmApp(ctx, app(time.Now()))
	fmt.Println(len(recovery), err)

	step := must(p.signin.SignIn(ctx, attempt))
	fmt.Println(step.Session == nil, step.Challenge.Methods)
	next := app(time.Now().Add(otp.Period)) // a code that was used sets up nothing twice
	in, err = p.signin.Answer(ctx, signin.Reply{Challenge: step.Challenge.Token, Method: signin.App, Code: next})
	fmt.Println(in.Session.Methods, err)

	step = must(p.signin.SignIn(ctx, attempt))
	in, err = p.signin.Answer(ctx, signin.Reply{Challenge: step.Challenge.Token, Method: signin.Recovery, Code: otp.AnswerOf(recovery[0].Text())})
	fmt.Println(in.Session.Methods, err)
	_, err = must(p.signin.Owner(ctx, in.Token, signin.From{})).RemoveApp(ctx)
	fmt.Println(err)
	// Output:
	// 10 <nil>
	// true [app mail recovery]
	// [password app] <nil>
	// [password recovery] <nil>
	// <nil>
}

// An integration has a service account and a token that may do a part of what the account
// may.
func ExampleOperator_IssueToken() {
	ctx := context.Background()
	p := newProgram(signin.Options{})
	gateway := must(p.people.CreateConfirmed(ctx, people.NewAccount{Email: must(accounts.ParseEmail("gateway@example.com")), Kind: accounts.ServiceKind,
		Roles: []string{"api_only"}, Sites: accounts.TheseSites("north", "south")}))
	token, err := p.operator.IssueToken(ctx, gateway.ID, signin.NewToken{Name: "gateway", Rights: accounts.RightsOf(accounts.PanelUsersView), Sites: []string{"north"}})
	fmt.Println(token, err)

	header := token.Reveal() // shown once
	actor, err := p.signin.CheckToken(ctx, signin.ParseToken(header), signin.From{})
	fmt.Println(actor.Kind(), err)
	may := must(p.signin.Authority().Grant(ctx, actor))
	fmt.Println(may.Rights, "at", may.Sites)

	must(p.people.Suspend(ctx, gateway.ID, "replaced"))
	_, err = p.signin.CheckToken(ctx, signin.ParseToken(header), signin.From{})
	fmt.Println(err)
	// Output:
	// [redacted] <nil>
	// account <nil>
	// panelusers.view at north
	// signin: not a valid token
}

// Requests come through the host's own proxy.
func ExampleNetworks_From() {
	n := signin.Networks{}
	fmt.Println(n.From(home.Addr, "10.0.0.1").Addr)
	// Output: 192.0.2.7
}
