package signin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// broken answers from commit n on with a fault, as a store does that dies there, until mend.
func (w *world) broken(n int, f storetest.Fault) (reached *bool) {
	commits, hit := 0, false
	w.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb != storetest.Commit {
			return storetest.Pass
		}
		if commits++; commits <= n {
			return storetest.Pass
		}
		if hit && f == storetest.Lose {
			return storetest.Fail // the first one was done, its answer was lost, and nothing is done after it
		}
		hit = true
		return f
	})
	return &hit
}

// Every flow is cut at every one of its commits, before it is done and after: no secret is
// used twice, no session is without its entry, and what was cut can be done again where it
// did nothing.
func TestFlowsAreCutAnywhere(t *testing.T) {
	for name, flow := range map[string]struct {
		prepare func(w *world) func() error
		used    func(w *world) int // how often the secret of the flow did its work
	}{
		"set the first password": {func(w *world) func() error {
			w.invite("tower")
			n := signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: first, From: home}
			return func() error { return w.signin.SetPassword(w.ctx(), n) }
		}, func(w *world) int { return w.entries()[audit.AccountConfirmed] }},
		"set a new password": {func(w *world) func() error {
			a := w.owner("tower")
			_, err := w.people.ResetPassword(w.ctx(), a.ID)
			require.NoError(w.t, err)
			n := signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: second, From: home}
			return func() error { return w.signin.SetPassword(w.ctx(), n) }
		}, func(w *world) int { return w.entries()[audit.PasswordSet] - 1 }},
		"a code by text message": {func(w *world) func() error {
			a := w.owner("tower")
			require.NoError(w.t, w.op.RequireFactor(w.ctx(), a.ID, true))
			c := w.challenged("tower")
			code := w.text()
			return func() error { _, err := w.answer(c, signin.SMS, code); return err }
		}, func(w *world) int { return w.entries()[audit.SignInDone] }},
		"a code of an app": {func(w *world) func() error {
			w.owner("tower")
			secret, _, _ := w.enrol(w.in("tower").Token)
			c := w.challenged("tower")
			code := shown(secret, time.Now().Add(otp.Period))
			return func() error { _, err := w.answer(c, signin.App, code); return err }
		}, func(w *world) int { return w.entries()[audit.SignInDone] - 1 }},
		"a recovery code": {func(w *world) func() error {
			w.owner("tower")
			_, codes, _ := w.enrol(w.in("tower").Token)
			c, again := w.challenged("tower"), w.challenged("tower")
			return func() error {
				_, err := w.answer(c, signin.Recovery, codes[0])
				if errors.Is(err, signin.ErrChallenge) {
					_, err = w.answer(again, signin.Recovery, codes[0])
				}
				return err
			}
		}, func(w *world) int { return w.entries()[audit.SignInDone] - 1 }},
		"a password": {func(w *world) func() error {
			w.owner("tower")
			did := false
			return func() error {
				if did {
					return nil // a password may be used again
				}
				_, err := w.try("tower", first)
				did = err == nil || w.entries()[audit.SignInDone] > 0
				return err
			}
		}, func(w *world) int { return w.entries()[audit.SignInDone] }},
		"a new password by its owner": {func(w *world) func() error {
			w.owner("tower")
			token := w.in("tower").Token
			return func() error {
				o, err := w.signin.Owner(w.ctx(), token, home)
				if err == nil {
					_, err = o.ChangePassword(w.ctx(), first, second)
				}
				return err
			}
		}, func(w *world) int { return w.entries()[audit.PasswordSet] - 1 }},
		"a fresh factor": {func(w *world) func() error {
			w.owner("tower")
			secret, _, token := w.enrol(w.in("tower").Token)
			code := shown(secret, time.Now().Add(otp.Period))
			return func() error {
				o, err := w.signin.Owner(w.ctx(), token, home)
				if err == nil {
					_, err = o.StepUp(w.ctx(), signin.App, code, password.Password{})
				}
				return err
			}
		}, func(w *world) int { return w.entries()[audit.SignInStepUp] }},
	} {
		t.Run(name, func(t *testing.T) {
			for _, fault := range []storetest.Fault{storetest.Fail, storetest.Lose} {
				for n := 0; ; n++ {
					require.Less(t, n, 12, "a flow of this many commits is not meant")
					w := newWorld(t)
					do := flow.prepare(w)
					reached := w.broken(n, fault)
					err := do()
					w.failing(nil)
					w.sound(t)
					if !*reached {
						require.NoError(t, err)
						assert.Equal(t, 1, flow.used(w))
						break
					}
					before := flow.used(w)
					require.LessOrEqual(t, before, 1)
					err = do()
					if before == 0 {
						require.NoError(t, err, "cut at %d: it did nothing, and cannot be done again", n)
					}
					assert.Equal(t, 1, flow.used(w), "cut at %d", n)
					if err := do(); name != "a password" {
						require.Error(t, err)
					}
					assert.Equal(t, 1, flow.used(w), "the secret worked twice")
					w.sound(t)
				}
			}
		})
	}
}

// sound looks that there is an entry for every session.
func (w *world) sound(t *testing.T) {
	t.Helper()
	rs, err := w.store.List(t.Context(), store.Query{Kind: rec.Sessions.Name})
	require.NoError(t, err)
	for _, r := range rs {
		es, err := w.store.Entries(t.Context(), store.EntryQuery{Target: []byte(r.Key.ID), Actions: []string{string(audit.SignInDone)}})
		require.NoError(t, err)
		assert.Len(t, es, 1, "a session without its entry")
	}
}

// When the store cannot answer, nobody is let in.
func TestWithoutTheStoreNobodyIsLetIn(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	r := w.in("tower")
	actor := r.Session.Actor()
	w.failing(func(storetest.Call) storetest.Fault { return storetest.Fail })
	_, err := w.signin.Check(t.Context(), r.Token, home)
	require.ErrorIs(t, err, storetest.ErrInjected)
	_, err = w.signin.Authority().Grant(t.Context(), actor)
	require.ErrorIs(t, err, storetest.ErrInjected)
	_, err = w.try("tower", first)
	require.ErrorIs(t, err, storetest.ErrInjected)
	require.Error(t, w.signin.SignOut(t.Context(), r.Token))
	require.Error(t, w.op.EndSessions(t.Context(), a.ID))
}

// A store that was restored from a backup may have forgotten that a session was ended.
func TestSessionsAndDevicesFromBeforeARestoreAreVoid(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.policy.SkipFactor = true })
	a, gateway := w.owner("tower"), w.owner("gateway", service)
	r := w.in("tower", remember)
	token, err := w.op.IssueToken(t.Context(), gateway.ID, signin.NewToken{Rights: accounts.RightsOf(accounts.EquipmentView)})
	require.NoError(t, err)
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	c := w.challenged("tower")
	code := w.text()
	w.quarantine()
	assert.False(t, w.alive(r.Token))
	_, err = w.answer(c, signin.SMS, code)
	require.ErrorIs(t, err, signin.ErrChallenge)
	_, err = w.signin.CheckToken(t.Context(), token, home)
	require.ErrorIs(t, err, signin.ErrToken)
	again, err := w.try("tower", first, func(a *signin.Attempt) { a.Device = r.Device })
	require.NoError(t, err)
	assert.NotNil(t, again.Challenge)
}

// Planted passwords, codes, keys and tokens are nowhere in the store, the log, the
// diagnostics or an error.
//
// Rules: G46, G207
func TestSecretsAreNotSpilled(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.policy.Letters = true }) // six digits could stand anywhere by chance
	a, gateway := w.owner("tower"), w.owner("gateway", service)
	var planted []string
	plant := func(secrets ...string) { planted = append(planted, secrets...) }
	plant("Violet-Rivers-9-planted", "Amber-Mountains-7-planted", "Crimson-Valleys-5", w.code("tower").Reveal())
	r := w.in("tower", remember)
	plant(tail(r.Token), tail(r.Device))
	secret, codes, token := w.enrol(r.Token)
	plant(secret.Text(), string(secret.Reveal()), tail(token))
	for _, c := range codes {
		plant(c.Reveal(), c.Text())
	}
	c := w.challenged("tower")
	plant(tail(c.Token))
	_, err := w.signin.Send(t.Context(), c.Token, signin.SMS)
	require.NoError(t, err)
	plant(w.text().Reveal())
	var errs []error
	_, err = w.answer(c, signin.App, otp.AnswerOf("PLANTEDCODE"))
	errs = append(errs, err)
	_, err = w.try("tower", wrong)
	errs = append(errs, err, w.cause(err))
	for range 6 {
		_, err = w.try("stranger-planted@example.com", wrong)
	}
	errs = append(errs, err, w.cause(err))
	require.NoError(t, w.signin.Forgot(t.Context(), "stranger-planted@example.com", home))
	api, err := w.op.IssueToken(t.Context(), gateway.ID, signin.NewToken{Rights: accounts.RightsOf(accounts.EquipmentView)})
	require.NoError(t, err)
	plant(tail(api), "PLANTEDCODE", "stranger-planted")
	_, err = w.people.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	reset := w.code("tower")
	plant(reset.Reveal())
	errs = append(errs, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: otp.AnswerOf("PLANTEDCODE"), Password: second, From: home}))
	require.NoError(t, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: reset, Password: second, From: home}))
	var all strings.Builder
	all.WriteString(w.everything())
	for _, err := range errs {
		all.WriteString(err.Error())
	}
	require.Contains(t, all.String(), string(audit.PasswordSet))
	for _, p := range planted {
		require.NotEmpty(t, p)
		assert.NotContains(t, all.String(), p)
		assert.NotContains(t, strings.ToLower(all.String()), strings.ToLower(p))
	}
}

// tail is the secret part of a token.
func tail(t signin.Token) string { return t.Reveal()[strings.LastIndex(t.Reveal(), "_")+1:] }
