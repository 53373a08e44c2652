package qolsys

import "github.com/seed-a2d3eaca/keyholder/panel"

// What the steps come from.
const (
	manualEvidence = "IQ Panel 2 user manual p. 13 and IQ4 Hub manual p. 137 for the menu and for what can be edited; titles may differ with the firmware"
	firstEvidence  = "Brinks Home help, IQ Panel, Add User Code"
)

// guides are the steps for panels with the settings tray: IQ Panel 2 and its successors.
func guides() []panel.Guide {
	open := []string{
		"Disarm the panel.",
		"Swipe down from the top of the screen and touch Settings, then Advanced Settings.",
		"Enter the code of a master, of the installer or of the dealer: each manages its own rank and those below.",
		"Touch User Management.",
	}
	then := func(steps ...string) []string { return append(append([]string{}, open...), steps...) }
	return []panel.Guide{
		{
			Set: byHand, Language: "en", Evidence: manualEvidence,
			Steps: then(
				"New user: touch Add User. Enter the name, let the holder choose and enter the code twice, choose the type, the partitions and, if wanted, an expiration date, then touch Add User.",
				"The type is fixed from then on. For another type, delete the user and add it anew with a new code.",
			),
		},
		{
			Set: panel.FieldCode | panel.FieldLabel | panel.FieldPartitions | panel.FieldUntil, Language: "en", Evidence: manualEvidence,
			Steps: then(
				"Existing user: touch the pencil beside the user, change the name, the code, the partitions or the expiration date, and save.",
				"To remove a user, touch the bin beside the user and confirm. The Master cannot be removed.",
			),
		},
	}
}

// firstGuides are the steps for the first IQ Panel.
func firstGuides() []panel.Guide {
	return []panel.Guide{{
		Set: byHand &^ panel.FieldPartitions, Language: "en", Evidence: firstEvidence,
		Steps: []string{
			"Touch Status and enter a code that may manage users.",
			"Touch User Management, then Add User.",
			"Enter a name of at most ten characters, then let the holder choose the code and enter it twice.",
			"Choose the type and, if wanted, an expiration date, and touch Add User.",
		},
	}}
}
