package accounts_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
)

// The whole truth table: enabled, three kinds of restriction, right or not.
//
// Rules: R23, G188, G170, G172
func TestAuthoriseAsksInAFixedOrder(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		for _, sites := range []accounts.Sites{accounts.AllSites(), accounts.TheseSites("s1", "s2"), accounts.TheseSites("s2"), {}} {
			for _, right := range []bool{true, false} {
				g := accounts.Grant{Enabled: enabled, Sites: sites, Rights: accounts.RightsOf(accounts.AuditView)}
				if right {
					g.Rights = g.Rights.With(accounts.RightsOf(accounts.PanelUsersManage))
				}
				var want []error
				if !enabled {
					want = append(want, accounts.ErrNotEnabled)
				}
				if !sites.Has("s1") {
					want = append(want, accounts.ErrSiteMismatch)
				}
				if !right {
					want = append(want, &accounts.PermissionError{Right: accounts.PanelUsersManage})
				}
				name := fmt.Sprintf("enabled %v, %s, right %v", enabled, sites, right)
				assert.Equal(t, want, accounts.Explain(g, accounts.PanelUsersManage, "s1"), name)
				err := accounts.Authorise(g, accounts.PanelUsersManage, "s1")
				if len(want) == 0 {
					assert.NoError(t, err, name)
				} else {
					assert.Equal(t, want[0], err, name)
				}

				err = accounts.AuthoriseAnywhere(g, accounts.PanelUsersManage)
				switch {
				case !enabled:
					assert.ErrorIs(t, err, accounts.ErrNotEnabled, name)
				case sites.None():
					assert.ErrorIs(t, err, accounts.ErrSiteMismatch, name)
				case !right:
					assert.ErrorIs(t, err, accounts.ErrPermissionDenied, name)
				default:
					assert.NoError(t, err, name)
				}
			}
		}
	}
	assert.ErrorIs(t, accounts.Authorise(accounts.Grant{}, accounts.AuditView, "s1"), accounts.ErrNotEnabled, "the zero grant allows nothing")
	limited := accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("s1")}
	assert.ErrorIs(t, accounts.Authorise(limited, accounts.AuditView, ""), accounts.ErrSiteMismatch, "no site is nobody's but who may go everywhere")
}

// Rules: R23
func TestARefusalNamesTheRight(t *testing.T) {
	err := accounts.Authorise(accounts.Grant{Enabled: true, Sites: accounts.AllSites()}, accounts.AccountsAssign, "s1")
	assert.ErrorIs(t, err, accounts.ErrPermissionDenied)
	assert.Contains(t, err.Error(), "accounts.assign")
	assert.Equal(t, fault.Denied, fault.Of(err))
	assert.NotEmpty(t, fault.Hint(err))
	var missing *accounts.PermissionError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, accounts.AccountsAssign, missing.Right)
}

func TestAllowingCostsNoMemory(t *testing.T) {
	g := accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("s1", "s2", "s3")}
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = accounts.Authorise(g, accounts.PanelUsersManage, "s2")
		_ = accounts.AuthoriseAnywhere(g, accounts.AuditView)
	}))
}

func BenchmarkAuthorise(b *testing.B) {
	g := accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("s1", "s2", "s3")}
	b.ReportAllocs()
	for b.Loop() {
		_ = accounts.Authorise(g, accounts.PanelUsersManage, "s2")
	}
}

// unavailable is an authority that cannot answer.
type unavailable struct{}

func (unavailable) Grant(context.Context, accounts.Actor) (accounts.Grant, error) {
	return accounts.Grant{}, accounts.ErrNotEnabled
}

var _ = []accounts.Authority{accounts.StaticAuthority{}, unavailable{}}

func TestAStaticAuthorityKnowsItsOwn(t *testing.T) {
	operator := accounts.Grant{Enabled: true, Rights: accounts.RightsOf(accounts.PanelUsersView), Sites: accounts.TheseSites("s1"), Epoch: 3}
	all := accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}
	s := accounts.StaticAuthority{"op1": operator, accounts.SystemID: operator, "": operator}
	for name, c := range map[string]struct {
		actor accounts.Actor
		want  accounts.Grant
	}{
		"operator":  {accounts.HostActor("op1", "Operator", "cli"), operator},
		"a loop":    {accounts.SystemActor("delivery"), all},
		"a nobody":  {accounts.Actor{}, accounts.Grant{}},
		"a person":  {accounts.Recorded(mint.Token{}, audit.AccountActor, "op1", "", "http", time.Time{}), accounts.Grant{}},
		"a strange": {accounts.HostActor("op2", "Operator", "cli"), accounts.Grant{}},
	} {
		got, err := s.Grant(t.Context(), c.actor)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, name)
	}
}
