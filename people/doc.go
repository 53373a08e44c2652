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
// # Registering
//
// Where [Options].Registering lets them, people ask for an account themselves
// ([Service.Register]). Whether an address is known cannot be told from outside.
//
// # Who may do what to whom
//
// A right and a shared site are not enough to change an account: the operator needs every
// right and every site that the account has, or could come to have ([accounts.Grant.Covers]).
// What is given, a role, a site, rights for a time, is never more than the giver's own, also
// where a role is made or changed. Nobody does to their own account what could lock them
// out, and the last administrator stays. Acts that the policy names need a second person:
// they answer [accounts.ErrApprovalRequired], somebody else calls [Operator.Approve], and
// their author does them again.
//
// # Removing and erasing
//
// A removed account gives no access from the commit that removes it; what the log says of
// its owner stays, sealed. [Operator.Erase] destroys the key of that. [Operator.Hold] keeps
// it, for a court for example.
//
// # Visitors
//
// [Operator.IssueVisitor] is one form and one commit: an account that ends by itself, access
// groups, and a PIN that is drawn here and shown once. [Operator.Hosts] finds who answers
// for a visitor, [Operator.Badge] is what stands on the badge.
//
// # Handing a code over
//
// A PIN that is drawn for somebody reaches them once: by a word that [Operator.HandOver]
// mails or returns and [Service.Collect] spends, on a page that asks for a tap; or in a
// letter that two people print ([Operator.PrintPIN]). Another one is always another PIN.
// [Service.Collect] takes the words of roster too, by which codes of panel users are
// collected.
//
// # Owners
//
// [Service.Self] is what the owner of an account does without any right: see the own panels,
// draw another PIN, say who else may set the own codes ([accounts.Policy.CodeConsent]). What
// an owner does about others at their site is a role of few rights.
//
// # Installers
//
// An account of kind [accounts.InstallerKind] works at a site when somebody there, the owner
// or an operator, has accepted it ([Operator.AcceptInstaller]), and not any more when it was
// rejected.
//
// # Faces
//
// Photos are drawn anew, so that nothing else is left of the file; see [accounts.NewPhoto]
// for the forms. keyholder recognises no faces: a host that
// does gives an [Embedder], and without one it cannot be switched on. A face is sealed under
// a key of its own, which goes when the owner opts out.
//
// # Mail
//
// A message is posted in the commit of the act that needs it and sent by the loop. The
// call waits a little for the first try and tells what came of it; the message stays
// posted until it is accepted, refused for good, or its code has ended. [Operator.Delivery]
// tells how it stands. An owner whose address or phone number was changed is told at the
// address from before.
package people
