package people_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// The list has its columns and its three actions; what changed behind it is there when it is
// read again.
//
// Rules: G2, G4, G5, G6, G7
func TestTheListShowsWhatIsStoredNow(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.GEM() })
	assert.Equal(t, []people.Column{"ID", "Username", "Email", "SMS", "Roles", "Enabled"}, people.Columns())
	assert.Equal(t, []people.ListAction{"Add", "Edit", "Reload"}, people.ListActions())
	a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: "owner_1", Email: email(t, "Owner@Example.com"), Phone: "+4912345678",
		Roles: []string{"admin", "user"}, Sites: sites})
	require.NoError(t, err)
	reload := func() []string {
		page, err := b.op.Accounts(t.Context(), people.Search{})
		require.NoError(t, err)
		require.Len(t, page.Accounts, 1)
		return page.Accounts[0].Cells()
	}
	assert.Equal(t, []string{string(a.ID), "owner_1", "Owner@Example.com", "+4912345678", "admin, user", "yes"}, reload())
	second := newBench(t, func(o *people.Options) { o.Policy, o.Store, o.Keys = accounts.GEM(), b.store, b.keys }) // another process
	_, err = second.op.Suspend(t.Context(), a.ID, "")
	require.NoError(t, err)
	_, err = second.op.SetRoles(t.Context(), a.ID, "viewer")
	require.NoError(t, err)
	assert.Equal(t, []string{string(a.ID), "owner_1", "Owner@Example.com", "+4912345678", "viewer", "no"}, reload())
	require.ErrorIs(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "Owner@Example.com"}), accounts.ErrDeleteForbidden)
}
