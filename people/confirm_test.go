package people_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// invited adds an account and returns the code that was mailed to its owner.
func (b *bench) invited(address string) (people.Account, credentials.Code) {
	b.t.Helper()
	a := b.account(address, accounts.NotConfirmed)
	require.NoError(b.t, b.svc.Work(b.t.Context()))
	return a, b.code()
}

// Rules: R91, R92, R93, R213, R216, S12
func TestTheMailedCodeConfirmsTheAccountOnce(t *testing.T) {
	b := newBench(t)
	a, code := b.invited("owner@example.com")
	s := b.facts(a.ID)
	assert.Equal(t, accounts.StatusNotConfirmed, s.PowerManage)
	pending, ok := errors.AsType[*accounts.NotConfirmedError](s.Access)
	require.True(t, ok)
	assert.True(t, pending.PendingOTP)

	_, err := b.op.Confirm(t.Context(), people.ByID(a.ID), other(t, code))
	require.ErrorIs(t, err, people.ErrCode)
	v, err := b.op.Confirm(t.Context(), people.ByEmail(email(t, "OWNER@example.com")), code)
	require.NoError(t, err)
	assert.Equal(t, accounts.StatusActive, v.Status)
	require.NoError(t, b.facts(a.ID).Access)
	_, err = b.op.Confirm(t.Context(), people.ByID(a.ID), code)
	require.ErrorIs(t, err, people.ErrCode)
	assert.Equal(t, 1, b.entries()[audit.AccountConfirmed])
}

// Rules: R135, R142
func TestANewerCodeVoidsTheOlderAndLeavesTheStatus(t *testing.T) {
	b := newBench(t)
	a, older := b.invited("owner@example.com")
	_, err := b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	require.NoError(t, b.svc.Work(t.Context()))
	newer := b.code()
	assert.Equal(t, accounts.StatusNotConfirmed, b.facts(a.ID).PowerManage)
	_, err = b.op.Confirm(t.Context(), people.ByID(a.ID), older)
	require.ErrorIs(t, err, people.ErrCode)
	_, err = b.op.Confirm(t.Context(), people.ByID(a.ID), newer)
	require.NoError(t, err)
}

// Rules: R135
func TestACodeIsForItsAccountAndItsPurpose(t *testing.T) {
	b := newBench(t)
	_, code := b.invited("owner@example.com")
	second, _ := b.invited("second@example.com")
	_, err := b.op.Confirm(t.Context(), people.ByID(second.ID), code)
	require.ErrorIs(t, err, people.ErrCode)

	active := b.account("active@example.com", accounts.Active)
	_, err = b.op.ResetPassword(t.Context(), active.ID)
	require.NoError(t, err)
	require.NoError(t, b.svc.Work(t.Context()))
	_, err = b.op.Confirm(t.Context(), people.ByID(active.ID), b.code())
	require.ErrorIs(t, err, people.ErrCode, "the code of a reset confirms nothing")
}

// Rules: R135
func TestACodeExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a, code := b.invited("owner@example.com")
		time.Sleep(accounts.DefaultOTPLife)
		_, err := b.op.Confirm(t.Context(), people.ByID(a.ID), code)
		require.ErrorIs(t, err, people.ErrCode)
		pending, ok := errors.AsType[*accounts.NotConfirmedError](b.facts(a.ID).Access)
		require.True(t, ok)
		assert.False(t, pending.PendingOTP)
	})
}

// An account that was suspended before it was confirmed needs no code.
func TestOnlyAnAccountThatIsNotConfirmedCanBe(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.PowerManage(); o.Policy.SuspendUnconfirmed = true })
	a, code := b.invited("owner@example.com")
	_, err := b.op.Suspend(t.Context(), a.ID, "on hold")
	require.NoError(t, err)
	_, err = b.op.Confirm(t.Context(), people.ByID(a.ID), code)
	require.ErrorIs(t, err, people.ErrCode)
	_, err = b.op.Enable(t.Context(), a.ID)
	require.NoError(t, err)
	_, err = b.op.Confirm(t.Context(), people.ByID(a.ID), code)
	require.NoError(t, err, "the code was not lost")
}

// Where several accounts share an address it names none of them.
func TestASharedAddressConfirmsNobody(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.PowerManage(); o.Policy.EmailUnique = false })
	for range 2 {
		b.invited("owner@example.com")
	}
	page, err := b.op.Accounts(t.Context(), people.Search{})
	require.NoError(t, err)
	for _, a := range page.Accounts {
		_, err = b.op.ResetPassword(t.Context(), a.ID)
		require.NoError(t, err)
		require.NoError(t, b.svc.Work(t.Context()))
		_, err := b.op.Confirm(t.Context(), people.ByEmail(a.Email), b.code())
		require.ErrorIs(t, err, people.ErrCode)
		_, err = b.op.Confirm(t.Context(), people.ByID(a.ID), b.code())
		require.NoError(t, err)
	}
}

// What an outsider gets is one answer, and what is written has one shape, whether the
// account is there or not, wrong or out of attempts.
//
// Rules: R218
func TestKnownAndUnknownAccountsAnswerAlike(t *testing.T) {
	b := newBench(t)
	_, code := b.invited("owner@example.com")
	wrong := other(t, code)
	away := b.account("suspended@example.com", accounts.Suspended)
	b.account("gone@example.com", accounts.Removed)
	shapes := map[string][]string{}
	for name, who := range map[string]people.Who{
		"not confirmed": people.ByEmail(email(t, "owner@example.com")),
		"suspended":     people.ByID(away.ID),
		"removed":       people.ByEmail(email(t, "gone@example.com")),
		"unknown":       people.ByEmail(email(t, "stranger@example.com")),
		"unknown id":    people.ByID("no such id"),
	} {
		b.forget()
		for range 7 {
			_, err := b.op.Confirm(t.Context(), who, wrong)
			require.Equal(t, people.ErrCode, err, name)
		}
		for _, c := range b.wrote() {
			if c == "count guess by=+1 max=5\n" || c == "count refused by=+1 max=1099511627776\n" {
				shapes[name] = append(shapes[name], c)
			}
		}
		assert.Len(t, shapes[name], 14, "%s: each attempt is counted and each refusal too", name)
	}
	for name, shape := range shapes {
		assert.Equal(t, shapes["unknown"], shape, name)
	}
}

// watched counts the one-time codes that are looked at.
type watched struct {
	credentials.Keyring
	looks atomic.Int64
}

func (w *watched) Print(keyID string, s credentials.Scope, m credentials.Material) (credentials.Fingerprint, error) {
	if s.Kind == "onetime" {
		w.looks.Add(1)
	}
	return w.Keyring.Print(keyID, s, m)
}

// A hundred wrong codes at once: five are compared, and the right one comes too late.
func TestNoMoreThanFiveGuessesAreEvaluated(t *testing.T) {
	w := &watched{Keyring: ring(t)}
	b := newBench(t, func(o *people.Options) { o.Keys = w })
	for address, n := range map[string]int64{"owner@example.com": 5, "": 5} {
		who := people.ByEmail(email(t, "stranger@example.com"))
		code, err := credentials.ParseCode("12345678")
		require.NoError(t, err)
		if address != "" {
			var a people.Account
			a, code = b.invited(address)
			who = people.ByID(a.ID)
		}
		wrong := other(t, code)
		w.looks.Store(0)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				_, err := b.op.Confirm(t.Context(), who, wrong)
				assert.ErrorIs(t, err, people.ErrCode)
			})
		}
		all.Wait()
		assert.Equal(t, n, w.looks.Load())
		_, err = b.op.Confirm(t.Context(), who, code)
		require.ErrorIs(t, err, people.ErrCode)
		assert.Equal(t, n, w.looks.Load())
	}
}

// One code, used 32 times at once, works once.
//
// Rules: R135
func TestOneCodeUsedAtOnceWorksOnce(t *testing.T) {
	for range rounds(50, 20) {
		b := newBench(t)
		a, code := b.invited("owner@example.com")
		var all sync.WaitGroup
		var worked atomic.Int64
		for range 32 {
			all.Go(func() {
				_, err := b.op.Confirm(t.Context(), people.ByID(a.ID), code)
				if err == nil {
					worked.Add(1)
				} else {
					assert.ErrorIs(t, err, people.ErrCode)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, worked.Load())
		require.Equal(t, 1, b.entries()[audit.AccountConfirmed])
	}
}

// Many operators write one address at once: one account comes of it.
//
// Rules: R88
func TestOneAddressAtOnceMakesOneAccount(t *testing.T) {
	for range rounds(50, 20) {
		b := newBench(t)
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				_, _, errs[i] = b.op.Create(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Sites: sites})
			})
		}
		all.Wait()
		won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
		require.GreaterOrEqual(t, won, 0)
		for i, err := range errs {
			if i != won {
				require.ErrorIs(t, err, accounts.ErrEmailInUse)
			}
		}
		page, err := b.op.Accounts(t.Context(), people.Search{})
		require.NoError(t, err)
		require.Len(t, page.Accounts, 1)
		require.NoError(t, b.svc.Work(t.Context()))
		require.Len(t, b.mail.Sent(), 1)
	}
}
