package twon_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// beside is the uuid of the entry of the duress code of user n.
func beside(n int) string { return fmt.Sprintf("5e7f0c1a-0000-8000-8000-%012x", n) }

const withUntil = both | panel.FieldUntil

// forced is an edit that sets a code, a duress code, a label and an end.
func forced(t *testing.T, do panel.Do, n int, digits, duress string) panel.Edit {
	t.Helper()
	e := edit(t, do, n, digits)
	e.Set, e.Window.Until = withUntil, time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	if duress != "" {
		e.Duress = code(t, duress)
	}
	return e
}

// codes are those that the device holds, by uuid.
func (r *rig) codes() map[string]string {
	out := map[string]string{}
	for _, u := range r.sim.Users() {
		out[u.ID] = u.Code
	}
	return out
}

// must applies one edit that is carried out.
func (r *rig) must(s panel.Session, e panel.Edit) {
	r.t.Helper()
	outs, err := apply(r.t, s, e)
	require.NoError(r.t, err)
	require.Empty(r.t, outs[e.ID].Refused)
	require.Zero(r.t, outs[e.ID].Unsure)
}

var telling = twon.Options{Log: true}

// The entry of a duress code is its holder's in everything but its code: it comes and goes
// with theirs, and no report knows it.
//
// Rules: G195, G196
func TestADuressCodeHasAnEntryOfItsOwn(t *testing.T) {
	for _, quirk := range append(twonsim.New(twonsim.Options{}).Quirks(), "") {
		if slices.Contains([]string{twonsim.NoLog, twonsim.NoAuthenticated, twonsim.RandomUUIDs}, quirk) {
			continue // there it has none
		}
		t.Run("quirk "+quirk, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, telling, twonsim.Options{})
				r.sim.Quirk(quirk, true)
				reports := func() []panel.Report {
					users, facts, _ := list(t, r.open(), panel.Query{All: true})
					require.Equal(t, panel.DuressByEvent, facts.Model.Duress)
					places, _, _ := list(t, r.open(), panel.Query{Places: []panel.Place{{ID: uuid(1)}, {ID: beside(1)}}})
					require.Equal(t, users, places[:1])
					require.False(t, places[1].Exists)
					return users
				}
				s := r.open()
				e := forced(t, panel.Create, 1, "4871", "")
				tag, err := credentials.ParseTag("04AABBCC", 32)
				require.NoError(t, err)
				e.Set, e.LegacyTags = e.Set|panel.FieldLegacyTags, []panel.Tag{tag}
				r.must(s, e)
				without := reports()
				r.must(s, forced(t, panel.Change, 1, "4871", "8604"))
				require.Equal(t, without, reports(), "nothing tells that there is one")
				users := r.sim.Users()
				require.Len(t, users, 2)
				require.Equal(t, paneltest.User{Place: panel.Place{ID: beside(1)}, Code: "8604", Label: users[0].Label, Role: panel.User, Window: users[0].Window}, users[1])
				require.Equal(t, 1, users[0].Tags)
				require.Equal(t, "keyholder", r.sim.Owner(beside(1)))

				// A name and an end reach both; cards only the holder's own.
				e = panel.Edit{Place: panel.Place{ID: uuid(1)}, Set: panel.FieldLabel | panel.FieldUntil | panel.FieldLegacyTags, Values: panel.Values{Label: "Another name"}}
				e.Window.Until = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)
				r.must(s, e)
				users = r.sim.Users()
				require.Equal(t, users[0].Window, users[1].Window)
				require.True(t, e.Window.Until.Equal(users[1].Window.Until))
				require.Equal(t, "Another name", users[1].Label)
				require.Equal(t, "8604", users[1].Code)
				require.Zero(t, users[1].Tags)

				r.must(s, panel.Edit{Place: panel.Place{ID: uuid(1)}, Set: panel.FieldCode, Values: panel.Values{Code: code(t, "5902"), Duress: code(t, "7391")}})
				require.Equal(t, map[string]string{uuid(1): "5902", beside(1): "7391"}, r.codes())
				require.Equal(t, users[1].Window, r.sim.Users()[1].Window, "what is not set stays")
				r.must(s, edit(t, panel.Change, 1, "5903"))
				require.Equal(t, map[string]string{uuid(1): "5903"}, r.codes())

				r.must(s, forced(t, panel.Replace, 1, "4871", "8604"))
				require.Equal(t, map[string]string{uuid(1): "4871", beside(1): "8604"}, r.codes())
				r.must(r.open(), panel.Edit{Place: panel.Place{ID: uuid(1)}, Do: panel.Remove})
				require.Empty(t, r.codes(), "found again by another session")
				r.must(s, forced(t, panel.Create, 1, "4871", "8604"))
				r.must(s, forced(t, panel.Replace, 1, "4872", ""))
				require.Equal(t, map[string]string{uuid(1): "4872"}, r.codes())
				places, all, _ := listen(t, r.open()).stale()
				require.Empty(t, places)
				require.False(t, all)
			})
		})
	}
}

// The line is cut at any answer: nothing that opens is called refused or gone, nobody is
// let in before their duress code is, and the next try makes everything as it should be.
//
// Rules: G195
func TestADuressCodeSurvivesEveryCut(t *testing.T) {
	for name, c := range map[string]struct {
		before, edit func(*testing.T) panel.Edit
		want         map[string]string
	}{
		"create": {nil, func(t *testing.T) panel.Edit { return forced(t, panel.Create, 1, "4871", "8604") },
			map[string]string{uuid(1): "4871", beside(1): "8604"}},
		"change": {func(t *testing.T) panel.Edit { return forced(t, panel.Create, 1, "4871", "8604") },
			func(t *testing.T) panel.Edit { return forced(t, panel.Change, 1, "5902", "7391") }, map[string]string{uuid(1): "5902", beside(1): "7391"}},
		"clear": {func(t *testing.T) panel.Edit { return forced(t, panel.Create, 1, "4871", "8604") },
			func(t *testing.T) panel.Edit { return forced(t, panel.Change, 1, "4871", "") }, map[string]string{uuid(1): "4871"}},
		"replace": {func(t *testing.T) panel.Edit { return forced(t, panel.Create, 1, "4871", "8604") },
			func(t *testing.T) panel.Edit { return forced(t, panel.Replace, 1, "5902", "7391") }, map[string]string{uuid(1): "5902", beside(1): "7391"}},
		"remove": {func(t *testing.T) panel.Edit { return forced(t, panel.Create, 1, "4871", "8604") },
			func(t *testing.T) panel.Edit { return panel.Edit{Place: panel.Place{ID: uuid(1)}, Do: panel.Remove} }, map[string]string{}},
	} {
		for after := range 6 {
			for _, kind := range []paneltest.FaultKind{paneltest.Cut, paneltest.CutBefore, paneltest.Drop} {
				t.Run(fmt.Sprint(name, " ", after, " ", kind), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t, telling, twonsim.Options{})
						if c.before != nil {
							r.must(r.open(), c.before(t))
						}
						old := r.codes()
						s, e := r.open(), c.edit(t)
						r.sim.Fault(paneltest.Fault{Do: kind, After: after})
						outs, err := apply(t, s, e)
						now := r.codes()
						o, told := outs[e.ID]
						switch {
						case err == nil, o.Done.Has(panel.FieldCode):
							require.Equal(t, c.want, now)
						case !told:
							require.Equal(t, old, now, "what is not mentioned was not sent")
						default:
							require.True(t, o.Unsure.Has(panel.FieldCode))
						}
						require.Empty(t, o.Refused)
						if len(now) == 1 && name != "clear" {
							require.Contains(t, now, beside(1), "a duress code comes first and goes last")
						}
						e.Unsure = o.Unsure
						if err != nil {
							time.Sleep(time.Minute)
							r.must(r.open(), e)
						}
						require.Equal(t, c.want, r.codes())
					})
				})
			}
		}
	}
}

// Either code may be refused: then neither is there, or both are as they were.
//
// Rules: G195
func TestARefusedCodeLeavesBothAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, telling, twonsim.Options{})
		r.sim.Quirk(twonsim.RefusesDuplicate, true)
		s := r.open()
		r.must(s, edit(t, panel.Create, 9, "1111"))
		refused := func(e panel.Edit) {
			t.Helper()
			before := r.sim.Users()
			outs, err := apply(t, s, e)
			require.NoError(t, err)
			require.ErrorIs(t, outs[e.ID].Refused[panel.FieldCode], panel.ErrRefused)
			require.Zero(t, outs[e.ID].Unsure)
			require.Equal(t, before, r.sim.Users())
		}
		refused(forced(t, panel.Create, 1, "4871", "1111"))
		refused(forced(t, panel.Create, 1, "1111", "8604"))
		r.must(s, forced(t, panel.Create, 1, "4871", "8604"))
		change := forced(t, panel.Change, 1, "1111", "7391")
		refused(change)
		change.Code, change.Duress = code(t, "5902"), code(t, "1111")
		change.Set = panel.FieldCode
		refused(change)

		// What it was cannot be seen, so it cannot be made as it was: that is in doubt.
		r.sim.Quirk(twonsim.MaskedPINs, true)
		change.Code, change.Duress = code(t, "1111"), code(t, "7391")
		outs, err := apply(t, s, change)
		require.NoError(t, err)
		require.Equal(t, panel.FieldCode, outs[uuid(1)].Unsure)
		require.Empty(t, outs[uuid(1)].Refused)
		require.Equal(t, map[string]string{uuid(1): "4871", beside(1): "7391", uuid(9): "1111"}, r.codes())
		r.sim.Quirk(twonsim.MaskedPINs, false)
		r.must(s, panel.Edit{Place: panel.Place{ID: uuid(9)}, Do: panel.Remove})
		change.Unsure = panel.FieldCode
		r.must(s, change)

		// A name reaches the holder and not the second entry: it is not called done.
		r.sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldLabel, After: 2})
		name := panel.Edit{Place: panel.Place{ID: uuid(1)}, Set: panel.FieldLabel, Values: panel.Values{Label: "New"}}
		outs, err = apply(t, s, name)
		require.NoError(t, err)
		require.Equal(t, panel.FieldLabel, outs[uuid(1)].Unsure)
		require.Zero(t, outs[uuid(1)].Done)
		r.must(s, name)
	})
}

// Somebody at the device changes the second entry: the change is one of the holder's code,
// and what differs from the holder's own entry is seen at every reading.
//
// Rules: G195
func TestWhatSomebodyElseDoesToADuressEntryIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, telling, twonsim.Options{})
		s := r.open()
		r.must(s, forced(t, panel.Create, 1, "4871", "8604"))
		place := panel.Place{ID: beside(1)}
		e := listen(t, r.open())
		seen := func(do panel.Do, set panel.Field, v panel.Values) panel.Report {
			t.Helper()
			e.stale()
			require.NoError(t, r.sim.Keypad(panel.Edit{Place: place, Do: do, Set: set, Values: v}))
			places, all, _ := e.stale()
			require.Equal(t, []panel.Place{{ID: uuid(1)}}, places)
			require.False(t, all)
			users, _, _ := list(t, r.open(), panel.Query{All: true})
			require.Len(t, users, 1)
			require.Equal(t, uuid(1), users[0].ID)
			return users[0]
		}
		was, _, _ := list(t, s, panel.Query{All: true})
		require.Equal(t, was[0], seen(panel.Change, panel.FieldCode, panel.Values{Code: code(t, "9999")}))
		require.Equal(t, "Other", seen(panel.Change, panel.FieldLabel, panel.Values{Label: "Other"}).Label)
		require.True(t, seen(panel.Change, panel.FieldUntil, panel.Values{}).Window.Until.IsZero())
		r.must(s, forced(t, panel.Change, 1, "4871", "8604"))
		users, _, _ := list(t, s, panel.Query{All: true})
		require.Equal(t, was, users)
		require.Equal(t, was[0], seen(panel.Remove, 0, panel.Values{}))

		// The holder's own entry is taken away: what is left opens, and goes with the user.
		r.must(s, forced(t, panel.Change, 1, "4871", "8604"))
		place = panel.Place{ID: uuid(1)}
		left := seen(panel.Remove, 0, panel.Values{})
		require.True(t, left.Exists && left.Window.Revoked)
		outs, err := apply(t, s, forced(t, panel.Change, 1, "5902", "7391"))
		require.NoError(t, err)
		require.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldCode], panel.ErrUserNotFound)
		require.Equal(t, map[string]string{beside(1): "8604"}, r.codes())
		r.must(s, panel.Edit{Place: place, Do: panel.Remove})
		require.Empty(t, r.codes())
	})
}

// Who was forced is told as such, live and from the device's log, also of a user who has
// been removed meanwhile; an entry that only looks like a second one is a user of its own.
//
// Rules: G195
func TestTheLogTellsDuress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, telling, twonsim.Options{})
		s := r.with(nil)
		r.must(s, forced(t, panel.Create, 1, "4871", "8604"))
		r.sim.Entry(beside(2), "", "Made at the device", "1111")
		e := listen(t, s)
		enters := func(pin, place string, duress bool) panel.Opened {
			require.True(t, r.sim.Enter(pin))
			return panel.Opened{Place: panel.Place{ID: place}, At: time.Unix(time.Now().Unix(), 0).UTC(), Duress: duress}
		}
		want := []panel.Opened{enters("4871", uuid(1), false), enters("8604", uuid(1), true), enters("1111", beside(2), false)}
		who, state := e.opened(6 * time.Second)
		require.Equal(t, want, who)
		require.NoError(t, s.Close())
		time.Sleep(time.Hour)
		missed := enters("8604", uuid(1), true)
		r.sim.Quirk(twonsim.NoTombstones, true)
		s = r.with(state)
		r.must(s, panel.Edit{Place: panel.Place{ID: uuid(1)}, Do: panel.Remove})
		who, _ = listen(t, s).opened(6 * time.Second)
		require.Equal(t, []panel.Opened{missed}, who)
		users, _, _ := list(t, s, panel.Query{All: true})
		require.Len(t, users, 1)
		require.Equal(t, beside(2), users[0].ID)
		require.NoError(t, s.Close())
	})
}

// A duress code goes to no device that does not tell who opened, and to no entry that can
// have none beside it.
//
// Rules: G195
func TestADuressCodeGoesOnlyWhereItIsHeard(t *testing.T) {
	for _, c := range []struct {
		o     twon.Options
		so    twonsim.Options
		quirk string
		why   error
	}{
		{twon.Options{}, twonsim.Options{}, "", panel.ErrUnsupported},
		{telling, twonsim.Options{}, twonsim.NoLog, panel.ErrUnsupported},
		{telling, twonsim.Options{}, twonsim.NoAuthenticated, panel.ErrUnsupported},
		{telling, twonsim.Options{Uni: true}, "", panel.ErrUnsupported},
		{telling, twonsim.Options{}, twonsim.RandomUUIDs, panel.ErrRefused},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, c.o, c.so)
			r.sim.Quirk(c.quirk, true)
			s := r.open()
			require.Equal(t, c.quirk == twonsim.RandomUUIDs, s.Model().TellsWhoOpened(), "%+v", c)
			e := edit(t, panel.Create, 1, "4871")
			e.Duress = code(t, "8604")
			outs, err := apply(t, s, e)
			require.NoError(t, err)
			require.ErrorIs(t, outs[uuid(1)].Refused[panel.FieldCode], c.why, "%+v", c)
			require.Empty(t, r.codes())
			e.Duress = panel.Code{}
			r.must(s, e)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, telling, twonsim.Options{})
		s := r.open()
		r.must(s, forced(t, panel.Create, 1, "4871", "8604"))
		for _, do := range []panel.Do{panel.Create, panel.Change, panel.Replace} {
			e := edit(t, do, 1, "5902")
			e.ID = beside(1)
			outs, err := apply(t, s, e)
			require.NoError(t, err)
			require.ErrorIs(t, outs[e.ID].Refused[panel.FieldCode], panel.ErrUserNotFound, "%s", do)
		}
		r.must(s, panel.Edit{Place: panel.Place{ID: beside(1)}, Do: panel.Remove})
		r.sim.Block(uuid(2), true)
		require.Equal(t, map[string]string{uuid(1): "4871", beside(1): "8604"}, r.codes())

		// Whoever is kept out at the device is not let in by a duress code.
		r.must(s, edit(t, panel.Create, 2, "4872"))
		r.sim.Block(uuid(2), true)
		outs, err := apply(t, s, forced(t, panel.Change, 2, "4872", "7391"))
		require.NoError(t, err)
		require.ErrorIs(t, outs[uuid(2)].Refused[panel.FieldCode], twon.ErrShut)
	})
}

// A device whose log has been heard is one that tells: when the log is gone its Watch ends,
// and says why, for as long as it is.
//
// Rules: G195
func TestALogThatIsGoneEndsTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, telling, twonsim.Options{})
		watch := func(s panel.Session) (state []byte, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			for ev, err := range s.Watch(ctx) {
				if err != nil {
					return state, err
				}
				if ev.State != nil {
					state = ev.State
				}
			}
			return state, nil
		}
		s := r.open()
		r.must(s, forced(t, panel.Create, 1, "4871", "8604"))
		state, err := watch(s)
		require.NoError(t, err)
		r.sim.Restart()
		r.sim.Quirk(twonsim.NoLog, true)
		for range 2 {
			s = r.with(state)
			require.Equal(t, panel.DuressByEvent, s.Model().Duress)
			_, err = watch(s)
			require.ErrorIs(t, err, twon.ErrLog)
			require.ErrorIs(t, err, panel.ErrProtocol)
			require.NoError(t, s.Close())
		}
		require.Len(t, r.codes(), 2)
		r.sim.Quirk(twonsim.NoLog, false)
		s = r.with(state)
		_, err = watch(s)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	})
}
