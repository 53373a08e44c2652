package signin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// fresh vouches for the operators again.
func (w *world) fresh() {
	w.people = w.post.As(accounts.HostActor("operator", "An operator", "test").Vouched(time.Now()))
	w.op = w.as("operator")
}

// Signing in answers with a token, its end and the account's sites, or with a challenge and
// its end; and with a cause of its own for each thing that is missing.
//
// Rules: S42
func TestTheAnswerToASignIn(t *testing.T) {
	w := newWorld(t, func(c *setup) {
		c.accounts, c.policy = accounts.GEM(), signin.GEM()
		c.policy.Hash.Cost = 4
	})
	a := w.owner("tower", func(n *people.NewAccount) { n.Sites = accounts.TheseSites("north", "south") })
	w.owner("roleless", func(n *people.NewAccount) { n.Roles = nil })
	r := w.in("tower")
	assert.False(t, r.Token.IsZero())
	assert.Equal(t, r.Session.Began.Add(time.Hour), r.Session.Ends)
	assert.Equal(t, accounts.TheseSites("north", "south"), r.Session.Sites)
	s, err := w.signin.Check(t.Context(), r.Token, home)
	require.NoError(t, err)
	assert.Equal(t, r.Session.Sites, s.Sites)

	for name, c := range map[string]struct {
		who  string
		p    password.Password
		edit func(*signin.Attempt)
		want error
	}{
		"no name":          {"", first, nil, accounts.ErrAccountNotFound},
		"no password":      {"tower", password.Password{}, nil, accounts.ErrBadCredentials},
		"a wrong password": {"tower", wrong, nil, accounts.ErrBadCredentials},
		"another site":     {"tower", first, func(a *signin.Attempt) { a.From.Site = "west" }, accounts.ErrSiteMismatch},
		"no role":          {"roleless", first, nil, accounts.ErrNoLoginRole},
	} {
		edits := []func(*signin.Attempt){}
		if c.edit != nil {
			edits = append(edits, c.edit)
		}
		_, err := w.try(c.who, c.p, edits...)
		require.ErrorIs(t, w.cause(err), c.want, name)
	}

	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	r, err = w.try("tower", first)
	require.NoError(t, err)
	require.Nil(t, r.Session)
	assert.True(t, r.Token.IsZero())
	assert.WithinDuration(t, time.Now().Add(10*time.Minute), r.Challenge.Ends, time.Minute)
	_, err = w.answer(*r.Challenge, signin.SMS, otp.AnswerOf("AAAAAA"))
	require.ErrorIs(t, err, signin.ErrFactorWrong)

	mute := w.owner("mute")
	_, err = w.people.SetContact(t.Context(), mute.ID, accounts.Email{}, "")
	require.NoError(t, err)
	require.NoError(t, w.op.RequireFactor(t.Context(), mute.ID, true))
	_, err = w.try("mute", first)
	require.ErrorIs(t, err, signin.ErrNoFactor)
	assert.ErrorContains(t, err, "mail: the account has no address")
}

// A code for a new password ends; wrong ones are looked at a few times only, also across
// codes; and a password that is not good enough costs no code.
//
// Rules: S16
func TestResetCodesEndAndWrongOnesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *setup) { c.policy.Limits.Source = []signin.Limit{{Max: 12, Per: time.Hour}} })
		a := w.owner("tower")
		send := func() signin.NewPassword {
			w.fresh()
			_, err := w.people.ResetPassword(t.Context(), a.ID)
			require.NoError(t, err)
			return signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: second, From: home}
		}
		set := func(n signin.NewPassword) error { return w.signin.SetPassword(t.Context(), n) }
		other := func(n signin.NewPassword) signin.NewPassword {
			n.Code = otp.AnswerOf("not the code")
			return n
		}

		n := send()
		time.Sleep(10 * time.Minute)
		require.ErrorIs(t, set(n), signin.ErrCode, "too late")

		n = send()
		for range 5 {
			require.ErrorIs(t, set(other(n)), signin.ErrCode)
		}
		require.ErrorIs(t, set(n), signin.ErrCode, "five wrong ones void the right one")
		n = send()
		short := n
		short.Password = password.Of("short")
		require.ErrorIs(t, set(short), password.ErrTooShort)
		require.NoError(t, set(n), "the code was not spent by it")

		time.Sleep(time.Hour) // an account gets a few messages in an hour only
		for range 3 {
			n = send()
			for range 4 {
				require.ErrorIs(t, set(other(n)), signin.ErrCode)
			}
		}
		require.ErrorIs(t, w.cause(set(n)), signin.ErrTooMany, "blocked for a time, new codes or not")
		time.Sleep(time.Hour)
		require.NoError(t, set(send()))
	})
}

// The time of a session and the life of its token are one setting of the account, in
// minutes: nothing is the policy's, and none is until somebody ends it.
//
// Rules: G95
func TestTheTimeOfASessionIsTheLifeOfItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *setup) { c.policy.Idle, c.policy.Life, c.policy.Cap = 0, 2*time.Hour, 48*time.Hour })
		for name, c := range map[string]struct {
			minutes *int
			life    time.Duration
		}{"some": {new(90), 90 * time.Minute}, "nothing": {nil, 2 * time.Hour}, "none": {new(0), 48 * time.Hour}} {
			w.fresh()
			w.owner(name, func(n *people.NewAccount) { n.Session = c.minutes })
			r := w.in(name)
			assert.Equal(t, c.life, r.Session.Ends.Sub(r.Session.Began), name)
			time.Sleep(c.life - time.Second)
			assert.True(t, w.alive(r.Token), name)
			time.Sleep(time.Second)
			assert.False(t, w.alive(r.Token), name)
		}
	})
}

// A right that was added after the session began is refused with that as its cause, where
// the policy lets it wait; signing in again is the cure.
//
// Rules: G173
func TestASessionThatIsOlderThanTheRole(t *testing.T) {
	w := newWorld(t, func(c *setup) {
		c.accounts.RoleRefresh, c.accounts.MaxRoles = accounts.NextLogin, 2
		c.signin = func(o *signin.Options) { o.Authority = nil }
	})
	desk, err := people.New(people.Options{Store: w.store, Keys: w.keys, Authority: w.signin.Authority(), Mailer: w.mail, FirstTry: -1, Policy: w.opts.Accounts})
	require.NoError(t, err)
	require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: "clerk", Allow: accounts.RightsOf(accounts.AccountsView)}))
	a := w.owner("tower", func(n *people.NewAccount) { n.Roles = []string{"user"} })
	r := w.in("tower")
	_, err = w.people.SetRoles(t.Context(), a.ID, "user", "clerk")
	require.NoError(t, err)
	_, err = desk.As(r.Session.Actor()).Roles(t.Context())
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)
	require.ErrorIs(t, err, accounts.ErrStaleSession)
	_, err = desk.As(r.Session.Actor()).Sites(t.Context())
	require.ErrorIs(t, err, accounts.ErrStaleSession)
	err = desk.As(r.Session.Actor()).CheckMailer(t.Context())
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)
	require.NotErrorIs(t, err, accounts.ErrStaleSession, "a right that the account does not have at all")
	_, err = desk.As(w.in("tower").Session.Actor()).Roles(t.Context())
	require.NoError(t, err)
}

// What became of the message with a code can be asked: refused, not taken yet, and nothing
// known are apart.
//
// Rules: G175
func TestACodeThatWasNotDeliveredHasItsOwnCause(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower", func(n *people.NewAccount) { n.Phone = "" })
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	told := func(c signin.Challenge) error { return w.signin.Delivered(t.Context(), c.Token) }

	c := w.challenged("tower")
	require.NoError(t, told(c), "nothing is known yet")
	w.mail.Down(true)
	w.work()
	require.ErrorIs(t, told(c), signin.ErrNotSent)
	w.mail.Down(false)

	w.mail.Reject("tower@example.com")
	c = w.challenged("tower")
	w.work()
	err := told(c)
	require.ErrorIs(t, err, signin.ErrNotDelivered)
	assert.NotContains(t, err.Error(), "tower", "the address is personal")
	w.mail.Reject()
	c = w.challenged("tower")
	w.work()
	require.NoError(t, told(c))
	_, err = w.answer(c, signin.Mail, w.code("tower"))
	require.NoError(t, err)
	require.ErrorIs(t, told(c), signin.ErrChallenge)
}

// An old password is said to be old, or has to be changed before anything else, as the
// policy says.
//
// Rules: G127
func TestTheAgeOfAPassword(t *testing.T) {
	for _, force := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(c *setup) {
				c.policy.PasswordAge, c.policy.ForcePassword, c.policy.Life, c.policy.Idle = 90*24*time.Hour, force, 30*24*time.Hour, 0
			})
			w.owner("tower")
			rights := func(s signin.Session) bool {
				g, err := w.signin.Authority().Grant(t.Context(), s.Actor())
				require.NoError(t, err)
				return g.Rights.Has(accounts.PanelUsersView)
			}
			time.Sleep(80 * 24 * time.Hour)
			r := w.in("tower")
			assert.False(t, r.Session.PasswordOld)
			assert.True(t, rights(*r.Session))
			time.Sleep(10 * 24 * time.Hour)
			s, err := w.signin.Check(t.Context(), r.Token, home)
			require.NoError(t, err)
			assert.True(t, s.PasswordOld, "while the session goes on")
			assert.Equal(t, !force, rights(s))
			r = w.in("tower")
			assert.True(t, r.Session.PasswordOld)
			assert.Equal(t, !force, rights(*r.Session))

			token, err := w.hands(r.Token).ChangePassword(t.Context(), first, second)
			require.NoError(t, err)
			s, err = w.signin.Check(t.Context(), token, home)
			require.NoError(t, err)
			assert.False(t, s.PasswordOld)
			assert.True(t, rights(s))
		})
	}
}
