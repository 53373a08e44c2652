package accounts

import (
	"errors"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of tying an account to a panel user.
var (
	// ErrEmailRequired: no e-mail address was given.
	ErrEmailRequired = fault.New(fault.Invalid, "accounts: an e-mail address is required").
				Hinted("Enter the account's e-mail address and choose it from the suggestions.")
	// ErrAccountNotSelected: the address was typed, but no suggestion was chosen.
	ErrAccountNotSelected = fault.New(fault.Invalid, "accounts: no account was chosen").
				Hinted("Choose the account from the suggestions below the field.")
	// ErrAccountNotFound: there is no such account, or the caller may not see it.
	ErrAccountNotFound = fault.New(fault.NotFound, "accounts: no such account").
				Hinted("Check that the account exists. If not, add it first.")
	// ErrPanelUserRequired: no panel user was chosen.
	ErrPanelUserRequired = fault.New(fault.Invalid, "accounts: no panel user was chosen").
				Hinted("Choose the panel user that the account belongs to.")
	// ErrSlotHasAccount: the panel user has an account already.
	ErrSlotHasAccount = fault.New(fault.Conflict, "accounts: the panel user has an account").
				Hinted("Unassign the account that is there first, or choose another panel user.")
	// ErrNoAccountAssigned: the panel user has no account.
	ErrNoAccountAssigned = fault.New(fault.Precondition, "accounts: the panel user has no account").
				Hinted("Assign an account to the panel user first.")
	// ErrAccountOnPanel: the account has another user of this panel; see
	// [AccountOnPanelError].
	ErrAccountOnPanel = fault.New(fault.Conflict, "accounts: the account has a user of this panel").
				Hinted("An account has one user for each panel. Unassign it from the other one first.")
)

// Errors of an account's data.
var (
	// ErrEmailFormat: not an e-mail address that keyholder takes.
	ErrEmailFormat = fault.New(fault.Invalid, "accounts: not an e-mail address").
			Hinted("Write the address alone, like name@example.com, without a display name. Write an international domain in its ASCII form (xn--).")
	// ErrEmailInUse: another account has this address.
	ErrEmailInUse = fault.New(fault.Conflict, "accounts: the e-mail address is in use").
			Hinted("Use the account that has this address, or another address.")
	// ErrUsernameFormat: a username holds something else than lower-case letters, digits and underscores.
	ErrUsernameFormat = fault.New(fault.Invalid, "accounts: not a username").
				Hinted("Use lower-case letters, digits and underscores only.")
	// ErrUsernameTaken: another account has, or had, this username.
	ErrUsernameTaken = fault.New(fault.Conflict, "accounts: the username is taken").
				Hinted("Choose another username. A removed account keeps its own, because the log refers to it.")
	// ErrUsernameImmutable: a username never changes.
	ErrUsernameImmutable = fault.New(fault.Unsupported, "accounts: a username cannot be changed").
				Hinted("The log refers to it. Add a new account if another name is needed.")
	// ErrPhoneFormat: not a phone number in international form.
	ErrPhoneFormat = fault.New(fault.Invalid, "accounts: not a phone number").
			Hinted("Write a plus sign, the country code and the number, digits only: +1234567890.")
	// ErrNoEmail: the account has no address to which a message could go.
	ErrNoEmail = fault.New(fault.Precondition, "accounts: the account has no e-mail address").
			Hinted("Add an e-mail address to the account first.")
)

// Errors of an account's state, each a reason why its owner cannot get in. Outsiders
// are shown [PublicError] instead.
var (
	// ErrAccountNotConfirmed: the owner has not set a password yet; see [NotConfirmedError].
	ErrAccountNotConfirmed = fault.New(fault.Precondition, "accounts: the account is not confirmed").
				Hinted("The owner has to set a password with the code from the e-mail. Send it again with a password reset.")
	// ErrAccountSuspended: an operator suspended, or disabled, the account.
	ErrAccountSuspended = fault.New(fault.Precondition, "accounts: the account is suspended").
				Hinted("Enable the account first.")
	// ErrAccountRevoked: the account is revoked, whatever its validity says.
	ErrAccountRevoked = fault.New(fault.Precondition, "accounts: the account is revoked").
				Hinted("Clear the revocation first.")
	// ErrAccountNotYetValid: the account's validity has not begun.
	ErrAccountNotYetValid = fault.New(fault.Precondition, "accounts: the account is not valid yet").
				Hinted("Wait until the account's validity begins, or move its beginning.")
	// ErrAccountExpired: the account's validity is over.
	ErrAccountExpired = fault.New(fault.Precondition, "accounts: the account has expired").
				Hinted("Extend the account's validity.")
	// ErrAccountLocked: too many failed sign-ins.
	ErrAccountLocked = fault.New(fault.Busy, "accounts: the account is locked").
				Hinted("Wait until the lock ends, or unlock the account.")
	// ErrAccountRemoved: the account was removed.
	ErrAccountRemoved = fault.New(fault.NotFound, "accounts: the account was removed").
				Hinted("Add a new account and assign it again.")
	// ErrSystemAccount: the system's own account cannot be changed and nobody signs in as it.
	ErrSystemAccount = fault.New(fault.Denied, "accounts: this is the system's own account").
				Hinted("It is the author of what keyholder does by itself, and stays as it is.")
	// ErrBadCredentials: wrong name, password or code.
	ErrBadCredentials = fault.New(fault.Denied, "accounts: wrong credentials").
				Hinted("Check the name and the password. An old password does not work after a reset.")
	// ErrSignIn is what an outsider sees of all of these.
	ErrSignIn = fault.New(fault.Denied, "accounts: sign-in failed").
			Hinted("Check what you typed. If it goes on, ask your operator.")
)

// Errors of changing accounts.
var (
	// ErrInvalidTransition: the account's state does not allow this; see [TransitionError].
	ErrInvalidTransition = fault.New(fault.Precondition, "accounts: not possible in this state").
				Hinted("Look at the account again: somebody may have changed its state.")
	// ErrConfirmationRequired: the act must be confirmed.
	ErrConfirmationRequired = fault.New(fault.Precondition, "accounts: confirmation is required").
				Hinted("Read what will happen, then confirm it.")
	// ErrConfirmationMismatch: what was confirmed is not what would happen now.
	ErrConfirmationMismatch = fault.New(fault.Conflict, "accounts: the confirmation is for something else").
				Hinted("The account or its state has changed. Review it and confirm again.")
	// ErrRestoreUnsupported: a removed account does not come back.
	ErrRestoreUnsupported = fault.New(fault.Unsupported, "accounts: a removed account cannot be restored").
				Hinted("Add the account again and assign it again.")
	// ErrResetUnsupported: the policy has no reset by mail.
	ErrResetUnsupported = fault.New(fault.Unsupported, "accounts: passwords are not reset by mail here").
				Hinted("Ask an operator to set a new password.")
	// ErrDeleteForbidden: the policy keeps every account.
	ErrDeleteForbidden = fault.New(fault.Unsupported, "accounts: accounts are not removed here").
				Hinted("Disable the account or revoke it instead: access ends at once and its history stays.")
)

// Errors of mail.
var (
	// ErrMailerNotConfigured: no mail transport is set up.
	ErrMailerNotConfigured = fault.New(fault.Precondition, "accounts: no mail server is configured").
				Hinted("Set up the mail server, then send again.")
	// ErrMailerUnavailable: the mail server does not answer.
	ErrMailerUnavailable = fault.New(fault.Unavailable, "accounts: the mail server is out of reach").
				Hinted("Check the mail server. The message can be sent again when it is back.")
	// ErrEmailRejected: the mail server refuses the address.
	ErrEmailRejected = fault.New(fault.Conflict, "accounts: the mail server refuses the address").
				Hinted("Check the account's e-mail address.")
)

// Errors of rights, roles and sites.
var (
	// ErrPermissionDenied: the caller lacks a right; see [PermissionError].
	ErrPermissionDenied = fault.New(fault.Denied, "accounts: permission denied").
				Hinted("Ask an administrator for a role with the right that is named.")
	// ErrNotEnabled: the caller's own account may do nothing now.
	ErrNotEnabled = fault.New(fault.Denied, "accounts: the caller is not enabled").
			Hinted("Ask an administrator to enable your account.")
	// ErrSiteMismatch: the site is not one of the caller's. Services show it as not found.
	ErrSiteMismatch = fault.New(fault.Denied, "accounts: not one of the caller's sites").
			Hinted("Ask an administrator for access to this site.")
	// ErrStepUpRequired: the act asks for a fresh factor.
	ErrStepUpRequired = fault.New(fault.Denied, "accounts: a fresh sign-in factor is required").
				Hinted("Prove again who you are, with your second factor or your password, then repeat the act.")
	// ErrRoleNotFound: there is no such role.
	ErrRoleNotFound = fault.New(fault.NotFound, "accounts: no such role").
			Hinted("Choose one of the roles that exist.")
	// ErrRoleForm: a role's name, or the chain of its parents, is not right.
	ErrRoleForm = fault.New(fault.Invalid, "accounts: not a role").
			Hinted("Name a role in lower-case letters, digits and underscores, and give it no parent that descends from it.")
	// ErrRoleLimit: more roles than the policy allows.
	ErrRoleLimit = fault.New(fault.Invalid, "accounts: too many roles").
			Hinted("Take a role away first.")
	// ErrSites: not a site restriction.
	ErrSites = fault.New(fault.Invalid, "accounts: not a site restriction").
			Hinted("Say all sites in words, or list the sites.")
	// ErrUnknownRight: there is no right with this name.
	ErrUnknownRight = fault.New(fault.Invalid, "accounts: no such right").
			Hinted("Use one of the rights that this version knows.")
)

// AccountOnPanelError is [ErrAccountOnPanel] with the slot that has the account.
type AccountOnPanelError struct{ Slot int }

// Error names the slot.
func (e *AccountOnPanelError) Error() string {
	return fmt.Sprintf("%v: # %d", ErrAccountOnPanel, e.Slot)
}

// Unwrap returns the sentinel.
func (e *AccountOnPanelError) Unwrap() error { return ErrAccountOnPanel }

// NotConfirmedError is [ErrAccountNotConfirmed] with what the owner still has.
type NotConfirmedError struct {
	// PendingOTP: a setup code was sent and can still be used. Otherwise it has expired,
	// and another one must be sent.
	PendingOTP bool
}

// Error says whether a setup code is pending.
func (e *NotConfirmedError) Error() string {
	if e.PendingOTP {
		return ErrAccountNotConfirmed.Error() + ": the setup code was not used yet"
	}
	return ErrAccountNotConfirmed.Error() + ": the setup code has expired"
}

// Unwrap returns the sentinel.
func (e *NotConfirmedError) Unwrap() error { return ErrAccountNotConfirmed }

// PermissionError is [ErrPermissionDenied] with the right that is missing.
type PermissionError struct{ Right Right }

// Error names the right.
func (e *PermissionError) Error() string { return fmt.Sprintf("%v: %s", ErrPermissionDenied, e.Right) }

// Unwrap returns the sentinel.
func (e *PermissionError) Unwrap() error { return ErrPermissionDenied }

// TransitionError is [ErrInvalidTransition] with the state and what was asked for. For
// a removed and for the system's account it is [ErrAccountRemoved] or
// [ErrSystemAccount] too.
type TransitionError struct {
	From  State
	Event Event
}

// Error names the state and the event.
func (e *TransitionError) Error() string {
	return fmt.Sprintf("%v: %s an account that is %s", ErrInvalidTransition, e.Event, e.From)
}

// Unwrap returns the sentinels.
func (e *TransitionError) Unwrap() []error {
	switch e.From {
	case Removed:
		return []error{ErrAccountRemoved, ErrInvalidTransition}
	case System:
		return []error{ErrSystemAccount, ErrInvalidTransition}
	}
	return []error{ErrInvalidTransition}
}

// PublicError makes one value, [ErrSignIn], of every reason why an owner cannot get
// in, so that an outsider cannot tell them apart; other errors stay. The reason is for
// the log and the operator.
func PublicError(err error) error {
	for _, reason := range []error{
		ErrAccountNotConfirmed, ErrAccountSuspended, ErrAccountRevoked, ErrAccountNotYetValid, ErrAccountExpired,
		ErrAccountLocked, ErrAccountRemoved, ErrAccountNotFound, ErrSystemAccount, ErrBadCredentials,
	} {
		if errors.Is(err, reason) {
			return ErrSignIn
		}
	}
	return err
}
