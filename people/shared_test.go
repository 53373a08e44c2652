package people_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// Before addresses become unique those that are shared are reported; from then on nobody
// gets one that an account has, whether it was claimed or not, until it is free.
//
// Rules: G203
func TestSharedAddressesAreReportedBeforeTheyMustBeUnique(t *testing.T) {
	policy := accounts.GEM()
	policy.Deletion = accounts.Tombstone
	b := newBench(t, func(o *people.Options) { o.Policy = policy })
	add := func(op *people.Operator, username, address string, in accounts.Sites) (people.Account, error) {
		return op.CreateConfirmed(t.Context(), people.NewAccount{Username: username, Email: email(t, address), Sites: in})
	}
	first, err := add(b.op, "first", "both@example.com", sites)
	require.NoError(t, err)
	second, err := add(b.op, "second", "Both@Example.com", accounts.TheseSites("south"))
	require.NoError(t, err)
	alone, err := add(b.op, "alone", "alone@example.com", sites)
	require.NoError(t, err)
	b.groups()
	guest, err := b.op.IssueVisitor(t.Context(), people.NewVisitor{First: "Guest", Groups: []string{"guests"}, Host: first.ID, Email: email(t, "ALONE@example.com"), Sites: sites, Until: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	_, err = b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: "without", Sites: sites})
	require.NoError(t, err)
	shared, err := b.op.SharedEmails(t.Context())
	require.NoError(t, err)
	require.Len(t, shared, 2)
	assert.Equal(t, []string{"alone@example.com", "both@example.com"}, []string{shared[0].Email.Canonical(), shared[1].Email.Canonical()})
	assert.Equal(t, []accounts.ID{alone.ID, guest.ID}, shared[0].Accounts)
	assert.ElementsMatch(t, []accounts.ID{first.ID, second.ID}, shared[1].Accounts)
	own, err := b.as("north").SharedEmails(t.Context())
	require.NoError(t, err)
	assert.Len(t, own, 1, "what another site has is not told")

	policy.EmailUnique = true
	strict, err := people.New(people.Options{Store: b.store, Keys: b.keys, Policy: policy, Authority: accounts.StaticAuthority{"operator": everything}})
	require.NoError(t, err)
	op := strict.As(accounts.HostActor("operator", "", "test").Vouched(time.Now()))
	_, err = add(op, "third", "both@example.com", sites)
	require.ErrorIs(t, err, accounts.ErrEmailInUse)
	require.NoError(t, op.Remove(t.Context(), first.ID, people.Confirmation{Account: "both@example.com"}))
	_, err = add(op, "third", "both@example.com", sites)
	require.ErrorIs(t, err, accounts.ErrEmailInUse, "the other still has it")
	_, err = op.SetContact(t.Context(), second.ID, email(t, "second@example.com"), "")
	require.NoError(t, err)
	_, err = add(op, "third", "both@example.com", sites)
	require.NoError(t, err)
	shared, err = op.SharedEmails(t.Context())
	require.NoError(t, err)
	require.Len(t, shared, 1)
}
