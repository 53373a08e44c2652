package workflows_test

import (
	"context"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// office is what a host has that keeps its accounts here: one store, one keyring, and the
// services over them. Mail stays in memory, and the clock stands still until it is moved.
type office struct {
	people *people.Service
	signin *signin.Service
	desk   *roster.Desk
	mail   notifytest.Capture
	now    time.Time
}

var ctx = context.Background()

// check ends an example that does not go as it should.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// openOffice opens an office under GEM's policies.
func openOffice() *office {
	o := &office{now: time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return o.now }
	store := memstore.Open()
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	check(err)
	// The host vouches for its own operator; of accounts their roles decide.
	authority := &staffAndOwners{staff: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}}
	policy := signin.GEM()
	policy.Hash.Cost = 4 // so that the examples are quick: a host leaves it as it is
	o.people, err = people.New(people.Options{Store: store, Keys: keys, Authority: authority, Mailer: &o.mail, Policy: accounts.GEM(), FirstTry: -1, Now: clock})
	check(err)
	o.signin, err = signin.New(signin.Options{Store: store, Keys: keys, Authority: authority, Mailer: &o.mail, Accounts: accounts.GEM(), Policy: &policy, Now: clock})
	check(err)
	authority.owners = o.signin.Authority()
	o.desk, err = roster.New(roster.Options{Store: store, Keys: keys, Authority: authority, Policy: accounts.GEM(), Now: clock})
	check(err)
	return o
}

// actor is the operator, whose second factor the host has just seen.
func (o *office) actor() accounts.Actor {
	return accounts.HostActor("operator", "The operator", "example").Vouched(o.now)
}

// staff are the accounts in the operator's hands, and front is how their owners sign in.
func (o *office) staff() *people.Operator { return o.people.As(o.actor()) }
func (o *office) front() *signin.Operator { return o.signin.As(o.actor()) }

// post sends what is due, as the loops of a host do all the time.
func (o *office) post() {
	check(o.people.Work(ctx))
	check(o.signin.Work(ctx))
}

// code is the code in the newest mail that has one.
func (o *office) code() otp.Answer {
	o.post()
	for _, m := range slices.Backward(o.mail.Sent()) {
		if found := codeForm.FindStringSubmatch(m.Text); found != nil {
			return otp.AnswerOf(found[1])
		}
	}
	panic("no code was mailed")
}

// mailbox is an address that is right.
func mailbox(address string) accounts.Email {
	e, err := accounts.ParseEmail(address)
	check(err)
	return e
}
