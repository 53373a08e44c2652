package accounts

// Trouble is one line of a help page: a problem, one cause of it, and the error by which
// that cause is told from the others. Its hint (fault.Hint) says what to do.
type Trouble struct {
	Problem string
	Cause   string
	Err     error
}

// Troubles are the products' troubleshooting lists as far as accounts are concerned:
// PowerManage's first, then GEM's. A cause about signing in is for insiders, see
// [PublicError].
func Troubles() []Trouble {
	const (
		assign   = "An account cannot be assigned"
		mail     = "The mail to set a password does not arrive"
		enter    = "The owner cannot sign in"
		removed  = "An account was removed by mistake"
		wrong    = "An account has the wrong permissions"
		removing = "An account cannot be removed"
		changing = "An account cannot be changed"
		silent   = "The owner is not notified"
	)
	return []Trouble{
		{assign, "No address was entered.", ErrEmailRequired},
		{assign, "The address was typed and not chosen from the suggestions.", ErrAccountNotSelected},
		{assign, "There is no such account.", ErrAccountNotFound},
		{assign, "The account is suspended.", ErrAccountSuspended},
		{assign, "No panel user was chosen.", ErrPanelUserRequired},
		{assign, "The panel user has an account.", ErrSlotHasAccount},
		{assign, "The account has another user of the panel.", ErrAccountOnPanel},
		{assign, "The right to assign accounts is missing.", ErrPermissionDenied},
		{mail, "No mail server is set up.", ErrMailerNotConfigured},
		{mail, "The mail server does not answer.", ErrMailerUnavailable},
		{mail, "The mail server refuses the address.", ErrEmailRejected},
		{mail, "The account has no address.", ErrNoEmail},
		{mail, "Passwords are not reset by mail here.", ErrResetUnsupported},
		{mail, "The owner signs in at an identity provider.", ErrAtProvider},
		{enter, "The account is not confirmed.", ErrAccountNotConfirmed},
		{enter, "The account is suspended, or disabled.", ErrAccountSuspended},
		{enter, "The account was removed.", ErrAccountRemoved},
		{enter, "The account is revoked.", ErrAccountRevoked},
		{enter, "The account is not valid yet.", ErrAccountNotYetValid},
		{enter, "The account's validity is over.", ErrAccountExpired},
		{enter, "The account is locked after failed sign-ins.", ErrAccountLocked},
		{enter, "The password is wrong, or an old one.", ErrBadCredentials},
		{enter, "No role of the account may sign in.", ErrNoLoginRole},
		{enter, "The site is not one of the account's.", ErrSiteMismatch},
		{enter, "The role may be used from the local network only.", ErrNetworkBlocked},
		{removed, "What was removed does not come back.", ErrRestoreUnsupported},
		{wrong, "The account's roles lack the right.", ErrPermissionDenied},
		{wrong, "The site is not one of the account's.", ErrSiteMismatch},
		{wrong, "The account is not enabled.", ErrNotEnabled},
		{wrong, "The session is older than the role.", ErrStaleSession},
		{wrong, "The role does not exist.", ErrRoleNotFound},
		{removing, "The policy keeps every account.", ErrDeleteForbidden},
		{removing, "It is the system's own account.", ErrSystemAccount},
		{removing, "It is the last administrator.", ErrLastAdmin},
		{removing, "The removal was not confirmed.", ErrConfirmationRequired},
		{removing, "The confirmation names another account.", ErrConfirmationMismatch},
		{changing, "The account may do more than the caller.", ErrOutranked},
		{changing, "It is the caller's own account.", ErrOwnAccount},
		{changing, "The username is for ever.", ErrUsernameImmutable},
		{changing, "Another person has to approve it.", ErrApprovalRequired},
		{changing, "A fresh sign-in factor is missing.", ErrStepUpRequired},
		{silent, "The account has no notification profile.", ErrNoProfile},
		{silent, "The profile is disabled.", ErrProfileDisabled},
		{silent, "The profile does not use the channel.", ErrChannelOff},
		{silent, "The account has no phone number.", ErrNoPhone},
		{silent, "It is outside the profile's hours.", ErrOutsideHours},
	}
}
