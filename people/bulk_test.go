package people_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// Each row of a bulk act is judged as the single act is, and has its own outcome and its own
// entry, whatever becomes of the others.
//
// Rules: S9, S11
func TestABulkActHasOneOutcomeForEachRow(t *testing.T) {
	all := func(b *bench) map[accounts.State]people.Account {
		out := map[accounts.State]people.Account{}
		for _, s := range []accounts.State{accounts.NotConfirmed, accounts.Active, accounts.Suspended, accounts.Removed} {
			out[s] = b.account(string(s[0])+"@example.com", s)
		}
		return out
	}
	confirmed := func(a people.Account) people.Row {
		return people.Row{Account: a.ID, Confirm: people.Confirmation{Account: a.Email.String()}}
	}
	acts := map[string]struct {
		bulk  func(b *bench, list ...people.Account) ([]people.Outcome, error)
		one   func(b *bench, a people.Account) error
		entry audit.Action
	}{
		"suspend": {func(b *bench, list ...people.Account) ([]people.Outcome, error) {
			return b.op.SuspendMany(t.Context(), "left", ids(list)...)
		}, func(b *bench, a people.Account) error { _, err := b.op.Suspend(t.Context(), a.ID, "left"); return err }, audit.AccountSuspended},
		"enable": {func(b *bench, list ...people.Account) ([]people.Outcome, error) {
			return b.op.EnableMany(t.Context(), ids(list)...)
		}, func(b *bench, a people.Account) error { _, err := b.op.Enable(t.Context(), a.ID); return err }, audit.AccountEnabled},
		"remove": {func(b *bench, list ...people.Account) ([]people.Outcome, error) {
			var rows []people.Row
			for _, a := range list {
				rows = append(rows, confirmed(a))
			}
			return b.op.RemoveMany(t.Context(), rows...)
		}, func(b *bench, a people.Account) error { return b.op.Remove(t.Context(), a.ID, confirmed(a).Confirm) }, audit.AccountRemoved},
		"reset": {func(b *bench, list ...people.Account) ([]people.Outcome, error) {
			var rows []people.Row
			for _, a := range list {
				rows = append(rows, people.Row{Account: a.ID})
			}
			return b.op.ResetPasswords(t.Context(), rows...)
		}, func(b *bench, a people.Account) error { _, err := b.op.ResetPassword(t.Context(), a.ID); return err }, audit.AccountPasswordResetSent},
	}
	for name, act := range acts {
		single, many := newBench(t), newBench(t)
		want := map[accounts.State]error{}
		for state, a := range all(single) {
			want[state] = act.one(single, a)
		}
		var list []people.Account
		var states []accounts.State
		for state, a := range all(many) {
			list, states = append(list, a), append(states, state)
		}
		before := many.entries()[act.entry]
		absent := people.Account{}
		absent.ID = "nobody"
		out, err := act.bulk(many, append(list, absent)...)
		require.NoError(t, err, name)
		require.Len(t, out, 5, name)
		done := 0
		for i, state := range states {
			assert.Equal(t, list[i].ID, out[i].Account)
			assert.Equal(t, want[state] == nil, out[i].Err == nil, "%s %s: %v, %v", name, state, want[state], out[i].Err)
			if want[state] != nil {
				assert.EqualError(t, out[i].Err, want[state].Error(), name)
				continue
			}
			done++
			assert.Equal(t, name == "reset", out[i].Delivery.State == people.Queued, name)
		}
		require.ErrorIs(t, out[4].Err, accounts.ErrAccountNotFound, name)
		assert.NotZero(t, done, name)
		assert.Equal(t, before+done, many.entries()[act.entry], name)
	}
}

func ids(list []people.Account) []accounts.ID {
	var out []accounts.ID
	for _, a := range list {
		out = append(out, a.ID)
	}
	return out
}

// Rules: S9, S11
func TestABulkActIsBoundedAndWaitsForNoMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, waiting)
		a := b.account("owner@example.com", accounts.Active)
		out, err := b.op.SuspendMany(t.Context(), "left", make([]accounts.ID, 101)...)
		require.ErrorIs(t, err, people.ErrBulk)
		assert.Nil(t, out)
		out, err = b.op.SuspendMany(t.Context(), "left")
		require.NoError(t, err)
		assert.Empty(t, out)
		began := time.Now()
		out, err = b.op.ResetPasswords(t.Context(), people.Row{Account: a.ID}, people.Row{Account: a.ID, Confirm: people.Confirmation{Account: "another@example.com"}})
		require.NoError(t, err)
		assert.Zero(t, time.Since(began))
		require.NoError(t, out[0].Err)
		require.ErrorIs(t, out[1].Err, accounts.ErrConfirmationMismatch)
	})
}

// A wave of new PINs has an offer for each who can have one, and waits for no mail.
//
// Rules: S9, G191
func TestAWaveHandsNewPINsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, waiting)
		one, two := b.account("owner@example.com", accounts.Active), b.account("guest@example.com", accounts.Active)
		gone := b.account("gone@example.com", accounts.Removed)
		began := time.Now()
		out, err := b.as("operator").HandOverMany(t.Context(), people.HandOver{Digits: 5}, one.ID, gone.ID, two.ID)
		require.NoError(t, err)
		require.Len(t, out, 3)
		require.Error(t, out[1].Err)
		require.Zero(t, out[1].Offer)
		for i, a := range map[int]people.Account{0: one, 2: two} {
			require.NoError(t, out[i].Err)
			require.Equal(t, a.ID, out[i].Account)
			pin, err := b.svc.Collect(t.Context(), out[i].Offer.Word)
			require.NoError(t, err)
			require.Equal(t, b.opened(b.pin(a.ID)), pin.Reveal())
		}
		out, err = b.as("operator").HandOverMany(t.Context(), people.HandOver{Mail: true}, one.ID)
		require.NoError(t, err)
		require.NoError(t, out[0].Err)
		require.Equal(t, people.Queued, out[0].Offer.Delivery.State)
		require.Zero(t, time.Since(began))
		_, err = b.as("operator").HandOverMany(t.Context(), people.HandOver{}, make([]accounts.ID, 101)...)
		require.ErrorIs(t, err, people.ErrBulk)
	})
}
