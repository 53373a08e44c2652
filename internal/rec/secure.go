package rec

import "github.com/seed-a2d3eaca/keyholder/store"

// SecureKinds lists the kinds that are Secure: verification compares their records with
// what the log's entries left.
func SecureKinds() []store.Kind {
	return []store.Kind{Accounts.Name, Approvals.Name, APITokens.Name, Challenges.Name, Devices.Name, Epochs.Name, Holds.Name, Logins.Name,
		OneTimes.Name, Panels.Name, Profiles.Name, Quarantines.Name, Roles.Name, Sessions.Name, Users.Name}
}
