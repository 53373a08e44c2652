package signin_test

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// A stranger who uses up the attempts at a code keeps the owner from a new password only on
// devices that nobody remembers.
func TestStrangersDoNotBurnTheOwnersCode(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	device := w.in("tower", remember).Device
	_, err := w.people.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	n := signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: second, From: home}
	for i := range 20 {
		guess := n
		guess.Code, guess.From.Addr = otp.AnswerOf(fmt.Sprintf("%08d", i)), netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
		require.ErrorIs(t, w.signin.SetPassword(t.Context(), guess), signin.ErrCode)
	}
	require.ErrorIs(t, w.signin.SetPassword(t.Context(), n), signin.ErrCode, "the code is burnt for everybody else")
	n.Device = device
	for range 4 {
		guess := n
		guess.Code = otp.AnswerOf("00000000")
		require.ErrorIs(t, w.signin.SetPassword(t.Context(), guess), signin.ErrCode)
	}
	require.NoError(t, w.signin.SetPassword(t.Context(), n))
	_, err = w.try("tower", second)
	require.NoError(t, err)

	other := w.owner("other")
	_, err = w.people.ResetPassword(t.Context(), other.ID)
	require.NoError(t, err)
	n = signin.NewPassword{Name: "other", Code: w.code("other"), Password: second, From: home, Device: w.in("tower", remember2).Device}
	for range 5 {
		guess := n
		guess.Code = otp.AnswerOf("00000000")
		require.ErrorIs(t, w.signin.SetPassword(t.Context(), guess), signin.ErrCode)
	}
	require.ErrorIs(t, w.signin.SetPassword(t.Context(), n), signin.ErrCode, "somebody else's device is nobody's")
}

// remember2 signs in with the second password on a device that is to be remembered.
func remember2(a *signin.Attempt) { a.Password, a.Remember = second, true }

// Where the host does not know from where requests come, one stranger's attempts are not
// everybody's.
func TestAnUnknownSourceIsNotEverybodys(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.policy.Limits.Source = []signin.Limit{{Max: 3, Per: 1 << 40}} })
	w.owner("tower")
	nowhere := func(a *signin.Attempt) { a.From = signin.From{} }
	for i := range 10 {
		_, err := w.try(fmt.Sprintf("stranger-%d@example.com", i), wrong, nowhere)
		require.ErrorIs(t, err, accounts.ErrSignIn)
	}
	for i := range 10 {
		require.ErrorIs(t, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: fmt.Sprintf("stranger-%d", i), Code: otp.AnswerOf("1"), Password: second}), signin.ErrCode)
		require.NoError(t, w.signin.Forgot(t.Context(), fmt.Sprintf("stranger-%d@example.com", i), signin.From{}))
	}
	w.in("tower", nowhere)
	require.NoError(t, w.signin.Forgot(t.Context(), "tower@example.com", signin.From{}))
	require.NoError(t, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: second}))
	for range 30 {
		_, _ = w.try("tower", wrong, nowhere)
	}
	_, err := w.try("tower", second, nowhere)
	require.ErrorIs(t, w.cause(err), signin.ErrTooMany, "each account has its own limits")
}

// A token opens what it was made for: under no other kind, id or case, and with nothing
// added to it.
func TestTokensAreOfOneKind(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	r := w.in("tower", remember)
	service := w.owner("gate", func(n *people.NewAccount) { n.Kind = accounts.ServiceKind })
	api, err := w.op.IssueToken(t.Context(), service.ID, signin.NewToken{Name: "gate", Rights: accounts.RightsOf(accounts.PanelUsersView)})
	require.NoError(t, err)
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	challenge := w.challenged("tower").Token
	opens := func(token signin.Token) bool {
		_, err := w.signin.Check(t.Context(), token, home)
		_, err2 := w.signin.CheckToken(t.Context(), token, home)
		_, err3 := w.signin.Answer(t.Context(), signin.Reply{Challenge: token, Method: signin.SMS, Code: w.text(), From: home})
		return err == nil || err2 == nil || err3 == nil
	}
	tokens := []signin.Token{r.Token, r.Device, api, challenge}
	for _, of := range tokens {
		text := of.Reveal()
		for _, kind := range []string{"khs", "khc", "khd", "kht", "khx", ""} {
			if !strings.HasPrefix(text, kind+"_") {
				assert.False(t, opens(signin.ParseToken(kind+text[3:])), "%s as %s", text[:3], kind)
			}
		}
		for name, forged := range map[string]string{"more": text + "A", "less": text[:len(text)-1], "lower case": strings.ToLower(text), "upper case": strings.ToUpper(text), "no secret": text[:len("khs_")+36+1]} {
			assert.False(t, opens(signin.ParseToken(forged)), "%s: %s", text[:3], name)
		}
		for _, other := range tokens {
			if cut := len("khs_") + 36; other.Reveal() != text {
				assert.False(t, opens(signin.ParseToken(text[:cut]+other.Reveal()[cut:])), "the secret of another")
			}
		}
	}
	assert.True(t, w.alive(r.Token))
	assert.True(t, opens(api) && opens(challenge))
}

// What is taken from a role while somebody signs in is not held by the session that comes of
// it: the sign-in is decided again, or its session has ended before it began.
//
// Rules: G197
func TestARoleThatShrinksDuringASignIn(t *testing.T) {
	w := newWorld(t)
	role := accounts.Role{Name: "guard", Allow: accounts.RightsOf(accounts.PanelUsersView, accounts.AccountsView)}
	require.NoError(t, w.people.AddRole(t.Context(), role))
	w.owner("tower", func(n *people.NewAccount) { n.Roles = []string{"guard"} })
	quiet := people.Options{Store: w.store, Keys: w.keys, Authority: w.opts.Authority, Policy: w.opts.Accounts}
	desk, err := people.New(quiet)
	require.NoError(t, err)
	w.fresh()
	done := false
	w.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit && strings.Contains(c.Change.String(), "signin.done") && !done {
			done = true
			role.Allow = accounts.RightsOf(accounts.PanelUsersView)
			assert.NoError(t, desk.As(accounts.HostActor("operator", "", "test").Vouched(time.Now())).ChangeRole(w.ctx(), role))
		}
		return storetest.Pass
	})
	r := w.in("tower")
	require.True(t, done)
	require.True(t, w.alive(r.Token), "it began after the change")
	g, err := w.signin.Authority().Grant(t.Context(), r.Session.Actor())
	require.NoError(t, err)
	assert.Equal(t, role.Allow, g.Rights)
	commits := 0
	for _, c := range w.wrote() {
		if strings.Contains(c, "signin.done") {
			commits++
		}
	}
	assert.Equal(t, 2, commits, "it was decided again")
}

// An account whose hash is of a lower cost than new ones, because the cost was raised since,
// is not told from one that is not there by the time that a wrong password takes.
func TestAnOldHashTakesNoLessTime(t *testing.T) {
	many := []signin.Limit{{Max: 1000, Per: time.Hour}}
	w := newWorld(t, func(c *setup) {
		c.policy.Limits.Pair, c.policy.Limits.Account, c.policy.Limits.Source = many, many, many
	})
	w.owner("tower")
	costly := w.opts
	policy := w.policy
	policy.Hash.Cost = 9
	costly.Policy = &policy
	service, err := signin.New(costly)
	require.NoError(t, err)
	fastest := map[string]time.Duration{"tower@example.com": time.Hour, "stranger@example.com": time.Hour}
	within := func(factor float64) bool {
		known, unknown := fastest["tower@example.com"].Seconds(), fastest["stranger@example.com"].Seconds()
		return known < factor*unknown && unknown < factor*known
	}
	for n := 0; n < 12 && (n < 3 || !within(1.1)); n++ {
		for name := range fastest {
			began := time.Now()
			_, err := service.SignIn(t.Context(), signin.Attempt{Name: name, Password: wrong, From: home})
			fastest[name] = min(fastest[name], time.Since(began))
			require.ErrorIs(t, err, accounts.ErrSignIn)
		}
	}
	assert.True(t, within(4), fastest)
}

// Whatever an account is like, a public call that takes a name asks the store as often as
// for a name that nobody has.
func TestPublicCallsAskTheStoreTheSame(t *testing.T) {
	many := []signin.Limit{{Max: 1000, Per: time.Hour}}
	w := newWorld(t, func(c *setup) {
		c.accounts.MaxRoles = 3
		c.policy.Limits = signin.Limits{Pair: many, Account: many, Source: many, Device: many, Factor: many, Asks: many, Codes: many}
	})
	require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: "parent", Allow: accounts.AllRights()}))
	require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: "guard", Allow: accounts.RightsOf(accounts.AccountsView), Parent: "parent"}))
	w.owner("plain")
	w.owner("roles", func(n *people.NewAccount) { n.Roles = []string{"user", "guard"} })
	w.owner("gate", func(n *people.NewAccount) { n.Kind = accounts.ServiceKind })
	w.enrol(w.in("plain").Token)
	w.invite("invited")
	reset := w.owner("reset")
	_, err := w.people.ResetPassword(t.Context(), reset.ID)
	require.NoError(t, err)
	suspended := w.owner("suspended")
	_, err = w.people.Suspend(t.Context(), suspended.ID, "left")
	require.NoError(t, err)
	removed := w.owner("removed")
	require.NoError(t, w.people.Remove(t.Context(), removed.ID, people.Confirmation{Account: "removed@example.com"}))
	w.work()

	calls := map[storetest.Verb]int{}
	w.failing(func(c storetest.Call) storetest.Fault { calls[c.Verb]++; return storetest.Pass })
	for name, do := range map[string]func(who string) error{
		"SignIn": func(who string) error { _, err := w.try(who, wrong); return err },
		"SetPassword": func(who string) error {
			return w.signin.SetPassword(t.Context(), signin.NewPassword{Name: who, Code: otp.AnswerOf("12345678"), Password: second, From: home})
		},
		"Forgot": func(who string) error { return w.signin.Forgot(t.Context(), who, home) },
	} {
		asks := func(who string) map[storetest.Verb]int {
			_ = do(who) // the first of a kind is an entry
			w.mu.Lock()
			clear(calls)
			w.mu.Unlock()
			_ = do(who)
			w.mu.Lock()
			defer w.mu.Unlock()
			return maps.Clone(calls)
		}
		nobody := asks("stranger@example.com")
		require.NotEmpty(t, nobody)
		for _, who := range []string{"plain", "roles", "gate", "invited", "reset", "suspended", "removed"} {
			assert.Equal(t, nobody, asks(who+"@example.com"), "%s of %s", name, who)
		}
	}
}

// A request that was on its way while its owner signed out changes nothing any more.
func TestALateRequestChangesNothing(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.policy.ProvenPhone = true })
	w.owner("tower")
	in, other := w.in("tower", remember), w.in("tower")
	o := w.hands(in.Token)
	secret, err := o.EnrolApp(t.Context())
	require.NoError(t, err)
	require.NoError(t, o.SendPhoneCode(t.Context()))
	code := w.sixDigits()
	require.NoError(t, w.signin.SignOut(t.Context(), in.Token))
	only := func(_ any, err error) error { return err }
	for name, do := range map[string]func() error{
		"EnrolApp":         func() error { return only(o.EnrolApp(t.Context())) },
		"ConfirmApp":       func() error { _, _, err := o.ConfirmApp(t.Context(), shown(secret, time.Now())); return err },
		"RemoveApp":        func() error { return only(o.RemoveApp(t.Context())) },
		"NewRecoveryCodes": func() error { return only(o.NewRecoveryCodes(t.Context())) },
		"SendPhoneCode":    func() error { return o.SendPhoneCode(t.Context()) },
		"ProvePhone":       func() error { return o.ProvePhone(t.Context(), code) },
		"End":              func() error { return o.End(t.Context(), other.Session.ID) },
		"EndOthers":        func() error { return only(o.EndOthers(t.Context())) },
		"EndAll":           func() error { return o.EndAll(t.Context()) },
		"Forget":           func() error { return o.Forget(t.Context(), "x") },
		"ChangePassword":   func() error { return only(o.ChangePassword(t.Context(), first, second)) },
		"StepUp":           func() error { return only(o.StepUp(t.Context(), signin.Password, otp.Answer{}, first)) },
		"Prove": func() error {
			return only(o.Prove(t.Context(), signin.Act{Op: "people.Lend", Target: "x"}, signin.Password, otp.Answer{}, first))
		},
	} {
		require.ErrorIs(t, do(), signin.ErrSession, name)
	}
	assert.False(t, w.alive(in.Token))
	assert.True(t, w.alive(other.Token))
	_, err = w.try("tower", first)
	require.NoError(t, err)
}
