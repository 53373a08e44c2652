package panel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// A tag in doubt stays claimed, although the code of the same edit was taken and whoever
// asked wants the tag no more.
//
// Rules: R86
func TestATagInDoubtOutlivesTheCodeThatItWentWith(t *testing.T) {
	hidden := panel.Model{Sight: panel.Acked}
	for _, replaces := range []bool{false, true} {
		s := panel.Slot{Place: panel.Place{Slot: 4}}
		if replaces {
			s = must(t)(withTags(t, "1").Wish(panel.Wish{Remove: true}))
		}
		s = must(t)(s.Wish(panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true, Code: named("B")}}))
		s = must(t)(s.Wish(panel.Wish{Set: panel.FieldLegacyTags, State: tagSet("1", "2")}))
		work, ok := s.Compose()
		require.True(t, ok)
		s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode, Unsure: panel.FieldLegacyTags}, hidden)
		s = must(t)(s.Wish(panel.Wish{Set: panel.FieldLegacyTags, State: tagSet()}))
		assert.Equal(t, []string{"1", "2", "B"}, s.Claims())
		work, ok = s.Compose()
		require.True(t, ok)
		s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: work.Set}, hidden)
		assert.Equal(t, []string{"B"}, s.Claims(), "and goes with a confirmation")
	}
}

// Rules: R86
func TestATagThatWasNotSentToANewHolderIsNotHeldForNothing(t *testing.T) {
	s := must(t)(withTags(t, "1").Wish(panel.Wish{Remove: true}))
	s = must(t)(s.Wish(panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true, Code: named("B")}}))
	s = must(t)(s.Wish(panel.Wish{Set: panel.FieldLegacyTags, State: tagSet("1")}))
	work, _ := s.Compose()
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode}, panel.Model{Sight: panel.Acked})
	assert.Equal(t, []string{"1", "B"}, s.Claims(), "it is wanted")
	s = must(t)(s.Cancel())
	assert.Equal(t, []string{"B"}, s.Claims())
}

// Rules: R86
func TestAdoptingAUserKeepsTheTagsThatWereOurs(t *testing.T) {
	s := must(t)(withTags(t, "1").Wish(panel.Wish{Remove: true}))
	s = send(s, panel.FieldCode)
	there := reader{ours: map[string]bool{"1": true}}
	s, found := s.Observe(there.report(), 0)
	require.True(t, found.Has(panel.FoundUnmanaged))
	s = must(t)(s.Adopt(noon))
	s, _ = s.Observe(there.report(), 0)
	assert.Equal(t, []string{"1"}, s.Claims(), "the panel opens for it because of us")
}

// Rules: R86
func TestATagOfAFormerHolderIsFreeThoughAStrangerIsThere(t *testing.T) {
	s := must(t)(withTags(t, "1").Wish(panel.Wish{Remove: true}))
	s = send(s, panel.FieldCode)
	s, _ = s.Observe(reader{ours: map[string]bool{"1": true}}.report(), 0)
	require.Equal(t, []string{"1"}, s.Claims())
	s, _ = s.Observe(reader{ours: map[string]bool{}, theirs: map[string]bool{"9": true}}.report(), 0)
	assert.Empty(t, s.Claims())
}

// Rules: R86
func TestACodeThatIsSetByHandFreesNoTag(t *testing.T) {
	s := withTags(t, "1")
	s = must(t)(s.Wish(panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true}}))
	r := reader{ours: map[string]bool{"1": true}}.report()
	r.Changed = true
	s, _ = s.Observe(r, 0)
	require.False(t, s.ByHand())
	assert.Equal(t, []string{"1"}, s.Claims())
}

// Rules: R86, R242
func TestALostTagIsTakenEvenIfTheNewCodeIsRefused(t *testing.T) {
	s := withTags(t, "1", "2")
	s = must(t)(s.Wish(codeWish("B")))
	s = must(t)(s.Wish(panel.Wish{Set: panel.FieldLegacyTags, State: tagSet("2")}))
	work, _ := s.Compose()
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Refused: map[panel.Field]error{panel.FieldCode: panel.ErrRefused}}, tagged)
	assert.Equal(t, panel.FieldLegacyTags, s.Pending)
	assert.Equal(t, tagSet("2").TagRefs, s.Wanted.TagRefs)
	assert.Contains(t, s.Refused, panel.FieldCode)
	assert.NotContains(t, s.Refused, panel.FieldLegacyTags)
}

// Rules: D16, D27
func TestAJobThatRanBeforeTheRewriteHasSetTheRewrittenCode(t *testing.T) {
	marked := panel.Model{Sight: panel.Marked}
	long := func(c panel.CodeRef) panel.CodeRef { return named(c.Names[0] + "00") }
	s := must(t)(panel.Slot{Place: panel.Place{Slot: 4}}.Wish(codeWish("6137")))
	work, _ := s.Compose()
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Unsure: panel.FieldCode, Ticket: []byte("a")}, marked)
	s = s.Relength(6, long)
	assert.Equal(t, []string{"6137", "613700"}, s.Claims())
	work, _ = s.Compose()
	require.Equal(t, []byte("a"), work.Ticket)
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode}, marked)
	s, _ = s.Observe(panel.Sighting{Sight: panel.Marked, At: noon.Add(time.Minute), State: panel.State{Set: true, Known: panel.FieldCode, Code: panel.CodeRef{Mark: "m"}}}, 0)
	assert.Equal(t, []string{"613700"}, s.Claims())
	assert.True(t, s.Idle(), "what was asked for is there, as the panel has rewritten it")
}

// Rules: R25
func TestNoPlaceIsNoPlaceOfAPanel(t *testing.T) {
	m := panel.Model{Slots: panel.Slots{First: 0, Last: 9}}
	assert.ErrorIs(t, m.CheckPlace(panel.Place{}), panel.ErrSlotOutOfRange)
	assert.NoError(t, m.CheckPlace(panel.Place{Slot: 9}))
}

// Rules: D16
func TestACodeInDoubtIsCuredInTheLengthThatThePanelHas(t *testing.T) {
	marked := panel.Model{Sight: panel.Marked}
	for _, kept := range []bool{true, false} {
		s := must(t)(panel.Slot{Place: panel.Place{Slot: 4}}.Wish(codeWish("6137")))
		work, _ := s.Compose()
		s = s.Dispatch(work, noon).Settle(panel.Outcome{Unsure: panel.FieldCode}, marked)
		s = s.Relength(6, func(c panel.CodeRef) panel.CodeRef {
			if !kept {
				return panel.CodeRef{}
			}
			return named(c.Names[0] + "00")
		})
		work, _ = s.Compose()
		if !kept {
			assert.Equal(t, named("6137"), work.State.Code, "never a code that nobody chose")
			continue
		}
		assert.Equal(t, named("613700"), work.State.Code)
		assert.Equal(t, []string{"6137", "613700"}, s.Claims())
	}
}

func TestCombineKeepsAGuideOfWhichAPartNeedsHands(t *testing.T) {
	wire, cloud := wireAndCloud()
	wire.model.Hands = panel.FieldLocks
	wire.model.Guides = []panel.Guide{
		{Set: panel.FieldCode | panel.FieldLocks, Language: "en", Steps: []string{"Go there."}},
		{Set: panel.FieldCode, Language: "en", Steps: []string{"Stay."}},
	}
	assert.Equal(t, wire.model.Guides[:1], combine(wire, cloud).Model().Guides)
}
