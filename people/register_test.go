package people_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

func registering(m people.RegisterMode) func(*people.Options) {
	return func(o *people.Options) {
		o.Registering = people.Registering{Mode: m, Role: "viewer", Sites: sites}
	}
}

func from(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}) }

// Each mode does what it says: nothing, an account with the default role and its setup code,
// or a request that an operator decides. Who names a dealer gets no role.
//
// Rules: S13
func TestPeopleRegisterAsTheModeSays(t *testing.T) {
	off := newBench(t)
	require.ErrorIs(t, off.svc.Register(t.Context(), people.Registrant{Email: email(t, "new@example.com")}), people.ErrRegistering)

	for _, mode := range []people.RegisterMode{people.RegisterAtOnce, people.RegisterByApproval} {
		for dealer, roles := range map[string][]string{"": {"viewer"}, "dealer-7": nil} {
			b := newBench(t, registering(mode))
			r := people.Registrant{Email: email(t, "New@example.com"), First: "Tower", Last: "Mill", Phone: "+12025550123", Dealer: dealer, Addr: from(1)}
			require.NoError(t, b.svc.Register(t.Context(), r))
			require.NoError(t, b.svc.Work(t.Context()))
			waits, err := b.op.Registrations(t.Context())
			require.NoError(t, err)
			if mode == people.RegisterByApproval {
				require.Len(t, waits, 1)
				r.Addr = netip.Addr{}
				assert.Equal(t, r, waits[0].Registrant)
				assert.Empty(t, b.mail.Sent(), "an operator decides first")
				there, err := b.op.Exists(t.Context(), r.Email)
				require.NoError(t, err)
				require.False(t, there)
				a, err := b.op.Accept(t.Context(), waits[0].ID)
				require.NoError(t, err)
				assert.Equal(t, accounts.NotConfirmed, a.State)
				_, err = b.op.Accept(t.Context(), waits[0].ID)
				require.ErrorIs(t, err, people.ErrNoRegistration, "twice")
				require.NoError(t, b.svc.Work(t.Context()))
			} else {
				assert.Empty(t, waits)
			}
			page, err := b.op.Accounts(t.Context(), people.Search{})
			require.NoError(t, err)
			require.Len(t, page.Accounts, 1)
			a := page.Accounts[0]
			assert.Equal(t, roles, a.Roles)
			assert.Equal(t, sites, a.Sites)
			assert.Equal(t, "Tower Mill New@example.com +12025550123", a.Name()+" "+a.Email.String()+" "+a.Phone)
			confirmed, err := b.op.Confirm(t.Context(), people.ByEmail(r.Email), b.code())
			require.NoError(t, err)
			assert.Equal(t, accounts.Active, confirmed.State)
		}
	}
}

// A request writes the same and answers the same whether the address has an account, and
// what is written tells nobody whose it is.
//
// Rules: S13
func TestRegisteringTellsNothing(t *testing.T) {
	b := newBench(t, registering(people.RegisterAtOnce))
	b.account("planted@example.com", accounts.Active)
	write := func(address string) []string {
		b.forget()
		require.NoError(t, b.svc.Register(t.Context(), people.Registrant{Email: email(t, address), First: "Planted", Addr: from(1)}))
		return b.wrote()
	}
	known, unknown := write("planted@example.com"), write("stranger@example.com")
	assert.NotEmpty(t, known)
	assert.Equal(t, known, unknown)
	for _, r := range b.kind("sent") {
		assert.NotContains(t, strings.ToLower(string(r.Body)), "planted")
	}
	require.NoError(t, b.svc.Work(t.Context()))
	require.Len(t, b.mail.Sent(), 1)
	assert.Equal(t, "stranger@example.com", b.mail.Sent()[0].To, "nothing comes of the other")
	for _, bad := range []people.Registrant{{}, {Email: email(t, "a@example.com"), First: strings.Repeat("x", 101)}} {
		require.ErrorIs(t, b.svc.Register(t.Context(), bad), people.ErrRegistrant)
	}
	require.ErrorIs(t, b.svc.Register(t.Context(), people.Registrant{Email: email(t, "a@example.com"), Phone: "0123"}), accounts.ErrPhoneFormat)
}

// Requests beyond the limits are dropped in silence: from one network, for one address and
// altogether.
//
// Rules: S13
func TestRegisteringIsLimited(t *testing.T) {
	for name, c := range map[string]struct {
		many  int
		asks  func(i int) (string, netip.Addr)
		taken int
	}{
		"one network": {20, func(i int) (string, netip.Addr) {
			return fmt.Sprintf("a%d@example.com", i), netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i+1))
		}, 5},
		"one address": {20, func(i int) (string, netip.Addr) { return "A@example.com", from(i) }, 3},
		"altogether":  {510, func(i int) (string, netip.Addr) { return fmt.Sprintf("a%d@example.com", i), from(i) }, 500},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, registering(people.RegisterByApproval))
			ask := func(many int) int {
				for i := range many {
					address, addr := c.asks(i)
					require.NoError(t, b.svc.Register(t.Context(), people.Registrant{Email: email(t, address), Addr: addr}), name)
				}
				return len(b.kind("sent"))
			}
			assert.Equal(t, c.taken, ask(c.many), name)
			time.Sleep(time.Hour)
			assert.Equal(t, c.taken+1, ask(1), "%s: an hour later", name)
		})
	}
}

// An operator rejects a request with an entry, one that nobody decides is forgotten after 30
// days, and only who has all of the sites sees it.
//
// Rules: S13
func TestARequestIsRejectedOrForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, registering(people.RegisterByApproval), func(o *people.Options) {
			o.Authority = accounts.StaticAuthority{"operator": everything,
				"north": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("north")},
				"south": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("south")},
				"adder": {Enabled: true, Rights: accounts.RightsOf(accounts.AccountsAdd), Sites: accounts.AllSites()}}
		})
		for i := range 2 {
			require.NoError(t, b.svc.Register(t.Context(), people.Registrant{Email: email(t, fmt.Sprintf("a%d@example.com", i)), Addr: from(i)}))
			require.NoError(t, b.svc.Work(t.Context()))
			time.Sleep(time.Second)
		}
		all, err := b.as("north").Registrations(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
		assert.Equal(t, "a0@example.com", all[0].Email.String(), "the oldest first")
		none, err := b.as("south").Registrations(t.Context())
		require.NoError(t, err)
		assert.Empty(t, none)
		_, err = b.as("south").Accept(t.Context(), all[0].ID)
		require.ErrorIs(t, err, people.ErrNoRegistration)
		_, err = b.as("adder").Accept(t.Context(), all[0].ID)
		require.ErrorIs(t, err, accounts.ErrPermissionDenied, "the role gives more than the operator has")
		require.NoError(t, b.as("adder").Reject(t.Context(), all[0].ID))
		assert.Equal(t, 1, b.entries()[audit.AccountRegistrationRejected])
		require.ErrorIs(t, b.op.Reject(t.Context(), all[0].ID), people.ErrNoRegistration)
		b.account("a1@example.com", accounts.Active)
		_, err = b.op.Accept(t.Context(), all[1].ID)
		require.ErrorIs(t, err, accounts.ErrEmailInUse)
		time.Sleep(30 * 24 * time.Hour)
		require.NoError(t, b.svc.Work(t.Context()))
		left, err := b.as("operator").Registrations(t.Context())
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}

func TestRegisteringNeedsWhatItIsMadeOf(t *testing.T) {
	for name, edit := range map[string]func(*people.Options){
		"no sites":    func(o *people.Options) { o.Registering.Sites = accounts.Sites{} },
		"no mailer":   func(o *people.Options) { o.Mailer = nil },
		"by username": func(o *people.Options) { o.Policy = accounts.GEM() },
		"no mode":     func(o *people.Options) { o.Registering.Mode = people.RegisterAtOnce + 1 },
	} {
		o := people.Options{Store: memstore.Open(), Keys: ring(t), Mailer: newBench(t).mail}
		registering(people.RegisterAtOnce)(&o)
		_, err := people.New(o)
		require.NoError(t, err)
		edit(&o)
		_, err = people.New(o)
		require.ErrorIs(t, err, people.ErrRegistering, name)
	}
}
