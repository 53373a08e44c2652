package accounts_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

func isErr(err, target error) bool { return errors.Is(err, target) }

// Rules: R218
func TestOutsidersSeeOneAnswer(t *testing.T) {
	causes := []error{
		accounts.ErrAccountNotConfirmed, &accounts.NotConfirmedError{PendingOTP: true}, &accounts.NotConfirmedError{},
		accounts.ErrAccountSuspended, accounts.ErrAccountRemoved, accounts.ErrBadCredentials, accounts.ErrAccountLocked,
		accounts.ErrAccountRevoked, accounts.ErrAccountExpired, accounts.ErrAccountNotYetValid, accounts.ErrAccountNotFound,
		accounts.ErrSystemAccount,
	}
	for _, cause := range causes {
		assert.Same(t, accounts.ErrSignIn, accounts.PublicError(cause), cause)
		assert.Same(t, accounts.ErrSignIn, accounts.PublicError(fmt.Errorf("sign in: %w", cause)), cause)
		assert.Equal(t, accounts.ErrSignIn.Error(), accounts.PublicError(cause).Error())
		assert.Equal(t, fault.Denied, fault.Of(accounts.PublicError(cause)))
	}
	outage := errors.New("disk is full")
	assert.Equal(t, outage, accounts.PublicError(outage))
	assert.NoError(t, accounts.PublicError(nil))
}

// Rules: R213, R214, R215, R216
func TestInsidersSeeEachCause(t *testing.T) {
	causes := []error{
		accounts.ErrAccountNotConfirmed, accounts.ErrAccountSuspended, accounts.ErrAccountRemoved, accounts.ErrBadCredentials,
		accounts.ErrAccountLocked, accounts.ErrAccountRevoked, accounts.ErrAccountExpired, accounts.ErrAccountNotYetValid,
	}
	for i, a := range causes {
		assert.NotEmpty(t, fault.Hint(a), a)
		for j, b := range causes {
			assert.Equal(t, i == j, errors.Is(a, b), "%v, %v", a, b)
		}
	}
	pending, over := error(&accounts.NotConfirmedError{PendingOTP: true}), error(&accounts.NotConfirmedError{})
	assert.ErrorIs(t, pending, accounts.ErrAccountNotConfirmed)
	assert.ErrorIs(t, over, accounts.ErrAccountNotConfirmed)
	assert.NotEqual(t, pending.Error(), over.Error())
}

func TestEachCauseOfAFailedAssignmentIsItsOwn(t *testing.T) {
	causes := []error{
		accounts.ErrEmailRequired, accounts.ErrAccountNotSelected, accounts.ErrAccountSuspended, accounts.ErrPanelUserRequired,
		&accounts.PermissionError{Right: accounts.AccountsAssign}, accounts.ErrAccountNotFound, accounts.ErrSlotHasAccount,
		&accounts.AccountOnPanelError{Slot: 4}, accounts.ErrNoAccountAssigned,
	}
	seen := map[string]bool{}
	for _, err := range causes {
		assert.NotEmpty(t, fault.Hint(err), err)
		assert.NotEqual(t, fault.Unknown, fault.Of(err), err)
		assert.False(t, seen[err.Error()], err)
		seen[err.Error()] = true
	}
	assert.ErrorIs(t, causes[4], accounts.ErrPermissionDenied)
	assert.ErrorIs(t, causes[7], accounts.ErrAccountOnPanel)
	assert.Contains(t, causes[7].Error(), "# 4")
}

func TestOnlyAMailServerThatIsAwayIsWorthATryLater(t *testing.T) {
	assert.True(t, fault.Temporary(accounts.ErrMailerUnavailable))
	assert.False(t, fault.Temporary(accounts.ErrMailerNotConfigured))
	assert.False(t, fault.Temporary(accounts.ErrEmailRejected))
}
