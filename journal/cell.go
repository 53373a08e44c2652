package journal

import "github.com/seed-a2d3eaca/keyholder/internal/flow"

// Cell is a text as a cell of a CSV file: one that a spreadsheet would take for a formula
// gets an apostrophe before it. [FromCell] takes exactly that one off, and so does
// roster.ReadImport.
func Cell(text string) string { return flow.Cell(text) }

// FromCell is the text of a cell that [Cell] made.
func FromCell(cell string) string { return flow.FromCell(cell) }
