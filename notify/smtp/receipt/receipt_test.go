package receipt_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp/smtpsim"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// Whatever the server does, the receipt says it, and once the server is well the message
// arrives: once, or twice and marked.
//
// Rules: R220, R221, R222, R238
func TestReceiptsSayWhatTheServerDid(t *testing.T) {
	for mood, want := range map[smtpsim.Mood]struct {
		state  people.DeliveryState
		err    error
		reason string
		twice  bool // if it is tried again
	}{
		smtpsim.Well:        {state: people.Accepted},
		smtpsim.Away:        {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.Hanging:     {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.Busy:        {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.BusyData:    {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.BadSender:   {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.NoTLS:       {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.DropTLS:     {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.Locked:      {state: people.Unavailable, err: accounts.ErrMailerUnavailable},
		smtpsim.Mute:        {state: people.Unavailable, err: accounts.ErrMailerUnavailable, twice: true},
		smtpsim.Refusing:    {state: people.Refused, err: accounts.ErrEmailRejected, reason: "550 5.1.1"},
		smtpsim.RefusedData: {state: people.Refused, err: accounts.ErrEmailRejected, reason: "554 5.7.1"},
	} {
		t.Run(string(mood), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.set(mood)
			r := w.reset("owner@example.net")
			w.work(w.svc)
			d := w.delivery(r)
			assert.Equal(t, want.state, d.State)
			require.ErrorIs(t, d.Err(), want.err)
			assert.Equal(t, want.reason, d.Reason)
			assert.Equal(t, 1, d.Tries)
			w.set(smtpsim.Well)
			w.later(10 * time.Second)
			w.work(w.svc)
			d = w.delivery(r)
			assert.Equal(t, want.twice, d.Twice)
			took := w.server.Messages()
			if want.state == people.Refused {
				assert.Empty(t, took)
				assert.Equal(t, people.Refused, d.State, "a refusal is for good")
				return
			}
			assert.Equal(t, people.Accepted, d.State)
			assert.Equal(t, fmt.Sprintf("<%s@example.com>", r), d.MessageID)
			if want.twice {
				require.Len(t, took, 2)
				assert.Equal(t, messageID(took[0]), messageID(took[1]), "a reader can tell that it is the same")
				return
			}
			assert.Len(t, took, 1)
		})
	}
}

func messageID(m smtpsim.Message) string {
	for l := range strings.SplitSeq(m.Data, "\r\n") {
		if strings.HasPrefix(l, "Message-ID: ") {
			return l
		}
	}
	return ""
}

// The process is killed between the sending and the writing down of it, at each of the
// commits of a turn: nothing is lost, and nothing is sent twice that is not marked.
//
// Rules: R238
func TestKilledBetweenSendingAndSettling(t *testing.T) {
	for commit := 1; commit <= 3; commit++ {
		for fault, name := range map[storetest.Fault]string{storetest.Fail: "not done", storetest.Lose: "done, unheard"} {
			t.Run(fmt.Sprint("commit ", commit, " ", name), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				r := w.reset("owner@example.net")
				commits, dead := 0, false
				w.failing(func(c storetest.Call) storetest.Fault {
					if c.Verb == storetest.Commit {
						commits++
					}
					switch {
					case dead:
						return storetest.Fail
					case commits == commit:
						dead = true // from here on this process reaches nothing
						return fault
					}
					return storetest.Pass
				})
				_ = w.svc.Work(t.Context()) // it dies
				w.failing(func(storetest.Call) storetest.Fault { return storetest.Pass })
				next := w.node()
				for range 5 {
					w.later(time.Minute)
					w.work(next)
				}
				d := w.delivery(r)
				assert.Equal(t, people.Accepted, d.State, "nothing is lost")
				took := w.server.Messages()
				assert.LessOrEqual(t, len(took), 2)
				if len(took) == 2 {
					assert.True(t, d.Twice, "twice, and not marked")
				}
				assert.NotEmpty(t, took)
			})
		}
	}
}

// Many messages while the server comes and goes: each arrives, and each that arrived
// twice is marked.
func TestAServerThatComesAndGoesLosesNothing(t *testing.T) {
	w := newWorld(t)
	receipts := map[string]people.Receipt{}
	for i := range 20 {
		address := fmt.Sprintf("owner%d@example.net", i)
		receipts[address] = w.reset(address)
	}
	for _, m := range []smtpsim.Mood{smtpsim.Away, smtpsim.Mute, smtpsim.Busy, smtpsim.DropTLS, smtpsim.Cut, smtpsim.Well} {
		w.set(m)
		w.work(w.svc)
		w.later(95 * time.Second) // longer than the next try waits; all of it within the code's life
	}
	copies := map[string]int{}
	for _, m := range w.server.Messages() {
		copies[m.To]++
	}
	for address, r := range receipts {
		d := w.delivery(r)
		assert.Equal(t, people.Accepted, d.State)
		assert.GreaterOrEqual(t, copies[address], 1)
		if copies[address] > 1 {
			assert.True(t, d.Twice, "%d copies, and not marked", copies[address])
		}
	}
}

// Once a message is settled, what it said is in no file and no log, nor is the mail
// server's password, ever.
//
// Rules: G207
func TestNothingIsLeftOfASettledMessage(t *testing.T) {
	for _, mood := range []smtpsim.Mood{smtpsim.Well, smtpsim.Mute, smtpsim.RefusedData} {
		t.Run(string(mood), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.set(smtpsim.Mute)
			r := w.reset("owner@example.net")
			w.work(w.svc)
			secret := code(t, w.server.Messages()[0])
			assert.Empty(t, w.left(secret), "while it waits it is sealed")
			w.set(mood)
			w.later(10 * time.Second)
			w.work(w.svc)
			w.set(smtpsim.Well)
			w.later(time.Minute)
			w.work(w.svc)
			assert.False(t, w.delivery(r).Settled.IsZero())
			assert.Empty(t, w.left(secret))
			assert.Empty(t, w.left(smtpsim.Password))
			assert.NotEmpty(t, w.left(string(r)), "the hunt finds what is there")
			assert.NotContains(t, w.log.b.String(), "owner@example.net")
		})
	}
}

// A call waits for the first try, and not longer: what comes of it later is in the receipt.
//
// Rules: R238
func TestASlowServerHoldsNoCallUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	svc := w.node(func(o *people.Options) { o.FirstTry = 100 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { engine.Run(ctx, nil, svc.Loops()...) })
	t.Cleanup(func() { cancel(); all.Wait() })
	w.set(smtpsim.Hanging)
	a := w.account("owner@example.net")
	d, err := svc.As(w.actor()).ResetPassword(t.Context(), a)
	require.NoError(t, err)
	assert.Equal(t, people.Queued, d.State, "else it would be unavailable by now")
	require.Eventually(t, func() bool { return w.delivery(d.Receipt).State == people.Unavailable }, 20*time.Second, 10*time.Millisecond)
	w.set(smtpsim.Well)
	w.later(10 * time.Second)
	require.Eventually(t, func() bool { return w.delivery(d.Receipt).State == people.Accepted }, 20*time.Second, 10*time.Millisecond)
	assert.Len(t, w.server.Messages(), 1)
}

// Rules: R238
func TestCheckMailerOverTheLine(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.op.CheckMailer(t.Context()))
	for _, m := range []smtpsim.Mood{smtpsim.Away, smtpsim.Hanging, smtpsim.NoTLS, smtpsim.DropTLS, smtpsim.Locked} {
		w.set(m)
		require.ErrorIs(t, w.op.CheckMailer(t.Context()), accounts.ErrMailerUnavailable, m)
	}
	assert.Empty(t, w.server.Messages())
}
