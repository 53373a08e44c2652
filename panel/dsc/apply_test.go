package dsc_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// with runs a test with one panel and an open session, in a bubble.
func with(t *testing.T, o dsc.Options, so dscsim.Options, f func(t *testing.T, r *rig, sim *dscsim.Panel, s panel.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, o)
		sim := r.call(so)
		f(t, r, sim, r.open(ident))
	})
}

func slot(n int) panel.Place { return panel.Place{Slot: n} }

func userAt(sim *dscsim.Panel, n int) paneltest.User {
	for _, u := range sim.Users() {
		if u.Slot == n {
			return u
		}
	}
	return paneltest.User{}
}

// Every role is written, read back and derived again.
//
// Rules: R29, R36, R247, D11, D12
func TestRolesAreWrittenAndReadBack(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		for i, role := range []panel.Role{panel.Supervisor, panel.User, panel.OneTime, panel.DuressRole} {
			e := create(t, 5+i, []string{"8264", "8265", "8266", "8267"}[i])
			e.Role = role
			out, err := apply(t, s, e)
			require.NoError(t, err)
			require.Equal(t, everything, out.Done, "%s: %v", role, out.Refused)
			require.Equal(t, role, out.Report.Role)
			require.Equal(t, role, userAt(sim, 5+i).Role)
		}
		for role, want := range map[panel.Role]error{
			panel.Master: panel.ErrRoleUnsupported, panel.DwellerMaster: panel.ErrRoleUnsupported, "": panel.ErrRoleRequired,
		} {
			e := create(t, 20, "8299")
			e.Role = role
			out, err := apply(t, s, e)
			require.NoError(t, err)
			require.ErrorIs(t, out.Refused[panel.FieldRole], want)
			require.ErrorIs(t, out.Refused[panel.FieldRole], panel.ErrRefused)
		}
	})
}

// A bit that nobody understands survives a change of role.
func TestUnknownAttributesArePreserved(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		_, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		sim.SetAttributes(5, 0x7D) // supervisor, and everything that is no role
		out, err := apply(t, s, panel.Edit{Place: slot(5), Set: panel.FieldRole, Values: panel.Values{Role: panel.DuressRole}})
		require.NoError(t, err)
		require.Equal(t, panel.FieldRole, out.Done)
		require.Equal(t, byte(0x7E), sim.Attributes(5))
	})
}

// A new code has the rights of the code that programmed it until they are written: what
// is reported is read, not assumed.
//
// Rules: R66, D13
func TestNewCodeStartsWithTheProgrammersRights(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, _ *dscsim.Panel, s panel.Session) {
		e := create(t, 5, "8264")
		e.Set = panel.FieldCode
		out, err := apply(t, s, e)
		require.NoError(t, err)
		require.Equal(t, panel.FieldCode, out.Done)
		require.Equal(t, panel.FirstPartitions(8), out.Report.Partitions)
	})
}

// When the role of a new code is refused, the code is done and the role is not: a code
// with more rights than were asked for is never reported as done as a whole.
//
// Rules: R247, D15
func TestFieldsSettleApart(t *testing.T) {
	for _, f := range []panel.Field{panel.FieldRole, panel.FieldPartitions, panel.FieldLabel} {
		t.Run(f.String(), func(t *testing.T) {
			with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
				sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: f, Slot: 5})
				e := create(t, 5, "8264")
				e.Role = panel.DuressRole
				out, err := apply(t, s, e)
				require.NoError(t, err)
				require.Equal(t, everything&^f, out.Done)
				require.ErrorIs(t, out.Refused[f], panel.ErrRefused)
				require.True(t, sim.Accepts("8264"))
			})
		})
	}
}

// An acknowledgement is not believed where the panel shows something else.
//
// Rules: R49, R247
func TestAcknowledgedButNotStoredIsNotDone(t *testing.T) {
	for f := range everything.Each() {
		t.Run(f.String(), func(t *testing.T) {
			with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
				sim.Forget(f)
				e := create(t, 5, "8264")
				e.Role = panel.DuressRole
				out, err := apply(t, s, e)
				require.NoError(t, err)
				require.ErrorIs(t, out.Refused[f], panel.ErrRefused)
				if f == panel.FieldCode {
					require.Zero(t, out.Done)
				} else {
					require.Equal(t, everything&^f, out.Done)
				}
			})
		})
	}
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		_, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		sim.Forget(panel.FieldCode)
		for _, do := range []panel.Do{panel.Remove, panel.Replace} {
			e := create(t, 5, "8265")
			e.Do = do
			out, err := apply(t, s, e)
			require.NoError(t, err)
			require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrRefused)
			require.Zero(t, out.Done, "the former holder's rights are not the next one's")
		}
	})
}

// What an earlier edit may have written stays in doubt until it is settled.
func TestDoubtOutlivesABrokenLine(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		require.NoError(t, sim.Keypad(create(t, 5, "8264")))
		sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
		e := create(t, 5, "8265")
		e.Do, e.Unsure = panel.Change, panel.FieldRole
		out, err := apply(t, s, e)
		require.ErrorIs(t, err, panel.ErrUnreachable)
		require.Equal(t, panel.FieldCode|panel.FieldRole, out.Unsure)
		require.Zero(t, out.Done)
		require.Nil(t, out.Report, "what was read before the write is not what is there now")
	})
}

// Without a code nothing else is written, and nothing of it is claimed.
func TestTheRestFallsWithTheCode(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		out, err := apply(t, s, create(t, 5, masterCode)) // the Master has it
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrRefused)
		require.Len(t, out.Refused, 1)
		require.Zero(t, out.Done|out.Unsure)
		require.Len(t, sim.Users(), 1)

		short := create(t, 5, "826")
		out, err = apply(t, s, short)
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrCodeLength)
		require.Zero(t, out.Done|out.Unsure)
	})
}

// A label that the panel cannot write at all is refused beside a code that it takes.
func TestLabelThatCannotBeWrittenSettlesApart(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		sim.Quirk(dscsim.NoLabelWrite, true)
		out, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		require.Equal(t, everything&^panel.FieldLabel, out.Done)
		require.ErrorIs(t, out.Refused[panel.FieldLabel], panel.ErrUnsupported)
		require.Equal(t, "User 5", out.Report.Label)
	})
}

// A code that may be there already and is refused as a duplicate, perhaps of itself, is
// not refused for good; a new holder's slot is cleared and written again.
func TestOwnDuplicateIsNeverFinal(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		sim.Quirk(dscsim.OwnDuplicate, true)
		e := create(t, 5, "8264")
		_, err := apply(t, s, e)
		require.NoError(t, err)

		change := panel.Edit{Place: slot(5), Set: panel.FieldCode, Unsure: panel.FieldCode, Values: panel.Values{Code: e.Code}}
		out, err := apply(t, s, change)
		require.NoError(t, err)
		require.Equal(t, panel.FieldCode, out.Unsure)
		require.Empty(t, out.Refused)

		e.Unsure = e.Set
		out, err = apply(t, s, e)
		require.NoError(t, err)
		require.Equal(t, everything, out.Done)
	})
	with(t, dsc.Options{DiscloseCodes: true}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		sim.Quirk(dscsim.OwnDuplicate, true)
		require.NoError(t, sim.Keypad(create(t, 5, "8264")))
		require.NoError(t, sim.Keypad(create(t, 6, "8265")))
		for digits, done := range map[string]panel.Field{"8264": panel.FieldCode, "8265": 0} {
			out, err := apply(t, s, panel.Edit{
				Place: slot(5), Set: panel.FieldCode, Unsure: panel.FieldCode, Values: panel.Values{Code: code(t, digits)},
			})
			require.NoError(t, err)
			require.Equal(t, done, out.Done, "final either way: the panel was asked")
			require.Zero(t, out.Unsure)
		}
	})
}

// Rules: R60, R61, R72, R73, D9
func TestMasterIsImmutableButForCodeAndLabel(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		for _, do := range []panel.Do{panel.Remove, panel.Replace} {
			out, err := apply(t, s, panel.Edit{Place: slot(1), Do: do, Set: panel.FieldCode, Values: panel.Values{Code: code(t, "8264")}})
			require.NoError(t, err)
			require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrMasterDisable)
		}
		out, err := apply(t, s, panel.Edit{Place: slot(1), Set: panel.FieldPartitions, Values: panel.Values{Partitions: 1}})
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldPartitions], panel.ErrMasterPartitions)
		require.Zero(t, sim.Entered(), "nothing of this needs the panel")

		out, err = apply(t, s, panel.Edit{
			Place: slot(1), Set: panel.FieldCode | panel.FieldLabel, Values: panel.Values{Code: code(t, "8264"), Label: "House"},
		})
		require.NoError(t, err)
		require.Equal(t, panel.FieldCode|panel.FieldLabel, out.Done)
		require.Equal(t, panel.FirstPartitions(8), out.Report.Partitions)
		require.Equal(t, panel.FieldCode|panel.FieldLabel, out.Report.Editable)

		_, err = apply(t, s, create(t, 5, "8265"))
		require.NoError(t, err, "the session goes on with the new master code")
	})
}

// A line whose code is a Supervisor's manages everybody but the Master.
//
// Rules: D10
func TestSupervisorDoesNotChangeTheMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		sim := r.call(dscsim.Options{Master: "9731"})
		boss := create(t, 2, masterCode) // what our target knows as the code of the line
		boss.Role = panel.Supervisor
		require.NoError(t, sim.Keypad(boss))
		s := r.open(ident)
		out, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		require.True(t, out.Done.Has(panel.FieldCode))
		out, err = apply(t, s, panel.Edit{Place: slot(1), Set: panel.FieldCode, Values: panel.Values{Code: code(t, "8265")}})
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrUserProtected)
		require.True(t, sim.Accepts("9731"))
	})
}

// A refused master code is presented once and told as such.
func TestWrongMasterCodeIsNotTriedAgain(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{Master: "9731"}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		_, err := apply(t, s, create(t, 5, "8264"))
		require.ErrorIs(t, err, panel.ErrSecret)
		require.Equal(t, 1, sim.Entered())
		_, err = read(t, s, panel.Query{All: true})
		require.ErrorIs(t, err, panel.ErrSecret)
		_, err = read(t, s, panel.Query{All: true})
		require.ErrorIs(t, err, panel.ErrSecret)
		_, err = apply(t, s, create(t, 5, "8264"))
		require.ErrorIs(t, err, panel.ErrBlocked, "the panel locks after three")
	})
}

func TestNoMasterCodeIsToldWithoutAByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		sim := r.call(dscsim.Options{})
		r.open(ident)
		s, err := r.driver.Open(t.Context(), panel.Target{Ident: ident})
		require.NoError(t, err)
		_, err = apply(t, s, create(t, 5, "8264"))
		require.ErrorIs(t, err, panel.ErrSecret)
		require.Zero(t, sim.Entered())
	})
}

// Digits are read only where host and query both want it.
//
// Rules: R251
func TestCodesAreDisclosedOnlyOnDoubleRequest(t *testing.T) {
	for _, host := range []bool{false, true} {
		with(t, dsc.Options{DiscloseCodes: host}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
			_, err := apply(t, s, create(t, 5, "8264"))
			require.NoError(t, err)
			_, err = read(t, s, panel.Query{All: true})
			require.NoError(t, err)
			require.Zero(t, sim.Received(0x0736))
			got, err := read(t, s, panel.Query{All: true, Disclose: true})
			require.NoError(t, err)
			require.Equal(t, host, sim.Received(0x0736) > 0)
			require.Equal(t, host, got[1].Code.Equal(code(t, "8264")))
		})
	}
}

// Presence, tag and emptiness of a slot, however the panel counts them.
//
// Rules: R40, R70, D14
func TestTagsAreCounted(t *testing.T) {
	for _, bits := range []bool{false, true} {
		with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
			sim.Quirk(dscsim.KindsAreBits, bits)
			e := create(t, 5, "8264")
			e.Set |= panel.FieldLegacyTags
			tag, err := credentials.ParseTag("00A10001", 32)
			require.NoError(t, err)
			e.LegacyTags = []panel.Tag{tag}
			require.NoError(t, sim.Keypad(e))
			require.NoError(t, sim.Keypad(create(t, 6, "8265")))
			got, err := read(t, s, panel.Query{Places: []panel.Place{slot(5), slot(6), slot(7)}})
			require.NoError(t, err)
			require.Equal(t, []int{1, 0, 0}, []int{got[0].Tags, got[1].Tags, got[2].Tags})
			require.Equal(t, []bool{true, true, false}, []bool{got[0].Exists, got[1].Exists, got[2].Exists})
			require.Zero(t, got[2].Editable)

			out, err := apply(t, s, panel.Edit{Place: slot(5), Do: panel.Remove})
			require.NoError(t, err)
			require.Equal(t, panel.FieldCode, out.Done)
			_, err = apply(t, s, create(t, 5, "8264"))
			require.NoError(t, err)
			require.Zero(t, userAt(sim, 5).Tags, "tags go with the code")
		})
	}
}

// A write is not begun when the context leaves too little time for it.
//
// Rules: R264
func TestNoWriteIsBegunNearTheDeadline(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		for _, err := range s.Apply(ctx, []panel.Edit{create(t, 5, "8264")}) {
			require.ErrorIs(t, err, panel.ErrTimeout)
		}
		require.Zero(t, sim.Received(0x0704)+sim.Received(0x0746))
		require.Len(t, sim.Users(), 1)
	})
}

// Programming is left whatever happens and wherever it happens, also when nobody listens
// any more.
func TestProgrammingIsAlwaysLeft(t *testing.T) {
	for after := 50 * time.Millisecond; after < 4*time.Second; after += 190 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			r := listen(t, dsc.Options{KeepSession: true})
			r.network.Up, r.network.Down = 75*time.Millisecond, 75*time.Millisecond
			sim := r.call(dscsim.Options{})
			s := r.open(ident)
			ctx, cancel := context.WithCancel(t.Context())
			begun := time.Now()
			time.AfterFunc(after, cancel)
			var line error
			for _, err := range s.Apply(ctx, []panel.Edit{create(t, 5, "8264"), create(t, 6, "8265")}) {
				line = err
			}
			require.ErrorIs(t, line, context.Canceled)
			require.LessOrEqual(t, time.Since(begun)-after, 5*time.Second)
			require.False(t, sim.Programming(), "cancelled after %s", after)
			for e, err := range s.Read(t.Context(), panel.Query{All: true}) {
				require.NoError(t, err)
				if e.User != nil {
					break
				}
			}
			require.False(t, sim.Programming())
		})
	}
	with(t, dsc.Options{KeepSession: true}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		sim.Fault(paneltest.Fault{Do: paneltest.Late, For: 12 * time.Second})
		out, err := apply(t, s, create(t, 7, "8266"))
		require.ErrorIs(t, err, panel.ErrTimeout)
		require.Equal(t, panel.FieldCode, out.Unsure, "carried out, and the answer withheld")
		require.True(t, sim.Accepts("8266"))
		time.Sleep(time.Minute)
		require.False(t, sim.Programming())
		require.Equal(t, 2, sim.Connected(), "a late answer cannot be taken for another's")
	})
}

// After a cut in the middle of programming the next connection leaves it first.
func TestProgrammingLeftOpenIsClosedNextTime(t *testing.T) {
	with(t, dsc.Options{KeepSession: true}, dscsim.Options{}, func(t *testing.T, r *rig, sim *dscsim.Panel, s panel.Session) {
		sim.Quirk(dscsim.Outlives, true)
		sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
		out, err := apply(t, s, create(t, 5, "8264"))
		require.ErrorIs(t, err, panel.ErrUnreachable)
		require.Equal(t, panel.FieldCode, out.Unsure)
		require.True(t, sim.Programming())
		time.Sleep(10 * time.Second)
		e := create(t, 5, "8264")
		e.Unsure = out.Unsure
		out, err = apply(t, s, e)
		require.NoError(t, err)
		require.Equal(t, everything, out.Done)
		require.False(t, sim.Programming())
		_ = r
	})
}

// Somebody at a keypad keeps us out, and is told apart from an armed panel.
func TestKeypadUserMakesTheLineBusy(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		sim.Hold(true)
		_, err := apply(t, s, create(t, 5, "8264"))
		require.ErrorIs(t, err, panel.ErrBusy)
		sim.Hold(false)
		_, err = apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
	})
}

// Six digits: the panel says so, and all codes follow.
//
// Rules: D5
func TestCodeLengthIsThePanels(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		stop, events := watch(t, s)
		sim.SetCodeLength("472947")
		time.Sleep(time.Second)
		stop()
		require.Len(t, *events, 1)
		require.Equal(t, 6, (*events)[0].Panel.CodeLen)
		require.Equal(t, []int{6}, (*events)[0].Panel.Model.Code.Lens)
		_, err := read(t, s, panel.Query{})
		require.NoError(t, err)
		require.Equal(t, []int{6}, s.Model().Code.Lens)
		out, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrCodeLength)
	})
}

// A panel that answers "busy" while it is armed said before that it is armed.
func TestArmedIsToldApartFromBusy(t *testing.T) {
	for _, quirk := range []bool{false, true} {
		with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
			sim.Quirk(dscsim.ArmedIsBusy, quirk)
			stop, events := watch(t, s)
			sim.Fault(paneltest.Fault{Do: paneltest.Armed})
			time.Sleep(time.Second)
			for range 3 { // each ends a session and begins another
				_, err := apply(t, s, create(t, 5, "8264"))
				require.ErrorIs(t, err, panel.ErrArmed)
			}
			sim.Fault(paneltest.Fault{Do: paneltest.Disarm})
			time.Sleep(10 * time.Second)
			stop()
			require.Len(t, *events, 2)
			require.True(t, (*events)[0].Panel.Armed)
			require.False(t, (*events)[1].Panel.Armed)
			_, err := apply(t, s, create(t, 5, "8264"))
			require.NoError(t, err)
		})
	}
}

// When a former holder's code cannot be cleared, nothing of the next one's rights is
// written to it.
func TestReplaceThatCannotClearWritesNothing(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		require.NoError(t, sim.Keypad(create(t, 5, "8264")))
		before := userAt(sim, 5)
		sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldCode, Slot: 5})
		e := create(t, 5, "8265")
		e.Do, e.Role, e.Partitions, e.Label = panel.Replace, panel.Supervisor, panel.PartitionsOf(2), "Next"
		out, err := apply(t, s, e)
		require.NoError(t, err)
		require.ErrorIs(t, out.Refused[panel.FieldCode], panel.ErrRefused)
		require.Zero(t, out.Done|out.Unsure)
		require.Equal(t, before, userAt(sim, 5))
	})
}

// Wherever the line breaks, a field that is done was seen at the panel.
//
// Rules: R49, D15
func TestDoneMeansSeen(t *testing.T) {
	for after := range 40 {
		with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
			sim.Fault(paneltest.Fault{Do: paneltest.Cut, After: after})
			out, err := apply(t, s, create(t, 5, "8264"))
			u := userAt(sim, 5)
			require.Equal(t, out.Done.Has(panel.FieldCode), u.Code == "8264" && !out.Unsure.Has(panel.FieldCode))
			if out.Done.Has(panel.FieldLabel) {
				require.Equal(t, "Cleaner", out.Report.Label)
			}
			if out.Done.Has(panel.FieldRole) {
				require.Equal(t, panel.User, u.Role)
			}
			if err == nil {
				require.Equal(t, everything, out.Done)
			}
		})
	}
}

// The code that opens programming changes behind everything else.
func TestMastersCodeChangesLast(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, _ *dscsim.Panel, s panel.Session) {
		var order []int
		edits := []panel.Edit{
			{Place: slot(1), Set: panel.FieldCode, Values: panel.Values{Code: code(t, "8264")}},
			create(t, 5, "8265"), create(t, 6, "8266"),
		}
		for out, err := range s.Apply(t.Context(), edits) {
			require.NoError(t, err)
			order = append(order, out.Slot)
		}
		require.Equal(t, []int{5, 6, 1}, order)
	})
}

func TestWatchEndsWhenThePanelIsGone(t *testing.T) {
	with(t, dsc.Options{}, dscsim.Options{}, func(t *testing.T, _ *rig, sim *dscsim.Panel, s panel.Session) {
		ended := make(chan error, 1)
		go func() {
			var line error
			for _, err := range s.Watch(t.Context()) {
				line = err
			}
			ended <- line
		}()
		synctest.Wait()
		sim.Fault(paneltest.Fault{Do: paneltest.Away})
		require.ErrorIs(t, <-ended, panel.ErrAbsent)
		sim.Fault(paneltest.Fault{Do: paneltest.Back})
	})
}
