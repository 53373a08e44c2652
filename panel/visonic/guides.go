package visonic

import "github.com/seed-a2d3eaca/keyholder/panel"

// guides are the keypad steps for what no route writes. The manuals differ between the
// families in the words on the display. No page about a PowerMax says how a code is taken
// away, so no step does. The PowerMaster's pages say how digits are erased and what a place
// without a code shows, and not in so many words that the one leads to the other: the step
// tells to look.
func guides(m panel.Model) []panel.Guide {
	if !m.Hands.Has(panel.FieldPartitions) {
		return []panel.Guide{{
			Set: panel.FieldCode, Language: "en",
			Steps: []string{
				"With the system disarmed, open the user settings menu. It asks for the master user's code.",
				"Press the forward button until the display reads SET USER CODES, or USER CODES, and press OK.",
				"Choose the number of the user and press OK.",
				"Let the holder key in the new code of four digits and press OK. Four zeros are not a code.",
				"Leave the menu: when the display reads OK TO EXIT, press OK.",
			},
			Evidence: "User's guides D-302755 page 26 (PowerMax Complete), DE5468U page 27 (PowerMax Pro), D-302016 page 21 (PowerMax Express).",
		}}
	}
	return []panel.Guide{{
		Set: panel.FieldCode | panel.FieldPartitions, Language: "en",
		Steps: []string{
			"With the system disarmed, open the USER SETTINGS menu. It asks for the master user's code.",
			"Select USER CODES and press OK.",
			"Key in the number of the user as two digits, or press the forward button until it is shown, and press OK.",
			"Let the holder key in the new code of four digits and press OK. Four zeros are not a code.",
			"If partitions are on, switch each with the keys 1, 2 and 3 and press OK.",
			"To take a code away instead: with the cursor on its first digit press the key that erases a digit and all to its right, and press OK. Look at the user again: a place without a code shows four dashes. The Master's cannot be taken away.",
			"Leave the menu: when the display reads OK TO EXIT, press OK.",
		},
		Evidence: "User's guide D-304829 page 26, section B.4 (PowerMaster-10 and -30 G2), for erasing its notes 3 and 4; the same section in D-307502. That erased digits are stored as no code is inferred from the two notes.",
	}}
}
