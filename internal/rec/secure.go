package rec

import "github.com/seed-a2d3eaca/keyholder/store"

// SecureKinds lists the kinds that are Secure: verification compares their records with
// what the log's entries left.
func SecureKinds() []store.Kind {
	return []store.Kind{Accounts.Name, Alarms.Name, Approvals.Name, APITokens.Name, Challenges.Name, ConsentLists.Name, Credentials.Name, Devices.Name, Enrolments.Name, Epochs.Name, Groups.Name, Holds.Name, Logins.Name,
		OneTimes.Name, Panels.Name, Points.Name, Profiles.Name, Projections.Name, Quarantines.Name, Readers.Name, Roles.Name, Rotations.Name, Rules.Name,
		Sessions.Name, Sites.Name, Subjects.Name, Takings.Name, Users.Name}
}
