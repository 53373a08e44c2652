package signin_test

import (
	"errors"
	"regexp"
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

// challenged signs in to an account that needs a second factor.
func (w *world) challenged(name string) signin.Challenge {
	w.t.Helper()
	r, err := w.try(name, first)
	require.NoError(w.t, err)
	require.Nil(w.t, r.Session)
	require.True(w.t, r.Token.IsZero())
	require.NotNil(w.t, r.Challenge)
	return *r.Challenge
}

func (w *world) answer(c signin.Challenge, m signin.Method, code otp.Answer) (signin.Result, error) {
	return w.signin.Answer(w.ctx(), signin.Reply{Challenge: c.Token, Method: m, Code: code, From: home})
}

// text is the code in the newest text message.
func (w *world) text() otp.Answer {
	w.t.Helper()
	w.work()
	return otp.AnswerOf(regexp.MustCompile(`^\S+`).FindString(w.texts.last().Body))
}

// Rules: G82, G83, G85, G88, G89, G159, S14
func TestASecondFactorIsAskedForWhereItIsRequired(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	w.in("tower")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	c := w.challenged("tower")
	assert.Equal(t, []signin.Method{signin.SMS, signin.Mail}, c.Methods)
	assert.Equal(t, signin.SMS, c.Sent)
	code := w.text()
	assert.Equal(t, "+12025550123", w.texts.last().To)
	assert.Len(t, code.Reveal(), 6)
	other := w.challenged("tower")
	otherCode := w.text()
	_, err := w.answer(other, signin.SMS, code)
	require.ErrorIs(t, err, signin.ErrFactorWrong, "a code is for its own challenge")
	_, err = w.answer(c, signin.Mail, code)
	require.ErrorIs(t, err, signin.ErrFactor, "and for its own channel")
	r, err := w.answer(c, signin.SMS, code)
	require.NoError(t, err)
	assert.Equal(t, []signin.Method{signin.Password, signin.SMS}, r.Session.Methods)
	assert.True(t, w.alive(r.Token))
	_, err = w.answer(c, signin.SMS, code)
	require.ErrorIs(t, err, signin.ErrChallenge, "twice")
	_, err = w.answer(other, signin.SMS, otherCode)
	require.NoError(t, err, "sign-ins at once do not void each other's codes")

	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, false))
	w.in("tower")
}

// Rules: G83, G84, G174
func TestWhichFactorsAreOfferedFollowsFromWhatIsConfiguredAndKnown(t *testing.T) {
	bare := func(n *people.NewAccount) { n.Phone = "" }
	for _, c := range []struct {
		mail, sms bool
		edit      func(*people.NewAccount)
		app       bool
		want      []signin.Method
	}{
		{true, true, nil, true, []signin.Method{signin.App, signin.SMS, signin.Mail, signin.Recovery}},
		{true, true, nil, false, []signin.Method{signin.SMS, signin.Mail}},
		{true, true, bare, false, []signin.Method{signin.Mail}},
		{false, true, nil, false, []signin.Method{signin.SMS}},
		{true, false, nil, false, []signin.Method{signin.Mail}},
		{false, true, bare, true, []signin.Method{signin.App, signin.Recovery}},
		{false, true, bare, false, nil},
	} {
		w := newWorld(t, func(s *setup) {
			s.signin = func(o *signin.Options) {
				if !c.mail {
					o.Mailer = nil
				}
				if !c.sms {
					o.SMS = nil
				}
			}
		})
		edit := c.edit
		if edit == nil {
			edit = func(*people.NewAccount) {}
		}
		a := w.owner("tower", edit)
		if c.app {
			w.enrol(w.in("tower").Token)
		}
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		f, err := w.op.Factors(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, c.want, f.Usable)
		r, err := w.try("tower", first)
		if c.want == nil {
			require.ErrorIs(t, err, signin.ErrNoFactor)
			assert.ErrorContains(t, err, "app: no app is set up; sms: the account has no phone number; mail: mail is not configured")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.want, r.Challenge.Methods)
	}
}

// Rules: G86, G176
func TestACodeExpiresAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for late, want := range map[time.Duration]error{10*time.Minute - time.Second: nil, 10*time.Minute + time.Second: signin.ErrChallenge} {
			w := newWorld(t)
			a := w.owner("tower")
			require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
			c := w.challenged("tower")
			code := w.text()
			time.Sleep(late)
			_, err := w.answer(c, signin.SMS, code)
			require.ErrorIs(t, err, want)
		}
	})
}

// Rules: G87, G177, G178
func TestTriesAtAChallengeAreLimited(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	c := w.challenged("tower")
	code := w.text()
	for range 5 {
		_, err := w.answer(c, signin.SMS, otp.AnswerOf("wrong1"))
		require.ErrorIs(t, err, signin.ErrFactorWrong)
	}
	_, err := w.answer(c, signin.SMS, code)
	require.ErrorIs(t, err, signin.ErrFactorLocked)
	c = w.challenged("tower")
	_, err = w.answer(c, signin.SMS, w.text())
	require.NoError(t, err)

	tries := 0
	for range 20 { // new challenges do not give new guesses for ever
		r, err := w.try("tower", first)
		if err != nil {
			require.ErrorIs(t, err, signin.ErrTooManyCodes)
			break
		}
		for range 5 {
			if _, err := w.answer(*r.Challenge, signin.SMS, otp.AnswerOf("wrong1")); errors.Is(err, signin.ErrFactorWrong) {
				tries++
			}
		}
	}
	assert.Equal(t, 15, tries, "20 an hour for the account, of which five were used")
}

func TestAnotherCodeIsSentOnRequestButNotAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.owner("tower")
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		c := w.challenged("tower")
		code := w.text()
		_, err := w.signin.Send(t.Context(), c.Token, signin.SMS)
		require.ErrorIs(t, err, signin.ErrTooSoon)
		time.Sleep(30 * time.Second)
		_, err = w.signin.Send(t.Context(), c.Token, signin.App)
		require.ErrorIs(t, err, signin.ErrFactor)
		sent, err := w.signin.Send(t.Context(), c.Token, signin.Mail)
		require.NoError(t, err)
		assert.Equal(t, signin.Mail, sent.Sent)
		mailed := w.code("tower")
		_, err = w.answer(c, signin.SMS, code)
		require.ErrorIs(t, err, signin.ErrFactor)
		r, err := w.answer(c, signin.Mail, mailed)
		require.NoError(t, err)
		assert.True(t, r.Session.Factor.IsZero(), "a code by mail is no fresh factor")
		_, err = w.signin.Send(t.Context(), c.Token, signin.Mail)
		require.ErrorIs(t, err, signin.ErrChallenge)
		_, err = w.signin.Send(t.Context(), signin.Token{}, signin.Mail)
		require.ErrorIs(t, err, signin.ErrChallenge)
	})
}

// Rules: S43
func TestCodesAreLettersWhereThePolicySaysSo(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.policy.Letters = true })
	a := w.owner("tower")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	c := w.challenged("tower")
	assert.Regexp(t, `^[A-Z2-7]{6}$`, w.text().Reveal())
	_, err := w.answer(c, signin.SMS, w.text())
	require.NoError(t, err)
}

// A code of an app works once, also if the sign-in before was with the next one: A, B, A
// lets nobody in twice. Setting the app up uses its code too.
func TestAnAppsCodeWorksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.owner("tower")
		secret, _, _ := w.enrol(w.in("tower").Token)
		use := func(at time.Time) error {
			_, err := w.answer(w.challenged("tower"), signin.App, shown(secret, at))
			return err
		}
		require.ErrorIs(t, use(time.Now()), signin.ErrFactorWrong, "the code that set it up")
		time.Sleep(time.Minute)
		a, b := time.Now(), time.Now().Add(otp.Period)
		require.NoError(t, use(a))
		require.ErrorIs(t, use(a), signin.ErrFactorWrong)
		require.NoError(t, use(b))
		require.ErrorIs(t, use(a), signin.ErrFactorWrong, "A, B, A")
	})
}

func TestRecoveryCodesStandInForALostDeviceOnce(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	_, codes, _ := w.enrol(w.in("tower").Token)
	require.Len(t, codes, 10)
	r, err := w.answer(w.challenged("tower"), signin.Recovery, otp.AnswerOf(codes[3].Text()))
	require.NoError(t, err)
	_, err = w.answer(w.challenged("tower"), signin.Recovery, codes[3])
	require.ErrorIs(t, err, signin.ErrFactorWrong)
	o := w.hands(r.Token)
	fresh, err := o.NewRecoveryCodes(t.Context())
	require.NoError(t, err)
	_, err = w.answer(w.challenged("tower"), signin.Recovery, codes[4])
	require.ErrorIs(t, err, signin.ErrFactorWrong, "replaced")
	_, err = w.answer(w.challenged("tower"), signin.Recovery, fresh[0])
	require.NoError(t, err)
	token, err := o.RemoveApp(t.Context())
	require.NoError(t, err)
	assert.True(t, w.alive(token))
	w.in("tower")
	f, err := w.op.Factors(t.Context(), a.ID)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), f.Last, time.Minute)
	f.Last = time.Time{}
	assert.Equal(t, signin.Factors{Password: true, Usable: []signin.Method{signin.SMS, signin.Mail}}, f)
}

// Rules: G132, G133
func TestPoliciesAskAdministratorsAndWhoIsAwayForASecondFactor(t *testing.T) {
	admin := func(n *people.NewAccount) { n.Roles, n.Sites = []string{"admin"}, accounts.AllSites() }
	w := newWorld(t, func(c *setup) { c.policy.AdminFactor = true })
	w.owner("admin", admin)
	w.owner("tower")
	w.challenged("admin")
	w.in("tower")
	w = newWorld(t, func(c *setup) { c.policy.RemoteFactor = true })
	w.owner("tower")
	w.challenged("tower")
	w.in("tower", func(a *signin.Attempt) { a.From.Local = true })
}

// Who reads the mailbox has one factor: neither is the second one a code to the same
// mailbox, nor does setting a password sign in.
func TestAResetDoesNotPassByTheSecondFactor(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.signin = func(o *signin.Options) { o.SMS = nil } })
	mailbox, app := w.owner("mailbox"), w.owner("app")
	secret, _, _ := w.enrol(w.in("app").Token)
	for _, a := range []people.Account{mailbox, app} {
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		_, err := w.people.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
	}
	err := w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "mailbox", Code: w.code("mailbox"), Password: second, From: home})
	require.ErrorIs(t, w.cause(err), signin.ErrSameMailbox)
	require.NoError(t, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "app", Code: w.code("app"), Password: second, From: home}))
	enter := func() signin.Challenge {
		r, err := w.try("app", second)
		require.NoError(t, err)
		return *r.Challenge
	}
	c := enter()
	assert.NotContains(t, c.Methods, signin.Mail)
	_, err = w.signin.Send(t.Context(), c.Token, signin.Mail)
	require.ErrorIs(t, err, signin.ErrFactor)
	_, err = w.answer(c, signin.App, shown(secret, time.Now().Add(otp.Period)))
	require.NoError(t, err)
	assert.Contains(t, enter().Methods, signin.Mail, "proven by another factor since")
}

// Rules: G134, G198
func TestActsThatAskForItNeedAFactorThatWasProvenJustNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *setup) { c.policy.SkipFactor = true })
		w.owner("tower")
		r := w.in("tower")
		assert.True(t, r.Session.Actor().Fresh(time.Now(), 5*time.Minute))
		time.Sleep(5*time.Minute + time.Second)
		o := w.hands(r.Token)
		assert.False(t, o.Session().Actor().Fresh(time.Now(), 5*time.Minute))
		_, err := o.EnrolApp(t.Context())
		require.ErrorIs(t, err, accounts.ErrStepUpRequired)
		_, err = o.NewRecoveryCodes(t.Context())
		require.ErrorIs(t, err, accounts.ErrStepUpRequired)
		_, err = o.StepUp(t.Context(), signin.Password, otp.Answer{}, wrong)
		require.ErrorIs(t, err, accounts.ErrBadCredentials)
		token, err := o.StepUp(t.Context(), signin.Password, otp.Answer{}, first)
		require.NoError(t, err)
		assert.False(t, w.alive(r.Token), "a proven factor gives a new token")
		secret, _, token := w.enrol(token)

		time.Sleep(6 * time.Minute)
		o = w.hands(token)
		_, err = o.StepUp(t.Context(), signin.Password, otp.Answer{}, first)
		require.ErrorIs(t, err, signin.ErrFactor, "a password is less than the account has")
		_, err = o.StepUp(t.Context(), signin.Mail, otp.AnswerOf("123456"), password.Password{})
		require.ErrorIs(t, err, signin.ErrFactor)
		_, err = o.StepUp(t.Context(), signin.App, otp.AnswerOf("000000"), password.Password{})
		require.ErrorIs(t, err, signin.ErrFactorWrong)
		token, err = o.StepUp(t.Context(), signin.App, shown(secret, time.Now()), password.Password{})
		require.NoError(t, err)
		_, err = w.hands(token).NewRecoveryCodes(t.Context())
		require.NoError(t, err)

		time.Sleep(time.Minute)
		full, err := w.try("tower", first, remember)
		require.NoError(t, err)
		r, err = w.answer(*full.Challenge, signin.App, shown(secret, time.Now()))
		require.NoError(t, err)
		skipped := w.in("tower", func(a *signin.Attempt) { a.Device = r.Device })
		assert.False(t, skipped.Session.Actor().Fresh(time.Now(), 5*time.Minute), "a remembered device is no factor")
		_, err = w.hands(skipped.Token).RemoveApp(t.Context())
		require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	})
}

// The name of a challenge is no secret; what follows it is.
func TestAGuessedChallengeIsNone(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	c := w.challenged("tower")
	code := w.text()
	text := c.Token.Reveal()
	guessed := c
	guessed.Token = signin.ParseToken(text[:len(text)-4] + "AAAA")
	_, err := w.answer(guessed, signin.SMS, code)
	require.ErrorIs(t, err, signin.ErrChallenge)
	_, err = w.signin.Send(t.Context(), guessed.Token, signin.Mail)
	require.ErrorIs(t, err, signin.ErrChallenge)
	_, err = w.answer(c, signin.SMS, code)
	require.NoError(t, err)
}

// A code for a number that the account has no more is no factor: the sign-in has ended.
func TestACodeToANumberThatWasTakenAwayIsNoFactor(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	c := w.challenged("tower")
	code := w.text()
	_, err := w.people.SetContact(t.Context(), a.ID, a.Email, "")
	require.NoError(t, err)
	_, err = w.answer(c, signin.SMS, code)
	require.ErrorIs(t, err, signin.ErrChallenge)
}

// Whatever ends every session ends the sign-ins that wait for a factor.
func TestAChallengeEndsWithTheSessions(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	c := w.challenged("tower")
	code := w.text()
	require.NoError(t, w.op.EndSessions(t.Context(), a.ID))
	_, err := w.answer(c, signin.SMS, code)
	require.ErrorIs(t, err, signin.ErrChallenge)
}

// Who proves a factor over and over is not slowed by their own successes.
func TestAProvenFactorIsNoGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *setup) { c.policy.Limits.Factor = []signin.Limit{{Max: 3, Per: 24 * time.Hour}} })
		w.owner("tower")
		secret, _, token := w.enrol(w.in("tower").Token)
		for range 5 {
			time.Sleep(time.Minute)
			var err error
			token, err = w.hands(token).StepUp(t.Context(), signin.App, shown(secret, time.Now()), password.Password{})
			require.NoError(t, err)
		}
	})
}

// A session that ended meanwhile does not come back by a factor.
func TestAFactorRevivesNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.owner("tower")
		secret, _, token := w.enrol(w.in("tower").Token)
		o := w.hands(token)
		time.Sleep(time.Until(o.Session().Ends) - time.Second)
		token, err := o.StepUp(t.Context(), signin.App, shown(secret, time.Now()), password.Password{})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.False(t, w.alive(token))
		_, err = o.StepUp(t.Context(), signin.App, shown(secret, time.Now()), password.Password{})
		require.ErrorIs(t, err, signin.ErrSession)

		full := w.challenged("tower")
		time.Sleep(time.Minute)
		r, err := w.answer(full, signin.App, shown(secret, time.Now()))
		require.NoError(t, err)
		o = w.hands(r.Token)
		require.NoError(t, w.op.EndSessions(t.Context(), r.Session.Account))
		time.Sleep(time.Minute)
		_, err = o.StepUp(t.Context(), signin.App, shown(secret, time.Now()), password.Password{})
		require.ErrorIs(t, err, signin.ErrSession)
	})
}

func TestAnAppThatIsNotProvenChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	o := w.hands(w.in("tower").Token)
	_, _, err := o.ConfirmApp(t.Context(), otp.AnswerOf("123456"))
	require.ErrorIs(t, err, signin.ErrNoApp)
	old, err := o.EnrolApp(t.Context())
	require.NoError(t, err)
	assert.Contains(t, o.URI(old), "otpauth://totp/Example:Tower%20Mill?")
	secret, err := o.EnrolApp(t.Context())
	require.NoError(t, err)
	_, _, err = o.ConfirmApp(t.Context(), shown(old, time.Now()))
	require.ErrorIs(t, err, signin.ErrFactorWrong)
	w.in("tower")
	_, token, err := o.ConfirmApp(t.Context(), shown(secret, time.Now()))
	require.NoError(t, err)
	assert.True(t, w.alive(token))
	w.challenged("tower")
}

// Whether there is a code to guess at shows in no answer, however often it was tried.
func TestACodeThatWasGuessedAtTooOftenAnswersTheSame(t *testing.T) {
	w := newWorld(t)
	w.invite("tower")
	for i := range 7 {
		for _, name := range []string{"tower", "nobody"} {
			err := w.signin.SetPassword(t.Context(), signin.NewPassword{Name: name, Code: otp.AnswerOf("00000000"), Password: first, From: home})
			require.ErrorIs(t, err, signin.ErrCode, "%s %d", name, i)
		}
	}
}
