package main

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The credential engine is measured once, small, except for the goals that no busy
// machine can spoil.
func TestTheCredentialEngineIsMeasured(t *testing.T) {
	require.NoError(t, flag.Set("test.benchtime", "2x"))
	var out table
	require.NoError(t, credentialEngine(&meter{ctx: t.Context(), dir: t.TempDir(), count: 2}, &out, 2000))
	require.Len(t, out.rows, 12)
	assert.Equal(t, []string{"its allocations [6]", "0"}, out.rows[2][:2])
}

// An observer who is told nothing by the times is right half the time, and one who sees a
// difference is not.
func TestAnObserverTellsADifference(t *testing.T) {
	list := func(durations ...time.Duration) []time.Duration { return durations }
	for _, c := range []struct {
		a, b []time.Duration
		want float64
	}{
		{list(1, 2, 3), list(1, 2, 3), 0.5}, {list(1, 2, 3), list(4, 5), 1}, {list(4, 5), list(1, 2, 3), 0},
		{list(1, 3), list(2, 4), 0.75}, {list(7, 7), list(7, 7, 7), 0.5},
	} {
		o := observer{took: [2][]time.Duration{c.a, c.b}}
		assert.InDelta(t, c.want, o.chance(), 1e-9, "%v %v", c.a, c.b)
	}
}
