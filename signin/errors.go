package signin

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// Errors of signing in. Until the password is proven an outsider is shown
// [accounts.ErrSignIn] instead; see [RefusedError].
var (
	// ErrTooMany: no attempts are left; nothing was compared.
	ErrTooMany = fault.New(fault.Busy, "signin: too many attempts").
			Hinted("Wait. From a device that is remembered, or from elsewhere, the owner can still sign in.")
	// ErrMethod: the account does not sign in this way.
	ErrMethod = fault.New(fault.Denied, "signin: the account does not sign in this way").
			Hinted("A service account uses an API token, an account that is bound to a provider signs in there.")
	// ErrCode: the code does not set this account's password. It is one answer for a wrong,
	// used, replaced or expired code, for too many attempts, and for an account that is not
	// there.
	ErrCode = fault.New(fault.Denied, "signin: the code does not work").
		Hinted("Use the code of the newest message. It works once, for a short time and for a few attempts; then ask for a new one.")
	// ErrSameMailbox: the account's second factor is a code to the very mailbox that got the
	// code for the new password.
	ErrSameMailbox = fault.New(fault.Denied, "signin: one mailbox is not two factors").
			Hinted("Ask an operator for a new password, or to take the second factor off.")
	// ErrSession: there is no such session, or not any more.
	ErrSession = fault.New(fault.Denied, "signin: not signed in").
			Hinted("Sign in again.")
	// ErrTooManySessions: the account is signed in as often as it may be.
	ErrTooManySessions = fault.New(fault.Busy, "signin: signed in too often").
				Hinted("Sign out elsewhere first.")
	// ErrToken: not an API token that works, here and now.
	ErrToken = fault.New(fault.Denied, "signin: not a valid token").
			Hinted("Issue a new token for the integration, for the network from which it calls.")
	// ErrTokenRights: a right that no token may have.
	ErrTokenRights = fault.New(fault.Invalid, "signin: no token may have this right").
			Hinted("Secrets are seen by people only. Leave the right out.")
)

// Errors of second factors. Only who has given the right password gets them.
var (
	// ErrChallenge: there is no such sign-in between its two steps, or not any more.
	ErrChallenge = fault.New(fault.Precondition, "signin: the sign-in has ended").
			Hinted("Begin again with name and password.")
	// ErrFactorWrong: not the code.
	ErrFactorWrong = fault.New(fault.Denied, "signin: wrong code").
			Hinted("Use the newest code. A code works once.")
	// ErrFactorExpired: the code was not used in time.
	ErrFactorExpired = fault.New(fault.Precondition, "signin: the code has expired").
				Hinted("Have a new code sent.")
	// ErrFactorLocked: too many wrong codes.
	ErrFactorLocked = fault.New(fault.Busy, "signin: too many wrong codes").
			Hinted("Begin again with name and password; after many attempts wait an hour.")
	// ErrNoFactor: a second factor is needed and none can be had; see [NoFactorError].
	ErrNoFactor = fault.New(fault.Precondition, "signin: a second factor is required and there is none").
			Hinted("Ask an operator to add an address or phone number, or to take the requirement off.")
	// ErrFactor: not a second factor that the account has.
	ErrFactor = fault.New(fault.Invalid, "signin: the account has no such second factor").
			Hinted("Choose one of those that are offered.")
	// ErrNotDelivered: who carries messages refuses the address or number of the code, or the
	// code ended before it could be sent.
	ErrNotDelivered = fault.New(fault.Precondition, "signin: the code was not delivered").
			Hinted("Have it sent in another way, or use another second factor; then have the address or number corrected.")
	// ErrNotSent: nobody carries the message with the code at the moment; it is tried again.
	ErrNotSent = fault.New(fault.Unavailable, "signin: the code could not be sent yet").
			Hinted("Wait a moment, or use another second factor.")
	// ErrTooSoon: a code was sent a moment ago.
	ErrTooSoon = fault.New(fault.Busy, "signin: a code was just sent").
			Hinted("Wait half a minute for it.")
	// ErrTooManyCodes: as many codes were sent as there may be.
	ErrTooManyCodes = fault.New(fault.Busy, "signin: too many codes were sent").
			Hinted("Use another second factor, or wait.")
)

// RefusedError is what an outsider gets: it reads as, and is, [accounts.ErrSignIn] or
// [ErrCode] and nothing else.
type RefusedError struct{ public, cause error }

// Error is the text of the public error.
func (e *RefusedError) Error() string { return e.public.Error() }

// Unwrap returns the public error.
func (e *RefusedError) Unwrap() error { return e.public }

// Cause is the true reason. It is for operators: never show it on the page of the sign-in.
func (e *RefusedError) Cause() error { return e.cause }

// FormerPasswordError is [accounts.ErrBadCredentials] for a password that is wrong after the
// owner's was changed: the former one may have been typed. No former password is kept, so
// it is not known.
type FormerPasswordError struct{ Changed time.Time }

// Error says when the password was changed.
func (e *FormerPasswordError) Error() string {
	return fmt.Sprintf("%v: the password was changed at %s", accounts.ErrBadCredentials, e.Changed.UTC().Format(time.RFC3339))
}

// Unwrap returns the sentinel.
func (e *FormerPasswordError) Unwrap() error { return accounts.ErrBadCredentials }

// NoFactorError is [ErrNoFactor] with why each factor is missing.
type NoFactorError struct{ Missing map[Method]string }

// Error names the factors.
func (e *NoFactorError) Error() string {
	return fmt.Sprintf("%v; app: %s; sms: %s; mail: %s", ErrNoFactor, e.Missing[App], e.Missing[SMS], e.Missing[Mail])
}

// Unwrap returns the sentinel.
func (e *NoFactorError) Unwrap() error { return ErrNoFactor }

// factorError says what a spent secret's refusal means for a second factor.
func factorError(err error) error {
	for from, to := range map[error]error{flow.ErrGuesses: ErrFactorLocked, flow.ErrSecretExpired: ErrFactorExpired,
		flow.ErrSecretWrong: ErrFactorWrong, flow.ErrNoSecret: ErrFactorWrong} {
		if errors.Is(err, from) {
			return to
		}
	}
	return err
}
