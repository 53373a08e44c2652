package main

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every subject is measured once, small: nothing is said about how long it takes.
func TestEverySubjectRuns(t *testing.T) {
	require.NoError(t, flag.Set("test.benchtime", "2x"))
	var out table
	for _, s := range subjects(sizes{log: 1000, slots: 10, panels: []int{1, 3}, asks: 2, fleet: 20, credentials: 2000}) {
		before := len(out.rows)
		require.NoError(t, s.measure(&meter{ctx: t.Context(), dir: t.TempDir(), count: 2}, &out), s.name)
		assert.Greater(t, len(out.rows), before, s.name)
	}
	var b strings.Builder
	require.NoError(t, out.print(&b))
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "|") {
			assert.Equal(t, len(head)+1, strings.Count(line, "|"), line)
		}
	}
	assert.Contains(t, b.String(), "| authorising one operation")
	assert.Contains(t, b.String(), "0 allocs")
}

func TestAFailureEndsTheMeasuring(t *testing.T) {
	m := &meter{ctx: t.Context(), count: 3}
	calls := 0
	_, err := m.alone(func() error { calls++; return assert.AnError })
	require.ErrorIs(t, err, assert.AnError)
	assert.Equal(t, 1, calls)
}

func TestRatiosAreTakenPairByPair(t *testing.T) {
	// The machine was three times as slow for the second pair: no ratio shows it.
	p := pairs{ours: []time.Duration{20, 60, 22}, reference: []time.Duration{10, 30, 11}}
	low, middle, high := p.ratios()
	assert.InDelta(t, 2, low, 0)
	assert.InDelta(t, 2, middle, 0)
	assert.InDelta(t, 2, high, 0)
	assert.Equal(t, time.Duration(25), median([]time.Duration{40, 10, 30, 20}))
}

func TestAMissedGoalIsSaidPlainly(t *testing.T) {
	var out table
	out.ratio("a", pairs{ours: []time.Duration{31}, reference: []time.Duration{10}}, "b", 3)
	out.ratio("c", pairs{ours: []time.Duration{29}, reference: []time.Duration{10}}, "d", 3)
	assert.Equal(t, "MISSED", out.rows[0][5])
	assert.Equal(t, "met", out.rows[1][5])
	require.EqualError(t, out.missed(), "missed the goal ≤ 3x: a")
	out.rows = out.rows[1:]
	require.NoError(t, out.missed())
}
