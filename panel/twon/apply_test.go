package twon_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

const both = panel.FieldCode | panel.FieldLabel

func TestEntriesOfOtherSystemsAreShownAndNeverTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		r.sim.Entry(uuid(1), "My2N", "Theirs", "4871")
		s := r.open()
		before := r.sim.Users()
		for _, do := range []panel.Do{panel.Create, panel.Change, panel.Replace, panel.Remove} {
			for _, unsure := range []panel.Field{0, both} {
				e := edit(t, do, 1, "5902")
				e.Unsure = unsure
				outs, err := apply(t, s, e)
				require.NoError(t, err)
				why := outs[uuid(1)].Refused[panel.FieldCode]
				require.ErrorIs(t, why, twon.ErrOwner, "%s, unsure %s", do, unsure)
				if do == panel.Create {
					require.ErrorIs(t, why, panel.ErrOccupied)
				}
			}
		}
		assert.Equal(t, before, r.sim.Users())
		users, _, _ := list(t, s, panel.Query{All: true})
		require.Len(t, users, 1, "it is seen")
		assert.Zero(t, users[0].Editable)
	})
}

func TestOurEntriesCarryOurName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{Owner: "house 7"}, twonsim.Options{})
		_, err := apply(t, r.open(), edit(t, panel.Create, 1, "4871"))
		require.NoError(t, err)
		assert.Equal(t, "house 7", r.sim.Owner(uuid(1)))
	})
}

// What opens nothing is telephone book: it is no user and is not overwritten.
func TestTelephoneBookIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		r.sim.Entry(uuid(1), "", "Front desk", "")
		s := r.open()
		users, _, _ := list(t, s, panel.Query{All: true})
		assert.Empty(t, users)

		outs, err := apply(t, s, edit(t, panel.Create, 1, "4871"))
		require.NoError(t, err)
		assert.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldCode], panel.ErrOccupied)
		outs, err = apply(t, s, edit(t, panel.Change, 1, "4871"))
		require.NoError(t, err)
		assert.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldCode], panel.ErrUserNotFound)
		deletions := r.sim.Asked("/api/dir/delete")
		outs, err = apply(t, s, panel.Edit{Place: panel.Place{ID: uuid(1)}, Do: panel.Remove})
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, outs[uuid(1)].Done, "nothing opens: the removal is done")
		assert.Equal(t, deletions, r.sim.Asked("/api/dir/delete"), "and the entry stays")
		assert.Empty(t, r.sim.Users())
	})
}

// The answer to a batch is lost, or the line is cut anywhere inside it: nothing is called
// done or refused, what never left is not mentioned, and the next session makes every
// entry exactly once, under its own uuid.
func TestABatchThatIsCutIsDoneAgain(t *testing.T) {
	for _, cut := range []int64{0, 600, 3000, 6000, 9000} {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, twon.Options{Batch: 20}, twonsim.Options{})
				var edits []panel.Edit
				for n := range 50 {
					edits = append(edits, edit(t, panel.Create, n+1, fmt.Sprint(1000+n)))
				}
				s := r.open()
				if cut == 0 {
					r.sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
				} else {
					r.network.CutAfter(cut)
				}
				outs, err := apply(t, s, edits...)
				require.ErrorIs(t, err, panel.ErrUnreachable)
				made := map[string]bool{}
				for _, u := range r.sim.Users() {
					made[u.ID] = true
				}
				for i, e := range edits {
					o, told := outs[e.ID]
					require.Empty(t, o.Refused)
					switch {
					case o.Done != 0:
						require.True(t, made[e.ID])
					case told:
						require.Equal(t, both, o.Unsure)
						edits[i].Unsure = both
					default:
						require.False(t, made[e.ID], "what is not mentioned was not sent")
					}
				}
				again := edits[:0:0]
				for _, e := range edits {
					if outs[e.ID].Done == 0 {
						again = append(again, e)
					}
				}
				outs, err = apply(t, r.open(), again...)
				require.NoError(t, err)
				for _, e := range again {
					require.Equal(t, both, outs[e.ID].Done)
				}
				require.Len(t, r.sim.Users(), 50)
			})
		})
	}
}

// A device takes an entry with all its fields or not at all: the field that it names is
// refused, the others were not sent, and the rest of the batch is done.
func TestOneBadFieldKeepsOneEntryBack(t *testing.T) {
	for _, quirk := range []string{"", twonsim.ErrorsFieldless, twonsim.ErrorsUnnamed} {
		t.Run("quirk "+quirk, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, twon.Options{}, twonsim.Options{})
				r.sim.Quirk(quirk, true)
				s := r.open()
				_, err := apply(t, s, edit(t, panel.Create, 1, "4871"), edit(t, panel.Create, 2, "4872"))
				require.NoError(t, err)
				bad, good := edit(t, panel.Change, 1, "5901"), edit(t, panel.Change, 2, "5902")
				bad.Label = string(make([]rune, 64))
				outs, err := apply(t, s, bad, good, edit(t, panel.Change, 3, "5903"))
				require.NoError(t, err)
				assert.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldLabel], panel.ErrRefused)
				assert.Zero(t, outs[uuid(1)].Done)
				if quirk == twonsim.ErrorsFieldless {
					assert.Len(t, outs[uuid(1)].Refused, 2, "it does not say which")
				} else {
					assert.Len(t, outs[uuid(1)].Refused, 1)
				}
				assert.Equal(t, both, outs[uuid(2)].Done)
				assert.ErrorIs(t, outs[uuid(3)].Refused[panel.FieldCode], panel.ErrUserNotFound)
				u, _ := r.user(1)
				assert.Equal(t, "4871", u.Code)
			})
		})
	}
}

// A new user whose validity is refused is not let in without one.
func TestANewUserComesWholeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		for _, do := range []panel.Do{panel.Create, panel.Replace} {
			e := edit(t, do, 1, "4871")
			e.Set |= panel.FieldUntil
			r.sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldUntil})
			outs, err := apply(t, r.open(), e)
			require.NoError(t, err)
			require.Len(t, outs[uuid(1)].Refused, 3)
			e.Window.Revoked = true
			outs, err = apply(t, r.open(), e)
			require.NoError(t, err)
			require.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldCode], twon.ErrWindow)
			e.Window.Revoked, e.Set = false, panel.FieldLabel
			outs, err = apply(t, r.open(), e)
			require.NoError(t, err)
			require.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldLabel], panel.ErrCodeNotSet)
		}
		assert.Empty(t, r.sim.Users())
	})
}

// A PIN that the device refuses because somebody else has it is a refusal of the code.
func TestADuplicateThatTheDeviceRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		r.sim.Quirk(twonsim.RefusesDuplicate, true)
		s := r.open()
		_, err := apply(t, s, edit(t, panel.Create, 1, "4871"))
		require.NoError(t, err)
		outs, err := apply(t, s, edit(t, panel.Create, 2, "4871"))
		require.NoError(t, err)
		assert.ErrorIs(t, outs[uuid(2)].Refused[panel.FieldCode], panel.ErrRefused)
		outs, err = apply(t, s, panel.Edit{Place: panel.Place{ID: uuid(1)}, Do: panel.Remove}, edit(t, panel.Create, 2, "4871"))
		require.NoError(t, err)
		assert.Equal(t, both, outs[uuid(2)].Done, "who goes makes room in the same batch")
	})
}

// Two edits of one place in one Apply are done in their order.
func TestEditsOfOnePlaceKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		var done int
		for o, err := range r.open().Apply(t.Context(), []panel.Edit{edit(t, panel.Create, 1, "4871"), edit(t, panel.Change, 1, "5902")}) {
			require.NoError(t, err)
			require.Equal(t, both, o.Done)
			done++
		}
		assert.Equal(t, 2, done)
		u, _ := r.user(1)
		assert.Equal(t, "5902", u.Code)
	})
}

// Cards are written as the device reads them, no more than it has room for, and a list is
// written whole.
func TestCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		s := r.open()
		var cards []panel.Tag
		for _, hex := range []string{"04AABBCC", "04AABBCD", "04AABBCE"} {
			tag, err := credentials.ParseTag(hex, 32)
			require.NoError(t, err)
			cards = append(cards, tag)
		}
		e := panel.Edit{Place: panel.Place{ID: uuid(1)}, Do: panel.Create, Set: panel.FieldLegacyTags, Values: panel.Values{LegacyTags: cards[:2]}}
		outs, err := apply(t, s, e)
		require.NoError(t, err)
		require.Equal(t, panel.FieldLegacyTags, outs[uuid(1)].Done, "a card alone is a credential")
		users, _, _ := list(t, s, panel.Query{All: true})
		require.Len(t, users, 1)
		assert.Equal(t, 2, users[0].Tags)

		e.Do, e.LegacyTags = panel.Change, cards
		outs, err = apply(t, s, e)
		require.NoError(t, err)
		assert.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldLegacyTags], twon.ErrCards)
		e.LegacyTags = cards[2:]
		_, err = apply(t, s, e)
		require.NoError(t, err)
		u, _ := r.user(1)
		assert.Equal(t, 1, u.Tags, "the second place of the list is empty again")
	})
}
