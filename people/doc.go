// Package people looks after the accounts of people: who has one, how it stands, what
// they may do, and the messages by which they get in.
//
// It is for host developers. [New] makes a [Service] over a store; [Service.As] gives it
// to an actor as an [Operator], with one method for each thing that can be done.
// [Service.Loops] send the mail. A host that has people of its own does not need this
// package: see [accounts.Directory].
//
// # Accounts and panel users
//
// An account is tied to panel users by package roster, which knows it by its id: what a
// Users tab offers for an assigned account is done here with the id from the details of
// the panel user.
//
// Unassigning (package roster) takes the link away and keeps the account: its owner can
// still sign in and it can be assigned again. Removing ([Operator.Remove]) ends the
// account itself, everywhere and for good. They are never the same act.
//
// # The first operator
//
// A fresh store has no account, so nobody has a right. The host vouches for the first
// one: it makes a service with an [accounts.StaticAuthority] that allows one host actor
// to import, and imports an account with a role. From then on a service without an
// authority of its own asks the roles of the accounts.
//
// # Mail
//
// A message is posted in the commit of the act that needs it and sent by the loop. The
// call waits a little for the first try and tells what came of it; the message stays
// posted until it is accepted, refused for good, or its code has ended. [Operator.Delivery]
// tells how it stands.
package people
