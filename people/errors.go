package people

import (
	"errors"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// Errors of this package; refusals that concern people are those of package accounts.
var (
	// ErrCode: the code does not confirm this account. It is one answer for a wrong, used,
	// replaced or expired code, for too many attempts, and for an account that is not there
	// or needs no code; the log has the reason.
	ErrCode = fault.New(fault.Denied, "people: the code does not work").
		Hinted("Use the code of the newest message. It works once, for a short time and for a few attempts; then have a new one sent.")
	// ErrResetLimit: the account's owner got as many messages as there may be in an hour.
	ErrResetLimit = fault.New(fault.Busy, "people: too many messages to this account").
			Hinted("Look at how the last message was delivered, and wait before you send another.")
	// ErrNoDelivery: there is no such message, or the caller may not see it.
	ErrNoDelivery = fault.New(fault.NotFound, "people: no such message")
	// ErrApprove: the policy wants a second person for what none can be asked for.
	ErrApprove = fault.New(fault.Invalid, "people: the policy asks for approvals that there are not").
			Hinted("Name only rights of accounts.Approvable in Policy.Approve.")
	// ErrNoSites: an account belongs to at least one site.
	ErrNoSites = fault.New(fault.Invalid, "people: an account needs a site").
			Hinted("Give the account at least one of your sites. To take all access away, suspend it.")
	// ErrRegistering: nobody can ask for an account here.
	ErrRegistering = fault.New(fault.Unsupported, "people: nobody registers here").
			Hinted("An operator adds accounts. To let people ask for one, give Options.Registering sites, a mailer and sign-in by address.")
	// ErrRegistrant: not a request for an account.
	ErrRegistrant = fault.New(fault.Invalid, "people: not a request for an account").
			Hinted("Give an address, and names of at most 100 bytes.")
	// ErrNoRegistration: there is no such request, or not any more.
	ErrNoRegistration = fault.New(fault.NotFound, "people: no such request for an account")
	// ErrBulk: too many accounts for one call.
	ErrBulk = fault.New(fault.Invalid, "people: more than 100 accounts at once").
		Hinted("Give at most 100 accounts, and the others in another call.")
	// ErrCursor: not a cursor of an earlier page.
	ErrCursor = fault.New(fault.Invalid, "people: not a cursor").
			Hinted("Begin with the first page again.")
)

// taken says which name is in use, if that is why a commit was refused.
func taken(err error) error {
	name, ok := claimed(err)
	switch {
	case !ok:
		return err
	case strings.HasPrefix(string(name), string(usernameScope)):
		return accounts.ErrUsernameTaken
	case strings.HasPrefix(string(name), "role|"):
		return accounts.ErrRoleNotFound // it is being removed
	case strings.HasPrefix(string(name), string(credentials.TenantScope)):
		return credentials.ErrCodeTaken
	}
	return accounts.ErrEmailInUse
}

// outsider makes [ErrCode] of every reason that tells something about an account.
func outsider(err error) error {
	for _, reason := range []error{flow.ErrNoSecret, flow.ErrSecretExpired, flow.ErrSecretWrong, flow.ErrGuesses,
		accounts.ErrInvalidTransition, accounts.ErrAccountNotFound, accounts.ErrAccountRemoved} {
		if errors.Is(err, reason) {
			return ErrCode
		}
	}
	return err
}
