package accounts

import "github.com/seed-a2d3eaca/keyholder/credentials"

// Door is a record of the owner's credentials as the account leaves it: a suspended or
// removed account disables it, a revoked one stops it, and the account's validity narrows
// the record's own. What concerns signing in alone, a lock or a password that was never
// set, changes nothing at a door. An installer's is disabled at every site where they were
// not accepted, and stays as it is otherwise.
func (a *Account) Door(r credentials.Record, site string) credentials.Record {
	waits := a.Kind == InstallerKind && a.Approval(site) != Accepted
	r.Disabled = r.Disabled || waits || !a.Suspended.At.IsZero() || !a.Removed.IsZero()
	r.Window.Revoked = r.Window.Revoked || a.Window.Revoked
	if a.Window.From.After(r.Window.From) {
		r.Window.From = a.Window.From
	}
	if until := a.Window.Until; !until.IsZero() && (r.Window.Until.IsZero() || until.Before(r.Window.Until)) {
		r.Window.Until = until
	}
	return r
}
