package signin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// An owner ends their own account with the current password and with nothing less: it is
// removed as an operator would, and the log says that the owner did it.
//
// Rules: S17
func TestAnOwnerLeavesWithTheCurrentPassword(t *testing.T) {
	w := newWorld(t)
	w.opts.Leaver = w.post
	var err error
	w.signin, err = signin.New(w.opts)
	require.NoError(t, err)
	a := w.owner("tower")
	r, other := w.in("tower"), w.in("tower")
	o := w.hands(r.Token)
	require.ErrorIs(t, o.Leave(t.Context(), wrong), accounts.ErrBadCredentials)
	require.ErrorIs(t, w.post.Leave(t.Context(), accounts.HostActor("operator", "", "test").Vouched(time.Now())), accounts.ErrStepUpRequired, "nobody's own")
	assert.True(t, w.alive(r.Token))
	gone := w.hands(other.Token)
	require.NoError(t, w.signin.SignOut(t.Context(), other.Token))
	require.ErrorIs(t, gone.Leave(t.Context(), first), signin.ErrSession, "signed out meanwhile")

	require.NoError(t, o.Leave(t.Context(), first))
	assert.False(t, w.alive(r.Token))
	_, err = w.people.Account(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrAccountRemoved)
	_, err = w.try("tower", first)
	require.ErrorIs(t, w.cause(err), accounts.ErrAccountRemoved)
	assert.Equal(t, 1, w.entries()[audit.AccountRemoved])
	for _, e := range w.leaves() {
		if e.Action == string(audit.AccountRemoved) {
			entry, err := audit.Decode(e.Body)
			require.NoError(t, err)
			assert.Equal(t, string(a.ID), entry.Value(audit.FieldActorID))
		}
	}
	require.Error(t, o.Leave(t.Context(), first), "twice")

	never := newWorld(t)
	never.owner("tower")
	require.ErrorIs(t, never.hands(never.in("tower").Token).Leave(t.Context(), first), signin.ErrLeave)
}

// The last administrator stays, and where accounts are never removed nobody leaves.
//
// Rules: S17
func TestWhoMustStayDoesNotLeave(t *testing.T) {
	for _, forbid := range []bool{false, true} {
		w := newWorld(t, func(c *setup) {
			if forbid {
				c.accounts.Deletion = accounts.Forbid
			}
		})
		post, err := people.New(people.Options{Store: w.store, Keys: w.keys, Policy: func() accounts.Policy {
			p := accounts.PowerManage()
			p.LoginBy = accounts.ByEither
			if forbid {
				p.Deletion = accounts.Forbid
			}
			return p
		}()})
		require.NoError(t, err)
		w.opts.Leaver = post
		w.signin, err = signin.New(w.opts)
		require.NoError(t, err)
		w.owner("admin", func(n *people.NewAccount) { n.Roles, n.Sites = []string{accounts.AdminRole}, accounts.AllSites() })
		err = w.hands(w.in("admin").Token).Leave(t.Context(), first)
		if forbid {
			require.ErrorIs(t, err, accounts.ErrDeleteForbidden)
			continue
		}
		require.ErrorIs(t, err, accounts.ErrLastAdmin)
	}
}

// A changed session time counts from the next sign-in; a session that goes on keeps its end.
//
// Rules: G94, G40
func TestAChangedSessionTimeCountsFromTheNextSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.owner("tower", func(n *people.NewAccount) { n.Session = new(20) })
		before := w.in("tower")
		_, err := w.people.SetDetails(t.Context(), a.ID, people.Details{First: "Tower", Session: new(5)})
		require.NoError(t, err)
		after := w.in("tower")
		time.Sleep(5*time.Minute - time.Second)
		assert.True(t, w.alive(before.Token) && w.alive(after.Token))
		time.Sleep(time.Second)
		assert.False(t, w.alive(after.Token))
		assert.True(t, w.alive(before.Token))
		time.Sleep(15 * time.Minute)
		assert.False(t, w.alive(before.Token))
	})
}
