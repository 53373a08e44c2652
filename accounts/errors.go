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
	// ErrTokenDuration: not a session time-out.
	ErrTokenDuration = fault.New(fault.Invalid, "accounts: not a session time-out").
				Hinted("Give minutes, up to a year; 0 is no time-out.")
	// ErrFirstNameRequired: a visitor without a first name.
	ErrFirstNameRequired = fault.New(fault.Invalid, "accounts: a first name is required").
				Hinted("Give the first name of the visitor.")
	// ErrSelfService: owners do not do this themselves here.
	ErrSelfService = fault.New(fault.Denied, "accounts: not for owners to do").
			Hinted("Ask an operator, or let the policy allow it.")
	// ErrOwnChanges: the owner has drawn as many codes of their own today as the policy lets.
	ErrOwnChanges = fault.New(fault.Busy, "accounts: too many codes of one's own today").
			Hinted("Use the newest one, or draw another tomorrow.")
	// ErrConsentRequired: the owner of the account has not let the caller set the codes.
	ErrConsentRequired = fault.New(fault.Denied, "accounts: the owner's consent is required").
				Hinted("Ask the owner for a consent, or have a second person open the codes for a time.")
	// ErrLinkLimit: the account is assigned to as many panel users as the policy allows.
	ErrLinkLimit = fault.New(fault.Conflict, "accounts: the account has as many panel users as it may have").
			Hinted("Unassign the account from another panel user first, or assign another account.")
	// ErrNotInstaller: no installer, or not of this site.
	ErrNotInstaller = fault.New(fault.NotFound, "accounts: not an installer of this site").
			Hinted("Give the installer the site first.")
	// ErrInstallerPending: nobody has accepted the installer at this site yet.
	ErrInstallerPending = fault.New(fault.Denied, "accounts: the installer waits for approval").
				Hinted("Have the owner of the site or an operator accept the installer there.")
	// ErrInstallerRejected: the installer was rejected at this site.
	ErrInstallerRejected = fault.New(fault.Denied, "accounts: the installer was rejected").
				Hinted("The owner of the site or an operator can still accept the installer there.")
	// ErrVisitor: a visitor without an end of validity.
	ErrVisitor = fault.New(fault.Invalid, "accounts: a visit needs an end").
			Hinted("Say how long the visitor stays, or until when.")
	// ErrGroupRequired: a visitor without an access group, or with more than 16.
	ErrGroupRequired = fault.New(fault.Invalid, "accounts: a visitor needs access groups").
				Hinted("Choose one access group or more, at most 16: they say where the visitor may enter.")
	// ErrGroupNotFound: no such access group, or one that is disabled.
	ErrGroupNotFound = fault.New(fault.NotFound, "accounts: no such access group").
				Hinted("Choose an access group of your own sites that is enabled.")
	// ErrPhotoTooLarge: more bytes or pixels than a photo may have.
	ErrPhotoTooLarge = fault.New(fault.Invalid, "accounts: the photo is too large").
				Hinted("Use an image of at most 1 MB (1,048,576 bytes) and 25 million pixels.")
	// ErrPhotoType: not an image that can be read.
	ErrPhotoType = fault.New(fault.Invalid, "accounts: not a photo").
			Hinted("Use a JPEG or PNG image, or WebP where the program reads it.")
	// ErrPhotoNotFound: the account has no photo.
	ErrPhotoNotFound = fault.New(fault.NotFound, "accounts: the account has no photo")
	// ErrNoFaceDetected: there is no face in the photo, or it cannot be told whose it is.
	ErrNoFaceDetected = fault.New(fault.Invalid, "accounts: no face was found in the photo").
				Hinted("Use a photo that shows the face of one person from the front.")
	// ErrEmbeddingSize: a face's embedding has another number of dimensions than 512.
	ErrEmbeddingSize = fault.New(fault.Internal, "accounts: not an embedding of a face").
				Hinted("Use a model that gives 512 numbers.")
	// ErrAttribute: not an attribute's name, or a value that is too long.
	ErrAttribute = fault.New(fault.Invalid, "accounts: not an attribute").
			Hinted("Name it in lower-case letters, digits and underscores. A value has at most 4096 bytes, and an account at most 32 attributes.")
	// ErrAttributeNotFound: the account has no such attribute.
	ErrAttributeNotFound = fault.New(fault.NotFound, "accounts: no such attribute").
				Hinted("Choose one of the attributes that the account has.")
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
	// ErrAtProvider: the owner signs in at an identity provider and has no password.
	ErrAtProvider = fault.New(fault.Precondition, "accounts: the owner signs in at an identity provider").
			Hinted("Have the password reset at the provider, or unbind the account from it first.")
	// ErrResetUnsupported: the policy has no reset by mail.
	ErrResetUnsupported = fault.New(fault.Unsupported, "accounts: passwords are not reset by mail here").
				Hinted("Ask an operator to set a new password.")
	// ErrDeleteForbidden: the policy keeps every account.
	ErrDeleteForbidden = fault.New(fault.Unsupported, "accounts: accounts are not removed here").
				Hinted("Disable the account or revoke it instead: access ends at once and its history stays.")
)

// Errors of handing a code over to its holder.
var (
	// ErrHandOver: not how a code can be handed over.
	ErrHandOver = fault.New(fault.Invalid, "accounts: a code is handed over within a week").
			Hinted("Let the word work for a minute at least and a week at most.")
	// ErrCodePending: the word is right and the panel has not confirmed the code. The word
	// works on.
	ErrCodePending = fault.New(fault.Precondition, "accounts: the panel does not have the code yet").
			Hinted("Wait a few minutes and try again: the word still works.")
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

// Errors of notifications.
var (
	// ErrProfile: not a notification profile.
	ErrProfile = fault.New(fault.Invalid, "accounts: not a notification profile").
			Hinted("Name it in lower-case letters, digits and underscores.")
	// ErrProfileNotFound: there is no such profile.
	ErrProfileNotFound = fault.New(fault.NotFound, "accounts: no such notification profile").
				Hinted("Choose one of the profiles that exist.")
	// ErrProfileInUse: accounts have the profile.
	ErrProfileInUse = fault.New(fault.Precondition, "accounts: accounts have this notification profile").
			Hinted("Give those accounts another profile first, or disable it.")
	// ErrNoProfile: the account has no profile, so it is not notified.
	ErrNoProfile = fault.New(fault.Precondition, "accounts: the account has no notification profile").
			Hinted("Assign a notification profile to the account.")
	// ErrProfileDisabled: the account's profile is disabled.
	ErrProfileDisabled = fault.New(fault.Precondition, "accounts: the notification profile is disabled").
				Hinted("Enable the profile, or assign another one.")
	// ErrChannelOff: the profile does not use the channel.
	ErrChannelOff = fault.New(fault.Precondition, "accounts: the profile does not use this channel").
			Hinted("Switch the channel on in the profile.")
	// ErrNoPhone: the account has no phone number.
	ErrNoPhone = fault.New(fault.Precondition, "accounts: the account has no phone number").
			Hinted("Add a phone number to the account.")
	// ErrOutsideHours: not one of the profile's days and hours.
	ErrOutsideHours = fault.New(fault.Precondition, "accounts: outside the profile's hours").
			Hinted("It can be sent when the profile opens again.")
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
	// ErrOutranked: the account may do more, or in more places, than the caller; see
	// [OutrankedError].
	ErrOutranked = fault.New(fault.Denied, "accounts: the account may do more than the caller").
			Hinted("Ask somebody who may do at least as much, at all of the account's sites.")
	// ErrOwnAccount: nobody does this to the account under which they work.
	ErrOwnAccount = fault.New(fault.Precondition, "accounts: this is the caller's own account").
			Hinted("Ask another administrator: this could lock you out, or give you more than you were given.")
	// ErrLastAdmin: the last account that may do everything everywhere stays as it is.
	ErrLastAdmin = fault.New(fault.Precondition, "accounts: this is the last administrator").
			Hinted("Give another account that can sign in the role admin at all sites first.")
	// ErrNoLoginRole: none of the account's roles lets it sign in.
	ErrNoLoginRole = fault.New(fault.Precondition, "accounts: no role of the account may sign in").
			Hinted("Give the account a role with the right signin.use.")
	// ErrNetworkBlocked: the roles that would allow this do so from the local network only.
	ErrNetworkBlocked = fault.New(fault.Denied, "accounts: not from this network").
				Hinted("Sign in from the local network, or ask for a role that may be used from elsewhere.")
	// ErrStaleSession: the session is older than the right.
	ErrStaleSession = fault.New(fault.Denied, "accounts: the session is older than the right").
			Hinted("Sign out and in again: rights that are added begin with the next sign-in.")
	// ErrStepUpRequired: the act asks for a fresh factor.
	ErrStepUpRequired = fault.New(fault.Denied, "accounts: a fresh sign-in factor is required").
				Hinted("Prove again who you are, with your second factor or your password, then repeat the act.")
	// ErrRoleNotFound: there is no such role.
	ErrRoleNotFound = fault.New(fault.NotFound, "accounts: no such role").
			Hinted("Choose one of the roles that exist.")
	// ErrRoleForm: a role's name, or the chain of its parents, is not right.
	ErrRoleForm = fault.New(fault.Invalid, "accounts: not a role").
			Hinted("Name a role in lower-case letters, digits and underscores, and give it no parent that descends from it.")
	// ErrRoleNameTaken: there is, or was, a role with this name.
	ErrRoleNameTaken = fault.New(fault.Conflict, "accounts: the role's name is taken").
				Hinted("Choose another name. A removed role keeps its own, because the log refers to it.")
	// ErrBuiltinRole: a role that comes with keyholder.
	ErrBuiltinRole = fault.New(fault.Unsupported, "accounts: the role is built in").
			Hinted("Add a role of your own: it can have this one as its parent.")
	// ErrRoleInUse: accounts have the role.
	ErrRoleInUse = fault.New(fault.Precondition, "accounts: accounts have this role").
			Hinted("Take the role from the accounts that have it first, or disable it.")
	// ErrRoleHasChildren: other roles descend from the role.
	ErrRoleHasChildren = fault.New(fault.Precondition, "accounts: other roles descend from this one").
				Hinted("Give those roles another parent, or remove them first.")
	// ErrRoleLimit: more roles than the policy allows.
	ErrRoleLimit = fault.New(fault.Invalid, "accounts: too many roles").
			Hinted("Take a role away first.")
	// ErrTemporary: rights for a time without a right, a reason or an end, or too many of them.
	ErrTemporary = fault.New(fault.Invalid, "accounts: not rights for a time").
			Hinted("Name the rights, a reason, and an end that is still to come.")
	// ErrApprovalRequired: another person has to approve this first; see [ApprovalError].
	ErrApprovalRequired = fault.New(fault.Precondition, "accounts: another person's approval is required").
				Hinted("Ask somebody else with the right to approve it, then do the same again.")
	// ErrOwnApproval: who asks for something cannot approve it.
	ErrOwnApproval = fault.New(fault.Denied, "accounts: nobody approves what they asked for").
			Hinted("Ask another person.")
	// ErrApprovalNotFound: there is nothing to approve, or not any more.
	ErrApprovalNotFound = fault.New(fault.NotFound, "accounts: nothing to approve").
				Hinted("It was done, or not approved in time. It can be asked for again.")
	// ErrHeld: what is known about the account is held, for a court for example.
	ErrHeld = fault.New(fault.Precondition, "accounts: what is known about the account is held").
		Hinted("Ask whoever asked for the hold. It is in the log, with its reason.")
	// ErrErasure: the account is not removed yet, or nothing about it is left to erase.
	ErrErasure = fault.New(fault.Precondition, "accounts: nothing to erase").
			Hinted("Remove the account first. What was erased is gone.")
	// ErrSiteForm: not a site.
	ErrSiteForm = fault.New(fault.Invalid, "accounts: not a site").
			Hinted("Name it in lower-case letters, digits and underscores, and give a plain web address.")
	// ErrSiteNotFound: there is no such site, or it is disabled.
	ErrSiteNotFound = fault.New(fault.NotFound, "accounts: no such site").
			Hinted("Choose one of the sites that are enabled.")
	// ErrSiteManaged: another server manages this one, and its sites.
	ErrSiteManaged = fault.New(fault.Unsupported, "accounts: sites are managed elsewhere").
			Hinted("Change the site at the managing server.")
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

// PermissionError is [ErrPermissionDenied] with the right that is missing. If the account
// has it by now, and the session began before, it is [ErrStaleSession] too.
type PermissionError struct {
	Right Right
	Stale bool
}

// Error names the right.
func (e *PermissionError) Error() string {
	if e.Stale {
		return fmt.Sprintf("%v: %s: %v", ErrPermissionDenied, e.Right, ErrStaleSession)
	}
	return fmt.Sprintf("%v: %s", ErrPermissionDenied, e.Right)
}

// Unwrap returns the sentinels.
func (e *PermissionError) Unwrap() []error {
	if e.Stale {
		return []error{ErrPermissionDenied, ErrStaleSession}
	}
	return []error{ErrPermissionDenied}
}

// OutrankedError is [ErrOutranked] with what the account has and the caller lacks. It is
// [ErrPermissionDenied] or [ErrSiteMismatch] too.
type OutrankedError struct {
	Right Right // 0: the account is of more sites
}

// Error names the right.
func (e *OutrankedError) Error() string {
	if e.Right == 0 {
		return ErrOutranked.Error() + ": at other sites"
	}
	return fmt.Sprintf("%v: %s", ErrOutranked, e.Right)
}

// Unwrap returns the sentinel and what is missing.
func (e *OutrankedError) Unwrap() []error {
	if e.Right == 0 {
		return []error{ErrOutranked, ErrSiteMismatch}
	}
	return []error{ErrOutranked, &PermissionError{Right: e.Right}}
}

// ApprovalError is [ErrApprovalRequired] with the id under which the act waits.
type ApprovalError struct{ ID string }

// Error says that the act waits.
func (e *ApprovalError) Error() string { return ErrApprovalRequired.Error() }

// Unwrap returns the sentinel.
func (e *ApprovalError) Unwrap() error { return ErrApprovalRequired }

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
		ErrNoLoginRole, ErrNetworkBlocked, ErrSiteMismatch, ErrInstallerPending, ErrInstallerRejected,
	} {
		if errors.Is(err, reason) {
			return ErrSignIn
		}
	}
	return err
}
