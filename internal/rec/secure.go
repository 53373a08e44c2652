package rec

import "github.com/seed-a2d3eaca/keyholder/store"

// SecureKinds lists the kinds that are Secure: verification compares their records with
// what the log's entries left.
func SecureKinds() []store.Kind {
	return []store.Kind{Accounts.Name, Epochs.Name, OneTimes.Name, Panels.Name, Quarantines.Name, Users.Name}
}
