package panel_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Rules: R246
func TestByHand(t *testing.T) {
	marked := func(m string) panel.Sighting {
		return panel.Sighting{Sight: panel.Marked, At: noon, State: panel.State{Set: true, Known: panel.FieldCode, Code: panel.CodeRef{Mark: m}}}
	}
	wish := panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true}, At: noon}
	s := must(t)(panel.Slot{}.Wish(wish))
	require.True(t, s.ByHand())
	require.Empty(t, s.Claims())
	s, found := s.Observe(marked("a"), 0)
	require.Zero(t, found)
	require.True(t, s.Idle())
	s = stored(t, must(t)(s.Wish(wish)))
	s, found = s.Observe(marked("a"), 0)
	require.Zero(t, found)
	require.True(t, s.ByHand(), "only a change settles it")
	s, found = s.Observe(marked("b"), 0)
	require.Zero(t, found)
	require.True(t, s.Idle())
}

// stored is what a store gives back: a mark that was seen survives it.
func stored(t *testing.T, s panel.Slot) (back panel.Slot) {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, s, back)
	return back
}
