package panel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// A duress code goes with the code of its holder: it is claimed for as long as it may open,
// and nothing of the slot shows that there is one.
//
// Rules: G195, G196
func TestADuressCodeGoesWithTheCode(t *testing.T) {
	wish := func(code, duress string) panel.Wish {
		w := panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true, Code: named(code)}, At: noon}
		if duress != "" {
			w.State.Duress = named(duress)
		}
		return w
	}
	for _, sight := range []panel.Sight{panel.Presence, panel.Marked} {
		m := panel.Model{Sight: sight}
		send := func(s panel.Slot) panel.Slot {
			t.Helper()
			w, ok := s.Compose()
			require.True(t, ok)
			return s.Dispatch(w, noon)
		}
		done := panel.Outcome{Done: panel.FieldCode}
		s := must(t)(panel.Slot{}.Wish(wish("a", "b")))
		require.Equal(t, []string{"a", "b"}, s.Claims())
		s = send(s)
		s = s.Settle(panel.Outcome{}, m) // nothing was sent
		require.Empty(t, s.Sent)
		s = stored(t, send(s).Settle(done, m))
		require.True(t, s.Idle())
		require.Equal(t, named("b"), s.Agreed.Duress)
		require.Equal(t, []string{"a", "b"}, s.Claims())
		require.False(t, s.Superseded())

		// Another one: the old one is claimed until it has surely gone.
		s = must(t)(s.Wish(wish("a", "c")))
		require.True(t, s.Superseded())
		s = send(s)
		require.Equal(t, []string{"a", "b", "c"}, s.Claims())
		lost := s.Lost()
		require.Equal(t, []string{"a", "b", "c"}, lost.Claims())
		refused := s.Settle(panel.Outcome{Refused: map[panel.Field]error{panel.FieldCode: panel.ErrRefused}}, m)
		require.Equal(t, []string{"a", "b"}, refused.Claims())
		s = s.Settle(done, m)
		if sight == panel.Marked {
			require.Equal(t, []string{"a", "b", "c"}, s.Claims())
			s, _ = s.Observe(panel.Sighting{Sight: sight, At: noon, State: panel.State{Set: true, Known: panel.FieldCode, Code: panel.CodeRef{Mark: "m"}}}, 0)
		}
		require.Equal(t, []string{"a", "c"}, s.Claims())

		// It goes by itself, and with the user.
		gone := send(must(t)(s.Wish(wish("a", "")))).Settle(done, panel.Model{Sight: panel.Presence})
		require.Equal(t, []string{"a"}, gone.Claims())
		gone = send(must(t)(s.Wish(panel.Wish{Remove: true, At: noon}))).Settle(done, panel.Model{Sight: panel.Presence})
		require.Empty(t, gone.Claims())
	}
}

// A user with tags alone is there by them.
//
// Rules: G182
func TestAUserWithTagsAlone(t *testing.T) {
	tag := panel.TagRef{Field: panel.FieldLegacyTags, CodeRef: named("tag")}
	s := must(t)(panel.Slot{}.Wish(panel.Wish{Set: panel.FieldCode | panel.FieldLegacyTags, State: panel.State{Set: true, TagRefs: []panel.TagRef{tag}}, At: noon}))
	require.False(t, s.ByHand())
	w, ok := s.Compose()
	require.True(t, ok)
	require.Equal(t, panel.Create, w.Do)
	require.True(t, w.State.Codeless())
	s = s.Dispatch(w, noon)
	require.Empty(t, s.Sent)
	require.Equal(t, []string{"tag"}, s.Claims())
	s = s.Settle(panel.Outcome{Done: panel.FieldCode | panel.FieldLegacyTags}, panel.Model{Sight: panel.Presence, Read: panel.FieldLegacyTags})
	require.True(t, s.Exists() && s.Idle())
	require.False(t, s.Unmanaged())
	s, found := s.Observe(panel.Sighting{Sight: panel.Presence, At: noon, State: panel.State{Set: true, Known: panel.FieldCode | panel.FieldLegacyTags, TagRefs: []panel.TagRef{tag}}}, 0)
	require.Zero(t, found)
	require.Equal(t, []string{"tag"}, s.Claims())
}
