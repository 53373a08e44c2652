package flow

import "strings"

// formulas are what a spreadsheet takes for the beginning of a formula, the full-width
// forms included.
const formulas = "=+-@\t\r＝＋－＠"

// Cell is a text as a cell of a CSV file: one that a spreadsheet would take for a formula
// gets an apostrophe before it. [FromCell] takes exactly that one off.
func Cell(text string) string {
	if formula(text) {
		return "'" + text
	}
	return text
}

// FromCell is the text of a cell that [Cell] made.
func FromCell(cell string) string {
	if text, guarded := strings.CutPrefix(cell, "'"); guarded && formula(text) {
		return text
	}
	return cell
}

// formula reports whether a text begins like a formula, apostrophes before it aside: one
// that looks guarded by itself is guarded again, so that every text comes back.
func formula(text string) bool {
	bare := strings.TrimLeft(text, "'")
	return bare != "" && strings.ContainsRune(formulas, []rune(bare)[0])
}
