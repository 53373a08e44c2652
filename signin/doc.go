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
package signin
