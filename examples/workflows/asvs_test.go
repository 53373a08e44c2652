package workflows_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// strict is PowerManage with the passwords of NIST SP 800-63B-4.
func strict() preset {
	p := powerManage()
	p.signin.Password = password.Strict()
	return p
}

// breached is a list with one password in it.
type breached string

func (b breached) Range(_ context.Context, prefix string) ([]string, error) {
	sum := sha1.Sum([]byte(b))
	if text := strings.ToUpper(hex.EncodeToString(sum[:])); text[:5] == prefix {
		return []string{text[5:]}, nil
	}
	return nil, nil
}

func judge(w *world, p password.Policy, text string, alone bool) error {
	return p.Check(w.ctx, password.Of(text), password.Owner{Names: []string{"Tower Mill", "harbour-alarms"}, SecondFactor: !alone})
}

// guarded is an owner with a second factor by mail, who is between the two steps.
func (w *world) guarded() (people.Account, signin.Challenge, otp.Answer) {
	w.Helper()
	a, err := w.operator().CreateConfirmed(w.ctx, people.NewAccount{Email: address(w, "smith@example.com"), Roles: []string{"user"}, Sites: harbour})
	require.NoError(w, err)
	setup, err := signin.New(signin.Options{Store: w.store, Keys: w.keys, Authority: w.rights, Mailer: w.mail, Accounts: accounts.GEM(), Policy: &w.preset.signin})
	require.NoError(w, err)
	require.NoError(w, setup.As(who("operator")).SetPassword(w.ctx, a.ID, first))
	require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, true))
	r, err := w.try(a, first)
	require.NoError(w, err)
	return a, *r.Challenge, w.code()
}

func (w *world) reply(c signin.Challenge, m signin.Method, code otp.Answer) (signin.Result, error) {
	return w.signin.Answer(w.ctx, signin.Reply{Challenge: c.Token, Method: m, Code: code, From: home})
}

// log is the whole log as it is exported.
func (w *world) log() string {
	w.Helper()
	var b bytes.Buffer
	require.NoError(w, w.journal.As(who("operator")).Export(w.ctx, &b, journal.ExportOptions{}))
	return b.String()
}

// asvs are requirements of OWASP ASVS 5.0 by their ids. What keyholder does not do by
// itself has a reason instead of a proof, and stands in SECURITY.md.
var asvs = []struct {
	id, what string
	prove    func(w *world)
}{
	{"6.2.1", "passwords have at least 8 characters, 15 where nothing else protects", func(w *world) {
		p := password.Strict()
		require.ErrorIs(w, judge(w, p, "seven77", false), password.ErrTooShort)
		require.NoError(w, judge(w, p, "eight-ow", false))
		require.ErrorIs(w, judge(w, p, "fourteen-owls-", true), password.ErrTooShort)
		require.NoError(w, judge(w, p, "fifteen-owls-15", true))
	}},
	{"6.2.4", "passwords that are guessed first are refused", func(w *world) {
		require.ErrorIs(w, judge(w, password.Strict(), "password123", false), password.ErrCommon)
	}},
	{"6.2.5", "no kinds of characters are prescribed", func(w *world) {
		require.NoError(w, judge(w, password.Strict(), "violets run to the sea", true))
	}},
	{"6.2.8", "passwords are compared exactly as typed", func(w *world) {
		a := w.owner("smith")
		_, err := w.try(a, password.Of("violet-rivers-9"))
		require.ErrorIs(w, err, accounts.ErrSignIn)
		_, err = w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		require.ErrorIs(w, w.set(a, password.Of(strings.Repeat("Violet-9", 9)+"x")), password.ErrTooLong, "what would be cut is refused")
	}},
	{"6.2.9", "passwords of 64 characters are taken", func(w *world) {
		a := w.owner("smith")
		_, err := w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		long := password.Of(strings.Repeat("Violet-9", 8))
		require.NoError(w, w.set(a, long))
		_, err = w.try(a, long)
		require.NoError(w, err)
	}},
	{"6.2.10", "passwords do not expire", func(w *world) {
		a := w.owner("smith")
		w.pass(1000 * 24 * time.Hour)
		_, err := w.try(a, first)
		require.NoError(w, err)
	}},
	{"6.2.11", "passwords like the owner's names, or the host's words, are refused", func(w *world) {
		require.ErrorIs(w, judge(w, password.Strict(), "harbour-alarms-1", true), password.ErrSimilar)
	}},
	{"6.2.12", "passwords known from a breach are refused, with a list that the host gives", func(w *world) {
		p := password.Strict()
		p.Breaches = breached("violets run to the sea")
		require.ErrorIs(w, judge(w, p, "violets run to the sea", true), password.ErrBreached)
		require.NoError(w, judge(w, p, "violets run to the lake", true))
	}},
	{"6.3.1", "guessing is limited", func(w *world) {
		a := w.owner("smith")
		compared := 0
		for range 200 {
			_, err := w.try(a, second)
			if c := cause(err); c != signin.ErrTooMany { //nolint:errorlint // one value
				compared++
			}
		}
		assert.LessOrEqual(w, compared, 5)
	}},
	{"6.3.5", "the owner is told of suspicious attempts", nil},
	{"6.3.6", "mail is no factor", nil},
	{"6.3.7", "the owner is told of changed credentials", func(w *world) {
		a := w.owner("smith")
		told := func(act func()) {
			w.work()
			before := len(w.mail.Sent())
			act()
			w.work()
			news := w.mail.Sent()[before:]
			require.Len(w, news, 1)
			assert.Equal(w, "smith@example.com", news[0].To)
			assert.Contains(w, news[0].Subject, "changed")
		}
		_, err := w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		code := w.code()
		told(func() {
			require.NoError(w, w.signin.SetPassword(w.ctx, signin.NewPassword{Name: w.name(a), Code: code, Password: first, From: home}))
		})
		told(func() { w.enrol(a) })
		told(func() {
			_, err := w.operator().SetContact(w.ctx, a.ID, address(w, "jones@example.com"), "")
			require.NoError(w, err)
		})
	}},
	{"6.3.8", "nobody learns whether an account is there", func(w *world) {
		a := w.owner("smith")
		_, there := w.try(a, second)
		_, absent := w.signin.SignIn(w.ctx, signin.Attempt{Name: "nobody@example.com", Password: second, From: home})
		assert.Equal(w, there.Error(), absent.Error())
		require.NoError(w, w.signin.Forgot(w.ctx, "smith@example.com", home))
		require.NoError(w, w.signin.Forgot(w.ctx, "nobody@example.com", home))
		wrong := signin.NewPassword{Code: otp.AnswerOf("00000000"), Password: second, From: home}
		for _, name := range []string{"smith@example.com", "nobody@example.com"} {
			wrong.Name = name
			require.EqualError(w, w.signin.SetPassword(w.ctx, wrong), signin.ErrCode.Error())
		}
	}},
	{"6.4.1", "first secrets are random, short-lived, and not the later password", func(w *world) {
		a, _, err := w.operator().Create(w.ctx, people.NewAccount{Email: address(w, "smith@example.com"), Roles: []string{"user"}, Sites: harbour})
		require.NoError(w, err)
		code := w.code()
		w.pass(accounts.DefaultOTPLife)
		require.ErrorIs(w, w.signin.SetPassword(w.ctx, signin.NewPassword{Name: w.name(a), Code: code, Password: first, From: home}), signin.ErrCode)
	}},
	{"6.4.3", "a new password does not pass the second factor by", func(w *world) {
		a, _, _ := w.guarded()
		require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, false))
		w.enrol(a)
		_, err := w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		require.NoError(w, w.set(a, second))
		r, err := w.try(a, second)
		require.NoError(w, err)
		require.Nil(w, r.Session)
		assert.NotContains(w, r.Challenge.Methods, signin.Mail, "one mailbox is not two factors")
	}},
	{"6.4.6", "operators start a reset and do not choose the password", func(w *world) {
		a := w.owner("smith")
		require.ErrorIs(w, w.signin.As(who("operator")).SetPassword(w.ctx, a.ID, second), signin.ErrSetByOperator)
	}},
	{"6.5.1", "codes work once", func(w *world) {
		a, c, code := w.guarded()
		_, err := w.reply(c, signin.Mail, code)
		require.NoError(w, err)
		_, err = w.reply(c, signin.Mail, code)
		require.Error(w, err)
		require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, false))
		secret, recovery := w.enrol(a)
		for m, code := range map[signin.Method]otp.Answer{signin.App: otp.AnswerOf(secret.At(time.Now().Add(otp.Period)).Reveal()), signin.Recovery: recovery[0]} {
			for _, want := range []error{nil, signin.ErrFactorWrong} {
				r, err := w.try(a, first)
				require.NoError(w, err)
				_, err = w.reply(*r.Challenge, m, code)
				require.ErrorIs(w, err, want, "%s", m)
			}
		}
	}},
	{"6.5.2", "recovery codes are random and stored hashed", func(w *world) {
		_, codes := w.enrol(w.owner("smith"))
		rs, err := w.store.List(w.ctx, store.Query{Kind: "login"})
		require.NoError(w, err)
		require.Len(w, rs, 1)
		seen := map[string]bool{}
		for _, c := range codes {
			assert.GreaterOrEqual(w, len(c.Reveal())*5, 50, "bits, of letters and digits")
			assert.NotContains(w, string(rs[0].Body), c.Reveal())
			seen[c.Reveal()] = true
		}
		assert.Len(w, seen, len(codes))
	}},
	{"6.5.4", "codes that are sent have six random digits or more", func(w *world) {
		_, _, code := w.guarded()
		assert.GreaterOrEqual(w, len(code.Reveal()), 6)
	}},
	{"6.5.5", "codes live ten minutes, those of an app half a minute and the clocks' drift", func(w *world) {
		a, c, code := w.guarded()
		w.pass(10 * time.Minute)
		_, err := w.reply(c, signin.Mail, code)
		require.Error(w, err)
		require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, false))
		secret, _ := w.enrol(a)
		w.pass(time.Hour)
		r, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.reply(*r.Challenge, signin.App, otp.AnswerOf(secret.At(time.Now().Add(-2*otp.Period)).Reveal()))
		require.ErrorIs(w, err, signin.ErrFactorWrong)
	}},
	{"6.5.8", "an app's code is judged by the server's clock", func(w *world) {
		a := w.owner("smith")
		secret, _ := w.enrol(a)
		r, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.reply(*r.Challenge, signin.App, otp.AnswerOf(secret.At(time.Now().Add(2*otp.Period)).Reveal()))
		require.ErrorIs(w, err, signin.ErrFactorWrong, "of the future")
	}},
	{"6.6.1", "text messages go to verified numbers only", nil},
	{"6.6.2", "a code answers the request that it was made for", func(w *world) {
		a, _, code := w.guarded()
		w.pass(time.Minute)
		r, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.reply(*r.Challenge, signin.Mail, code)
		require.ErrorIs(w, err, signin.ErrFactorWrong)
	}},
	{"6.6.3", "guessing codes is limited", func(w *world) {
		_, c, code := w.guarded()
		for range 5 {
			_, err := w.reply(c, signin.Mail, otp.AnswerOf("00000000"))
			require.Error(w, err)
		}
		_, err := w.reply(c, signin.Mail, code)
		require.ErrorIs(w, err, signin.ErrFactorLocked, "the right one comes too late")
	}},
	{"7.2.3", "session tokens have 128 random bits", func(w *world) {
		a := w.owner("smith")
		seen := map[string]bool{}
		for range 4 {
			r, err := w.try(a, first)
			require.NoError(w, err)
			text := r.Token.Reveal()
			secret := text[strings.LastIndex(text, "_")+1:]
			assert.GreaterOrEqual(w, len(secret)*5, 128, "32 letters, 5 bits each")
			seen[secret] = true
		}
		assert.Len(w, seen, 4)
	}},
	{"7.2.4", "proving oneself gives a new token", func(w *world) {
		r, err := w.try(w.owner("smith"), first)
		require.NoError(w, err)
		o, err := w.signin.Owner(w.ctx, r.Token, home)
		require.NoError(w, err)
		token, err := o.StepUp(w.ctx, signin.Password, otp.Answer{}, first)
		require.NoError(w, err)
		assert.True(w, w.alive(token))
		assert.False(w, w.alive(r.Token))
	}},
	{"7.3.1", "sessions end when nothing comes", func(w *world) {
		r, err := w.try(w.owner("smith"), first)
		require.NoError(w, err)
		w.pass(31 * time.Minute)
		assert.False(w, w.alive(r.Token))
	}},
	{"7.3.2", "sessions end, whatever comes", func(w *world) {
		r, err := w.try(w.owner("smith"), first)
		require.NoError(w, err)
		for range 12*3 - 1 {
			w.pass(20 * time.Minute)
			require.True(w, w.alive(r.Token))
		}
		w.pass(20 * time.Minute)
		assert.False(w, w.alive(r.Token))
	}},
	{"7.4.2", "sessions end with the account", func(w *world) {
		a := w.owner("smith")
		r, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.operator().Suspend(w.ctx, a.ID, "moved out")
		require.NoError(w, err)
		assert.False(w, w.alive(r.Token))
	}},
	{"7.4.3", "a changed factor ends all other sessions", func(w *world) {
		a := w.owner("smith")
		r, err := w.try(a, first)
		require.NoError(w, err)
		w.enrol(a)
		assert.False(w, w.alive(r.Token))
	}},
	{"7.5.1", "what proves somebody is changed with a fresh proof only", func(w *world) {
		a := w.owner("smith")
		r, err := w.try(a, first)
		require.NoError(w, err)
		w.pass(6 * time.Minute)
		o, err := w.signin.Owner(w.ctx, r.Token, home)
		require.NoError(w, err)
		_, err = o.EnrolApp(w.ctx)
		require.ErrorIs(w, err, accounts.ErrStepUpRequired)
		_, err = o.ChangePassword(w.ctx, second, second)
		require.ErrorIs(w, err, accounts.ErrBadCredentials)
		stale := w.people.As(accounts.HostActor("operator", "", "test"))
		_, err = stale.SetContact(w.ctx, a.ID, a.Email, "+12025550123")
		require.ErrorIs(w, err, accounts.ErrStepUpRequired)
	}},
	{"11.4.2", "passwords are hashed with bcrypt of cost 10 and more", func(w *world) {
		h, err := password.NewHasher(signin.PowerManage().Hash)
		require.NoError(w, err)
		hash, err := h.Hash(w.ctx, "smith", first)
		require.NoError(w, err)
		assert.Contains(w, string(hash), "$2a$12$")
	}},
	{"16.2.1", "an entry says when, who, what and about whom", func(w *world) {
		a := w.owner("smith")
		page, err := w.journal.As(who("operator")).Query(w.ctx, journal.Query{Filter: journal.ByAccount(a.ID)})
		require.NoError(w, err)
		for _, e := range page.Entries {
			assert.NotZero(w, e.Time)
			assert.NotEmpty(w, e.Actor.ID)
			assert.NotEmpty(w, e.Action)
			assert.Contains(w, e.Targets, string(a.ID))
		}
	}},
	{"16.2.2", "times are UTC", func(w *world) {
		a := w.owner("smith")
		page, err := w.journal.As(who("operator")).Query(w.ctx, journal.Query{Filter: journal.ByAccount(a.ID)})
		require.NoError(w, err)
		assert.Equal(w, time.UTC, page.Entries[0].Time.Location())
	}},
	{"16.2.5", "no credential is in the log", func(w *world) {
		a := w.owner("smith")
		r, err := w.try(a, first)
		require.NoError(w, err)
		_, _ = w.try(a, second)
		log := w.log()
		for _, secret := range []string{"Violet-Rivers-9", "Amber-Mountains-7", r.Token.Reveal()} {
			assert.NotContains(w, log, secret)
		}
	}},
	{"16.3.1", "who signs in, and who fails to, is in the log", func(w *world) {
		a := w.owner("smith")
		_, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.try(a, second)
		require.Error(w, err)
		n := w.actions(string(a.ID))
		assert.Equal(w, 1, n[audit.SignInDone])
		assert.Equal(w, 1, n[audit.SignInRefused])
	}},
	{"16.3.2", "refused acts are in the log", func(w *world) {
		_, err := w.people.As(w.helper(accounts.AccountsView)).Accounts(w.ctx, people.Search{})
		require.ErrorIs(w, err, accounts.ErrPermissionDenied)
		assert.Contains(w, w.log(), string(audit.AccessDenied))
	}},
	{"16.4.1", "what somebody typed makes no entry of its own", func(w *world) {
		a := w.owner("smith")
		before := strings.Count(w.log(), "\n")
		_, err := w.operator().Suspend(w.ctx, a.ID, "moved\n{\"action\":\"signin.done\"}\n")
		require.NoError(w, err)
		assert.Equal(w, before+2, strings.Count(w.log(), "\n"), "the suspension and the export before")
	}},
	{"16.4.2", "a changed log is noticed", func(w *world) {
		w.owner("smith")
		_, err := w.journal.Checkpoint(w.ctx)
		require.NoError(w, err)
		report, err := w.journal.As(who("operator")).Verify(w.ctx)
		require.NoError(w, err)
		assert.True(w, report.Integrity.OK())
	}},
	{"16.4.3", "the log is kept on another machine too", nil},
}

// Each requirement is tried under the strict preset, and SECURITY.md says which are not met.
func TestASVS(t *testing.T) {
	security, err := os.ReadFile("../../SECURITY.md")
	require.NoError(t, err)
	for _, x := range asvs {
		t.Run(x.id+" "+x.what, func(t *testing.T) {
			listed := strings.Contains(string(security), "\n| "+x.id+" |")
			assert.Equal(t, x.prove == nil, listed, "SECURITY.md lists what keyholder does not do by itself, and nothing else")
			if x.prove != nil {
				in(t, strict(), x.prove)
			}
		})
	}
}
