package signin_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// newcomer is an account that is to be added.
func (o *office) newcomer(name string, roles ...string) people.NewAccount {
	o.t.Helper()
	address, err := accounts.ParseEmail(name + "@example.com")
	require.NoError(o.t, err)
	return people.NewAccount{Email: address, Username: name, Sites: accounts.AllSites(), Roles: roles}
}

// Whoever adds an account with roles proves a factor for adding it: the account's id is
// nobody's to name before. Without roles it takes none.
//
// Rules: G198
func TestAProofServesANewAccountWithItsRoles(t *testing.T) {
	o := newOffice(t)
	_, _, err := o.hand().Create(t.Context(), o.newcomer("plain"))
	require.NoError(t, err)
	_, _, err = o.hand().Create(t.Context(), o.newcomer("third", "installer"))
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	o.prove("people.SetRoles", o.a.ID)
	_, _, err = o.hand().Create(t.Context(), o.newcomer("third", "installer"))
	require.ErrorIs(t, err, accounts.ErrStepUpRequired, "the roles of somebody else")

	o.prove("people.Create", "")
	hand := o.hand()
	_, err = o.hand().SetRoles(t.Context(), o.a.ID, "installer")
	require.ErrorIs(t, err, accounts.ErrStepUpRequired, "it is for a new account")
	a, _, err := hand.Create(t.Context(), o.newcomer("third", "installer"))
	require.NoError(t, err)
	assert.Equal(t, []string{"installer"}, a.Roles)
	_, _, err = o.hand().Create(t.Context(), o.newcomer("fourth", "installer"))
	require.ErrorIs(t, err, accounts.ErrStepUpRequired, "once")

	o.prove("people.CreateConfirmed", "")
	_, err = o.hand().CreateConfirmed(t.Context(), o.newcomer("fifth", "installer"))
	require.NoError(t, err)
	_, err = o.hand().CreateConfirmed(t.Context(), o.newcomer("sixth", "installer"))
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
}

// Asking for the approval of an act needs the proof for it and leaves it for the act.
//
// Rules: G198, G215
func TestAnApprovalKeepsTheProofForTheAct(t *testing.T) {
	o := newOffice(t, func(c *setup) { c.accounts.Approve = accounts.RightsOf(accounts.SitesManage) })
	moved := func(of people.Account) error {
		_, err := o.hand().SetSites(t.Context(), of.ID, accounts.TheseSites("north"))
		return err
	}
	o.prove("people.SetSites", o.b.ID)
	require.ErrorIs(t, moved(o.a), accounts.ErrStepUpRequired, "another target is not even asked for")
	waiting := func() int { return o.entries()[audit.ApprovalAsked] }
	assert.Zero(t, waiting())

	o.prove("people.SetSites", o.a.ID)
	var asked *accounts.ApprovalError
	require.ErrorAs(t, moved(o.a), &asked)
	require.ErrorAs(t, moved(o.a), &asked, "asking again is no act either")
	assert.Equal(t, 1, waiting())
	require.NoError(t, o.people.Approve(t.Context(), asked.ID))
	require.NoError(t, moved(o.a))
	require.ErrorIs(t, moved(o.a), accounts.ErrStepUpRequired, "the act has spent it")
}
