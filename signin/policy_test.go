package signin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// Each product's documentation holds as written under its preset: by what one signs in,
// what a password is, who sets it, what a code looks like, how long a session lives.
//
// Rules: G32, G41, G99, S15
func TestPresets(t *testing.T) {
	for name, c := range map[string]struct {
		accounts accounts.Policy
		policy   signin.Policy
		by       string
		weak     password.Password // good enough for GEM alone
		taken    bool
		code     string
		life     time.Duration
	}{
		"PowerManage": {accounts.PowerManage(), signin.PowerManage(), "tower@example.com", password.Of("longenough"), false, `^[0-9]{6}$`, 12 * time.Hour},
		"GEM":         {accounts.GEM(), signin.GEM(), "tower", password.Of("longenough"), true, `^[A-Z2-7]{6}$`, time.Hour},
	} {
		w := newWorld(t, func(s *setup) { s.accounts, s.policy = c.accounts, c.policy; s.policy.Hash.Cost = 4 })
		a := w.invite("tower")
		n := signin.NewPassword{Name: c.by, Code: w.code("tower"), Password: c.weak, From: home}
		if err := w.signin.SetPassword(t.Context(), n); c.taken {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, password.ErrComposition, name)
			n.Password = first
			require.NoError(t, w.signin.SetPassword(t.Context(), n), "%s: the code was lost", name)
		}
		for _, who := range []string{"tower", "tower@example.com"} {
			r, err := w.try(who, n.Password)
			if who != c.by {
				require.ErrorIs(t, w.cause(err), accounts.ErrAccountNotFound, name)
				continue
			}
			require.NoError(t, err, name)
			assert.Equal(t, r.Session.Began.Add(c.life), r.Session.Ends, name)
		}
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		_, err := w.try(c.by, n.Password)
		require.NoError(t, err)
		assert.Regexp(t, c.code, w.text().Reveal(), name)
		err = w.op.SetPassword(t.Context(), a.ID, second)
		if c.accounts.SetByOperator {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, signin.ErrSetByOperator, name)
		}
	}
}

// Every node asks the store: what ends on one has ended on all.
func TestNodesAgreeAtOnce(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	r := w.in("tower")
	other, err := signin.New(w.opts)
	require.NoError(t, err)
	s, err := other.Check(t.Context(), r.Token, home)
	require.NoError(t, err)
	require.NoError(t, w.op.EndSessions(t.Context(), a.ID))
	_, err = other.Check(t.Context(), r.Token, home)
	require.ErrorIs(t, err, signin.ErrSession)
	g, err := other.Authority().Grant(t.Context(), s.Actor())
	require.NoError(t, err)
	assert.Equal(t, accounts.Grant{}, g)
}

// A session never outlives the account's validity.
func TestSessionsEndWithTheValidity(t *testing.T) {
	w := newWorld(t)
	until := time.Now().Add(10 * time.Minute).UTC().Truncate(time.Second)
	w.owner("tower", func(n *people.NewAccount) { n.Window.Until = until })
	assert.Equal(t, until, w.in("tower").Session.Ends)
}
