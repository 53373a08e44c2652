package people_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

func waiting(o *people.Options) { o.FirstTry = 0 }

// Each way in which the mail server fails is told apart, by the call and by the receipt.
//
// Rules: R137, R220, R221, R222, R238
func TestTheCallTellsHowTheFirstTryWent(t *testing.T) {
	for name, c := range map[string]struct {
		mailer func(b *bench)
		want   error
		state  people.DeliveryState
		waits  time.Duration // at most
	}{
		"accepted":  {func(*bench) {}, nil, people.Accepted, time.Second},
		"down":      {func(b *bench) { b.mail.Down(true) }, accounts.ErrMailerUnavailable, people.Unavailable, time.Second},
		"refused":   {func(b *bench) { b.mail.Reject("owner@example.com") }, accounts.ErrEmailRejected, people.Refused, time.Second},
		"slow":      {func(b *bench) { b.mail.Slow(20 * time.Second) }, nil, people.Queued, 5 * time.Second},
		"no answer": {func(b *bench) { b.mail.Lose(errors.New("connection reset")) }, accounts.ErrMailerUnavailable, people.Unavailable, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, waiting)
				b.run()
				a := b.account("owner@example.com", accounts.Active)
				c.mailer(b)
				began := time.Now()
				d, err := b.op.ResetPassword(t.Context(), a.ID)
				require.ErrorIs(t, err, c.want)
				assert.LessOrEqual(t, time.Since(began), c.waits)
				assert.Equal(t, c.state, d.State)
				kept, err := b.op.Delivery(t.Context(), d.Receipt)
				require.NoError(t, err)
				assert.Equal(t, d, kept)
				v, err := b.op.Account(t.Context(), a.ID)
				require.NoError(t, err)
				assert.Equal(t, &d, v.Delivery, "the details show it too")
				switch d.State {
				case people.Accepted:
					assert.Equal(t, "<"+string(d.Receipt)+"@capture>", d.MessageID)
					assert.False(t, d.Settled.IsZero())
				case people.Refused:
					assert.Equal(t, "550 5.1.1", d.Reason)
				case people.Unavailable:
					assert.False(t, d.Since.IsZero())
				}
			})
		})
	}
}

// Rules: R138, R238
func TestAMessageWaitsForTheMailServerAndIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, waiting)
		b.run()
		a := b.account("owner@example.com", accounts.Active)
		b.mail.Down(true)
		d, err := b.op.ResetPassword(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrMailerUnavailable)
		time.Sleep(time.Minute)
		b.mail.Down(false)
		time.Sleep(3 * time.Minute)
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.Accepted, d.State)
		assert.Greater(t, d.Tries, 1)
		assert.False(t, d.Twice, "the tries before never left")
		assert.Len(t, b.mail.Sent(), 1)
		d, err = b.op.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, people.Accepted, d.State)
	})
}

// A message dies with its code, and what it said with it.
//
// Rules: R238
func TestAMessageDiesWithItsCode(t *testing.T) {
	for name, end := range map[string]func(b *bench, a people.Account){
		"expired": func(*bench, people.Account) { time.Sleep(accounts.DefaultOTPLife) },
		"replaced": func(b *bench, a people.Account) {
			_, _ = b.op.ResetPassword(b.t.Context(), a.ID)
		},
		"removed": func(b *bench, a people.Account) {
			require.NoError(b.t, b.op.Remove(b.t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, waiting)
				b.run()
				a := b.account("owner@example.com", accounts.Active)
				b.mail.Down(true)
				d, err := b.op.ResetPassword(t.Context(), a.ID)
				require.ErrorIs(t, err, accounts.ErrMailerUnavailable)
				end(b, a)
				b.mail.Down(false)
				time.Sleep(3 * time.Minute)
				d, err = b.op.Delivery(t.Context(), d.Receipt)
				require.NoError(t, err)
				assert.Equal(t, people.GivenUp, d.State)
				assert.NotEmpty(t, d.Reason)
				require.ErrorIs(t, d.Err(), accounts.ErrMailerUnavailable)
				for _, m := range b.mail.Sent() {
					assert.NotEqual(t, string(d.Receipt), m.ID)
				}
			})
		})
	}
}

// What a message would have said is destroyed when its code ends, not later.
func TestAMessageIsGoneTheMomentItsCodeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, waiting)
		b.run()
		a := b.account("owner@example.com", accounts.Active)
		b.mail.Down(true)
		d, err := b.op.ResetPassword(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrMailerUnavailable)
		time.Sleep(accounts.DefaultOTPLife + 2*time.Second)
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.GivenUp, d.State)
	})
}

// A crash after the message left and before that was noted: the message is sent again
// under the same id, and marked. A store that only stumbles loses nothing.
//
// Rules: R238
func TestACrashBetweenSendingAndNotingItIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a := b.account("owner@example.com", accounts.Active)
		d, err := b.op.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		b.failing(func(c storetest.Call) storetest.Fault {
			if len(b.mail.Sent()) > 0 && c.Verb == storetest.Commit {
				return storetest.Fail // the process is gone from here on
			}
			return storetest.Pass
		})
		require.NoError(t, b.svc.Work(t.Context()))
		b.failing(nil)
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.Queued, d.State)

		after, err := people.New(people.Options{Store: b.store, Keys: b.keys, Mailer: b.mail})
		require.NoError(t, err)
		require.NoError(t, after.Work(t.Context()))
		assert.Len(t, b.mail.Sent(), 1, "the dead node's line is its own while its heartbeat lasts")
		time.Sleep(2 * time.Minute)
		require.NoError(t, after.Work(t.Context()))
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.Accepted, d.State)
		assert.True(t, d.Twice)
		sent := b.mail.Sent()
		require.Len(t, sent, 2)
		assert.Equal(t, sent[0].ID, sent[1].ID)
	})
}

// A node that outlives the failure of its store goes on with what it left behind.
func TestANodeGoesOnWithWhatItCouldNotNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a := b.account("owner@example.com", accounts.Active)
		d, err := b.op.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		b.failing(func(c storetest.Call) storetest.Fault {
			if len(b.mail.Sent()) > 0 && c.Verb == storetest.Commit {
				return storetest.Fail
			}
			return storetest.Pass
		})
		require.NoError(t, b.svc.Work(t.Context()))
		b.failing(nil)
		require.NoError(t, b.svc.Work(t.Context()))
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.Accepted, d.State)
		assert.True(t, d.Twice)
	})
}

// Lost answers of the store and stale commits at any point of a reset and its delivery
// lead to one mail and no mark.
func TestAStoreThatStumblesSendsNothingTwice(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Lose, storetest.Stale} {
		for at := 1; at <= 5; at++ {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				a := b.account("owner@example.com", accounts.Active)
				n := 0
				b.failing(func(c storetest.Call) storetest.Fault {
					if c.Verb != storetest.Commit {
						return storetest.Pass
					}
					if n++; n == at {
						return fault
					}
					return storetest.Pass
				})
				d, err := b.op.ResetPassword(t.Context(), a.ID)
				require.NoError(t, err)
				require.NoError(t, b.svc.Work(t.Context()))
				require.NoError(t, b.svc.Work(t.Context()))
				d, err = b.op.Delivery(t.Context(), d.Receipt)
				require.NoError(t, err)
				assert.Equal(t, people.Accepted, d.State)
				assert.False(t, d.Twice)
				assert.Len(t, b.mail.Sent(), 1)
			})
		}
	}
}

// A slow server is waited for, longer than the call waits.
func TestASlowServerGetsTheMessageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, waiting)
		b.mail.Slow(20 * time.Second)
		b.run()
		a := b.account("owner@example.com", accounts.Active)
		d, err := b.op.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		time.Sleep(20 * time.Second)
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.Accepted, d.State)
		assert.False(t, d.Twice)
		assert.Len(t, b.mail.Sent(), 1)
	})
}

// A shut-down in the middle of sending still notes what came of it and gives the line back.
func TestAShutDownNotesWhatCameOfTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a := b.account("owner@example.com", accounts.Active)
		d, err := b.op.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		b.mail.Slow(20 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, b.svc.Work(ctx))
		b.mail.Slow(0)
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.Unavailable, d.State)

		other, err := people.New(people.Options{Store: b.store, Keys: b.keys, Mailer: b.mail})
		require.NoError(t, err)
		time.Sleep(5 * time.Second)
		require.NoError(t, other.Work(t.Context()))
		d, err = b.op.Delivery(t.Context(), d.Receipt)
		require.NoError(t, err)
		assert.Equal(t, people.Accepted, d.State)
		assert.False(t, d.Twice)
	})
}

// Mail that leaves is limited for each account; mail that never left is given back.
//
// Rules: R138
func TestThreeResetsAnHourForAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, waiting)
		b.run()
		a, c := b.account("owner@example.com", accounts.Active), b.account("second@example.com", accounts.Active)
		b.mail.Reject("owner@example.com")
		for range 5 {
			_, err := b.op.ResetPassword(t.Context(), a.ID)
			require.ErrorIs(t, err, accounts.ErrEmailRejected)
		}
		b.mail.Reject()
		for range 3 {
			_, err := b.op.ResetPassword(t.Context(), a.ID)
			require.NoError(t, err)
		}
		_, err := b.op.ResetPassword(t.Context(), a.ID)
		require.ErrorIs(t, err, people.ErrResetLimit)
		_, err = b.op.ResetPassword(t.Context(), c.ID)
		require.NoError(t, err, "another account has its own limit")
		time.Sleep(time.Hour)
		_, err = b.as("operator").ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
	})
}

// A transport that says no more than that the address is refused is believed.
func TestARefusalWithoutAStatusIsOne(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	b.mail.Lose(notify.ErrRejected)
	d, err := b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	require.NoError(t, b.svc.Work(t.Context()))
	d, err = b.op.Delivery(t.Context(), d.Receipt)
	require.NoError(t, err)
	assert.Equal(t, people.Refused, d.State)
	require.ErrorIs(t, d.Err(), accounts.ErrEmailRejected)
}
