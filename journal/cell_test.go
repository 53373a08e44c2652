package journal_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/journal"
)

// Rules: R259
func TestCellsThatLookLikeFormulasAreGuarded(t *testing.T) {
	for _, text := range []string{"=1+2", "+49", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "＋1", "－1", "＠x", "'=1", "''@"} {
		require.Equal(t, "'"+text, journal.Cell(text))
	}
	for _, text := range []string{"", "Cleaner", "1=2", "'", "''", "'Cleaner", " =1", "cleaner@example.com"} {
		require.Equal(t, text, journal.Cell(text))
	}
}

// Whatever the text, the guard is taken off exactly, also after a way through a CSV file.
//
// Rules: R259
func TestCellsComeBack(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`'{0,3}[=+@\t\r＝＋－＠-]?'{0,2}[a-z",;\n]{0,4}`))
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		cell := journal.Cell(text)
		require.Equal(t, text, journal.FromCell(cell))
		require.False(t, cell != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(cell)[0]), "%q", cell)
		if strings.Contains(text, "\r\n") {
			return // the reader of CSV makes one line break of it
		}
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		require.NoError(t, w.Write([]string{"first", cell}))
		w.Flush()
		rows, err := csv.NewReader(&file).ReadAll()
		require.NoError(t, err)
		require.Equal(t, text, journal.FromCell(rows[0][1]))
	})
}
