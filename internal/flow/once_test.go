package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

var tester = accounts.SystemActor("test")

func newCore(t require.TestingT) *flow.Core {
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	c := &flow.Core{Store: memstore.Open(), Keys: keys, Opener: keys}
	c.Authority = c.Roles()
	return c
}

// issue makes a one-time secret in a commit of its own.
func issue(t require.TestingT, c *flow.Core, purpose flow.Purpose, account string, form flow.Form) flow.Issued {
	var s flow.Issued
	_, err := c.Act(context.Background(), tester, func(u *flow.Unit) error {
		var err error
		if s, err = u.Issue(purpose, account, form, time.Hour); err != nil {
			return err
		}
		return say(u, account)
	})
	require.NoError(t, err)
	return s
}

func say(u *flow.Unit, account string) error {
	_, err := u.Say(audit.AccountPasswordResetSent, audit.Success, []string{account})
	return err
}

func spend(c *flow.Core, purpose flow.Purpose, account string, typed flow.OneTime) error {
	return c.Spend(context.Background(), tester, purpose, account, typed, func(u *flow.Unit) error { return say(u, account) })
}

func TestASecretOfEitherFormIsSpentOnce(t *testing.T) {
	for form, check := range map[flow.Form]func(flow.OneTime) bool{
		flow.Digits:  func(s flow.OneTime) bool { c, err := s.Code(); return err == nil && c.Len() == 8 },
		flow.Token:   func(s flow.OneTime) bool { _, err := s.Code(); return err != nil },
		flow.Short:   func(s flow.OneTime) bool { c, err := s.Code(); return err == nil && c.Len() == 6 },
		flow.Letters: func(s flow.OneTime) bool { return len(s.Reveal()) == 6 },
	} {
		c := newCore(t)
		s := issue(t, c, flow.Reset, "a", form)
		assert.True(t, check(s.Secret))
		require.NoError(t, spend(c, flow.Reset, "a", s.Secret))
		require.ErrorIs(t, spend(c, flow.Reset, "a", s.Secret), flow.ErrNoSecret)
	}
}

// Secrets of other accounts, other purposes, and older ones are none.
//
// Rules: R135
func TestASecretIsForOneAccountOnePurposeAndTheNewestOnly(t *testing.T) {
	c := newCore(t)
	older := issue(t, c, flow.Reset, "a", flow.Token)
	setup := issue(t, c, flow.Setup, "a", flow.Token)
	others := issue(t, c, flow.Reset, "b", flow.Token)
	newer := issue(t, c, flow.Reset, "a", flow.Token)
	for _, s := range []flow.Issued{older, setup, others} {
		require.ErrorIs(t, spend(c, flow.Reset, "a", s.Secret), flow.ErrSecretWrong)
	}
	require.NoError(t, spend(c, flow.Reset, "a", newer.Secret))
	require.NoError(t, spend(c, flow.Setup, "a", setup.Secret))
}

// Rules: R135
func TestASecretEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t)
		s := issue(t, c, flow.Setup, "a", flow.Digits)
		open := func() bool {
			is, err := c.SecretOpen(t.Context(), flow.Setup, "a")
			require.NoError(t, err)
			return is
		}
		time.Sleep(time.Hour - time.Nanosecond)
		assert.True(t, open())
		time.Sleep(time.Nanosecond)
		assert.False(t, open())
		require.ErrorIs(t, spend(c, flow.Setup, "a", s.Secret), flow.ErrSecretExpired)

		s = issue(t, c, flow.Setup, "a", flow.Digits)
		_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error { return errors.Join(u.VoidSecrets("a"), say(u, "a")) })
		require.NoError(t, err)
		assert.False(t, open())
		require.ErrorIs(t, spend(c, flow.Setup, "a", s.Secret), flow.ErrNoSecret)
	})
}

// quarantine puts the store in quarantine, as it is after a backup was restored.
func quarantine(t *testing.T, c *flow.Core) {
	t.Helper()
	_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error {
		if _, err := u.Say(audit.StoreQuarantined, audit.Success, nil); err != nil {
			return err
		}
		return flow.Put(u, rec.Quarantines, rec.QuarantineID, &rec.Quarantine{Since: u.Now()})
	})
	require.NoError(t, err)
}

// A store that was restored from a backup may have forgotten that a secret was used.
func TestSecretsFromBeforeARestoreAreVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t)
		s := issue(t, c, flow.Setup, "a", flow.Digits)
		time.Sleep(time.Second)
		quarantine(t, c)
		require.ErrorIs(t, spend(c, flow.Setup, "a", s.Secret), flow.ErrNoSecret)
		s = issue(t, c, flow.Setup, "a", flow.Digits)
		require.NoError(t, spend(c, flow.Setup, "a", s.Secret))
	})
}

// A secret that is replaced, or ends, between the comparison and the commit is not spent.
func TestWhatIsSpentIsWhatWasCompared(t *testing.T) {
	c := newCore(t)
	s := issue(t, c, flow.Setup, "a", flow.Digits)
	compared := false
	var newer flow.Issued
	between := c.On(storetest.Faulty(c.Store, func(call storetest.Call) storetest.Fault {
		switch {
		case call.Verb == storetest.Commit: // the attempt is counted
			compared = true
		case call.Verb == storetest.Load && compared && newer.Serial == "":
			newer = issue(t, c, flow.Setup, "a", flow.Digits)
		}
		return storetest.Pass
	}))
	require.ErrorIs(t, spend(between, flow.Setup, "a", s.Secret), flow.ErrNoSecret)
	require.NotEmpty(t, newer.Serial)

	late := *c
	times := 0
	late.Now = func() time.Time {
		if times++; times > 2 { // the look, the attempt, the commit
			return newer.Expires
		}
		return newer.Expires.Add(-1)
	}
	require.ErrorIs(t, spend(&late, flow.Setup, "a", newer.Secret), flow.ErrSecretExpired)
	require.NoError(t, spend(c, flow.Setup, "a", newer.Secret))
}

// Five attempts are compared, then even the right secret is refused. A new one has five.
func TestAttemptsAreCountedBeforeTheyAreCompared(t *testing.T) {
	c := newCore(t)
	s := issue(t, c, flow.Setup, "a", flow.Digits)
	for range 5 {
		require.ErrorIs(t, spend(c, flow.Setup, "a", flow.OneTimeOf("wrong")), flow.ErrSecretWrong)
		require.ErrorIs(t, spend(c, flow.Setup, "nobody", flow.OneTimeOf("wrong")), flow.ErrNoSecret)
	}
	require.ErrorIs(t, spend(c, flow.Setup, "a", s.Secret), flow.ErrGuesses)
	require.ErrorIs(t, spend(c, flow.Setup, "nobody", flow.OneTimeOf("wrong")), flow.ErrGuesses)
	s = issue(t, c, flow.Setup, "a", flow.Digits)
	require.NoError(t, spend(c, flow.Setup, "a", s.Secret))
}

// What does not come of a spent secret leaves it as it was.
func TestASecretIsSpentWithWhatItIsFor(t *testing.T) {
	c := newCore(t)
	s := issue(t, c, flow.Setup, "a", flow.Digits)
	refused := errors.New("refused")
	err := c.Spend(t.Context(), tester, flow.Setup, "a", s.Secret, func(*flow.Unit) error { return refused })
	require.ErrorIs(t, err, refused)
	require.NoError(t, spend(c, flow.Setup, "a", s.Secret))
}

// However attempts and successes are mixed, no more are let through than there may be,
// and a success gives its own back.
func TestGuessesNeverExceedTheirLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCore(t)
		g := flow.Guesses{Counter: "guess/x", Max: rapid.Int64Range(1, 5).Draw(t, "max"), Until: time.Now().Add(time.Hour)}
		var used int64
		for _, success := range rapid.SliceOfN(rapid.Bool(), 0, 20).Draw(t, "outcomes") {
			err := c.Reserve(t.Context(), tester, g)
			if used == g.Max {
				require.ErrorIs(t, err, flow.ErrGuesses)
				continue
			}
			require.NoError(t, err)
			if success {
				_, err = c.Act(t.Context(), tester, func(u *flow.Unit) error { u.Do(g.Back()); return nil })
				require.NoError(t, err)
				continue
			}
			used++
		}
	})
}

func TestAttemptsAtOnceAreLimitedToo(t *testing.T) {
	c := newCore(t)
	g := flow.Guesses{Counter: "guess/x", Max: 5, Until: time.Now().Add(time.Hour)}
	var all sync.WaitGroup
	var through atomic.Int64
	for range 100 {
		all.Go(func() {
			if c.Reserve(t.Context(), tester, g) == nil {
				through.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 5, through.Load())
}

// A secret prints nowhere, and only its fingerprint is stored.
func TestOneTimeSecretsAreNotSpilled(t *testing.T) {
	c := newCore(t)
	code, err := credentials.ParseCode("90817263")
	require.NoError(t, err)
	for _, s := range []flow.OneTime{flow.OneTimeOf("a-planted-token"), flow.OneTimeCode(code)} {
		j, err := json.Marshal(map[string]any{"s": s})
		require.NoError(t, err)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s)
		said := fmt.Sprintf("%v %+v %#v %s %q %d %v", s, s, s, s, s, s, struct{ S flow.OneTime }{s}) + string(j) + log.String()
		assert.NotContains(t, said, "planted")
		assert.NotContains(t, said, "90817263")
	}
	s := issue(t, c, flow.Setup, "a", flow.Digits)
	code, err = s.Secret.Code()
	require.NoError(t, err)
	rs, err := c.Store.Load(t.Context(), rec.OneTimes.Key("setup/a"))
	require.NoError(t, err)
	assert.NotContains(t, string(rs[0].Body), code.Reveal())
	es, err := c.Store.Entries(t.Context(), store.EntryQuery{})
	require.NoError(t, err)
	for _, e := range es {
		assert.NotContains(t, string(e.Body), code.Reveal())
	}
}

// One secret, 32 at once, 500 rounds (20 with -short): one of them uses it, each time.
//
// Rules: R135
func TestASecretHasOneWinner(t *testing.T) {
	rounds := 500
	if testing.Short() {
		rounds = 20
	}
	c := newCore(t)
	for round := range rounds {
		s := issue(t, c, flow.Setup, "a", flow.Form(round%4))
		var all sync.WaitGroup
		var won atomic.Int64
		for range 32 {
			all.Go(func() {
				if spend(c, flow.Setup, "a", s.Secret) == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, won.Load(), "round %d", round)
	}
}

// Each digit of a secret is as likely as the others. With the bias of a byte cut to ten
// digits, chi-square would be beyond this bound, which chance exceeds once in a million
// runs.
func TestDigitsAreUniform(t *testing.T) {
	c := newCore(t)
	const secrets = 4000
	var seen [10]int
	for range secrets {
		_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error {
			s, err := u.Issue(flow.Setup, "a", flow.Digits, time.Hour)
			if err != nil {
				return err
			}
			for _, r := range s.Secret.Reveal() {
				seen[r-'0']++
			}
			return say(u, "a")
		})
		require.NoError(t, err)
	}
	const expected = secrets * 8 / 10
	var chi float64
	for _, k := range seen {
		chi += float64(k-expected) * float64(k-expected) / expected
	}
	assert.Less(t, chi, 45.1)
}
