package panel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func codeWish(code string) panel.Wish {
	return panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true, Code: named(code)}, At: noon, Until: noon.Add(time.Hour)}
}

func must(t *testing.T) func(panel.Slot, error) panel.Slot {
	return func(s panel.Slot, err error) panel.Slot {
		t.Helper()
		require.NoError(t, err)
		return s
	}
}

// settled is a user whose code, label and partitions the panel has confirmed.
func settled(t *testing.T, code string) panel.Slot {
	t.Helper()
	w := codeWish(code)
	w.Set |= panel.FieldLabel | panel.FieldPartitions
	w.State.Label, w.State.Partitions = "Cleaner", panel.PartitionsOf(1, 2)
	s := must(t)(panel.Slot{Place: panel.Place{Slot: 4}}.Wish(w))
	work, ok := s.Compose()
	require.True(t, ok)
	require.Equal(t, panel.Create, work.Do)
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: work.Set}, panel.Model{Sight: panel.Presence})
	s, found := s.Observe(present(code, panel.PartitionsOf(1, 2)), 0)
	require.Zero(t, found)
	require.True(t, s.Idle())
	return s
}

func present(code string, p panel.Partitions) panel.Sighting {
	return panel.Sighting{Sight: panel.Presence, At: noon.Add(time.Minute), State: panel.State{
		Set: code != "", Known: panel.FieldCode | panel.FieldLabel | panel.FieldPartitions, Label: "Cleaner", Partitions: p,
	}}
}

func absent() panel.Sighting {
	return panel.Sighting{Sight: panel.Presence, At: noon.Add(time.Minute), State: panel.State{Known: panel.FieldCode}}
}

// Rules: R52, R56, R59, R67, R236
func TestDependentWishesNeedACode(t *testing.T) {
	label := panel.Wish{Set: panel.FieldLabel, State: panel.State{Label: "Night"}, At: noon}

	_, err := panel.Slot{}.Wish(label)
	require.ErrorIs(t, err, panel.ErrCodeNotSet, "no code, none on its way")

	pending := must(t)(panel.Slot{}.Wish(codeWish("1357")))
	pending = must(t)(pending.Wish(label))
	work, _ := pending.Compose()
	require.Equal(t, panel.FieldCode|panel.FieldLabel, work.Set, "the label rides in the same edit")

	fallen := pending.Dispatch(work, noon).Settle(panel.Outcome{
		Refused: map[panel.Field]error{panel.FieldCode: panel.ErrRefused}, Report: &panel.Report{},
	}, panel.Model{Sight: panel.Presence})
	require.Zero(t, fallen.Pending, "and falls with it")
	require.Empty(t, fallen.Claims())
	require.Contains(t, fallen.Refused, panel.FieldLabel)

	leaving := must(t)(settled(t, "1357").Wish(panel.Wish{Remove: true, At: noon}))
	_, err = leaving.Wish(label)
	require.ErrorIs(t, err, panel.ErrCodeNotSet, "a removal is pending")
}

// Rules: R43, R78
func TestTwoPersonsOneSlot(t *testing.T) {
	s := settled(t, "1357")
	first := s.Tenancy
	edit := must(t)(s.Wish(codeWish("2468")))
	require.Equal(t, first, edit.Tenancy, "another code for the same person is the same tenancy")
	work, _ := edit.Compose()
	require.Equal(t, panel.Change, work.Do)

	s = must(t)(s.Wish(panel.Wish{Remove: true, At: noon}))
	s = must(t)(s.Wish(codeWish("9753")))
	require.Greater(t, s.Tenancy, first)
	work, _ = s.Compose()
	require.Equal(t, panel.Replace, work.Do, "the slot is cleared first: nothing of the former holder survives")
	require.Equal(t, []string{"1357", "9753"}, s.Claims(), "the old code is held until the panel has let go of it")
	require.True(t, s.Superseded())

	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode}, panel.Model{Sight: panel.Presence})
	require.Equal(t, []string{"9753"}, s.Claims())
	require.Equal(t, s.Tenancy, s.Settled)
}

// Rules: R249
func TestAHeldWishStillTakesTheFormerHolderOff(t *testing.T) {
	s := must(t)(settled(t, "1357").Wish(panel.Wish{Remove: true, At: noon}))
	s = must(t)(s.Wish(codeWish("9753")))
	work, ok := s.ComposeTaking()
	require.True(t, ok)
	require.Equal(t, panel.Remove, work.Do)
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode}, panel.Model{Sight: panel.Presence})
	require.Equal(t, []string{"9753"}, s.Claims())
	require.Equal(t, panel.FieldCode, s.Pending, "the new code waits")
	_, ok = s.ComposeTaking()
	require.False(t, ok)
}

// Rules: R242
func TestTakingAccessStands(t *testing.T) {
	s := must(t)(settled(t, "1357").Wish(panel.Wish{Remove: true, At: noon}))
	_, err := s.Cancel()
	require.ErrorIs(t, err, panel.ErrRemovalStands)
	require.False(t, s.Expired(noon.AddDate(2, 0, 0)), "a removal has no deadline")

	narrow := panel.Wish{Set: panel.FieldPartitions, State: panel.State{Partitions: panel.PartitionsOf(1)}, At: noon, Until: noon.Add(time.Hour)}
	s = must(t)(settled(t, "1357").Wish(narrow))
	require.False(t, s.Expired(noon.AddDate(2, 0, 0)))
	_, err = s.Cancel()
	require.ErrorIs(t, err, panel.ErrRemovalStands)

	mixed := panel.Wish{Set: panel.FieldPartitions, State: panel.State{Partitions: panel.PartitionsOf(2, 3)}, At: noon, Until: noon.Add(time.Hour)}
	s = must(t)(settled(t, "1357").Wish(mixed))
	require.True(t, s.Expired(noon.Add(time.Hour)), "what it gives ends")
	s = must(t)(s.Cancel())
	require.Equal(t, panel.FieldPartitions, s.Pending, "what it takes stands")
	require.Equal(t, panel.PartitionsOf(2), s.Wanted.Partitions)
}

// Rules: R242
func TestARefusedNarrowingStands(t *testing.T) {
	narrow := panel.Wish{Set: panel.FieldPartitions, State: panel.State{Partitions: panel.PartitionsOf(1)}, At: noon}
	s := must(t)(settled(t, "1357").Wish(narrow))
	work, _ := s.Compose()
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Refused: map[panel.Field]error{panel.FieldPartitions: panel.ErrRefused}}, panel.Model{Sight: panel.Presence})
	require.Equal(t, panel.FieldPartitions, s.Pending)
	require.Equal(t, panel.FieldPartitions, s.Taking())
}

// Rules: R242
func TestGivingWishesEndAndCanBeCancelled(t *testing.T) {
	s := must(t)(panel.Slot{}.Wish(codeWish("1357")))
	require.False(t, s.Expired(noon.Add(time.Hour-time.Second)))
	require.True(t, s.Expired(noon.Add(time.Hour)))
	work, _ := s.Compose()
	_, err := s.Dispatch(work, noon).Cancel()
	require.ErrorIs(t, err, panel.ErrSending, "once it has left, going back is itself a wish")
	s = must(t)(s.Cancel())
	require.True(t, s.Idle())
	require.Empty(t, s.Claims())
	_, err = s.Cancel()
	require.ErrorIs(t, err, panel.ErrNothingPending)
}

// Rules: R204, R243
func TestLessAccessAtThePanelWins(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		s, found := settled(t, "1357").Observe(absent(), 0)
		require.Equal(t, panel.FoundRemoved, found)
		require.Equal(t, panel.AtPanel, s.Gone)
		require.Empty(t, s.Claims())
		_, ok := s.Compose()
		require.False(t, ok, "it is not written back")
	})
	t.Run("while another code is pending", func(t *testing.T) {
		s := must(t)(settled(t, "1357").Wish(codeWish("2468")))
		s, found := s.Observe(absent(), 0)
		require.Equal(t, panel.FoundRemoved|panel.FoundCancelled, found)
		_, ok := s.Compose()
		require.False(t, ok)
		require.Empty(t, s.Claims())
	})
	t.Run("partitions narrowed", func(t *testing.T) {
		s := must(t)(settled(t, "1357").Wish(panel.Wish{Set: panel.FieldPartitions, State: panel.State{Partitions: panel.PartitionsOf(1, 2, 3)}, At: noon}))
		s, found := s.Observe(present("1357", panel.PartitionsOf(2)), 0)
		require.Equal(t, panel.FoundNarrowed|panel.FoundCancelled, found)
		require.Equal(t, panel.PartitionsOf(2), s.Agreed.Partitions)
		require.True(t, s.Idle())
	})
	t.Run("partitions widened is drift and is not adopted", func(t *testing.T) {
		s, found := settled(t, "1357").Observe(present("1357", panel.PartitionsOf(1, 2, 3)), 0)
		require.Equal(t, panel.FoundDrift, found)
		require.Equal(t, panel.PartitionsOf(1, 2), s.Agreed.Partitions)
		require.Equal(t, panel.FieldPartitions, s.Drift())
	})
}

// Rules: R245
func TestUnmanagedUsersAreNeverOverwritten(t *testing.T) {
	s, found := panel.Slot{Place: panel.Place{Slot: 7}}.Observe(present("x", 1), 0)
	require.Equal(t, panel.FoundUnmanaged, found)
	_, err := s.Wish(codeWish("1357"))
	require.ErrorIs(t, err, panel.ErrUnmanaged)

	pending := must(t)(panel.Slot{Place: panel.Place{Slot: 7}}.Wish(codeWish("1357")))
	pending, found = pending.Observe(present("x", 1), 0)
	require.True(t, found.Has(panel.FoundUnmanaged|panel.FoundOccupied))
	require.Empty(t, pending.Claims(), "the wish meant an empty slot")
	_, ok := pending.Compose()
	require.False(t, ok)

	s = must(t)(s.Adopt(noon))
	require.False(t, s.Unmanaged())
	require.Empty(t, s.Claims(), "its code is not ours to know")
	must(t)(s.Wish(codeWish("1357")))
}

// Rules: R247
func TestACodeWithoutItsRestrictionsIsTakenAway(t *testing.T) {
	w := codeWish("1357")
	w.Set |= panel.FieldPartitions
	w.State.Partitions = panel.PartitionsOf(1)
	s := must(t)(panel.Slot{}.Wish(w))
	work, _ := s.Compose()
	flying := s.Dispatch(work, noon)

	cut := flying.Settle(panel.Outcome{Done: panel.FieldCode, Unsure: panel.FieldPartitions}, panel.Model{Sight: panel.Presence})
	require.True(t, cut.Over, "the code works with the rights that the panel gave it")
	require.Equal(t, panel.FieldPartitions, cut.Pending)

	refused := flying.Settle(panel.Outcome{Done: panel.FieldCode, Refused: map[panel.Field]error{panel.FieldPartitions: panel.ErrRefused}}, panel.Model{Sight: panel.Presence})
	require.True(t, refused.Removing(), "refused for good: the code is taken away again")
	work, _ = refused.Compose()
	require.Equal(t, panel.Remove, work.Do)
	refused = refused.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode}, panel.Model{Sight: panel.Presence})
	require.Equal(t, panel.Withdrawn, refused.Gone)
	require.Empty(t, refused.Claims())
}

// A label that the panel refuses while it takes the code settles apart.
//
// Rules: D15
func TestFieldsSettleApart(t *testing.T) {
	w := codeWish("1357")
	w.Set |= panel.FieldLabel
	w.State.Label = "Night"
	s := must(t)(panel.Slot{}.Wish(w))
	work, _ := s.Compose()
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode, Refused: map[panel.Field]error{panel.FieldLabel: panel.ErrRefused}}, panel.Model{Sight: panel.Presence})
	require.True(t, s.Idle())
	require.True(t, s.Agreed.Set)
	require.Equal(t, map[panel.Field]string{panel.FieldLabel: panel.ErrRefused.Error()}, s.Refused)
}

// Rules: R242, R247
func TestRestrictionsOfALiveCodeStand(t *testing.T) {
	w := codeWish("1357")
	w.Set |= panel.FieldLabel | panel.FieldPartitions
	w.State.Label, w.State.Partitions = "Cleaner", panel.PartitionsOf(2)
	s := must(t)(panel.Slot{Place: panel.Place{Slot: 4}}.Wish(w))
	work, _ := s.Compose()
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode}, panel.Model{Sight: panel.Presence})
	require.True(t, s.Over, "the code opens everything, its partition was not sent")

	late := noon.Add(2 * time.Hour)
	s = must(t)(s.Cancel())
	require.Equal(t, panel.FieldPartitions, s.Pending, "only the label is taken back")
	require.False(t, s.Expired(late))
	_, err := s.Cancel()
	require.ErrorIs(t, err, panel.ErrRemovalStands)
	work, ok := s.Compose()
	require.True(t, ok)
	require.Equal(t, panel.PartitionsOf(2), work.State.Partitions)
}

// Rules: R243
func TestAWishDoesNotGiveBackWhatThePanelTookMeanwhile(t *testing.T) {
	s := settled(t, "1357") // partitions 1 and 2
	s = must(t)(s.Wish(panel.Wish{Set: panel.FieldPartitions, State: panel.State{Partitions: panel.PartitionsOf(1)}, At: noon}))
	s, found := s.Observe(present("1357", panel.PartitionsOf(2)), 0)
	require.True(t, found.Has(panel.FoundNarrowed|panel.FoundCancelled), found)
	require.True(t, s.Idle(), "partition 1 was taken away at the keypad")
	require.Equal(t, panel.PartitionsOf(2), s.Agreed.Partitions)
}
