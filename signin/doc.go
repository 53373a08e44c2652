// Package signin lets the owners of accounts in: with a password, a second factor, a
// session; and lets integrations in with tokens.
//
// It is for host developers who have no sign-in of their own. [New] makes a [Service] over
// the store that package people uses. What anybody may call who has reached the page is a
// method of the Service; who is signed in has an [Owner]; an operator's part is [Operator].
// [Service.Loops] send the codes.
//
// # The way in
//
// [Service.SignIn] takes a name and a password and answers with a session, or with a
// [Challenge] for which [Service.Answer] wants a code. [Service.Check] turns a session's
// token into the actor that the other services ask for, at every request. Give the other
// services [Service.Authority]: then also who holds on to an actor loses every right when
// the session ends.
//
// The first password is set with the code from the mail that package people sent, and so is
// a new one ([Service.SetPassword]). Setting a password signs nobody in.
//
// An owner whose password or second factors were changed by anybody is told by mail.
//
// # A PIN on an enrolled device
//
// Where [QuickPolicy] says so, an owner who has signed in enrols a device with a key that
// stays there ([Owner.Enrol]); from then on their PIN begins a session on it
// ([Service.QuickSignIn]) that may look and do little else, see [AALPIN]. Five wrong PINs
// end the enrolment, and so does everything that ends sessions. The duress PIN does the
// same and raises the alarm, which package door's loops carry.
//
// # Acts that ask for a fresh factor
//
// The table of rights says which acts do. Under [Timed] a factor that was just proven counts
// for all of them for five minutes; under [Bound] the owner proves it for one act on one
// target ([Owner.Prove]), and the change that is the act spends the proof. Services see it
// in the actor and need not know.
//
// # When sessions end
//
// A session is looked up in the store at each request. It ends by itself, by its owner, and
// with everything that takes something away which it may hold: a role, a right of a role, a
// site, a factor, the password, access. What is added ends nothing. Who shows the token of
// a session that has ended is told by what, see [EndedError].
//
// # What strangers learn
//
// Every sign-in that is refused is one value, [accounts.ErrSignIn], after the same work,
// whether the account is there or not. The cause is in the log and in
// [RefusedError.Cause], for those who may know.
//
// # Guessers
//
// An attempt is counted before anything is compared, for the account and where it comes
// from, for the account and for the source alone. A device from which the owner has signed in
// before has a budget of its own: whoever uses up the others slows themselves down and
// every other stranger, but not the owner on that device.
//
// Refused attempts at an account that is there are entries in the log, up to its limits. All
// others are taken together by network, in one entry a minute at most.
package signin
