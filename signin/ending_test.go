package signin_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// What is taken from an account ends the sessions that hold it, and giving it back does not
// bring them back; what is added does not end them.
//
// Rules: G197
func TestWhatIsTakenEndsTheSessionsThatHoldIt(t *testing.T) {
	guard := accounts.Role{Name: "guard", Allow: accounts.RightsOf(accounts.PanelUsersView, accounts.AccountsView), Parent: "watch"}
	watch := accounts.Role{Name: "watch", Allow: accounts.RightsOf(accounts.PanelUsersView, accounts.AccountsView, accounts.EquipmentView)}
	less := accounts.RightsOf(accounts.PanelUsersView)
	role := func(r accounts.Role, edit func(*accounts.Role)) func(*world, people.Account) error {
		return func(w *world, _ people.Account) error {
			edit(&r)
			return w.people.ChangeRole(w.ctx(), r)
		}
	}
	account := func(do func(w *world, a people.Account) (people.Account, error)) func(*world, people.Account) error {
		return func(w *world, a people.Account) error { _, err := do(w, a); return err }
	}
	roles := func(names ...string) func(*world, people.Account) error {
		return account(func(w *world, a people.Account) (people.Account, error) {
			return w.people.SetRoles(w.ctx(), a.ID, names...)
		})
	}
	sites := func(names ...string) func(*world, people.Account) error {
		return account(func(w *world, a people.Account) (people.Account, error) {
			return w.people.SetSites(w.ctx(), a.ID, accounts.TheseSites(names...))
		})
	}
	contact := func(email, phone string) func(*world, people.Account) error {
		return account(func(w *world, a people.Account) (people.Account, error) {
			return w.people.SetContact(w.ctx(), a.ID, address(w.t, email), phone)
		})
	}
	window := func(v credentials.Window) func(*world, people.Account) error {
		return account(func(w *world, a people.Account) (people.Account, error) { return w.people.SetWindow(w.ctx(), a.ID, v) })
	}
	for name, c := range map[string]struct {
		take, give func(*world, people.Account) error
		ends       bool
	}{
		"a role":                 {roles("user"), roles("user", "guard"), true},
		"a right of a role":      {role(guard, func(r *accounts.Role) { r.Allow = less }), role(guard, func(*accounts.Role) {}), true},
		"a right of a parent":    {role(watch, func(r *accounts.Role) { r.Allow = less }), role(watch, func(*accounts.Role) {}), true},
		"a right that is denied": {role(guard, func(r *accounts.Role) { r.Deny = less }), role(guard, func(*accounts.Role) {}), true},
		"a role that is off":     {role(guard, func(r *accounts.Role) { r.Disabled = true }), role(guard, func(*accounts.Role) {}), true},
		"a role for at home":     {role(guard, func(r *accounts.Role) { r.LocalOnly = true }), role(guard, func(*accounts.Role) {}), true},
		"a page of the host": {role(guard, func(r *accounts.Role) {
			r.Rules = []accounts.Rule{{Effect: accounts.Deny, Surface: accounts.UI, Target: "*"}}
		}), role(guard, func(*accounts.Role) {}), true},
		"a site": {sites("north"), sites("north", "south"), true},
		"rights for a time": {account(func(w *world, a people.Account) (people.Account, error) {
			return w.people.Unlend(w.ctx(), a.ID, a.Temporary[0].ID)
		}), roles("user", "guard"), true},
		"the address": {contact("else@example.com", "+12025550123"), contact("tower@example.com", "+12025550123"), true},
		"the number":  {contact("tower@example.com", "+12025550199"), contact("tower@example.com", "+12025550123"), true},
		"access":      {window(credentials.Window{Until: time.Now().Add(-time.Hour)}), window(credentials.Window{}), true},

		"a role is added":              {roles("user", "guard", "installer"), roles("user", "guard", "installer"), false},
		"a right is added to a role":   {role(guard, func(r *accounts.Role) { r.Allow = watch.Allow }), role(guard, func(r *accounts.Role) { r.Allow = watch.Allow }), false},
		"a site is added":              {sites("north", "south", "west"), sites("north", "south", "west"), false},
		"somebody else's role shrinks": {role(accounts.Role{Name: "other", Allow: watch.Allow}, func(r *accounts.Role) { r.Allow = less }), sites("north", "south"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *setup) { c.accounts.MaxRoles = 4 })
			for _, r := range []accounts.Role{watch, guard, {Name: "other", Allow: watch.Allow}} {
				require.NoError(t, w.people.AddRole(t.Context(), r))
			}
			a := w.owner("tower", func(n *people.NewAccount) {
				n.Roles, n.Sites = []string{"user", "guard"}, accounts.TheseSites("north", "south")
			})
			a, err := w.people.Lend(t.Context(), a.ID, people.Loan{Rights: accounts.RightsOf(accounts.AuditView), Until: time.Now().Add(time.Hour), Reason: "cover"})
			require.NoError(t, err)
			w.owner("other")
			r, bystander := w.in("tower"), w.in("other")
			require.NoError(t, c.take(w, a))
			assert.Equal(t, c.ends, !w.alive(r.Token))
			require.NoError(t, c.give(w, a))
			assert.Equal(t, c.ends, !w.alive(r.Token), "and stays ended")
			g, err := w.signin.Authority().Grant(t.Context(), r.Session.Actor())
			require.NoError(t, err)
			assert.Equal(t, c.ends, !g.Enabled, "for who holds on to the actor too")
			assert.True(t, w.alive(bystander.Token), "nobody else's")
			if name != "the address" {
				assert.True(t, w.alive(w.in("tower").Token), "signing in again is all that it takes")
			}
		})
	}
}

// The table of what ends when everything of an account's ends.
//
// Rules: G197
func TestWhatEndsWithEverything(t *testing.T) {
	for name, works := range map[string]func(w *world, a people.Account) func() bool{
		"a session": func(w *world, _ people.Account) func() bool {
			r := w.in("tower")
			return func() bool { return w.alive(r.Token) }
		},
		"a stream": func(w *world, _ people.Account) func() bool {
			held := w.in("tower").Session.Actor() // what a stream asks with at each event
			return func() bool {
				g, err := w.signin.Authority().Grant(w.ctx(), held)
				require.NoError(w.t, err)
				return g.Enabled
			}
		},
		"a challenge, and the code for it": func(w *world, a people.Account) func() bool {
			require.NoError(w.t, w.op.RequireFactor(w.ctx(), a.ID, true))
			r, err := w.try("tower", first)
			require.NoError(w.t, err)
			code := w.sixDigits()
			return func() bool {
				_, err := w.signin.Answer(w.ctx(), signin.Reply{Challenge: r.Challenge.Token, Method: signin.SMS, Code: code, From: home})
				return err == nil
			}
		},
		"the code for a new password": func(w *world, _ people.Account) func() bool {
			require.NoError(w.t, w.signin.Forgot(w.ctx(), "tower@example.com", home))
			code := w.code("tower")
			return func() bool {
				err := w.signin.SetPassword(w.ctx(), signin.NewPassword{Name: "tower", Code: code, Password: second, From: home})
				return err == nil
			}
		},
		"the code for a number": func(w *world, _ people.Account) func() bool {
			require.NoError(w.t, w.hands(w.in("tower").Token).SendPhoneCode(w.ctx()))
			code := w.sixDigits()
			return func() bool { return w.hands(w.in("tower").Token).ProvePhone(w.ctx(), code) == nil }
		},
		"an app that waits to be proven": func(w *world, _ people.Account) func() bool {
			secret, err := w.hands(w.in("tower").Token).EnrolApp(w.ctx())
			require.NoError(w.t, err)
			return func() bool {
				_, _, err := w.hands(w.in("tower").Token).ConfirmApp(w.ctx(), shown(secret, time.Now()))
				return err == nil
			}
		},
		"a remembered device": func(w *world, a people.Account) func() bool {
			r := w.in("tower", remember)
			require.NoError(w.t, w.op.RequireFactor(w.ctx(), a.ID, true))
			return func() bool {
				r, err := w.try("tower", first, func(a *signin.Attempt) { a.Device = r.Device })
				require.NoError(w.t, err)
				return r.Challenge == nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ends := range []bool{false, true} {
				w := newWorld(t, func(c *setup) { c.policy.SkipFactor = true })
				a := w.owner("tower")
				try := works(w, a)
				if ends {
					require.NoError(t, w.op.EndSessions(t.Context(), a.ID))
				}
				assert.Equal(t, !ends, try())
			}
		})
	}
}

// Whether API tokens end too is a policy.
//
// Rules: G197
func TestWhetherTokensEndWithEverythingIsAPolicy(t *testing.T) {
	for _, ends := range []bool{true, false} {
		w := newWorld(t, func(c *setup) { c.policy.EndTokens = ends })
		a := w.owner("gate", func(n *people.NewAccount) { n.Kind = accounts.ServiceKind })
		token, err := w.op.IssueToken(t.Context(), a.ID, signin.NewToken{Name: "gate", Rights: accounts.RightsOf(accounts.PanelUsersView)})
		require.NoError(t, err)
		_, err = w.signin.CheckToken(t.Context(), token, home)
		require.NoError(t, err)
		tokens, err := w.op.Tokens(t.Context(), a.ID)
		require.NoError(t, err)

		require.NoError(t, w.op.EndSessions(t.Context(), a.ID))
		_, err = w.signin.CheckToken(t.Context(), token, home)
		assert.Equal(t, ends, errors.Is(err, signin.ErrToken))
		_, err = w.op.RotateToken(t.Context(), a.ID, tokens[0].ID)
		assert.Equal(t, ends, errors.Is(err, signin.ErrToken), "a token that has ended gives no other")
	}
}

// Whoever looks at somebody's sessions does not get to act as them.
func TestAListOfSessionsHandsNobodysActorOut(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	token := w.in("tower").Token
	own, err := w.hands(token).Sessions(t.Context())
	require.NoError(t, err)
	others, err := w.op.Sessions(t.Context(), a.ID)
	require.NoError(t, err)
	require.Len(t, append(own, others...), 2)
	for _, s := range append(own, others...) {
		assert.Zero(t, s.Actor())
	}
	s, err := w.signin.Check(t.Context(), token, home)
	require.NoError(t, err)
	assert.Equal(t, a.ID, s.Actor().ID())
}

// Who shows the token of a session that has ended is told by what; nobody else is.
//
// Rules: G179
func TestASessionThatEndedSaysByWhat(t *testing.T) {
	for want, end := range map[signin.Ending]func(w *world, a people.Account, r signin.Result){
		signin.Idle: func(*world, people.Account, signin.Result) { time.Sleep(31 * time.Minute) },
		signin.SignedOut: func(w *world, _ people.Account, r signin.Result) {
			require.NoError(w.t, w.signin.SignOut(w.ctx(), r.Token))
		},
		signin.RanOut: func(w *world, _ people.Account, r signin.Result) {
			for range 12 * 60 / 20 {
				time.Sleep(20 * time.Minute)
				_, _ = w.signin.Check(w.ctx(), r.Token, home)
			}
		},
		signin.EndedByUser: func(w *world, _ people.Account, r signin.Result) {
			require.NoError(w.t, w.hands(w.in("tower").Token).End(w.ctx(), r.Session.ID))
		},
		signin.Superseded: func(w *world, _ people.Account, _ signin.Result) {
			time.Sleep(time.Second)
			w.in("tower")
			w.in("tower")
		},
		signin.Revoked: func(w *world, a people.Account, _ signin.Result) {
			_, err := w.people.Suspend(w.ctx(), a.ID, "left")
			require.NoError(w.t, err)
		},
	} {
		t.Run(string(want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(c *setup) { c.policy.MaxSessions = 2 })
				a := w.owner("tower")
				r := w.in("tower")
				end(w, a, r)
				_, err := w.signin.Check(t.Context(), r.Token, home)
				by, ok := errors.AsType[*signin.EndedError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, want, by.By)
				require.ErrorIs(t, err, signin.ErrSession)
				require.NoError(t, w.signin.SignOut(t.Context(), r.Token), "it is gone already")

				text := r.Token.Reveal()
				forged := signin.ParseToken(text[:len(text)-1] + map[bool]string{true: "B", false: "A"}[text[len(text)-1] == 'A'])
				_, err = w.signin.Check(t.Context(), forged, home)
				require.ErrorIs(t, err, signin.ErrSession)
				_, ok = errors.AsType[*signin.EndedError](err)
				assert.False(t, ok, "who knows the id alone learns nothing")
			})
		})
	}
}

// An owner who objects to a new address ends what somebody else began with it, for good.
//
// Rules: G197
func TestAnObjectionEndsSessionsForGood(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	_, err := w.people.SetContact(t.Context(), a.ID, address(t, "else@example.com"), "")
	require.NoError(t, err)
	code, err := credentials.ParseCode(w.code("tower").Reveal())
	require.NoError(t, err)
	r := w.in("tower")
	require.NoError(t, w.people.Object(t.Context(), a.ID, code))
	assert.False(t, w.alive(r.Token))
	_, err = w.people.Enable(t.Context(), a.ID)
	require.NoError(t, err)
	assert.False(t, w.alive(r.Token), "the session came back")
}
