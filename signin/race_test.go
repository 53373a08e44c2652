package signin_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// wins lets 32 do the same at once and returns how many did it.
func wins(do func(i int) error) int64 {
	var all sync.WaitGroup
	var won atomic.Int64
	for i := range 32 {
		all.Go(func() {
			if do(i) == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	return won.Load()
}

// Of 32 who use one secret at once, one does: a code from a mail that sets a password, a
// code by text message, a code of an app and a recovery code, the last two also across
// sign-ins. package flow does the same 500 times with what lies beneath.
//
// Rules: R135, G88
func TestOneSecretHasOneWinner(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		w := newWorld(t, func(c *setup) {
			many := []signin.Limit{{Max: 1000, Per: time.Hour}}
			c.policy.Limits = signin.Limits{Pair: many, Account: many, Source: many, Factor: many, Codes: many}
		})
		a := w.invite("tower")
		n := signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: first, From: home}
		require.EqualValues(t, 1, wins(func(int) error { return w.signin.SetPassword(t.Context(), n) }), "setup, round %d", round)

		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		c := w.challenged("tower")
		code := w.text()
		require.EqualValues(t, 1, wins(func(int) error { _, err := w.answer(c, signin.SMS, code); return err }), "text, round %d", round)
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, false))

		secret, codes, _ := w.enrol(w.in("tower").Token)
		next := shown(secret, time.Now().Add(otp.Period))
		for m, code := range map[signin.Method]otp.Answer{signin.App: next, signin.Recovery: codes[0]} {
			var cs [8]signin.Challenge
			for i := range cs {
				cs[i] = w.challenged("tower")
			}
			require.EqualValues(t, 1, wins(func(i int) error { _, err := w.answer(cs[i%len(cs)], m, code); return err }), "%s, round %d", m, round)
		}
	}
}

// overtaken is a store in which somebody else is faster, once: just before a session
// begins.
type overtaken struct {
	store.Store
	once sync.Once
	by   func()
}

func (o *overtaken) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	for _, e := range c.Entries {
		if e.Action == string(audit.SignInDone) {
			o.once.Do(o.by)
		}
	}
	return o.Store.Commit(ctx, c)
}

// What was right when it was compared and is used up when it commits lets nobody in.
func TestACodeThatIsUsedUpMeanwhileLetsNobodyIn(t *testing.T) {
	for _, m := range []signin.Method{signin.App, signin.Recovery} {
		w := newWorld(t)
		w.owner("tower")
		secret, codes, _ := w.enrol(w.in("tower").Token)
		code := codes[0]
		if m == signin.App {
			code = shown(secret, time.Now().Add(otp.Period))
		}
		slow, fast := w.challenged("tower"), w.challenged("tower")
		st := &overtaken{Store: w.store, by: func() {
			_, err := w.answer(fast, m, code)
			assert.NoError(t, err)
		}}
		o := w.opts
		o.Store = st
		late, err := signin.New(o)
		require.NoError(t, err)
		_, err = late.Answer(t.Context(), signin.Reply{Challenge: slow.Token, Method: m, Code: code, From: home})
		require.ErrorIs(t, err, signin.ErrFactorWrong, m)
		assert.Equal(t, 2, w.entries()[audit.SignInDone], "the one that set it up, and the faster one")
	}
}

// Access that is taken away between the comparison and the commit lets nobody in, and a
// device that was forgotten meanwhile stands in for nothing.
func TestWhatIsTakenAwayMeanwhileCounts(t *testing.T) {
	for _, suspend := range []bool{true, false} {
		w := newWorld(t, func(c *setup) { c.policy.SkipFactor = true })
		a := w.owner("tower")
		device := w.in("tower", remember).Device
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		o := w.opts
		o.Store = &overtaken{Store: w.store, by: func() {
			if suspend {
				_, err := w.people.Suspend(t.Context(), a.ID, "left")
				assert.NoError(t, err)
			} else {
				assert.NoError(t, w.op.EndSessions(t.Context(), a.ID))
			}
		}}
		late, err := signin.New(o)
		require.NoError(t, err)
		r, err := late.SignIn(t.Context(), signin.Attempt{Name: "tower", Password: first, From: home, Device: device})
		if suspend {
			require.ErrorIs(t, w.cause(err), accounts.ErrAccountSuspended)
			continue
		}
		require.NoError(t, err)
		assert.NotNil(t, r.Challenge)
	}
}
