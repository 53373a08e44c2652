package signin_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// Rules: R93, R91, R92, R216, G47
func TestTheMailedCodeSetsTheFirstPasswordAndMakesTheAccountActive(t *testing.T) {
	w := newWorld(t)
	a := w.invite("tower")
	_, err := w.try("tower@example.com", first)
	cause := w.cause(err)
	require.ErrorIs(t, cause, accounts.ErrAccountNotConfirmed)
	pending, ok := errors.AsType[*accounts.NotConfirmedError](cause)
	require.True(t, ok)
	assert.True(t, pending.PendingOTP)

	n := signin.NewPassword{Name: "tower@example.com", Code: w.code("tower"), Password: first, From: home}
	require.NoError(t, w.signin.SetPassword(t.Context(), n))
	v, err := w.people.Account(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, accounts.StatusActive, v.Status)
	r := w.in("Tower@Example.com ")
	assert.Equal(t, a.ID, r.Session.Account)
	assert.Equal(t, []signin.Method{signin.Password}, r.Session.Methods)
	require.ErrorIs(t, w.cause(w.signin.SetPassword(t.Context(), n)), flow.ErrNoSecret)
}

// Rules: R132, R134, R135
func TestAResetSetsANewPasswordOnce(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	before := w.in("tower", remember)
	_, err := w.people.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	older := w.code("tower")
	_, err = w.people.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	newer := w.code("tower")
	n := signin.NewPassword{Name: "tower", Code: older, Password: second, From: home}
	require.ErrorIs(t, w.signin.SetPassword(t.Context(), n), signin.ErrCode)
	n.Code = newer
	require.NoError(t, w.signin.SetPassword(t.Context(), n))
	require.ErrorIs(t, w.signin.SetPassword(t.Context(), n), signin.ErrCode, "twice")
	assert.False(t, w.alive(before.Token), "a session outlived its password")

	_, err = w.try("tower", first)
	former, ok := errors.AsType[*signin.FormerPasswordError](w.cause(err))
	require.True(t, ok)
	assert.WithinDuration(t, time.Now(), former.Changed, time.Minute)
	r, err := w.try("tower", second)
	require.NoError(t, err)
	assert.True(t, w.alive(r.Token))
}

// Rules: R133
func TestWhetherTheOldPasswordWorksUntilTheCodeIsUsedIsAPolicy(t *testing.T) {
	for _, keep := range []bool{true, false} {
		w := newWorld(t, func(c *setup) { c.accounts.KeepOldUntilOTP = keep })
		a := w.owner("tower")
		require.NoError(t, w.signin.Forgot(t.Context(), "tower@example.com", home))
		w.work()
		w.in("tower") // a stranger who asks in the owner's name shuts nobody out
		_, err := w.people.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		_, err = w.try("tower", first)
		if keep {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, w.cause(err), accounts.ErrBadCredentials)
		}
		require.NoError(t, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: second, From: home}))
		_, err = w.try("tower", second)
		require.NoError(t, err)
	}
}

// Every cause is one value to an outsider, and told apart by those who may know, in the log
// too.
//
// Rules: R213, R214, R215, R216, R217, R218, G164, G165
func TestEveryCauseIsOneValueToAnOutsider(t *testing.T) {
	w := newWorld(t)
	w.owner("active")
	w.invite("unconfirmed")
	suspended, removed := w.owner("suspended"), w.owner("removed")
	_, err := w.people.Suspend(t.Context(), suspended.ID, "left")
	require.NoError(t, err)
	require.NoError(t, w.people.Remove(t.Context(), removed.ID, people.Confirmation{Account: "removed@example.com"}))
	w.owner("service", func(n *people.NewAccount) { n.Kind = accounts.ServiceKind })
	w.owner("norole", func(n *people.NewAccount) { n.Roles = nil })
	for name, want := range map[string]error{
		"stranger@example.com": accounts.ErrAccountNotFound, "stranger": accounts.ErrAccountNotFound, "": accounts.ErrAccountNotFound, "0": accounts.ErrAccountNotFound,
		"active@example.com": accounts.ErrBadCredentials, "active": accounts.ErrBadCredentials, "unconfirmed": accounts.ErrAccountNotConfirmed,
		"suspended": accounts.ErrAccountSuspended, "removed": accounts.ErrAccountRemoved, "removed@example.com": accounts.ErrAccountRemoved,
		"service": signin.ErrMethod,
	} {
		for _, p := range []password.Password{wrong, first} {
			if errors.Is(want, accounts.ErrBadCredentials) && p == first {
				continue
			}
			r, err := w.try(name, p)
			require.ErrorIs(t, err, accounts.ErrSignIn, name)
			require.ErrorIs(t, w.cause(err), want, name)
			assert.NotErrorIs(t, err, want)
			assert.Equal(t, signin.Result{}, r)
		}
		if !errors.Is(want, accounts.ErrAccountNotFound) {
			assert.Contains(t, strings.Join(w.reasons(), "\n"), want.Error())
		}
	}
}

// Rules: G107, G166
func TestWithoutARoleThatMaySignInThereIsNoSignIn(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.accounts.LoginRight = true })
	w.owner("norole", func(n *people.NewAccount) { n.Roles = nil })
	_, err := w.try("norole", first)
	require.ErrorIs(t, w.cause(err), accounts.ErrNoLoginRole)
}

// What is written, and how often, is the same whether the account is there or not: who
// signs in with a wrong password, and who sets one with a wrong code.
func TestKnownAndUnknownAccountsAreTheSameWork(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	_, err := w.people.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	for name, do := range map[string]func(who string) error{
		"SignIn": func(who string) error { _, err := w.try(who, wrong); return err },
		"SetPassword": func(who string) error {
			return w.signin.SetPassword(t.Context(), signin.NewPassword{Name: who, Code: otp.AnswerOf("12345678"), Password: second, From: home})
		},
	} {
		shape := map[string][]string{}
		for _, who := range []string{"tower@example.com", "stranger@example.com"} {
			require.Error(t, do(who)) // the first of an hour is logged in any case
			w.wrote()
			require.Error(t, do(who))
			for _, c := range w.wrote() {
				shape[who] = append(shape[who], ops(c))
			}
		}
		assert.NotEmpty(t, shape["tower@example.com"], name)
		assert.Equal(t, shape["tower@example.com"], shape["stranger@example.com"], name)
	}
}

// ops is a transcript without entries and what goes with them.
func ops(transcript string) string {
	var out []string
	for line := range strings.Lines(transcript) {
		if !strings.HasPrefix(line, "entry") && !strings.HasPrefix(line, "check person") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "; ")
}

// verbs is a transcript without what it is about.
func verbs(transcript string) string {
	var out []string
	for line := range strings.Lines(transcript) {
		out = append(out, strings.SplitN(strings.TrimSpace(line), " ", 2)[0])
	}
	return strings.Join(out, " ")
}

// The time of a wrong password does not tell whether the account is there: the comparison
// is all that counts, and without it one would be fifty times the other. On an idle machine
// the fastest of a few differ by less than a tenth; a busy one gets more room.
func TestKnownAndUnknownAccountsTakeTheSameTime(t *testing.T) {
	w := newWorld(t, func(c *setup) {
		c.policy.Hash.Cost = 9
		c.policy.Limits.Pair = []signin.Limit{{Max: 1000, Per: time.Hour}}
		c.policy.Limits.Account, c.policy.Limits.Source = c.policy.Limits.Pair, c.policy.Limits.Pair
	})
	w.owner("tower")
	fastest := map[string]time.Duration{"tower@example.com": time.Hour, "stranger@example.com": time.Hour}
	within := func(factor float64) bool {
		known, unknown := fastest["tower@example.com"].Seconds(), fastest["stranger@example.com"].Seconds()
		return known < factor*unknown && unknown < factor*known
	}
	for n := 0; n < 12 && (n < 3 || !within(1.1)); n++ {
		for name := range fastest {
			began := time.Now()
			_, err := w.try(name, wrong)
			fastest[name] = min(fastest[name], time.Since(began))
			require.ErrorIs(t, err, accounts.ErrSignIn)
		}
	}
	assert.True(t, within(4), fastest)
}

// Rules: G43, G44
func TestASignInReplacesAHashOfAnotherCost(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	stored := func() string {
		rs, err := w.store.Load(t.Context(), rec.Logins.Key(string(a.ID)))
		require.NoError(t, err)
		return string(rs[0].Body)
	}
	assert.Contains(t, stored(), "$2a$04$")
	before := w.in("tower")
	o := w.opts
	p := w.policy
	p.Hash = password.Options{Algorithm: password.Argon2id, Argon: password.Argon{Memory: 12 * 1024, Passes: 1, Lanes: 1}}
	o.Policy = &p
	var err error
	w.signin, err = signin.New(o)
	require.NoError(t, err)
	w.in("tower")
	assert.Contains(t, stored(), "$argon2id$")
	w.in("tower")
	assert.True(t, w.alive(before.Token), "a better hash ends nothing")
}

// Rules: G90, G91, G93, G94, G97, G98, G135
func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minutes := func(n int) func(*people.NewAccount) { return func(a *people.NewAccount) { a.Session = &n } }
		w := newWorld(t, func(c *setup) { c.policy.Life, c.policy.Idle, c.policy.Cap = 2*time.Hour, 30*time.Minute, 24*time.Hour })
		w.owner("tower")
		w.owner("kiosk", minutes(5))
		w.owner("screen", minutes(0))
		tower, kiosk, screen, out := w.in("tower"), w.in("kiosk"), w.in("screen"), w.in("tower")
		require.NoError(t, w.signin.SignOut(t.Context(), out.Token))
		assert.False(t, w.alive(out.Token))
		require.NoError(t, w.signin.SignOut(t.Context(), out.Token), "twice")
		time.Sleep(5*time.Minute - time.Second)
		assert.True(t, w.alive(kiosk.Token))
		time.Sleep(time.Second)
		assert.False(t, w.alive(kiosk.Token))
		time.Sleep(20 * time.Minute)
		for range 3 {
			assert.True(t, w.alive(tower.Token))
			time.Sleep(29 * time.Minute)
			assert.True(t, w.alive(tower.Token))
		}
		time.Sleep(8 * time.Minute)
		assert.False(t, w.alive(tower.Token), "the longest life is over")
		again := w.in("tower")
		time.Sleep(30 * time.Minute)
		assert.False(t, w.alive(again.Token), "idle")
		time.Sleep(20 * time.Hour)
		assert.True(t, w.alive(screen.Token))
		time.Sleep(2 * time.Hour)
		assert.False(t, w.alive(screen.Token), "also without a time-out there is an end")
	})
}

// What takes access away ends everything at once, and nothing comes back when access does.
//
// Rules: R134, R144, G125, G145
func TestEverythingEndsAtOnce(t *testing.T) {
	for name, end := range map[string]func(w *world, a people.Account, t *testing.T) error{
		"suspend": func(w *world, a people.Account, t *testing.T) error {
			_, err := w.people.Suspend(t.Context(), a.ID, "left")
			return err
		},
		"revoke": func(w *world, a people.Account, t *testing.T) error {
			_, err := w.people.Revoke(t.Context(), a.ID, "left")
			return err
		},
		"remove": func(w *world, a people.Account, t *testing.T) error {
			return w.people.Remove(t.Context(), a.ID, people.Confirmation{Account: a.Email.String()})
		},
		"end sessions":  func(w *world, a people.Account, t *testing.T) error { return w.op.EndSessions(t.Context(), a.ID) },
		"reset factors": func(w *world, a people.Account, t *testing.T) error { return w.op.ResetFactors(t.Context(), a.ID) },
		"new password": func(w *world, a people.Account, t *testing.T) error {
			return w.op.SetPassword(t.Context(), a.ID, second)
		},
		"owner ends all": func(w *world, _ people.Account, t *testing.T) error {
			return w.hands(w.in("tower").Token).EndAll(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *setup) { c.accounts.SetByOperator = true; c.policy.SkipFactor = true })
			a := w.owner("tower")
			r := w.in("tower", remember)
			held := r.Session.Actor()
			g, err := w.signin.Authority().Grant(t.Context(), held)
			require.NoError(t, err)
			require.True(t, g.Enabled)
			require.NoError(t, end(w, a, t))
			assert.False(t, w.alive(r.Token))
			g, err = w.signin.Authority().Grant(t.Context(), held)
			require.NoError(t, err)
			assert.Equal(t, accounts.Grant{}, g, "whoever held on to the actor lost every right")
			switch name {
			case "suspend":
				_, err = w.people.Enable(t.Context(), a.ID)
			case "revoke":
				_, err = w.people.Unrevoke(t.Context(), a.ID)
			}
			require.NoError(t, err)
			assert.False(t, w.alive(r.Token), "a session came back")
			if name == "remove" {
				return
			}
			p := first
			if name == "new password" {
				p = second
			}
			require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
			r, err = w.try("tower", p, func(a *signin.Attempt) { a.Device = r.Device })
			require.NoError(t, err)
			assert.NotNil(t, r.Challenge, "a remembered device came back")
		})
	}
}

// Rules: G105
func TestRightsThatAreAddedWaitAndThoseTakenAwayDoNot(t *testing.T) {
	for refresh, waits := range map[accounts.RoleRefresh]bool{accounts.NextLogin: true, accounts.Immediate: false} {
		w := newWorld(t, func(c *setup) { c.accounts.RoleRefresh, c.accounts.MaxRoles = refresh, 2 })
		a := w.owner("tower")
		r := w.in("tower")
		has := func(right accounts.Right) bool {
			s, err := w.signin.Check(t.Context(), r.Token, home)
			require.NoError(t, err)
			g, err := w.signin.Authority().Grant(t.Context(), s.Actor())
			require.NoError(t, err)
			return g.Rights.Has(right)
		}
		assert.True(t, has(accounts.PanelUsersView))
		_, err := w.people.SetRoles(t.Context(), a.ID, "user", "installer")
		require.NoError(t, err)
		assert.Equal(t, !waits, has(accounts.PanelUsersManage))
		_, err = w.people.SetRoles(t.Context(), a.ID)
		require.NoError(t, err)
		assert.False(t, w.alive(r.Token), "a right was kept")
	}
}

// Rules: G100
func TestTheNumberOfSessionsIsLimitedWhereThePolicySaysSo(t *testing.T) {
	for _, refuse := range []bool{true, false} {
		w := newWorld(t, func(c *setup) { c.policy.MaxSessions, c.policy.RefuseMore = 2, refuse })
		w.owner("tower")
		a, b := w.in("tower"), w.in("tower")
		c, err := w.try("tower", first)
		if refuse {
			require.ErrorIs(t, err, signin.ErrTooManySessions)
			require.NoError(t, w.signin.SignOut(t.Context(), a.Token))
			w.in("tower")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, []bool{false, true, true}, []bool{w.alive(a.Token), w.alive(b.Token), w.alive(c.Token)})
	}
}

func TestSessionsThatEndedAreNotListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.owner("tower")
		listed := func(want int) {
			t.Helper()
			list, err := w.as("operator").Sessions(t.Context(), a.ID)
			require.NoError(t, err)
			require.Len(t, list, want)
		}
		w.in("tower")
		listed(1)
		require.NoError(t, w.as("operator").EndSessions(t.Context(), a.ID))
		listed(0)
		r := w.in("tower")
		listed(1)
		time.Sleep(time.Until(r.Session.Ends))
		listed(0)
	})
}

// An address that was changed opens nothing.
func TestAFormerAddressIsNobodys(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	_, err := w.try("tower@example.com", first)
	require.NoError(t, err)
	_, err = w.people.SetContact(t.Context(), a.ID, address(t, "mill@example.com"), a.Phone)
	require.NoError(t, err)
	_, err = w.try("tower@example.com", first)
	require.ErrorIs(t, w.cause(err), accounts.ErrAccountNotFound)
	_, err = w.try("mill@example.com", first)
	require.NoError(t, err)
}

func TestOwnersSeeAndEndTheirSessions(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	other := w.in("tower")
	stranger := w.owner("mill")
	mine, third := w.in("tower", remember), w.in("tower")
	o := w.hands(mine.Token)
	list, err := o.Sessions(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 3)
	assert.Equal(t, "a browser", list[0].Device)
	seen, err := w.op.Sessions(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Len(t, seen, 3)
	require.NoError(t, o.End(t.Context(), other.Session.ID))
	assert.False(t, w.alive(other.Token))
	require.ErrorIs(t, o.End(t.Context(), w.in("mill").Session.ID), signin.ErrSession, "somebody else's")
	devices, err := o.Devices(t.Context())
	require.NoError(t, err)
	require.Len(t, devices, 1)
	require.NoError(t, o.Forget(t.Context(), devices[0].ID))
	renewed, err := o.EndOthers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []bool{false, false, true}, []bool{w.alive(third.Token), w.alive(mine.Token), w.alive(renewed)})
	_, err = w.as("south").Sessions(t.Context(), stranger.ID)
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
	_, err = w.as("nobody").Sessions(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)
}

func TestOwnersChangeTheirPassword(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	other, mine := w.in("tower"), w.in("tower")
	o := w.hands(mine.Token)
	_, err := o.ChangePassword(t.Context(), wrong, second)
	require.ErrorIs(t, err, accounts.ErrBadCredentials)
	_, err = o.ChangePassword(t.Context(), first, password.Of("short"))
	require.ErrorIs(t, err, password.ErrTooShort)
	_, err = o.ChangePassword(t.Context(), first, password.Of("Tower-Mill-Tower-1"))
	require.ErrorIs(t, err, password.ErrSimilar)
	_, err = o.ChangePassword(t.Context(), first, password.Of("A1-"+strings.Repeat("xyzv", 20)))
	require.ErrorIs(t, err, password.ErrTooLong)
	token, err := o.ChangePassword(t.Context(), first, second)
	require.NoError(t, err)
	assert.Equal(t, []bool{false, false, true}, []bool{w.alive(other.Token), w.alive(mine.Token), w.alive(token)})
	_, err = w.try("tower", first)
	require.ErrorIs(t, err, accounts.ErrSignIn)
	_, err = w.try("tower", second)
	require.NoError(t, err)
}

func remember(a *signin.Attempt) { a.Remember = true }

// A node whose keyring cannot open posts codes and leaves apps and sending to others.
func TestANodeThatCannotOpenOffersNoApp(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	secret, _, _ := w.enrol(w.in("tower").Token)
	o := w.opts
	o.Keys = credentials.SealOnly(w.keys)
	half, err := signin.New(o)
	require.NoError(t, err)
	assert.Len(t, half.Loops(), 1, "what sums up refusals")
	require.Error(t, half.Work(t.Context()))
	r, err := half.SignIn(t.Context(), signin.Attempt{Name: "tower", Password: first, From: home})
	require.NoError(t, err)
	assert.NotContains(t, r.Challenge.Methods, signin.App)
	_, err = half.Answer(t.Context(), signin.Reply{Challenge: r.Challenge.Token, Method: signin.App, Code: shown(secret, time.Now().Add(30*time.Second))})
	require.ErrorIs(t, err, signin.ErrFactor)
}

func TestNewSaysEverythingThatIsMissing(t *testing.T) {
	_, err := signin.New(signin.Options{Policy: &signin.Policy{Hash: password.Options{Cost: 99}}})
	require.ErrorContains(t, err, "a store is required")
	require.ErrorContains(t, err, "a keyring is required")
	require.ErrorIs(t, err, password.ErrCost)
}

// A session is never without its entry.
//
// Rules: G136
func TestSignInsAreInTheLog(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	r := w.in("tower")
	found := 0
	for _, e := range w.leaves() {
		a, err := audit.Decode(e.Body)
		require.NoError(t, err)
		if a.Action == audit.SignInDone && a.Value(audit.FieldSession) == r.Session.ID {
			found++
			assert.Equal(t, "password", a.Value(audit.FieldMethod))
			assert.Equal(t, string(r.Session.Account), a.Actor().ID)
		}
	}
	assert.Equal(t, 1, found)
}
