package main

import (
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every subject about people who sign in is tried once, small. What is said of races,
// replays and limits must hold however busy the machine is; what is said of time is not
// looked at.
func TestAccountSubjectsHold(t *testing.T) {
	require.NoError(t, flag.Set("test.benchtime", "2x"))
	var out table
	for _, s := range accountSubjects(accountSizes{rounds: 3, rivalRounds: 1, racers: 8, guesses: 20, samples: 3, codes: 500, accounts: 50, roles: 5, cost: 4}) {
		before := len(out.rows)
		require.NoError(t, s.measure(&meter{ctx: t.Context(), dir: t.TempDir(), count: 2}, &out), s.name)
		assert.Greater(t, len(out.rows), before, s.name)
	}
	for _, row := range out.rows {
		for _, sure := range []string{"one code used", "wrong passwords at once", "codes A, B, A", "a step-up proof", "one session may be", "with a suffix", "a session that ends"} {
			if strings.Contains(row[0], sure) {
				assert.Equal(t, "met", row[5], "%v", row)
			}
		}
	}
	require.NoError(t, out.print(t.Output()))
}
