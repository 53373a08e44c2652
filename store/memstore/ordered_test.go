package memstore

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// An ordered set does what a sorted slice does, however it is changed and walked.
func TestOrderedIsASortedSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := ordered[int]{compare: cmp.Compare[int]}
		var model []int
		for _, v := range rapid.SliceOfN(rapid.IntRange(-40, 900), 0, 2000).Draw(t, "values") {
			at, found := slices.BinarySearch(model, max(v, -v))
			switch {
			case v < 0: // takes out what is there, or nothing
				set.remove(-v)
				if found {
					model = slices.Delete(model, at, at+1)
				}
			case !found:
				set.add(v)
				model = slices.Insert(model, at, v)
			}
		}
		bound := rapid.IntRange(-1, 901).Draw(t, "bound")
		at, _ := slices.BinarySearch(model, bound)
		require.True(t, slices.Equal(model[at:], slices.Collect(set.ascend(func(v int) bool { return v < bound }))))
		below := slices.Clone(model[:at])
		slices.Reverse(below)
		require.True(t, slices.Equal(below, slices.Collect(set.descend(func(v int) bool { return v < bound }))))
		for _, part := range set.chunks {
			require.NotEmpty(t, part)
			require.LessOrEqual(t, len(part), chunk)
		}
	})
}

func TestOrderedSplitsAndEmpties(t *testing.T) {
	set := ordered[int]{compare: cmp.Compare[int]}
	for v := range 5 * chunk {
		set.add(v * 7 % (5 * chunk)) // 7 divides it not: every number once
	}
	require.Greater(t, len(set.chunks), 4)
	for range set.ascend(func(int) bool { return false }) {
		break // a walk may end early
	}
	for v := range 5 * chunk {
		set.remove(v)
	}
	require.Empty(t, set.chunks)
	require.Empty(t, slices.Collect(set.descend(func(int) bool { return true })))
}
