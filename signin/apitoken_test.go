package signin_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

func service(n *people.NewAccount) {
	n.Kind, n.Roles, n.Sites = accounts.ServiceKind, []string{"viewer"}, accounts.TheseSites("north", "south")
}

// Rules: G96, G158, G200
func TestTokensDoLessThanTheirAccountAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.owner("gateway", service)
		_, err := w.try("gateway", first)
		require.ErrorIs(t, w.cause(err), signin.ErrMethod, "a service has tokens, no password")
		token, err := w.op.IssueToken(t.Context(), a.ID, signin.NewToken{Name: "gate", Rights: accounts.RightsOf(accounts.EquipmentView, accounts.PanelUsersManage),
			Sites: []string{"north", "east"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(token.Reveal(), "kht_"))
		token = signin.ParseToken(token.Reveal())
		actor, err := w.signin.CheckToken(t.Context(), token, home)
		require.NoError(t, err)
		g, err := w.signin.Authority().Grant(t.Context(), actor)
		require.NoError(t, err)
		assert.Equal(t, accounts.RightsOf(accounts.EquipmentView), g.Rights, "what both have")
		assert.Equal(t, accounts.TheseSites("north"), g.Sites)
		assert.False(t, actor.Fresh(time.Now(), 24*time.Hour), "no token is a fresh factor")
		_, err = w.signin.CheckToken(t.Context(), token, signin.From{Addr: netip.MustParseAddr("198.51.100.1")})
		require.ErrorIs(t, err, signin.ErrToken, "another network")

		list, err := w.op.Tokens(t.Context(), a.ID)
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, time.Now().UTC(), list[0].Seen)
		assert.Equal(t, list[0].Issued.Add(90*24*time.Hour), list[0].Ends)

		next, err := w.op.RotateToken(t.Context(), a.ID, list[0].ID)
		require.NoError(t, err)
		works := func(token signin.Token) bool {
			_, err := w.signin.CheckToken(t.Context(), token, home)
			if err != nil {
				require.ErrorIs(t, err, signin.ErrToken)
			}
			return err == nil
		}
		time.Sleep(time.Hour - time.Second)
		assert.Equal(t, []bool{true, true}, []bool{works(token), works(next)})
		time.Sleep(time.Second)
		assert.Equal(t, []bool{false, true}, []bool{works(token), works(next)})
		g, err = w.signin.Authority().Grant(t.Context(), actor)
		require.NoError(t, err)
		assert.Equal(t, accounts.Grant{}, g)

		_, err = w.people.Suspend(t.Context(), a.ID, "replaced")
		require.NoError(t, err)
		assert.False(t, works(next))
		_, err = w.people.Enable(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, works(next))
		time.Sleep(90 * 24 * time.Hour)
		assert.False(t, works(next))

		op := w.as("operator")
		forever, err := op.IssueToken(t.Context(), a.ID, signin.NewToken{Rights: accounts.RightsOf(accounts.EquipmentView), Forever: true})
		require.NoError(t, err)
		time.Sleep(10 * 365 * 24 * time.Hour)
		assert.True(t, works(forever))
		op = w.as("operator")
		list, err = op.Tokens(t.Context(), a.ID)
		require.NoError(t, err)
		for _, v := range list {
			replaced, err := w.as("operator").RotateToken(t.Context(), a.ID, v.ID)
			if !v.Ends.IsZero() {
				require.ErrorIs(t, err, signin.ErrToken, "what has ended does not begin anew")
				continue
			}
			require.NoError(t, err)
			time.Sleep(time.Hour)
			assert.Equal(t, []bool{false, true}, []bool{works(forever), works(replaced)}, "also one that would never end")
			forever = replaced
		}
		op = w.as("operator")
		list, err = op.Tokens(t.Context(), a.ID)
		require.NoError(t, err)
		for _, v := range list {
			require.NoError(t, op.EndToken(t.Context(), a.ID, v.ID))
			require.ErrorIs(t, op.EndToken(t.Context(), a.ID, v.ID), signin.ErrToken)
		}
		assert.False(t, works(forever))
	})
}

// Rules: G200, G128
func TestTokensAreForServicesAndSeeNoSecrets(t *testing.T) {
	w := newWorld(t)
	person, gateway := w.owner("tower"), w.owner("gateway", service)
	some := signin.NewToken{Rights: accounts.RightsOf(accounts.EquipmentView)}
	_, err := w.op.IssueToken(t.Context(), person.ID, some)
	require.ErrorIs(t, err, signin.ErrMethod)
	for _, rights := range []accounts.Rights{{}, accounts.RightsOf(accounts.PanelUsersDisclose),
		accounts.RightsOf(accounts.AttributesReveal), accounts.RightsOf(accounts.DuressView, accounts.EquipmentView)} {
		_, err = w.op.IssueToken(t.Context(), gateway.ID, signin.NewToken{Rights: rights})
		require.ErrorIs(t, err, signin.ErrTokenRights)
	}
	_, err = w.as("weak").IssueToken(t.Context(), gateway.ID, some)
	require.ErrorIs(t, err, accounts.ErrOutranked)
	_, err = w.as("south").IssueToken(t.Context(), person.ID, some)
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
	_, err = w.signin.As(accounts.HostActor("operator", "", "test")).IssueToken(t.Context(), gateway.ID, some)
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	_, err = w.op.RotateToken(t.Context(), gateway.ID, "none")
	require.ErrorIs(t, err, signin.ErrToken)
}

// Whoever may manage one account's tokens does nothing to another's by way of it.
func TestATokenIsEndedAndReplacedThroughItsOwnAccountOnly(t *testing.T) {
	w := newWorld(t)
	gateway, other := w.owner("gateway", service), w.owner("other", service)
	token, err := w.op.IssueToken(t.Context(), gateway.ID, signin.NewToken{Rights: accounts.RightsOf(accounts.EquipmentView)})
	require.NoError(t, err)
	list, err := w.op.Tokens(t.Context(), gateway.ID)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.ErrorIs(t, w.op.EndToken(t.Context(), other.ID, list[0].ID), signin.ErrToken)
	_, err = w.op.RotateToken(t.Context(), other.ID, list[0].ID)
	require.ErrorIs(t, err, signin.ErrToken)
	text := token.Reveal()
	_, err = w.signin.CheckToken(t.Context(), signin.ParseToken(text[:len(text)-4]+"AAAA"), home)
	require.ErrorIs(t, err, signin.ErrToken, "its id is no secret")
	for _, local := range []bool{false, true} {
		actor, err := w.signin.CheckToken(t.Context(), token, signin.From{Addr: home.Addr, Local: local})
		require.NoError(t, err)
		require.Equal(t, local, actor.Local())
	}
	require.NoError(t, w.op.EndToken(t.Context(), gateway.ID, list[0].ID))
	_, err = w.signin.CheckToken(t.Context(), token, home)
	require.ErrorIs(t, err, signin.ErrToken)
}

func TestTokensDoNotPrint(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	token := w.in("tower").Token
	j, err := json.Marshal([]any{token})
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "t", token)
	said := fmt.Sprintf("%v %+v %#v %s %q %x", token, token, token, token, token, []any{token}) + string(j) + log.String()
	_, secret, _ := strings.Cut(strings.TrimPrefix(token.Reveal(), "khs_"), "_")
	assert.NotContains(t, said, secret)
	assert.Equal(t, token, signin.ParseToken(token.Reveal()))
	for _, bad := range []string{"", "x", "khs__x", "khs_" + strings.Repeat("a", 36), "khs_" + strings.Repeat("Z", 36) + "_x", strings.Repeat("k_", 100)} {
		assert.True(t, signin.ParseToken(bad).IsZero(), bad)
		assert.False(t, w.alive(signin.ParseToken(bad)))
	}
}

// A name may be anything, and none that only looks like an owner's is theirs.
func FuzzName(f *testing.F) {
	w := newWorld(f)
	w.owner("caretaker")
	f.Add("\u212aim@example.com", "Violet-Rivers-9-planted")
	f.Add("\u0130@\xff\x80", "")
	f.Add("KIM@example.com ", "x")
	f.Fuzz(func(t *testing.T, name, text string) {
		_, err := w.signin.SignIn(t.Context(), signin.Attempt{Name: name, Password: password.Of(text), From: home})
		if strings.TrimSpace(strings.ToUpper(name)) != "KIM@EXAMPLE.COM" && strings.TrimSpace(strings.ToUpper(name)) != "KIM" {
			require.ErrorIs(t, err, accounts.ErrSignIn)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add("khs_00000000-0000-0000-0000-000000000000_SECRET")
	f.Fuzz(func(t *testing.T, text string) {
		if token := signin.ParseToken(text); !token.IsZero() {
			assert.Equal(t, text, token.Reveal())
		}
	})
}
