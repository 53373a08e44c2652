package main

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The credential engine is measured once, small, except for the goals that no busy
// machine can spoil.
func TestTheCredentialEngineIsMeasured(t *testing.T) {
	require.NoError(t, flag.Set("test.benchtime", "2x"))
	var out table
	require.NoError(t, credentialEngine(&meter{ctx: t.Context(), dir: t.TempDir(), count: 2}, &out, 2000))
	require.Len(t, out.rows, 9)
	assert.Equal(t, []string{"its allocations [6]", "0"}, out.rows[2][:2])
}
