package signin_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// Rules: G184
func TestFiveWrongPINsEndTheEnrolment(t *testing.T) {
	w := newWorld(t, quick)
	a, p, token := w.holder("tower")
	for range 4 {
		_, err := p.try(wrongPIN)
		require.ErrorIs(t, err, signin.ErrPIN)
	}
	r, err := p.try(duressPIN) // begins the count anew, as the PIN does
	require.NoError(t, err)
	for range 5 {
		_, err = p.try(wrongPIN)
		require.ErrorIs(t, err, signin.ErrPIN)
	}
	_, err = p.try(rightPIN)
	require.ErrorIs(t, err, signin.ErrNotEnrolled)
	assert.False(t, w.alive(r.Token), "a session outlived the enrolment by which it began")
	assert.True(t, w.alive(token))
	list, err := w.op.Enrolments(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Empty(t, list)
	n := w.entries()
	assert.Equal(t, []int{1, 1, 10}, []int{n[audit.DeviceEnrolled], n[audit.DeviceEnded], n[audit.SignInRefused]})
}

// Rules: G184, G197
func TestWhatEndsEnrolments(t *testing.T) {
	for name, end := range map[string]func(w *world, a people.Account, p phone, token signin.Token) error{
		"suspended": func(w *world, a people.Account, _ phone, _ signin.Token) error {
			_, err := w.people.Suspend(w.ctx(), a.ID, "left")
			if err == nil {
				_, err = w.people.Enable(w.ctx(), a.ID)
			}
			return err
		},
		"revoked": func(w *world, a people.Account, _ phone, _ signin.Token) error {
			_, err := w.people.Revoke(w.ctx(), a.ID, "left")
			if err == nil {
				_, err = w.people.Unrevoke(w.ctx(), a.ID)
			}
			return err
		},
		"removed": func(w *world, a people.Account, _ phone, _ signin.Token) error {
			return w.people.Remove(w.ctx(), a.ID, people.Confirmation{Account: "tower@example.com"})
		},
		"another password": func(w *world, _ people.Account, _ phone, token signin.Token) error {
			_, err := w.hands(token).ChangePassword(w.ctx(), first, second)
			return err
		},
		"every sign-in ended by an operator": func(w *world, a people.Account, _ phone, _ signin.Token) error {
			return w.op.EndSessions(w.ctx(), a.ID)
		},
		"every other sign-in ended": func(w *world, _ people.Account, _ phone, token signin.Token) error {
			_, err := w.hands(token).EndOthers(w.ctx())
			return err
		},
		"its owner": func(w *world, _ people.Account, p phone, token signin.Token) error {
			return w.hands(token).EndEnrolment(w.ctx(), p.id)
		},
		"an operator": func(w *world, a people.Account, p phone, _ signin.Token) error {
			return w.op.EndEnrolment(w.ctx(), a.ID, p.id)
		},
		"its end": func(*world, people.Account, phone, signin.Token) error { time.Sleep(31 * 24 * time.Hour); return nil },
		"a restored store": func(w *world, _ people.Account, _ phone, _ signin.Token) error {
			w.quarantine()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, quick)
				a, p, token := w.holder("tower")
				r, err := p.try(rightPIN)
				require.NoError(t, err)
				require.True(t, w.alive(r.Token))
				require.NoError(t, end(w, a, p, token))
				require.False(t, w.alive(r.Token))
				_, err = p.try(rightPIN)
				require.ErrorIs(t, err, signin.ErrNotEnrolled)
			})
		})
	}
}

// A PIN that is changed, taken away or out of its time begins no session, and ends those
// that it began.
//
// Rules: G184, G197
func TestAPINThatDoesNotCountAnyMoreEndsItsSessions(t *testing.T) {
	for name, edit := range map[string]func(*rec.Credential){
		"disabled": func(c *rec.Credential) { c.Disabled = true },
		"revoked":  func(c *rec.Credential) { c.Window.Revoked = true },
		"not yet":  func(c *rec.Credential) { c.Window.From = time.Now().Add(time.Hour) },
		"over":     func(c *rec.Credential) { c.Window.Until = time.Now().Add(-time.Hour) },
		"removed":  func(c *rec.Credential) { c.Names, c.Sealed = nil, credentials.Sealed{} },
	} {
		w := newWorld(t, quick)
		a, p, _ := w.holder("tower")
		r, err := p.try(rightPIN)
		require.NoError(t, err)
		w.pin(a.ID, rec.PIN, rightPIN, edit)
		assert.False(t, w.alive(r.Token), name)
		for _, pin := range []string{rightPIN, duressPIN} {
			_, err = p.try(pin)
			require.ErrorIs(t, err, signin.ErrPIN, name)
		}
	}
	w := newWorld(t, quick)
	a, p, _ := w.holder("tower")
	r, err := p.try(rightPIN)
	require.NoError(t, err)
	w.pin(a.ID, rec.PIN, "3690", func(c *rec.Credential) { c.Generation = 2 })
	assert.False(t, w.alive(r.Token))
	_, err = p.try("3690")
	require.NoError(t, err)
}

// A session that a PIN began outlives what is written about the PIN without a new one:
// that devices have followed, that a tag was given. A new PIN ends it whatever the clock
// says, and so does a new duress PIN.
//
// Rules: G184
func TestOnlyANewPINEndsItsSessions(t *testing.T) {
	w := newWorld(t, quick)
	a, p, _ := w.holder("tower")
	r, err := p.try(rightPIN)
	require.NoError(t, err)
	for _, kind := range []rec.CredentialKind{rec.PIN, rec.DuressPIN} {
		text := map[rec.CredentialKind]string{rec.PIN: rightPIN, rec.DuressPIN: duressPIN}[kind]
		w.pin(a.ID, kind, text, func(c *rec.Credential) { c.Changed = time.Now().Add(time.Minute) })
		assert.True(t, w.alive(r.Token), "%s", kind)
	}
	for n, kind := range []rec.CredentialKind{rec.PIN, rec.DuressPIN} {
		w.pin(a.ID, kind, "3690", func(c *rec.Credential) { c.Generation, c.Changed = uint64(2+n), time.Now().Add(-time.Hour) })
		assert.False(t, w.alive(r.Token), "%s", kind)
		w.pin(a.ID, rec.PIN, rightPIN, func(c *rec.Credential) { c.Generation = uint64(2 + n) })
		r, err = p.try(rightPIN)
		require.NoError(t, err)
	}
}

// Rules: G184
func TestEnrollingNeedsAFreshFactorAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quick)
		_, p, token := w.holder("tower")
		_, key, err := ed25519.GenerateKey(rand.Reader)
		require.NoError(t, err)
		one := signin.NewEnrolment{Key: public(t, key)}
		for range 9 {
			_, err := w.hands(token).Enrol(t.Context(), one)
			require.NoError(t, err)
		}
		_, err = w.hands(token).Enrol(t.Context(), one)
		require.ErrorIs(t, err, signin.ErrTooManyDevices)
		require.NoError(t, w.hands(token).EndEnrolment(t.Context(), p.id))
		require.ErrorIs(t, w.hands(token).EndEnrolment(t.Context(), p.id), signin.ErrNotEnrolled)
		_, err = w.hands(token).Enrol(t.Context(), one)
		require.NoError(t, err)
		list, err := w.hands(token).Enrolments(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 10)

		other := w.owner("other")
		require.ErrorIs(t, w.op.EndEnrolment(t.Context(), other.ID, list[0].ID), signin.ErrNotEnrolled, "of somebody else")
		time.Sleep(6 * time.Minute)
		_, err = w.hands(token).Enrol(t.Context(), one)
		require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	})
}
