package people_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// overAccounts are the operations that change one account.
var overAccounts = []string{"Enable", "HandOver", "Lend", "OpenCodes", "PrintPIN", "Remove", "RemoveAttribute", "RemovePhoto", "ResetPassword", "Reveal", "Revoke", "SetAttribute",
	"SetContact", "SetDetails", "SetPhoto", "SetRoles", "SetSecret", "SetSites", "SetWindow", "Suspend", "Unlend", "Unlock", "Unrevoke"}

// hired adds an account with roles that can sign in.
func (b *bench) hired(address string, sites accounts.Sites, roles ...string) people.Account {
	b.t.Helper()
	a, err := b.op.CreateConfirmed(b.t.Context(), people.NewAccount{Email: email(b.t, address), Sites: sites, Roles: roles})
	require.NoError(b.t, err)
	return a
}

// inside is the service as a product runs it: the roles of accounts decide.
func (b *bench) inside(edit ...func(*people.Options)) func(people.Account) *people.Operator {
	b.t.Helper()
	o := people.Options{Store: b.store, Keys: b.keys, Mailer: b.mail, FirstTry: -1}
	for _, e := range edit {
		e(&o)
	}
	own, err := people.New(o)
	require.NoError(b.t, err)
	return func(a people.Account) *people.Operator { return own.As(b.actor(a)) }
}

// actor is an account that has just signed in.
func (b *bench) actor(a people.Account) accounts.Actor {
	return accounts.Recorded(mint.Token{}, audit.AccountActor, a.ID, "", "test", time.Now())
}

// record is what is stored of an account.
func (b *bench) record(id accounts.ID) store.Record {
	b.t.Helper()
	rs, err := b.store.Load(b.t.Context(), store.Key{Kind: "account", ID: string(id)})
	require.NoError(b.t, err)
	return rs[0]
}

// Sharing a site and having the right for an act is not enough: nobody does anything to an
// account that has a right, or a site, that they lack.
//
// Rules: G110, G160
func TestNobodyTouchesAStrongerAccount(t *testing.T) {
	b := newBench(t, func(o *people.Options) {
		o.Authority = accounts.StaticAuthority{"operator": everything,
			"weaker": {Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.AuditView)), Sites: accounts.AllSites()},
			"north":  {Enabled: true, Rights: accounts.AllRights(), Sites: sites},
		}
	})
	viewer := b.hired("viewer@example.com", sites, "viewer")
	both := b.hired("both@example.com", accounts.TheseSites("north", "south"))
	lent := b.hired("lent@example.com", sites)
	lent, err := b.op.Lend(t.Context(), lent.ID, people.Loan{Rights: accounts.RightsOf(accounts.AuditView), From: time.Now().Add(time.Hour),
		Until: time.Now().Add(2 * time.Hour), Reason: "later"})
	require.NoError(t, err)
	suspended := b.hired("away@example.com", sites, "viewer")
	suspended, err = b.op.Suspend(t.Context(), suspended.ID, "")
	require.NoError(t, err)
	for _, name := range overAccounts {
		for _, c := range []struct {
			who   accounts.ID
			a     people.Account
			cause error
		}{
			{"weaker", viewer, accounts.ErrPermissionDenied}, {"weaker", lent, accounts.ErrPermissionDenied},
			{"weaker", suspended, accounts.ErrPermissionDenied}, {"north", both, accounts.ErrSiteMismatch},
		} {
			before := b.record(c.a.ID)
			err := operations[name](t.Context(), turn{op: b.as(c.who), a: c.a})
			require.ErrorIs(t, err, accounts.ErrOutranked, "%s of %s by %s", name, c.a.Email, c.who)
			require.ErrorIs(t, err, c.cause, name)
			require.Equal(t, before, b.record(c.a.ID), name)
		}
	}
	assert.Zero(t, b.mail.Tries())
	for _, name := range overAccounts {
		err := operations[name](t.Context(), turn{op: b.as("weaker"), a: b.hired(name+"@example.com", sites, "installer")})
		require.NotErrorIs(t, err, accounts.ErrOutranked, "an equal or lesser account: %s", name)
	}
}

// Nobody locks themselves out, and nobody gives themselves anything.
func TestNobodyDoesThisToTheirOwnAccount(t *testing.T) {
	b := newBench(t)
	as := b.inside()
	admin := b.hired("admin@example.com", accounts.AllSites(), "admin")
	b.hired("other@example.com", accounts.AllSites(), "admin")
	for _, name := range []string{"Lend", "Remove", "Revoke", "SetRoles", "SetSites", "SetWindow", "Suspend", "Unlend"} {
		before := b.record(admin.ID)
		require.ErrorIs(t, operations[name](t.Context(), turn{op: as(admin), a: admin}), accounts.ErrOwnAccount, name)
		require.Equal(t, before, b.record(admin.ID), name)
	}
	_, err := as(admin).ResetPassword(t.Context(), admin.ID)
	require.NoError(t, err)
}

// Whatever would leave no administrator is refused, also to other administrators that
// cannot sign in themselves for good.
//
// Rules: S8
func TestTheLastAdministratorStays(t *testing.T) {
	b := newBench(t)
	as := b.inside()
	last := b.hired("last@example.com", accounts.AllSites(), "admin")
	b.hired("site@example.com", sites, "admin")
	ends := b.hired("ends@example.com", accounts.AllSites(), "admin")
	_, err := b.op.SetWindow(t.Context(), ends.ID, credentials.Window{Until: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	for _, name := range []string{"Remove", "Revoke", "SetRoles", "SetWindow", "Suspend"} {
		require.ErrorIs(t, operations[name](t.Context(), turn{op: as(ends), a: last}), accounts.ErrLastAdmin, name)
	}
	_, err = as(ends).SetSites(t.Context(), last.ID, sites)
	require.ErrorIs(t, err, accounts.ErrLastAdmin)
	b.hired("second@example.com", accounts.AllSites(), "admin")
	_, err = as(ends).Suspend(t.Context(), last.ID, "")
	require.NoError(t, err)
}

// Another administrator counts wherever they are in a long list of those who are none for
// good.
//
// Rules: S8
func TestTheLastAdministratorAmongMany(t *testing.T) {
	b := newBench(t)
	as := b.inside()
	last := b.hired("last@example.com", accounts.AllSites(), "admin")
	core := &flow.Core{Store: b.store, Keys: b.keys}
	add := func(id string, sites accounts.Sites) {
		_, err := core.Act(t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
			_, err := u.Say(audit.AccountCreated, audit.Success, []string{id})
			return errors.Join(err, flow.Put(u, rec.Accounts, id, &accounts.Account{ID: accounts.ID(id), Roles: []string{"admin"}, Sites: sites, Created: u.Now(), Confirmed: u.Now()}))
		})
		require.NoError(t, err)
	}
	for i := range store.MaxPage { // before all others
		add(fmt.Sprintf("-%04d", i), sites)
	}
	ends := b.hired("ends@example.com", accounts.AllSites(), "admin")
	_, err := b.op.SetWindow(t.Context(), ends.ID, credentials.Window{Until: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	for _, name := range []string{"Remove", "Suspend"} {
		require.ErrorIs(t, operations[name](t.Context(), turn{op: as(ends), a: last}), accounts.ErrLastAdmin, name)
	}
	add("~", accounts.AllSites()) // after all others
	_, err = as(ends).Suspend(t.Context(), last.ID, "")
	require.NoError(t, err)
}

// Two administrators who end each other at once: one does, and one is left.
//
// Rules: S8
func TestTwoAdministratorsDoNotEndEachOther(t *testing.T) {
	for range rounds(100, 20) {
		b := newBench(t)
		as := b.inside()
		x, y := b.hired("x@example.com", accounts.AllSites(), "admin"), b.hired("y@example.com", accounts.AllSites(), "admin")
		var all sync.WaitGroup
		var errs [2]error
		all.Go(func() { _, errs[0] = as(x).Suspend(context.WithoutCancel(t.Context()), y.ID, "") })
		all.Go(func() { _, errs[1] = as(y).Suspend(context.WithoutCancel(t.Context()), x.ID, "") })
		all.Wait()
		require.False(t, errs[0] == nil && errs[1] == nil, "nobody is left")
		require.False(t, errs[0] != nil && errs[1] != nil, errors.Join(errs[:]...))
	}
}
