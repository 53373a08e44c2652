package people_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// An installer waits at every site until the owner of the site, or an operator, accepts
// them: until then, and when they are rejected, no panel there listens to them.
//
// Rules: S25
func TestInstallersAreApproved(t *testing.T) {
	b := newBench(t)
	b.desk()
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "owner", Allow: accounts.RightsOf(accounts.InstallersApprove)}))
	owner := b.inside()(b.hired("owner@example.com", sites, "owner"))
	i, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "installer@example.com"), Kind: accounts.InstallerKind,
		Sites: accounts.TheseSites("north", "south"), Roles: []string{"installer"}})
	require.NoError(t, err)
	own, err := roster.New(roster.Options{Store: b.store, Keys: b.keys, Drivers: map[string]panel.Driver{"example": offline{}}, Policy: policy()})
	require.NoError(t, err)
	panels := func() int {
		list, err := own.As(b.actor(i)).Panels(t.Context(), "", 10)
		if err != nil {
			require.ErrorIs(t, err, accounts.ErrSiteMismatch)
		}
		for _, p := range list {
			_, err := own.As(b.actor(i)).Panel(p.ID).SetLabel(t.Context(), panel.Place{Slot: 2}, "Ours")
			require.NotErrorIs(t, err, accounts.ErrSiteMismatch)
		}
		return len(list)
	}
	states := func(op *people.Operator, site string) map[string]accounts.Approval {
		list, err := op.Installers(t.Context(), site)
		require.NoError(t, err)
		out := map[string]accounts.Approval{}
		for _, i := range list {
			out[i.Email.String()] = i.Approval
		}
		return out
	}
	assert.Equal(t, map[string]accounts.Approval{"installer@example.com": accounts.Pending}, states(owner, "north"))
	assert.Zero(t, panels())
	require.NoError(t, owner.AcceptInstaller(t.Context(), i.ID, "north"), "the owner has none of the installer's rights")
	assert.Equal(t, accounts.Accepted, states(owner, "north")["installer@example.com"])
	assert.Equal(t, accounts.Pending, states(b.op, "south")["installer@example.com"])
	assert.Equal(t, 1, panels())
	require.ErrorIs(t, owner.AcceptInstaller(t.Context(), i.ID, "south"), accounts.ErrSiteMismatch)
	_, err = owner.Installers(t.Context(), "south")
	require.ErrorIs(t, err, accounts.ErrSiteMismatch)
	require.NoError(t, b.op.RejectInstaller(t.Context(), i.ID, "north"), "an operator decides too")
	assert.Zero(t, panels())
	require.NoError(t, owner.RejectInstaller(t.Context(), i.ID, "north"))
	require.NoError(t, owner.AcceptInstaller(t.Context(), i.ID, "north"))
	assert.Equal(t, 3, b.entries()[audit.AccountInstallerDecided], "what changes nothing is no entry")

	_, err = b.op.SetSites(t.Context(), i.ID, accounts.TheseSites("south"))
	require.NoError(t, err)
	_, err = b.op.SetSites(t.Context(), i.ID, accounts.TheseSites("north", "south"))
	require.NoError(t, err)
	assert.Equal(t, accounts.Pending, states(owner, "north")["installer@example.com"], "who comes back waits again")
}

// Nobody accepts themselves, and nobody but installers is accepted.
//
// Rules: S25
func TestNobodyAcceptsThemselves(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "lead", Allow: accounts.RightsOf(accounts.InstallersApprove)}))
	i, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "installer@example.com"), Kind: accounts.InstallerKind, Sites: sites, Roles: []string{"lead"}})
	require.NoError(t, err)
	require.NoError(t, b.op.AcceptInstaller(t.Context(), i.ID, "north"))
	self := b.inside()(i)
	require.ErrorIs(t, self.RejectInstaller(t.Context(), i.ID, "north"), accounts.ErrOwnAccount)
	require.ErrorIs(t, self.AcceptInstaller(t.Context(), i.ID, "north"), accounts.ErrOwnAccount)
	a := b.account("owner@example.com", accounts.Active)
	require.ErrorIs(t, b.op.AcceptInstaller(t.Context(), a.ID, "north"), accounts.ErrNotInstaller)
}
