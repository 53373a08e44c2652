package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Rules: R88, R225
func TestWhetherAnAccountExistsIsAskedByItsAddress(t *testing.T) {
	b := newBench(t)
	b.account("Owner@example.com", accounts.NotConfirmed)
	b.account("gone@example.com", accounts.Removed)
	label := strings.Repeat("x", 60)
	long := "o@" + label + "." + label + "." + label // longer than what is indexed
	b.account(long+".example.com", accounts.Active)
	for address, want := range map[string]bool{"owner@EXAMPLE.com": true, "gone@example.com": false, "nobody@example.com": false,
		long + ".example.com": true, long + ".example.org": false} {
		there, err := b.op.Exists(t.Context(), email(t, address))
		require.NoError(t, err)
		assert.Equal(t, want, there, address)
	}
}

// Rules: R98, R214, R215, R230
func TestStatusSaysWhyTheOwnerCannotGetIn(t *testing.T) {
	b := newBench(t)
	for state, want := range map[accounts.State]error{
		accounts.NotConfirmed: accounts.ErrAccountNotConfirmed, accounts.Active: nil,
		accounts.Suspended: accounts.ErrAccountSuspended, accounts.Removed: accounts.ErrAccountRemoved,
	} {
		a := b.account(string(state[0])+"@example.com", state)
		s, err := b.op.Status(t.Context(), a.ID)
		if state == accounts.Removed {
			require.ErrorIs(t, err, want)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, state, s.State)
		require.ErrorIs(t, s.Access, want)
		assert.Equal(t, want == nil, s.PowerManage == accounts.StatusActive)
		assert.Equal(t, want == nil, s.GEM == accounts.StatusActive)
	}
}

// Every account is on exactly one page, in the order of the addresses, whoever may see it.
func TestPagesHoldEveryAccountOnce(t *testing.T) {
	b := newBench(t)
	var all []string
	for i := range 23 {
		address := fmt.Sprintf("%c%d@example.com", 'a'+i%3, i)
		n := people.NewAccount{Email: email(t, address), Sites: accounts.TheseSites([]string{"north", "south"}[i%2])}
		_, err := b.op.CreateConfirmed(t.Context(), n)
		require.NoError(t, err)
		all = append(all, address)
	}
	b.account("gone@example.com", accounts.Removed)
	slices.Sort(all)
	for _, c := range []struct {
		who    accounts.ID
		prefix string
		keep   func(i int, address string) bool
	}{
		{"operator", "", func(int, string) bool { return true }},
		{"operator", " B1", func(_ int, a string) bool { return a[:2] == "b1" }},
		{"operator", "z", func(int, string) bool { return false }},
		{"north", "", func(i int, _ string) bool { return i%2 == 0 }},
		{"north", "c", func(i int, a string) bool { return i%2 == 0 && a[0] == 'c' }},
	} {
		var want, got []string
		for _, a := range all {
			var i int
			_, err := fmt.Sscanf(a[1:], "%d@", &i)
			require.NoError(t, err)
			if c.keep(i, a) {
				want = append(want, a)
			}
		}
		var after people.Cursor
		for pages := 0; ; pages++ {
			require.Less(t, pages, 20)
			p, err := b.as(c.who).Accounts(t.Context(), people.Search{Prefix: c.prefix, After: after, Limit: 4})
			require.NoError(t, err)
			assert.EqualValues(t, len(want), p.Total)
			for _, a := range p.Accounts {
				got = append(got, a.Email.String())
			}
			if after = p.Next; after == "" {
				break
			}
			assert.Len(t, p.Accounts, 4)
		}
		assert.Equal(t, want, got, "%s %q", c.who, c.prefix)
	}
	_, err := b.op.Accounts(t.Context(), people.Search{After: "%%"})
	require.ErrorIs(t, err, people.ErrCursor)
	p, err := b.op.Accounts(t.Context(), people.Search{})
	require.NoError(t, err)
	assert.Len(t, p.Accounts, 15)
}

// Accounts without an address are listed by their username.
func TestAccountsWithoutAnAddressAreListedToo(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.GEM() })
	for _, name := range []string{"night_guard", "cleaner"} {
		_, d, err := b.op.Create(t.Context(), people.NewAccount{Username: name, Sites: sites})
		require.NoError(t, err)
		assert.Zero(t, d, "there is nobody to write to")
	}
	p, err := b.op.Accounts(t.Context(), people.Search{Prefix: "night"})
	require.NoError(t, err)
	require.Len(t, p.Accounts, 1)
	assert.Equal(t, "night_guard", p.Accounts[0].Username)
}

// The removal is found by the account's id when the account is gone, and says who it was.
//
// Rules: R149, R192, R223
func TestARemovalIsFoundWhenTheAccountIsGone(t *testing.T) {
	for _, deletion := range []accounts.Deletion{accounts.Tombstone, accounts.Purge} {
		b := newBench(t, func(o *people.Options) { o.Policy = accounts.PowerManage(); o.Policy.Deletion = deletion })
		a := b.account("owner@example.com", accounts.Active)
		require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
		es, err := b.store.Entries(t.Context(), store.EntryQuery{Target: []byte(a.ID), Actions: []string{string(audit.AccountRemoved)}})
		require.NoError(t, err)
		require.Len(t, es, 1)
		bySite, err := b.store.Entries(t.Context(), store.EntryQuery{Target: []byte(flow.Site("north")), Actions: []string{string(audit.AccountRemoved)}})
		require.NoError(t, err)
		assert.Equal(t, es, bySite, "whoever may see the site finds it")
		e, err := audit.Decode(es[0].Body)
		require.NoError(t, err)
		assert.Equal(t, string(a.ID), e.Value(audit.FieldAccount))
		i := slices.IndexFunc(e.Fields, func(f audit.Field) bool { return f.Name == audit.FieldEmail })
		require.GreaterOrEqual(t, i, 0, "the address is there, sealed under the person's key")
		assert.Equal(t, "account/"+string(a.ID), e.Fields[i].KeyID)
		assert.NotEmpty(t, e.Fields[i].Sealed)

		rs, err := b.store.List(t.Context(), store.Query{Kind: "account"})
		require.NoError(t, err)
		assert.Len(t, rs, map[accounts.Deletion]int{accounts.Tombstone: 1, accounts.Purge: 0}[deletion])
	}
}

// Created is when the account was made.
//
// Rules: R102
func TestCreatedIsTheAccountsOwnTime(t *testing.T) {
	at := time.Date(2026, 5, 13, 16, 24, 55, 0, time.UTC)
	b := newBench(t, func(o *people.Options) { o.Now = func() time.Time { return at } })
	a, _, err := b.svc.As(accounts.HostActor("operator", "", "test").Vouched(at)).Create(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Sites: sites})
	require.NoError(t, err)
	assert.Equal(t, at, a.Created)
	at = at.Add(time.Hour)
	v, err := b.op.Account(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, at.Add(-time.Hour), v.Created)
}
