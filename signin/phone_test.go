package signin_test

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// sixDigits is the code in the newest text message.
func (w *world) sixDigits() otp.Answer {
	w.t.Helper()
	w.work()
	return otp.AnswerOf(regexp.MustCompile(`[0-9]{6}`).FindString(w.texts.last().Body))
}

func proven(c *setup) { c.policy.ProvenPhone = true }

// Under the policy a number is no second factor before its owner has proven it, with the
// code that went to that very number, and not any more once it is another one.
func TestAPhoneNumberIsNoFactorBeforeItIsProven(t *testing.T) {
	w := newWorld(t, proven)
	a := w.owner("tower")
	usable := func() []signin.Method {
		f, err := w.op.Factors(t.Context(), a.ID)
		require.NoError(t, err)
		return f.Usable
	}
	assert.Equal(t, []signin.Method{signin.Mail}, usable())
	o := w.hands(w.in("tower").Token)
	require.ErrorIs(t, o.ProvePhone(t.Context(), otp.AnswerOf("123456")), signin.ErrFactorWrong, "none was sent")
	require.NoError(t, o.SendPhoneCode(t.Context()))
	old := w.sixDigits()
	assert.Equal(t, "+12025550123", w.texts.last().To)

	_, err := w.people.SetContact(t.Context(), a.ID, a.Email, "+12025550199")
	require.NoError(t, err)
	require.ErrorIs(t, o.ProvePhone(t.Context(), old), signin.ErrSession, "a factor was taken away")
	o = w.hands(w.in("tower").Token)
	require.ErrorIs(t, o.ProvePhone(t.Context(), old), signin.ErrFactorWrong, "it went to another number")
	require.NoError(t, o.SendPhoneCode(t.Context()))
	code := w.sixDigits()
	assert.Equal(t, "+12025550199", w.texts.last().To)
	assert.Equal(t, []signin.Method{signin.Mail}, usable())
	require.NoError(t, o.ProvePhone(t.Context(), code))
	assert.Equal(t, []signin.Method{signin.SMS, signin.Mail}, usable())
	assert.Equal(t, 1, w.told("The second factors of your account were changed"))
	require.ErrorIs(t, o.ProvePhone(t.Context(), code), signin.ErrFactorWrong, "twice")

	_, err = w.people.SetContact(t.Context(), a.ID, a.Email, "+12025550123")
	require.NoError(t, err)
	assert.Equal(t, []signin.Method{signin.Mail}, usable(), "another number")
	_, err = w.people.SetContact(t.Context(), a.ID, a.Email, "+12025550199")
	require.NoError(t, err)
	assert.Equal(t, []signin.Method{signin.SMS, signin.Mail}, usable(), "the proven one again")
}

// Proving a number asks for a fresh factor, a session, few guesses, and a code in time.
func TestProvingANumberIsGuarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, proven, func(c *setup) { c.policy.Limits.Codes = []signin.Limit{{Max: 3, Per: time.Hour}} })
		w.owner("tower")
		w.owner("mute", func(n *people.NewAccount) { n.Phone = "" })
		require.ErrorIs(t, w.hands(w.in("mute").Token).SendPhoneCode(t.Context()), signin.ErrNoFactor)
		o := w.hands(w.in("tower").Token)
		time.Sleep(5*time.Minute + time.Second)
		require.ErrorIs(t, o.SendPhoneCode(t.Context()), accounts.ErrStepUpRequired)
		require.ErrorIs(t, o.ProvePhone(t.Context(), otp.AnswerOf("123456")), accounts.ErrStepUpRequired)

		in := w.in("tower")
		o = w.hands(in.Token)
		require.NoError(t, o.SendPhoneCode(t.Context()))
		code := w.sixDigits()
		for range 5 {
			require.ErrorIs(t, o.ProvePhone(t.Context(), otp.AnswerOf("wrong")), signin.ErrFactorWrong)
		}
		require.ErrorIs(t, o.ProvePhone(t.Context(), code), signin.ErrFactorLocked)
		require.NoError(t, o.SendPhoneCode(t.Context()))
		code = w.sixDigits()
		require.NoError(t, w.signin.SignOut(t.Context(), in.Token))
		require.ErrorIs(t, o.ProvePhone(t.Context(), code), signin.ErrSession)
		time.Sleep(10 * time.Minute)
		o = w.hands(w.in("tower").Token)
		require.ErrorIs(t, o.ProvePhone(t.Context(), code), signin.ErrFactorExpired)
		require.NoError(t, o.SendPhoneCode(t.Context()))
		require.ErrorIs(t, o.SendPhoneCode(t.Context()), signin.ErrTooManyCodes)
	})
}
