package people_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// act is something that an operator does to an account.
type act struct {
	name  string
	event accounts.Event
	run   func(b *bench, a people.Account) error
}

var acts = []act{
	{"suspend", accounts.Suspend, func(b *bench, a people.Account) error {
		_, err := b.op.Suspend(b.t.Context(), a.ID, "left the house")
		return err
	}},
	{"enable", accounts.Enable, func(b *bench, a people.Account) error {
		_, err := b.op.Enable(b.t.Context(), a.ID)
		return err
	}},
	{"reset", accounts.Reset, func(b *bench, a people.Account) error {
		_, err := b.op.ResetPassword(b.t.Context(), a.ID)
		return err
	}},
	{"remove", accounts.Remove, func(b *bench, a people.Account) error {
		return b.op.Remove(b.t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"})
	}},
}

// transitions say what each act makes of each state; what is not here is refused.
var transitions = map[accounts.State]map[string]accounts.State{
	accounts.NotConfirmed: {"reset": accounts.NotConfirmed, "remove": accounts.Removed},
	accounts.Active:       {"suspend": accounts.Suspended, "reset": accounts.Active, "remove": accounts.Removed},
	accounts.Suspended:    {"enable": accounts.Active, "reset": accounts.Suspended, "remove": accounts.Removed},
	accounts.Removed:      {},
}

// Every act on every state does what the table says, or is refused and changes nothing.
// Each success is one entry.
//
// Rules: R90, R95, R96, R97, R105, R140, R142, R143, R147, R189
func TestEveryActOnEveryState(t *testing.T) {
	for from, outcomes := range transitions {
		for _, act := range acts {
			t.Run(strings.Join([]string{act.name, string(from)}, " "), func(t *testing.T) {
				b := newBench(t)
				a := b.account("owner@example.com", from)
				before, entries := b.facts(a.ID), b.entries()
				err := act.run(b, a)
				to, ok := outcomes[act.name]
				if !ok {
					require.ErrorIs(t, err, refusal(from))
					assert.Equal(t, before, b.facts(a.ID))
					entries[audit.OperationRefused]++
					assert.Equal(t, entries, b.entries())
					return
				}
				require.NoError(t, err)
				entries[map[string]audit.Action{"suspend": audit.AccountSuspended, "enable": audit.AccountEnabled,
					"reset": audit.AccountPasswordResetSent, "remove": audit.AccountRemoved}[act.name]]++
				assert.Equal(t, entries, b.entries())
				assert.Equal(t, to, b.facts(a.ID).State)
			})
		}
	}
}

func refusal(from accounts.State) error {
	if from == accounts.Removed {
		return accounts.ErrAccountRemoved
	}
	return accounts.ErrInvalidTransition
}

// facts are what an operator of all sites hears of an account, removed or not.
func (b *bench) facts(id accounts.ID) people.Standing {
	b.t.Helper()
	s, err := b.op.Status(context.WithoutCancel(b.t.Context()), id)
	if err != nil {
		require.ErrorIs(b.t, err, accounts.ErrAccountRemoved)
		s.State = accounts.Removed
	}
	return s
}

// Nobody changes keyholder's own account.
//
// Rules: G150
func TestTheSystemsAccountStaysAsItIs(t *testing.T) {
	b := newBench(t)
	a := people.Account{}
	a.ID = accounts.SystemID
	for _, act := range acts {
		require.ErrorIs(t, act.run(b, a), accounts.ErrSystemAccount, act.name)
	}
	_, err := b.op.SetRoles(t.Context(), accounts.SystemID, "admin")
	require.ErrorIs(t, err, accounts.ErrSystemAccount)
	_, err = b.op.SetSites(t.Context(), accounts.SystemID, sites)
	require.ErrorIs(t, err, accounts.ErrSystemAccount)
	assert.Equal(t, accounts.System, b.facts(accounts.SystemID).State)
}

// What products forbid is refused as such.
//
// Rules: G6, G30, G147
func TestPoliciesForbid(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.GEM() })
	a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: "owner", Sites: sites})
	require.NoError(t, err)
	require.ErrorIs(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner"}), accounts.ErrDeleteForbidden)
	_, err = b.op.ResetPassword(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrResetUnsupported)
	_, err = b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: "owner", Sites: sites})
	require.ErrorIs(t, err, accounts.ErrUsernameTaken)

	b = newBench(t)
	_, _, err = b.op.Create(t.Context(), people.NewAccount{Username: "owner", Sites: sites})
	require.ErrorIs(t, err, accounts.ErrEmailRequired)
	_, _, err = b.op.Create(t.Context(), people.NewAccount{Email: email(t, "owner@example.com")})
	require.ErrorIs(t, err, people.ErrNoSites)
}

// transcripts are what each act writes: the golden form of its decision. Who acts for the
// first time gets a key for their name, so each runs after one act by the same person.
var transcripts = []struct {
	name string
	from accounts.State
	run  func(b *bench, a people.Account) error
	want string
}{
	{"create", accounts.Active, func(b *bench, _ people.Account) error {
		b.account("second@example.com", accounts.NotConfirmed)
		return nil
	}, `entry account.created targets=3
check keys if=0
check person if=1
claim hold
mark post
put account if=0
put address if=0
put onetime if=0
put person if=0
put sent if=0
`},
	{"import", accounts.Active, func(b *bench, _ people.Account) error {
		b.account("second@example.com", accounts.Active)
		return nil
	}, `entry account.created targets=3
check keys if=0
check person if=1
claim hold
put account if=0
put address if=0
put person if=0
`},
	{"suspend", accounts.Active, acts[0].run, `entry account.suspended targets=3
check person if=1
check person if=1
mark project
put account if=1
`},
	{"enable", accounts.Suspended, acts[1].run, `entry account.enabled targets=3
check person if=1
check person if=1
mark project
put account if=2
`},
	{"reset", accounts.Active, acts[2].run, `entry account.password.reset.sent targets=3
check account if=1
check login if=0
check person if=1
check person if=1
count mail by=+1 max=3
mark post
put onetime if=0
put sent if=0
`},
	{"reset of an account that is not confirmed", accounts.NotConfirmed, acts[2].run, `entry account.password.reset.sent targets=3
check account if=1
check login if=0
check person if=1
check person if=1
count mail by=+1 max=3
mark post
put onetime if=1
put sent if=0
`},
	{"remove", accounts.NotConfirmed, acts[3].run, `entry account.removed targets=3
check attributes if=0
check consent if=0
check login if=0
check onetime if=0
check onetime if=0
check person if=0
check person if=1
check person if=1
check photo if=0
drop onetime if=1
mark project
mark unlink
put account if=1
release
`},
	{"confirm", accounts.NotConfirmed, func(b *bench, a people.Account) error {
		require.NoError(b.t, b.svc.Work(b.t.Context()))
		code := b.code()
		b.forget()
		_, err := b.op.Confirm(b.t.Context(), people.ByEmail(a.Email), code)
		return err
	}, `count guess by=+1 max=5

entry account.confirmed targets=3
check person if=1
check person if=1
count guess by=-1 max=0
drop onetime if=1
put account if=1
`},
}

// Rules: R118, R140
func TestTranscripts(t *testing.T) {
	for _, c := range transcripts {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			a := b.account("owner@example.com", c.from)
			b.forget()
			require.NoError(t, c.run(b, a))
			assert.Equal(t, c.want, strings.Join(b.wrote(), "\n"))
		})
	}
}

// Rules: R146, R224
func TestRemovingIsConfirmedByNamingTheAccount(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	require.ErrorIs(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{}), accounts.ErrConfirmationRequired)
	require.ErrorIs(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "other@example.com"}), accounts.ErrConfirmationMismatch)
	assert.Equal(t, accounts.Active, b.facts(a.ID).State)
	require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: " OWNER@example.com "}))
	assert.Equal(t, accounts.Removed, b.facts(a.ID).State)
}

// Rules: R139
func TestAPolicyMayAskToConfirmAReset(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.PowerManage(); o.Policy.RequireConfirm = true })
	a := b.account("owner@example.com", accounts.Active)
	_, err := b.op.ResetPassword(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrConfirmationRequired)
	_, err = b.op.ResetPassword(t.Context(), a.ID, people.Confirmation{Account: "other@example.com"})
	require.ErrorIs(t, err, accounts.ErrConfirmationMismatch)
	_, err = b.op.ResetPassword(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"})
	require.NoError(t, err)
}

// Rules: R88, R148, G3
func TestAnAddressIsOneAccountsUntilThatIsRemoved(t *testing.T) {
	for _, deletion := range []accounts.Deletion{accounts.Tombstone, accounts.Purge} {
		b := newBench(t, func(o *people.Options) { o.Policy = accounts.PowerManage(); o.Policy.Deletion = deletion })
		a := b.account("owner@example.com", accounts.Active)
		again := people.NewAccount{Email: email(t, "OWNER@Example.com"), Sites: sites}
		_, err := b.op.CreateConfirmed(t.Context(), again)
		require.ErrorIs(t, err, accounts.ErrEmailInUse)
		require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
		fresh, err := b.op.CreateConfirmed(t.Context(), again)
		require.NoError(t, err)
		assert.NotEqual(t, a.ID, fresh.ID)
		_, err = b.op.Enable(t.Context(), a.ID)
		if deletion == accounts.Purge {
			require.ErrorIs(t, err, accounts.ErrAccountNotFound)
		} else {
			require.ErrorIs(t, err, accounts.ErrAccountRemoved)
		}
	}
}

func TestWherePoliciesShareAddressesTheyAreShared(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.GEM(); o.Policy.LoginBy = accounts.ByEither })
	b.account("owner@example.com", accounts.Active)
	a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Sites: sites})
	require.NoError(t, err)
	assert.Equal(t, accounts.Active, a.State)
}

// Nobody gives or takes what they do not have.
//
// Rules: R240, G106, G188
func TestRolesAndSitesWithinTheOperatorsOwn(t *testing.T) {
	b := newBench(t, func(o *people.Options) {
		installer, err := accounts.DefaultRoles().Rights(false, "installer")
		require.NoError(t, err)
		o.Authority = accounts.StaticAuthority{"operator": everything, "lesser": {Enabled: true, Sites: accounts.AllSites(),
			Rights: installer.With(accounts.RightsOf(accounts.RolesManage, accounts.SitesManage, accounts.AccountsAdd))},
			"north": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("north")}}
	})
	a := b.account("owner@example.com", accounts.Active)
	v, err := b.as("lesser").SetRoles(t.Context(), a.ID, "installer")
	require.NoError(t, err)
	assert.Equal(t, []string{"installer"}, v.Roles)
	_, err = b.as("lesser").SetRoles(t.Context(), a.ID, "admin")
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)
	_, _, err = b.as("lesser").Create(t.Context(), people.NewAccount{Email: email(t, "b@example.com"), Sites: sites, Roles: []string{"admin"}})
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)
	_, err = b.op.SetRoles(t.Context(), a.ID, "admin")
	require.NoError(t, err)
	_, err = b.as("lesser").SetRoles(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrPermissionDenied, "taking a role that is above one's own")
	_, err = b.op.SetRoles(t.Context(), a.ID, "king")
	require.ErrorIs(t, err, accounts.ErrRoleNotFound)
	_, err = b.op.SetRoles(t.Context(), a.ID, "user", "viewer")
	require.ErrorIs(t, err, accounts.ErrRoleLimit)

	for want, sites := range map[error]accounts.Sites{
		people.ErrNoSites: accounts.TheseSites(), accounts.ErrSiteMismatch: accounts.TheseSites("north", "south"),
	} {
		_, err = b.as("north").SetSites(t.Context(), a.ID, sites)
		require.ErrorIs(t, err, want)
	}
	_, err = b.as("north").SetSites(t.Context(), a.ID, accounts.AllSites())
	require.ErrorIs(t, err, accounts.ErrSiteMismatch)
	_, _, err = b.as("north").Create(t.Context(), people.NewAccount{Email: email(t, "b@example.com"), Sites: accounts.TheseSites("south")})
	require.ErrorIs(t, err, accounts.ErrSiteMismatch)
	_, err = b.op.SetSites(t.Context(), a.ID, accounts.TheseSites("north", "south"))
	require.NoError(t, err)
	_, err = b.as("north").SetSites(t.Context(), a.ID, sites)
	require.ErrorIs(t, err, accounts.ErrSiteMismatch, "taking a site that is not one's own")
	_, err = b.op.SetSites(t.Context(), a.ID, accounts.AllSites())
	require.NoError(t, err)
	_, err = b.as("north").SetSites(t.Context(), a.ID, sites)
	require.ErrorIs(t, err, accounts.ErrSiteMismatch, "narrowing from all sites")
}
