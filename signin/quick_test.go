package signin_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

const (
	rightPIN  = "2580"
	duressPIN = "7391"
	wrongPIN  = "9999"
)

func quick(c *setup) { c.policy.Quick.Life = 30 * 24 * time.Hour }

func digits(t testing.TB, text string) credentials.Code {
	t.Helper()
	c, err := credentials.ParseCode(text)
	require.NoError(t, err)
	return c
}

// pin gives an account a PIN or a duress PIN, as package roster stores it.
func (w *world) pin(account accounts.ID, kind rec.CredentialKind, text string, edits ...func(*rec.Credential)) {
	w.t.Helper()
	code, id := digits(w.t, text), rec.CredentialID(string(account), kind, 0)
	names, err := credentials.Names(w.keys, credentials.Scope{Kind: credentials.TenantScope}, credentials.CodeMaterial(code))
	require.NoError(w.t, err)
	sealed, err := credentials.SealCode(w.keys, rec.CredentialBinding(string(account), kind, 1), code)
	require.NoError(w.t, err)
	core := &flow.Core{Store: w.store, Keys: w.keys}
	_, err = core.Act(w.ctx(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		c, _, err := flow.Load(u, rec.Credentials, id)
		if err != nil {
			return err
		}
		c = rec.Credential{Account: string(account), Kind: kind, Names: names, Generation: 1, Len: len(text), Sealed: sealed, Created: u.Now(), Changed: u.Now()}
		for _, e := range edits {
			e(&c)
		}
		_, err = u.Say(audit.CredentialChanged, audit.Success, []string{string(account)})
		return errors.Join(err, flow.Put(u, rec.Credentials, id, &c))
	})
	require.NoError(w.t, err)
}

// phone is an enrolled device.
type phone struct {
	w   *world
	id  string
	key crypto.Signer
}

func public(t testing.TB, key crypto.Signer) signin.DeviceKey {
	t.Helper()
	pkix, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	k, err := signin.ParseDeviceKey(pkix)
	require.NoError(t, err)
	return k
}

// enrolled is a new device of the session's owner.
func (w *world) enrolled(token signin.Token) phone {
	w.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(w.t, err)
	e, err := w.hands(token).Enrol(w.ctx(), signin.NewEnrolment{Key: public(w.t, key), Name: "A phone"})
	require.NoError(w.t, err)
	return phone{w, e.ID, key}
}

func (p phone) challenge() string {
	p.w.t.Helper()
	text, err := p.w.signin.QuickChallenge(p.id)
	require.NoError(p.w.t, err)
	return text
}

func (p phone) sign(text string) []byte {
	p.w.t.Helper()
	s, err := p.key.Sign(rand.Reader, []byte(text), crypto.Hash(0))
	require.NoError(p.w.t, err)
	return s
}

// attempt is a PIN with a challenge that the device has signed.
func (p phone) attempt(pin string) signin.QuickAttempt {
	p.w.t.Helper()
	text := p.challenge()
	return signin.QuickAttempt{Challenge: text, Signature: p.sign(text), PIN: digits(p.w.t, pin), From: home}
}

func (p phone) try(pin string) (signin.Result, error) {
	p.w.t.Helper()
	return p.w.signin.QuickSignIn(p.w.ctx(), p.attempt(pin))
}

// holder is an owner with a PIN, a duress PIN and an enrolled device.
func (w *world) holder(name string, edits ...func(*people.NewAccount)) (people.Account, phone, signin.Token) {
	w.t.Helper()
	a := w.owner(name, edits...)
	w.pin(a.ID, rec.PIN, rightPIN)
	w.pin(a.ID, rec.DuressPIN, duressPIN)
	token := w.in(name).Token
	return a, w.enrolled(token), token
}

// Rules: G184
func TestAPINSignsInOnAnEnrolledDevice(t *testing.T) {
	w := newWorld(t, quick)
	a, p, _ := w.holder("tower")
	_, err := p.try(wrongPIN)
	require.ErrorIs(t, err, signin.ErrPIN)
	r, err := p.try(rightPIN)
	require.NoError(t, err)
	assert.Equal(t, a.ID, r.Session.Account)
	assert.Equal(t, signin.AALPIN, r.Session.AAL)
	assert.Equal(t, []signin.Method{signin.PIN}, r.Session.Methods)
	assert.WithinDuration(t, time.Now().Add(10*time.Minute), r.Session.Ends, time.Minute)
	assert.True(t, r.Device.IsZero())
	require.True(t, w.alive(r.Token))

	other := w.owner("other")
	w.pin(other.ID, rec.PIN, "3690")
	_, err = p.try("3690")
	require.ErrorIs(t, err, signin.ErrPIN, "somebody else's")
	require.NoError(t, w.signin.SignOut(t.Context(), r.Token))
	assert.False(t, w.alive(r.Token))
}

func TestWithoutThePolicyNobodySignsInWithAPIN(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, err = w.hands(w.in("tower").Token).Enrol(t.Context(), signin.NewEnrolment{Key: public(t, key)})
	require.ErrorIs(t, err, signin.ErrQuickOff)
	_, err = w.signin.QuickChallenge(flow.NewID())
	require.ErrorIs(t, err, signin.ErrQuickOff)
	_, err = w.signin.QuickSignIn(t.Context(), signin.QuickAttempt{})
	require.ErrorIs(t, err, signin.ErrQuickOff)
}

// A challenge is the server's own, one device's, and works once, for two minutes. What the
// device has not signed counts for nothing.
//
// Rules: G184
func TestAChallengeIsSignedByTheDeviceAndWorksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quick)
		_, p, token := w.holder("tower")
		q := w.enrolled(token)
		used := p.attempt(wrongPIN)
		_, err := w.signin.QuickSignIn(t.Context(), used)
		require.ErrorIs(t, err, signin.ErrPIN)
		used.PIN = digits(t, rightPIN)

		late := p.attempt(rightPIN)
		time.Sleep(2*time.Minute + time.Second)
		unsigned, foreign, forged, others := p.attempt(rightPIN), p.attempt(rightPIN), p.attempt(rightPIN), q.attempt(rightPIN)
		unsigned.Signature = nil
		foreign.Signature = q.sign(foreign.Challenge)
		forged.Challenge = strings.Replace(forged.Challenge, p.id, q.id, 1)
		forged.Signature = q.sign(forged.Challenge)
		others.Signature = p.sign(others.Challenge)
		far := p.attempt(rightPIN)
		parts := strings.SplitN(far.Challenge, "_", 5)
		parts[2] = fmt.Sprint(time.Now().Add(time.Hour).Unix())
		far.Challenge = strings.Join(parts, "_")
		far.Signature = p.sign(far.Challenge)
		unknown := phone{w, flow.NewID(), p.key}.attempt(rightPIN)
		for name, a := range map[string]signin.QuickAttempt{"used": used, "late": late, "unsigned": unsigned, "another key": foreign,
			"another device's": forged, "a device that is not its own": others, "its end moved": far, "an unknown device": unknown, "nothing": {}} {
			for range 6 {
				r, err := w.signin.QuickSignIn(t.Context(), a)
				require.ErrorIs(t, err, signin.ErrNotEnrolled, name)
				require.Equal(t, signin.Result{}, r)
			}
		}
		_, err = p.try(rightPIN)
		require.NoError(t, err)
		_, err = w.signin.QuickChallenge("no device")
		require.ErrorIs(t, err, signin.ErrNotEnrolled)
	})
}

// Whatever the account may do, a session that began with a PIN may look at equipment and
// panel users, and do nothing that needs a fresh factor. Every right and every operation is
// asked, so that a new one has to be decided about here.
//
// Rules: G184
func TestAPINSessionMayDoLittle(t *testing.T) {
	for _, refresh := range []accounts.RoleRefresh{accounts.NextLogin, accounts.Immediate} {
		w := newWorld(t, quick, func(c *setup) {
			c.accounts.RoleRefresh = refresh
			c.signin = func(o *signin.Options) { o.Authority = nil }
		})
		require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: "everything", Allow: accounts.AllRights()}))
		_, p, token := w.holder("admin", func(n *people.NewAccount) { n.Roles, n.Sites = []string{"everything"}, accounts.AllSites() })
		whole, err := w.signin.Check(t.Context(), token, home)
		require.NoError(t, err)
		r, err := p.try(rightPIN)
		require.NoError(t, err)
		session, err := w.signin.Check(t.Context(), r.Token, home)
		require.NoError(t, err)

		all, err := w.signin.Authority().Grant(t.Context(), whole.Actor())
		require.NoError(t, err)
		require.Equal(t, accounts.AllRights(), all.Rights, "the test is about an account that may do everything")
		g, err := w.signin.Authority().Grant(t.Context(), session.Actor())
		require.NoError(t, err)
		looks := map[accounts.Right]bool{accounts.EquipmentView: true, accounts.PanelUsersView: true, accounts.SignIn: true}
		for right := range accounts.AllRights().Each() {
			assert.Equal(t, looks[right], g.Rights.Has(right), right.String())
		}
		assert.False(t, session.Actor().Fresh(time.Now(), 24*time.Hour))
		for _, op := range accounts.Permissions() {
			if accounts.AuthoriseAnywhere(g, op.Right) == nil {
				assert.False(t, op.StepUp || op.Takes, op.Op)
				assert.NotContains(t, op.Op, "Reveal")
				assert.NotContains(t, op.Op, "journal.")
			}
		}
		_, err = w.signin.Owner(t.Context(), r.Token, home)
		require.ErrorIs(t, err, signin.ErrPINSession)
		_, err = w.signin.As(session.Actor()).Enrolments(t.Context(), session.Account)
		require.ErrorIs(t, err, accounts.ErrPermissionDenied)
	}
}

// However many guess at once, five are looked at.
//
// Rules: G184
func TestPINsAtOnceAreLimitedToo(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		w := newWorld(t, quick)
		_, p, _ := w.holder("tower")
		var evaluated atomic.Int64
		tries := make([]signin.QuickAttempt, 32)
		for i := range tries {
			tries[i] = p.attempt(fmt.Sprint(4000 + i))
		}
		require.Zero(t, wins(func(i int) error {
			_, err := w.signin.QuickSignIn(t.Context(), tries[i])
			if errors.Is(err, signin.ErrPIN) {
				evaluated.Add(1)
			}
			return err
		}))
		require.LessOrEqual(t, evaluated.Load(), int64(5))
		require.Positive(t, evaluated.Load())
		_, err := p.try(rightPIN)
		require.ErrorIs(t, err, signin.ErrNotEnrolled)
		require.Equal(t, 1, w.entries()[audit.DeviceEnded])

		// One challenge that is shown 32 times at once is looked at once.
		w = newWorld(t, quick)
		_, p, _ = w.holder("tower")
		one := p.attempt(rightPIN)
		require.EqualValues(t, 1, wins(func(int) error { _, err := w.signin.QuickSignIn(t.Context(), one); return err }))
	}
}

// A right PIN of somebody who may not sign in now is refused like every sign-in, and does
// not count as a wrong one.
//
// Rules: G184
func TestARightPINDoesNotLetInWhoMayNotSignIn(t *testing.T) {
	w := newWorld(t, quick)
	_, p, _ := w.holder("tower")
	for range 7 {
		a := p.attempt(rightPIN)
		a.From.Site = "south"
		_, err := w.signin.QuickSignIn(t.Context(), a)
		require.ErrorIs(t, w.cause(err), accounts.ErrSiteMismatch)
	}
	_, err := p.try(rightPIN)
	require.NoError(t, err)
}

// Cut at any of its commits, a sign-in with a PIN leaves no session without its entry, and
// works afterwards.
//
// Rules: G184
func TestAQuickSignInIsCutAnywhere(t *testing.T) {
	for _, f := range []storetest.Fault{storetest.Fail, storetest.Lose} {
		for n := range 10 {
			w := newWorld(t, quick)
			_, p, _ := w.holder("tower")
			a := p.attempt(rightPIN)
			reached := w.broken(n, f)
			r, err := w.signin.QuickSignIn(t.Context(), a)
			w.failing(nil)
			w.sound(t)
			if err == nil {
				require.True(t, w.alive(r.Token))
			}
			_, err = p.try(rightPIN)
			require.NoError(t, err)
			if !*reached {
				require.Greater(t, n, 2, "the loop has tried every commit")
				break
			}
		}
	}
}

// Every change that signing in with a PIN makes: what it writes, what it rests on, and its
// entries.
func TestQuickTranscripts(t *testing.T) {
	var all strings.Builder
	w := newWorld(t, quick)
	step := func(name string) {
		fmt.Fprintf(&all, "== %s\n%s\n", name, strings.Join(w.wrote(), "--\n"))
	}
	a := w.owner("tower")
	w.pin(a.ID, rec.PIN, rightPIN)
	w.pin(a.ID, rec.DuressPIN, duressPIN)
	token := w.in("tower").Token
	w.wrote()
	p := w.enrolled(token)
	step("a device is enrolled")
	at := p.attempt(rightPIN)
	step("a challenge")
	_, err := w.signin.QuickSignIn(t.Context(), at)
	require.NoError(t, err)
	step("the PIN")
	_, err = p.try(duressPIN)
	require.NoError(t, err)
	step("the duress PIN")
	_, err = w.signin.QuickSignIn(t.Context(), at)
	require.Error(t, err)
	step("a challenge that was used")
	for range 5 {
		w.wrote()
		_, err = p.try(wrongPIN)
		require.Error(t, err)
	}
	step("the fifth wrong PIN")
	require.NoError(t, w.hands(token).EndEnrolment(t.Context(), w.enrolled(token).id))
	step("a device is enrolled and ended")
	p = w.enrolled(token)
	w.wrote()
	require.NoError(t, w.op.EndEnrolment(t.Context(), a.ID, p.id))
	step("an operator ends an enrolment")

	const golden = "testdata/quick.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(all.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), all.String())
}

// Keys, PINs and challenges are nowhere in the store, the log or the diagnostics.
func TestPINsAreNotSpilled(t *testing.T) {
	w := newWorld(t, quick)
	_, p, _ := w.holder("tower")
	a := p.attempt("4815162342")
	_, err := w.signin.QuickSignIn(t.Context(), a)
	require.ErrorIs(t, err, signin.ErrPIN)
	all := w.everything() + fmt.Sprintf("%+v", a.PIN)
	assert.NotContains(t, all, "4815162342")
	assert.NotContains(t, all, a.Challenge)
	require.Contains(t, all, string(audit.SignInRefused))
}

// Rules: G184
func TestAPINIsNoFactorOfAStepUp(t *testing.T) {
	w := newWorld(t, quick)
	_, _, token := w.holder("tower")
	_, err := w.hands(token).StepUp(t.Context(), signin.PIN, otp.AnswerOf(rightPIN), first)
	require.ErrorIs(t, err, signin.ErrFactor)
}
