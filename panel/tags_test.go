package panel_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

func tag(number string) panel.TagRef {
	return panel.TagRef{Field: panel.FieldLegacyTags, CodeRef: panel.CodeRef{Names: []string{number}, Mark: number}}
}

func tagSet(numbers ...string) panel.State {
	var s panel.State
	for _, n := range numbers {
		s.TagRefs = append(s.TagRefs, tag(n))
	}
	return s
}

// reader is a panel's memory of one user's tags, and how much of it shows.
type reader struct {
	ours, theirs map[string]bool // live because of us, or enrolled there
	hidden       bool
}

func (r reader) report() panel.Sighting {
	st := panel.State{Set: true, Known: panel.FieldCode | panel.FieldLegacyTags}
	if r.hidden {
		st.Tags = len(r.ours) + len(r.theirs)
	} else {
		st.TagRefs = tagSet(slices.Sorted(maps.Keys(merge(r.ours, r.theirs)))...).TagRefs
	}
	return panel.Sighting{State: st, Sight: panel.Presence, At: time.Unix(1_800_000_000, 0)}
}

func merge(a, b map[string]bool) map[string]bool {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func withTags(t require.TestingT, numbers ...string) panel.Slot {
	s, err := panel.Slot{Place: panel.Place{Slot: 4}}.Wish(panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true, Code: named("A")}})
	require.NoError(t, err)
	s = send(s, panel.FieldCode)
	if len(numbers) == 0 {
		return s
	}
	s, err = s.Wish(panel.Wish{Set: panel.FieldLegacyTags, State: tagSet(numbers...)})
	require.NoError(t, err)
	return send(s, panel.FieldLegacyTags)
}

// tagged is a panel that takes tags.
var tagged = panel.Model{Sight: panel.Presence, Read: panel.FieldLegacyTags}

func send(s panel.Slot, done panel.Field) panel.Slot {
	work, _ := s.Compose()
	return s.Dispatch(work, noon).Settle(panel.Outcome{Done: done}, tagged)
}

// Whatever happens to an edit, a tag that opens because of us is claimed.
//
// Rules: R86
func TestALiveTagIsNeverFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := withTags(t)
		r := reader{ours: map[string]bool{}, theirs: map[string]bool{}, hidden: rapid.Bool().Draw(t, "hidden")}
		numbers := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"1", "2", "3"}), 0, 3, rapid.ID[string])
		check := func() {
			for n := range r.ours {
				if !slices.Contains(s.Claims(), n) {
					t.Fatalf("tag %s opens and nobody holds it: claims %v", n, s.Claims())
				}
			}
		}
		land := func(work panel.Work) {
			r.ours, r.theirs = map[string]bool{}, map[string]bool{}
			for _, n := range work.State.TagRefs {
				r.ours[n.Names[0]] = true
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { check() },
			"wish": func(t *rapid.T) {
				w, err := s.Wish(panel.Wish{Set: panel.FieldLegacyTags, State: tagSet(numbers.Draw(t, "tags")...)})
				if err == nil {
					s = w
				}
			},
			"cancel": func(*rapid.T) {
				if c, err := s.Cancel(); err == nil {
					s = c
				}
			},
			"keypad": func(t *rapid.T) {
				for _, n := range numbers.Draw(t, "taken") {
					delete(r.ours, n)
				}
				r.theirs["9"] = rapid.Bool().Draw(t, "enrolled")
				if !r.theirs["9"] {
					delete(r.theirs, "9")
				}
			},
			"read": func(*rapid.T) { s, _ = s.Observe(r.report(), 0) },
			"send": func(t *rapid.T) {
				work, ok := s.Compose()
				if !ok {
					t.Skip("nothing to send")
				}
				s = s.Dispatch(work, noon)
				check()
				switch rapid.SampledFrom([]string{"done", "refused", "lost", "lost and landed", "crash", "crash and landed", "unsent"}).Draw(t, "what comes of it") {
				case "done":
					land(work)
					s = s.Settle(panel.Outcome{Done: work.Set}, tagged)
				case "refused":
					s = s.Settle(panel.Outcome{Refused: map[panel.Field]error{panel.FieldLegacyTags: panel.ErrRefused}}, tagged)
				case "lost and landed":
					land(work)
					s = s.Settle(panel.Outcome{Unsure: work.Set}, tagged)
				case "lost":
					s = s.Settle(panel.Outcome{Unsure: work.Set}, tagged)
				case "crash and landed":
					land(work)
					s = s.Lost()
				case "crash":
					s = s.Lost()
				case "unsent":
					s = s.Settle(panel.Outcome{}, tagged)
				}
			},
		})
		// Without further mishaps everything comes to rest, and nothing is held for nothing.
		for range 6 {
			s, _ = s.Observe(r.report(), 0)
			work, ok := s.Compose()
			if !ok {
				break
			}
			land(work)
			s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: work.Set}, tagged)
		}
		s, _ = s.Observe(r.report(), 0)
		check()
		require.True(t, s.Idle())
		if !r.hidden {
			require.Equal(t, slices.Sorted(maps.Keys(merge(r.ours, map[string]bool{"A": true}))), s.Claims())
		}
	})
}

// Rules: R86, R243
func TestATagTakenAtThePanelIsAdopted(t *testing.T) {
	s, found := withTags(t, "1", "2").Observe(reader{ours: map[string]bool{"2": true}}.report(), 0)
	assert.True(t, found.Has(panel.FoundNarrowed))
	assert.Equal(t, []string{"2", "A"}, s.Claims())
	s, found = s.Observe(reader{ours: map[string]bool{"2": true}}.report(), 0)
	assert.Zero(t, found, "it is told once")
	assert.True(t, s.Idle(), "and not written back")
}

// Rules: R86, R245
func TestATagEnrolledAtThePanelClaimsNothing(t *testing.T) {
	both := reader{ours: map[string]bool{"1": true}, theirs: map[string]bool{"9": true}}
	s, found := withTags(t, "1").Observe(both.report(), 0)
	assert.Equal(t, panel.FoundDrift, found)
	assert.Equal(t, []string{"1", "A"}, s.Claims())
	assert.Equal(t, panel.FieldLegacyTags, s.Drift())
}

// Rules: R86, R242
func TestALostTagIsTakenEvenIfItsSuccessorIsNot(t *testing.T) {
	s := withTags(t, "1", "2")
	s, err := s.Wish(panel.Wish{Set: panel.FieldLegacyTags, State: tagSet("2", "3")})
	require.NoError(t, err)
	assert.Equal(t, panel.FieldLegacyTags, s.Giving())
	assert.Equal(t, panel.FieldLegacyTags, s.Taking())
	s, err = s.Cancel()
	require.NoError(t, err)
	assert.Zero(t, s.Giving())
	work, ok := s.Compose()
	require.True(t, ok, "the lost tag still has to go")
	assert.Equal(t, tagSet("2").TagRefs, work.State.TagRefs)
	_, err = s.Cancel()
	assert.ErrorIs(t, err, panel.ErrRemovalStands)
}

// Rules: R86
func TestTagsOfAFormerHolderGoWithThePlace(t *testing.T) {
	s, err := withTags(t, "1").Wish(panel.Wish{Remove: true})
	require.NoError(t, err)
	s = send(s, panel.FieldCode)
	assert.Equal(t, []string{"1"}, s.Claims(), "where numbers show, a report frees them")
	s, _ = s.Observe(panel.Sighting{State: panel.State{Known: panel.FieldCode}, At: noon.Add(time.Second)}, 0)
	assert.Empty(t, s.Claims())
}
