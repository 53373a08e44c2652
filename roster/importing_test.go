package roster_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// Labels come back as they were before an export, whether a spreadsheet would take them
// for a formula or they begin with an apostrophe of their own.
//
// Rules: R259
func TestLabelsComeBackFromAnExport(t *testing.T) {
	back := func(t require.TestingT, label string) {
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		require.NoError(t, w.WriteAll([][]string{{"slot", "code", "label"}, {"7", "0042", journal.Cell(label)}}))
		rows, err := roster.ReadImport(&file)
		require.NoError(t, err)
		require.Equal(t, label, rows[0].Label)
		require.Equal(t, "0042", rows[0].Code.Reveal())
	}
	for _, label := range []string{"Cleaner", "007", "'t Huis", "=1+1", "'=1+1", "''@you", "-", "＝1", "'", "''", "+49 151"} {
		back(t, label)
	}
	rapid.Check(t, func(t *rapid.T) {
		label := strings.TrimSpace(rapid.StringMatching(`['=+@＝a-]{0,3}[ -~]{0,20}`).Draw(t, "label"))
		if !strings.ContainsFunc(label, unicode.IsControl) {
			back(t, label)
		}
	})
}
