package signin_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

const issuer = "https://id.example.com"

// vouched is a proof of a moment ago.
func vouched(subject string) signin.External {
	return signin.External{Issuer: issuer, Subject: subject, Nonce: flow.NewID(), At: time.Now()}
}

// Rules: G212
func TestAProviderSignsInWhomItProves(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	before := w.in("tower")
	require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, "subject-1"))
	assert.False(t, w.alive(before.Token))
	r, err := w.signin.Federate(t.Context(), vouched("subject-1"), home)
	require.NoError(t, err)
	assert.Equal(t, a.ID, r.Session.Account)
	assert.Equal(t, []signin.Method{signin.Provider}, r.Session.Methods)
	assert.WithinDuration(t, time.Now(), r.Session.Factor, time.Minute)
	assert.Empty(t, r.Session.AAL)
	assert.True(t, w.alive(r.Token))

	e := vouched("subject-1")
	e.At = time.Time{}
	r, err = w.signin.Federate(t.Context(), e, home)
	require.NoError(t, err)
	assert.True(t, r.Session.Factor.IsZero(), "the provider did not say when")
}

// One person at a provider is one account, for as long as they are bound, also among 32 who
// ask at once; and an account is one person.
//
// Rules: G212
func TestASubjectIsBoundOnce(t *testing.T) {
	w := newWorld(t)
	tower, other := w.owner("tower"), w.owner("other")
	require.NoError(t, w.op.Bind(t.Context(), tower.ID, issuer, "subject-1"))
	require.ErrorIs(t, w.op.Bind(t.Context(), other.ID, issuer, "subject-1"), signin.ErrBound)
	require.ErrorIs(t, w.op.Bind(t.Context(), tower.ID, issuer, "subject-2"), signin.ErrBound)
	_, err := w.hands(w.in("other").Token).Link(t.Context(), vouched("subject-1"))
	require.ErrorIs(t, err, signin.ErrBound)
	require.NoError(t, w.op.Bind(t.Context(), other.ID, "https://elsewhere.example.com", "subject-1"), "another provider's")
	require.ErrorIs(t, w.op.Bind(t.Context(), other.ID, "", "x"), signin.ErrExternal)
	gateway := w.owner("gateway", service)
	require.ErrorIs(t, w.op.Bind(t.Context(), gateway.ID, issuer, "subject-3"), signin.ErrMethod)

	third := w.owner("third")
	require.NoError(t, w.op.Bind(t.Context(), third.ID, issuer, "subject-4"))
	require.NoError(t, w.people.Remove(t.Context(), third.ID, people.Confirmation{Account: "third@example.com"}))
	require.NoError(t, w.op.Bind(t.Context(), w.owner("fourth").ID, issuer, "subject-4"), "of an account that was removed")

	require.NoError(t, w.op.Unbind(t.Context(), tower.ID))
	require.ErrorIs(t, w.op.Unbind(t.Context(), tower.ID), signin.ErrNotBound)
	ids := make([]accounts.ID, 32)
	for i := range ids {
		ids[i] = w.invite(fmt.Sprintf("owner_%d", i)).ID
	}
	require.EqualValues(t, 1, wins(func(i int) error { return w.op.Bind(t.Context(), ids[i], issuer, "subject-1") }))
}

// What keeps somebody out whom a provider has proven, and that it is one answer. A removed
// account has no binding any more.
//
// Rules: G212
func TestAProofIsNotEnoughForEverybody(t *testing.T) {
	w := newWorld(t)
	bind := func(name string) people.Account {
		a := w.owner(name)
		require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, name))
		return a
	}
	suspended, removed, freed := bind("suspended"), bind("removed"), bind("freed")
	_, err := w.people.Suspend(t.Context(), suspended.ID, "left")
	require.NoError(t, err)
	require.NoError(t, w.people.Remove(t.Context(), removed.ID, people.Confirmation{Account: "removed@example.com"}))
	require.NoError(t, w.op.Unbind(t.Context(), freed.ID))
	for subject, want := range map[string]error{"suspended": accounts.ErrAccountSuspended, "removed": signin.ErrNotBound,
		"freed": signin.ErrNotBound, "nobody": signin.ErrNotBound, "freed@example.com": signin.ErrNotBound} {
		_, err := w.signin.Federate(t.Context(), vouched(subject), home)
		require.ErrorIs(t, err, accounts.ErrSignIn, subject)
		require.ErrorIs(t, w.cause(err), want, subject)
	}
	a := bind("tower")
	e := vouched("tower")
	e.Issuer = "https://elsewhere.example.com"
	_, err = w.signin.Federate(t.Context(), e, home)
	require.ErrorIs(t, w.cause(err), signin.ErrNotBound, "another issuer's")

	e = vouched("tower")
	require.EqualValues(t, 1, wins(func(int) error { _, err := w.signin.Federate(t.Context(), e, home); return err }))
	_, err = w.signin.Federate(t.Context(), e, home)
	require.ErrorIs(t, err, signin.ErrReplayed)

	for name, edit := range map[string]func(*signin.External){
		"no issuer":      func(e *signin.External) { e.Issuer = "" },
		"no subject":     func(e *signin.External) { e.Subject = "" },
		"no nonce":       func(e *signin.External) { e.Nonce = "" },
		"to come":        func(e *signin.External) { e.At = time.Now().Add(time.Hour) },
		"an admin":       func(e *signin.External) { e.Roles, e.Governs = []string{"admin"}, []string{"admin"} },
		"not its to say": func(e *signin.External) { e.Roles = []string{"user"} },
	} {
		e := vouched("tower")
		edit(&e)
		_, err := w.signin.Federate(t.Context(), e, home)
		require.ErrorIs(t, err, signin.ErrExternal, name)
	}

	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	_, err = w.signin.Federate(t.Context(), vouched("tower"), home)
	require.ErrorIs(t, err, signin.ErrWeak)
	e = vouched("tower")
	e.Strong = true
	_, err = w.signin.Federate(t.Context(), e, home)
	require.NoError(t, err)
}

// Rules: G212
func TestABoundAccountHasNoPassword(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.accounts.SetByOperator = true })
	a := w.owner("tower")
	_, err := w.people.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	sent := w.code("tower")
	require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, "subject-1"))
	_, err = w.try("tower", first)
	require.ErrorIs(t, err, accounts.ErrSignIn)
	set := signin.NewPassword{Name: "tower", Code: sent, Password: second, From: home}
	require.ErrorIs(t, w.signin.SetPassword(t.Context(), set), signin.ErrCode, "a code from before")
	w.work()
	mails := len(w.mail.Sent())
	_, err = w.people.ResetPassword(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrAtProvider)
	require.NoError(t, w.signin.Forgot(t.Context(), "tower@example.com", home), "the same answer as to everybody")
	require.NoError(t, w.signin.Work(t.Context()))
	assert.Len(t, w.mail.Sent(), mails, "a code that sets nothing")
	assert.Equal(t, 2, w.entries()[audit.OperationRefused])
	require.ErrorIs(t, w.op.SetPassword(t.Context(), a.ID, second), signin.ErrMethod)
	r, err := w.signin.Federate(t.Context(), vouched("subject-1"), home)
	require.NoError(t, err)
	_, err = w.hands(r.Token).ChangePassword(t.Context(), first, second)
	require.ErrorIs(t, err, accounts.ErrBadCredentials)

	require.NoError(t, w.op.Unbind(t.Context(), a.ID))
	assert.False(t, w.alive(r.Token))
	_, err = w.try("tower", first)
	require.ErrorIs(t, err, accounts.ErrSignIn, "the former password is gone")
	require.NoError(t, w.op.SetPassword(t.Context(), a.ID, second))
	_, err = w.try("tower", second)
	require.NoError(t, err)
}

// Who was never sent a password is confirmed by being bound.
//
// Rules: G212
func TestAnInvitedAccountIsConfirmedByItsProvider(t *testing.T) {
	w := newWorld(t)
	a := w.invite("tower")
	require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, "subject-1"))
	v, err := w.people.Account(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, accounts.StatusActive, v.Status)
	_, err = w.signin.Federate(t.Context(), vouched("subject-1"), home)
	require.NoError(t, err)
}

// Roles follow the groups at each sign-in: those that groups can give, and no others. One
// that is taken away ends the sessions that hold it; one that is given does not.
//
// Rules: G197, G212
func TestRolesFollowTheGroups(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.accounts.MaxRoles = 0 })
	for _, name := range []string{"guard", "cleaner"} {
		require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: name, Allow: accounts.RightsOf(accounts.EquipmentView)}))
	}
	a := w.owner("tower")
	require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, "subject-1"))
	in := func(roles ...string) signin.Token {
		e := vouched("subject-1")
		e.Roles, e.Governs = roles, []string{"guard", "cleaner"}
		r, err := w.signin.Federate(t.Context(), e, home)
		require.NoError(t, err)
		return r.Token
	}
	has := func() []string {
		v, err := w.people.Account(t.Context(), a.ID)
		require.NoError(t, err)
		return v.Roles
	}
	one := in("guard")
	assert.Equal(t, []string{"user", "guard"}, has())
	two := in("guard", "cleaner")
	assert.Equal(t, []string{"user", "guard", "cleaner"}, has())
	assert.True(t, w.alive(one))
	three := in("cleaner")
	assert.Equal(t, []string{"user", "cleaner"}, has())
	assert.False(t, w.alive(one))
	assert.False(t, w.alive(two))
	assert.True(t, w.alive(three))
	require.ErrorIs(t, w.people.RemoveRole(t.Context(), "cleaner"), accounts.ErrRoleInUse)
	require.NoError(t, w.people.RemoveRole(t.Context(), "guard"))

	e := vouched("subject-1")
	e.Roles, e.Governs = []string{"guard"}, []string{"guard"}
	_, err := w.signin.Federate(t.Context(), e, home)
	require.ErrorIs(t, err, accounts.ErrRoleNotFound)
	assert.Equal(t, 3, w.entries()[audit.AccountRoleChanged])
}

// Whoever is freed from the provider while they sign in there keeps the roles that they have.
//
// Rules: G212
func TestRolesDoNotFollowAProviderThatIsNotBoundAnyMore(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.accounts.MaxRoles = 0 })
	require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: "guard", Allow: accounts.RightsOf(accounts.EquipmentView)}))
	a := w.owner("tower")
	require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, "subject-1"))
	e := vouched("subject-1")
	e.Roles, e.Governs = []string{"guard"}, []string{"guard"}
	freed := false
	w.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit && !freed { // the proof is being used up
			freed = true
			require.NoError(t, w.backdoor().Unbind(t.Context(), a.ID))
		}
		return storetest.Pass
	})
	_, err := w.signin.Federate(t.Context(), e, home)
	w.failing(nil)
	require.ErrorIs(t, w.cause(err), signin.ErrNotBound)
	v, err := w.people.Account(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, []string{"user"}, v.Roles)
}

// A password that was compared before the account was bound sets none after it.
//
// Rules: G212
func TestAPasswordIsNotChangedWhileTheAccountIsBound(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	token := w.in("tower").Token
	linked := false
	w.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit && !linked { // the attempt is being counted
			linked = true
			o, err := w.behind().Owner(t.Context(), token, home)
			require.NoError(t, err)
			_, err = o.Link(t.Context(), vouched("subject-1"))
			require.NoError(t, err)
		}
		return storetest.Pass
	})
	_, err := w.hands(token).ChangePassword(t.Context(), first, second)
	w.failing(nil)
	require.Error(t, err)
	f, err := w.op.Factors(t.Context(), a.ID)
	require.NoError(t, err)
	assert.False(t, f.Password)
	assert.Equal(t, issuer, f.Issuer)
}

// behind is the service on the store below the faults: another node.
func (w *world) behind() *signin.Service {
	w.t.Helper()
	o := w.opts
	o.Store = w.store
	s, err := signin.New(o)
	require.NoError(w.t, err)
	return s
}

// backdoor is an operator at another node.
func (w *world) backdoor() *signin.Operator {
	return w.behind().As(accounts.HostActor("operator", "Somebody", "test").Vouched(time.Now()))
}

// Rules: G212
func TestAFreshProofStepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.owner("tower")
		token, err := w.hands(w.in("tower").Token).Link(t.Context(), vouched("subject-1"))
		require.NoError(t, err)
		o := w.hands(token)
		time.Sleep(10 * time.Minute)
		_, err = o.EnrolApp(t.Context())
		require.ErrorIs(t, err, accounts.ErrStepUpRequired)
		_, err = o.StepUp(t.Context(), signin.Password, otp.Answer{}, first)
		require.ErrorIs(t, err, accounts.ErrBadCredentials)

		stale := vouched("subject-1")
		stale.At = time.Now().Add(-6 * time.Minute)
		unsaid := vouched("subject-1")
		unsaid.At = time.Time{}
		for name, c := range map[string]struct {
			e    signin.External
			want error
		}{"stale": {stale, signin.ErrWeak}, "without a time": {unsaid, signin.ErrWeak}, "somebody else": {vouched("subject-2"), signin.ErrNotBound}} {
			_, err := o.StepUpExternal(t.Context(), c.e)
			require.ErrorIs(t, err, c.want, name)
			_, err = o.StepUpExternal(t.Context(), c.e)
			require.ErrorIs(t, err, signin.ErrReplayed, name)
		}
		ahead := vouched("subject-1")
		ahead.At = time.Now().Add(30 * time.Second)
		next, err := o.StepUpExternal(t.Context(), ahead)
		require.NoError(t, err)
		require.False(t, w.alive(token))
		_, err = w.hands(next).EnrolApp(t.Context())
		require.NoError(t, err)

		act := signin.Act{Op: "signin.SetPassword", Target: string(a.ID)}
		_, err = w.hands(next).ProveExternal(t.Context(), signin.Act{Op: "people.Account"}, vouched("subject-1"))
		require.ErrorIs(t, err, signin.ErrAct)
		_, err = w.hands(next).ProveExternal(t.Context(), act, vouched("subject-1"))
		require.NoError(t, err)

		require.NoError(t, w.as("operator").RequireFactor(t.Context(), a.ID, true))
		r, err := w.signin.Federate(t.Context(), signin.External{Issuer: issuer, Subject: "subject-1", Nonce: "n", At: time.Now(), Strong: true}, home)
		require.NoError(t, err)
		_, err = w.hands(r.Token).StepUpExternal(t.Context(), vouched("subject-1"))
		require.ErrorIs(t, err, signin.ErrWeak)
	})
}

// Every change that signing in at a provider makes.
func TestFederateTranscripts(t *testing.T) {
	var all strings.Builder
	w := newWorld(t, func(c *setup) { c.accounts.MaxRoles = 0 })
	step := func(name string) {
		fmt.Fprintf(&all, "== %s\n%s\n", name, strings.Join(w.wrote(), "--\n"))
	}
	require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: "guard", Allow: accounts.RightsOf(accounts.EquipmentView)}))
	a := w.owner("tower")
	token := w.in("tower").Token
	w.wrote()
	token, err := w.hands(token).Link(t.Context(), vouched("subject-1"))
	require.NoError(t, err)
	step("the owner links the account")
	_, err = w.hands(token).StepUpExternal(t.Context(), vouched("subject-1"))
	require.NoError(t, err)
	step("a fresh proof")
	e := vouched("subject-1")
	e.Roles, e.Governs = []string{"guard"}, []string{"guard"}
	_, err = w.signin.Federate(t.Context(), e, home)
	require.NoError(t, err)
	step("a sign-in with a group")
	_, err = w.signin.Federate(t.Context(), e, home)
	require.Error(t, err)
	step("again")
	e.Nonce, e.Roles = "another", nil
	_, err = w.signin.Federate(t.Context(), e, home)
	require.NoError(t, err)
	step("a sign-in without the group")
	_, err = w.signin.Federate(t.Context(), vouched("nobody"), home)
	require.Error(t, err)
	step("a stranger")
	require.NoError(t, w.op.Unbind(t.Context(), a.ID))
	step("an operator frees the account")
	require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, "subject-2"))
	step("an operator binds the account")

	const golden = "testdata/federate.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(all.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), all.String())
}

// Cut at any of its commits, a sign-in at a provider leaves no session without its entry
// and no proof that counts twice, and another one works afterwards.
//
// Rules: G212
func TestAFederatedSignInIsCutAnywhere(t *testing.T) {
	for _, f := range []storetest.Fault{storetest.Fail, storetest.Lose} {
		for n := range 10 {
			w := newWorld(t, func(c *setup) { c.accounts.MaxRoles = 0 })
			require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: "guard", Allow: accounts.RightsOf(accounts.EquipmentView)}))
			a := w.owner("tower")
			require.NoError(t, w.op.Bind(t.Context(), a.ID, issuer, "subject-1"))
			e := vouched("subject-1")
			e.Roles, e.Governs = []string{"guard"}, []string{"guard"}
			reached := w.broken(n, f)
			r, err := w.signin.Federate(t.Context(), e, home)
			w.failing(nil)
			w.sound(t)
			if err == nil {
				require.True(t, w.alive(r.Token))
				_, err = w.signin.Federate(t.Context(), e, home)
				require.ErrorIs(t, err, signin.ErrReplayed)
			}
			e.Nonce = "another"
			_, err = w.signin.Federate(t.Context(), e, home)
			require.NoError(t, err)
			if !*reached {
				require.Greater(t, n, 2, "the loop has tried every commit")
				break
			}
		}
	}
}
