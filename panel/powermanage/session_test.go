package powermanage_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

// A session that the server has forgotten is opened anew, once, and the call is made
// again: the server did not carry it out.
func TestForgottenSessionsSignInAnewOnce(t *testing.T) {
	for _, c := range []struct {
		name, quirk string
		accounts    bool
	}{
		{"400", "", false}, {"440", powermanagesim.StaleIs440, false}, {"10002", powermanagesim.StaleIs403, false}, {"401", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(k *rig) {
				if c.quirk != "" {
					require.True(t, k.sim.Quirk(c.quirk, true))
				}
				k.seat(4, "8675", "Side")
				s := k.open()
				k.sim.Expire(c.accounts)
				o, err := k.apply(s, change(t, 4, "6180"))
				require.NoError(t, err)
				assert.Equal(t, panel.FieldCode, o.Done)
				assert.Equal(t, powermanagesim.Logins{Accounts: 2, Panels: 2, Writes: 1}, k.sim.Logins())
			})
		})
	}
	t.Run("again and again", func(t *testing.T) {
		in(t, func(k *rig) {
			s := k.open()
			k.at("users", 440, "")
			_, err := k.read(s)
			told(t, err, panel.ErrUnreachable, powermanage.ErrStaleSession, 0)
			assert.Equal(t, 2, k.sim.Logins().Panels, "once more, and not again")
		})
	})
}

// What the server says of one panel is told with every reading: whoever keeps the model
// knows nothing else of it.
//
// Rules: D2
func TestReadingsTellThePanelsOwnModel(t *testing.T) {
	run(t, powermanagesim.Options{Panels: []powermanagesim.PanelOptions{{Users: 32, Partitions: 3, Reserved: []int{9}}}}, powermanage.Options{}, func(k *rig) {
		s := k.open()
		var told *panel.Model
		for e, err := range s.Read(k.t.Context(), panel.Query{}) {
			require.NoError(k.t, err)
			if e.Panel != nil {
				told = e.Panel.Model
			}
		}
		require.NotNil(k.t, told)
		assert.Equal(k.t, s.Model(), *told)
		assert.Equal(k.t, 32, told.Slots.Last)
		assert.Equal(k.t, []int{9}, told.Reserved)
	})
}

// A session whose secrets are refused on the way presents them no more, whatever it is
// asked.
//
// Rules: D27
func TestRefusedSessionsStayRefused(t *testing.T) {
	in(t, func(k *rig) {
		k.seat(4, "8675", "Side")
		s := k.open()
		require.NoError(t, k.sim.Keypad(change(t, 1, "6180")))
		k.sim.Expire(false)
		for range 3 {
			_, err := k.read(s)
			told(t, err, panel.ErrSecret, powermanage.ErrUserCode, 0)
			_, err = k.apply(s, change(t, 4, "8676"))
			told(t, err, panel.ErrSecret, powermanage.ErrUserCode, 0)
		}
		assert.Equal(t, 2, k.sim.Logins().Panels, "the code was right once and wrong once")
	})
}

// Three wrong codes shut the panel's login; its seconds come through.
func TestLockOutsTellTheirSeconds(t *testing.T) {
	in(t, func(k *rig) {
		to := target()
		to.Routes[powermanage.Route].Secrets[panel.MasterSecret] = panel.SecretOf("6180")
		for range 3 {
			_, err := k.driver.Open(k.t.Context(), to)
			require.ErrorIs(t, err, panel.ErrSecret)
		}
		_, err := k.driver.Open(k.t.Context(), target())
		told(t, err, panel.ErrBlocked, powermanage.ErrLoginBlocked, 5*time.Minute)
		time.Sleep(5 * time.Minute)
		k.open()
	})
}

// A session that is not used has no connection, and so nobody who waits at one.
func TestIdleSessionsHoldNothing(t *testing.T) {
	in(t, func(k *rig) {
		s := k.open()
		_, err := k.read(s)
		require.NoError(t, err)
		synctest.Wait()
		assert.Zero(t, k.live.Load())
		assert.Positive(t, s.Model().Linger, "the server forgets sessions")
	})
}

// Rules: D23
func TestMastersNewCodeOpensTheRouteFromThenOn(t *testing.T) {
	in(t, func(k *rig) {
		s := k.open()
		o, err := k.apply(s, change(t, 1, "6180"))
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
		k.sim.Expire(false)
		_, err = k.read(s)
		require.NoError(t, err, "the session signs in with the new code")
	})
	// A session that ends with the old code leaves open whether the new one is set. The old
	// one is presented once, as any other call would; which of both is right is the
	// service's to find out.
	in(t, func(k *rig) {
		require.True(t, k.sim.Quirk(powermanagesim.MasterEnds, true))
		s := k.open()
		o, err := k.apply(s, change(t, 1, "6180"))
		told(t, err, panel.ErrSecret, powermanage.ErrUserCode, 0)
		assert.Equal(t, panel.FieldCode, o.Unsure)
		assert.NotNil(t, o.Ticket)
		assert.Equal(t, 2, k.sim.Logins().Panels)
		to := target()
		to.Routes[powermanage.Route].Secrets[panel.MasterSecret] = panel.SecretOf("6180")
		s, err = k.driver.Open(k.t.Context(), to)
		require.NoError(t, err)
		e := change(t, 1, "6180")
		e.Unsure, e.Ticket = o.Unsure, o.Ticket
		o, err = k.apply(s, e)
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
		assert.Equal(t, 1, k.sim.Logins().Writes)
	})
}

// The panel is reached some time after the login, or it is not.
func TestPanelsAreWaitedFor(t *testing.T) {
	in(t, func(k *rig) {
		require.True(t, k.sim.Quirk(powermanagesim.ConnectsLate, true))
		k.open()
		k.at("status", 200, `{"connected":false}`)
		_, err := k.driver.Open(k.t.Context(), target())
		told(t, err, panel.ErrUnreachable, powermanage.ErrNotConnected, 0)
	})
}

// A server that knows none of our versions gets no secret.
func TestVersionsAreNegotiatedBeforeAnySecret(t *testing.T) {
	for _, body := range []string{`{"rest_versions":[]}`, `{"rest_versions":["4.0"]}`, `{}`} {
		in(t, func(k *rig) {
			k.at("version", 200, body)
			_, err := k.driver.Open(k.t.Context(), target())
			told(t, err, panel.ErrProtocol, powermanage.ErrVersion, 0)
			assert.Len(t, k.said, 1)
		})
	}
}

// Accounts are granted a panel user, and lose it.
func TestAccountsAreGrantedPanelUsers(t *testing.T) {
	in(t, func(k *rig) {
		guest := panel.SecretOf("guest@example.com")
		require.NoError(t, k.driver.Grant(k.t.Context(), target(), 4, guest))
		err := k.driver.Grant(k.t.Context(), target(), 4, guest)
		told(t, err, panel.ErrRefused, powermanage.ErrAlreadyGranted, 0)
		assert.NotContains(t, err.Error(), "guest")
		require.NoError(t, k.driver.Revoke(k.t.Context(), target(), 4))
		require.NoError(t, k.driver.Grant(k.t.Context(), target(), 4, guest))
		err = k.driver.Grant(k.t.Context(), target(), 99, guest)
		told(t, err, panel.ErrRefused, powermanage.ErrBadRequest, 0)
	})
}

// Nothing that a host can hold tells a secret.
func TestSessionsAndDriversDoNotTellSecrets(t *testing.T) {
	in(t, func(k *rig) {
		k.seat(4, "8675", "Side")
		s := k.open()
		o, err := k.apply(s, change(t, 4, "6180"))
		require.NoError(t, err)
		silent(t, s)
		silent(t, o)
		silent(t, k.driver)
		users, err := k.read(s)
		require.NoError(t, err)
		silent(t, users)
		require.NoError(t, s.Close())
		_, err = k.apply(s, change(t, 4, "8675"))
		told(t, err, panel.ErrUnreachable, powermanage.ErrClosed, 0)
	})
}

// Close ends what is under way.
func TestCloseEndsAnApplyThatWaits(t *testing.T) {
	run(t, powermanagesim.Options{Latency: time.Hour}, powermanage.Options{Wait: time.Hour}, func(k *rig) {
		s := k.open()
		ctx, cancel := context.WithCancel(k.t.Context())
		defer cancel()
		time.AfterFunc(5*time.Second, func() { assert.NoError(t, s.Close()) })
		start := time.Now()
		var last error
		var out panel.Outcome
		for o, err := range s.Apply(ctx, []panel.Edit{create(t, 4, "8675", "Side")}) {
			if last = err; err == nil {
				out = o
			}
		}
		told(t, last, panel.ErrUnreachable, powermanage.ErrClosed, 0)
		assert.NotNil(t, out.Ticket, "the job is known and goes on")
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

// What the server lets nobody edit it refuses, and what it does not name is tried.
func TestFeaturesThatAreMissingAreRefused(t *testing.T) {
	only := powermanagesim.Options{Panels: []powermanagesim.PanelOptions{{Features: []string{"UEF_CODE"}}}}
	run(t, only, powermanage.Options{}, func(k *rig) {
		k.seat(4, "8675", "Side")
		s := k.open()
		assert.Equal(t, panel.FieldCode, s.Model().Change)
		assert.Zero(t, s.Model().Create)
		o, err := k.apply(s, panel.Edit{Place: panel.Place{Slot: 4}, Do: panel.Remove})
		require.NoError(t, err)
		told(t, o.Refused[panel.FieldCode], panel.ErrRefused, powermanage.ErrNotAllowed, 0)
		require.NotNil(t, o.Report)
		assert.True(t, o.Report.Exists)
		o, err = k.apply(s, change(t, 4, "6180"))
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
	})
}

// An empty secret would count as a wrong one: nothing is called.
func TestMissingSecretsAreNotPresented(t *testing.T) {
	for _, name := range []string{powermanage.EmailSecret, powermanage.PasswordSecret, panel.MasterSecret} {
		in(t, func(k *rig) {
			to := target()
			delete(to.Routes[powermanage.Route].Secrets, name)
			_, err := k.driver.Open(k.t.Context(), to)
			told(t, err, panel.ErrSecret, powermanage.ErrSecretMissing, 0)
			assert.Empty(t, k.said)
		})
	}
}

// A write that the server refused as one of a forgotten session was not carried out, even
// if nobody may sign in anew.
func TestWritesOfForgottenSessionsAreNotInDoubt(t *testing.T) {
	in(t, func(k *rig) {
		k.seat(4, "8675", "Side")
		s := k.open()
		k.over = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/set_user_code") && !strings.HasSuffix(r.URL.Path, "/auth") {
				return false
			}
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		o, err := k.apply(s, change(t, 4, "6180"))
		told(t, err, panel.ErrSecret, powermanage.ErrUserToken, 0)
		assert.Zero(t, o.Unsure|o.Done)
		assert.Equal(t, "8675", k.code(4))
	})
}
