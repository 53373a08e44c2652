package people_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// Rules: R149, R192, R255
func TestTheLogFindsARemovedAccountByItsAddress(t *testing.T) {
	b := newBench(t)
	first := b.account("owner@example.com", accounts.Active)
	require.NoError(t, b.op.Remove(t.Context(), first.ID, people.Confirmation{Account: "owner@example.com"}))
	second := b.account("Owner@example.com", accounts.Active)
	found, err := b.svc.Resolve(t.Context(), email(t, "OWNER@example.com"))
	require.NoError(t, err)
	require.Equal(t, []accounts.ID{first.ID, second.ID}, found, "one address, two lives")
	none, err := b.svc.Resolve(t.Context(), email(t, "nobody@example.com"))
	require.NoError(t, err)
	require.Empty(t, none)

	key, err := audit.GenerateKey("example.com/log")
	require.NoError(t, err)
	log, err := journal.New(journal.Options{Store: b.store, Keys: b.keys, Signer: key, Emails: b.svc,
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}})
	require.NoError(t, err)
	page, err := log.As(accounts.HostActor("operator", "", "")).Query(t.Context(), journal.Query{Filter: journal.Filter{Email: email(t, "owner@example.com"), Actions: []audit.Action{audit.AccountRemoved}}})
	require.NoError(t, err)
	require.Len(t, page.Entries, 1)
}
