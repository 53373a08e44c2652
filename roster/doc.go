// Package roster looks after panel users: who has a code on which panel, what is
// wanted, what the panel says, and which account belongs to whom.
//
// It is for host developers. A [Desk] stands on a store, a keyring, drivers, and the
// host's people (or keyholder's own); [Desk.As] gives an [Operator] who acts under
// their rights; [Operator.Panel] gives the [Tab] of one panel, with one method for each
// thing that can be done there. [Desk.Loops] are the workers that talk to the panels.
//
// # Wishes and what became of them
//
// A change is a wish: it is recorded at once, with its entry in the action log, and sent
// when the panel can be reached. Ten wishes while a panel is away become one edit.
// Views show what the panel last said, with the wish beside it and never as fact. Every
// changing method returns a [Receipt] that can be waited for.
//
// Wishes that give access have a deadline and can be cancelled until they are sent.
// Wishes that take access away stand until the panel has carried them out. Less access
// at the panel always wins: what somebody removed at a keypad is not written back.
//
// # Codes for their holders
//
// [Tab.GenerateCode] returns a code to whoever asked. [Tab.HandOver] gives it to nobody but
// the person whom the user is assigned to: a copy waits, sealed, until the holder shows the
// word for it on the host's page, once the panel has confirmed the code, so that what is
// shown opens. It is shown once. The copy is destroyed then, when its time is over, and when
// the code or its holder is not any more what it was; [Tab.Offered] tells the operator how it
// stands. [Tab.PrintCode] is for a sealed letter, and takes two.
//
// # Persons
//
// [Operator.Person] is what somebody is let in with: a PIN, a duress PIN and tags, each with
// [Limits]. Rules say where; the desk carries it to every device by what that can keep. A
// device that keeps windows is told ahead, another when they begin and when they end; one
// that cannot keep a restriction does not get the credential, and [Person.Devices] says
// why. A duress PIN goes only where a device tells who opens it while somebody listens; its
// alarms, and that nobody listens any more, are signals that package door carries to those
// who may see them: a desk with such devices needs one that runs.
//
// # Errors
//
// Refusals that concern the panel are those of package panel, refusals that concern
// people those of package accounts; [fault.Of] gives the kind and [fault.Hint] a
// sentence for a person. A code that cannot be had is [credentials.ErrNotAvailable],
// whoever has it and whyever, for everybody who lacks the right to know more.
//
// [fault.Of]: https://pkg.go.dev/github.com/seed-a2d3eaca/keyholder/fault#Of
package roster
