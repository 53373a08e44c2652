package roster_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

func (r *rig) unplug() { r.sim.Fault(paneltest.Fault{Do: paneltest.Away}); r.wait(time.Minute) }
func (r *rig) plugIn() { r.sim.Fault(paneltest.Fault{Do: paneltest.Back}); r.wait(time.Minute) }
func (r *rig) entries(action string) int {
	n := 0
	for _, a := range r.actions() {
		if a == action {
			n++
		}
	}
	return n
}

// Rules: R236, R237
func TestTenWishesBecomeOneEdit(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner", Role: panel.Supervisor}), roster.Settled)
		tag, err := credentials.ParseTag("04a1b2c3", 0)
		require.NoError(t, err)
		require.NoError(t, r.sim.Keypad(panel.Edit{Place: slot(4), Set: panel.FieldLegacyTags, Values: panel.Values{LegacyTags: []panel.Tag{tag}}}))
		r.unplug()
		entered := r.sim.Entered()
		var last roster.Receipt
		for _, label := range []string{"One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight"} {
			rec, err := r.tab.SetLabel(r.ctx, slot(4), label)
			require.NoError(t, err)
			last = rec
		}
		require.Equal(t, "Cleaner", r.details(4).Label)
		require.Equal(t, "Eight", r.details(4).Field(panel.FieldLabel).Wanted)
		// The slot goes to another person while the panel is away.
		_, err = r.tab.Disable(r.ctx, slot(4))
		require.NoError(t, err)
		rec := r.set(4, "8604", roster.CodeWish{Label: "Night guard", Role: panel.User})
		require.True(t, r.details(4).Field(panel.FieldCode).OldOpens, "the old code still opens")
		p, err := r.tab.Receipt(r.ctx, last)
		require.NoError(t, err)
		require.Equal(t, roster.Superseded, p.Fate)

		r.plugIn()
		r.settles(rec, roster.Settled)
		u, _ := r.user(4)
		require.Equal(t, "8604", u.Code)
		require.Equal(t, "Night guard", u.Label)
		require.Equal(t, panel.User, u.Role, "the former holder's rank is gone")
		require.Zero(t, u.Tags, "and so is the tag")
		require.False(t, r.sim.Accepts("6137"))
		require.LessOrEqual(t, r.sim.Entered()-entered, 2)
	})
}

// Rules: R204, R243, R244
func TestWhatIsRemovedAtTheKeypadIsNotWrittenBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner"}), roster.Settled)
		require.NoError(t, r.sim.Keypad(panel.Edit{Place: slot(4), Do: panel.Remove}))
		r.until("it is noticed", func() bool { return r.details(4).Code == roster.Minus })
		require.Equal(t, roster.ReasonCodeRemovedExternally, r.details(4).Explain)
		require.Equal(t, 1, r.alerted(roster.ChangedAtPanel))
		r.wait(48 * time.Hour)
		require.False(t, r.sim.Accepts("6137"))

		// Its code is free for others.
		r.renew()
		r.settles(r.set(5, "6137", roster.CodeWish{}), roster.Settled)
	})
}

// Rules: R245
func TestUsersThatAppearAreAnAlert(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		require.Zero(t, r.alerted(roster.UnmanagedFound), "the first read is a baseline")
		require.NoError(t, r.sim.Keypad(panel.Edit{Place: slot(9), Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: digits(t, "7283")}}))
		r.until("it is noticed", func() bool { return r.details(9).Unmanaged })
		require.Equal(t, 1, r.alerted(roster.UnmanagedFound))
		open, err := r.op.Outstanding(r.ctx)
		require.NoError(t, err)
		require.Equal(t, roster.UnmanagedUser, open[0].Kind)

		_, err = r.tab.SetCode(r.ctx, slot(9), roster.CodeWish{Code: digits(t, "8604")})
		require.ErrorIs(t, err, panel.ErrUnmanaged, "it is never overwritten")
		_, err = r.tab.Adopt(r.ctx, slot(9), "")
		require.ErrorIs(t, err, roster.ErrReasonRequired)
		r.renew()
		_, err = r.tab.Adopt(r.ctx, slot(9), "set by the installer on site")
		require.NoError(t, err)
		require.True(t, r.sim.Accepts("7283"))
		r.wait(31 * 24 * time.Hour)
		r.renew()
		open, err = r.op.Outstanding(r.ctx)
		require.NoError(t, err)
		require.Equal(t, roster.AdoptedOverdue, open[0].Kind, "its code was to be changed by now")
		r.settles(r.set(9, "8604", roster.CodeWish{}), roster.Settled)
		open, err = r.op.Outstanding(r.ctx)
		require.NoError(t, err)
		require.Empty(t, open)
	}, func(r *rig) { r.options.PollEvery = 5 * time.Minute })
}

// Rules: R48, D15
func TestALabelIsRefusedWhileTheCodeIsTaken(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldLabel, Slot: 4, Times: 100})
		rec := r.set(4, "6137", roster.CodeWish{Label: "Cleaner"})
		ctx, cancel := r.hour()
		defer cancel()
		p, err := r.tab.Wait(ctx, rec)
		require.NoError(t, err)
		require.Equal(t, roster.Partly, p.Fate)
		require.Contains(t, p.Refused, "label")
		require.True(t, r.sim.Accepts("6137"))
		d := r.details(4)
		require.Equal(t, roster.Check, d.Code)
		require.Equal(t, roster.FieldRefused, d.Field(panel.FieldLabel).State)
	})
}

// Rules: R242
func TestRemovalsStand(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		r.unplug()
		rec, err := r.tab.Disable(r.ctx, slot(4))
		require.NoError(t, err)
		_, err = r.tab.Cancel(r.ctx, slot(4))
		require.ErrorIs(t, err, panel.ErrRemovalStands)
		r.wait(6 * time.Minute)
		require.Equal(t, 1, r.alerted(roster.RemovalBlocked), "at once: with the first look")
		r.wait(20 * time.Minute)
		require.Equal(t, 2, r.alerted(roster.RemovalBlocked), "after 15 minutes")
		r.wait(time.Hour)
		require.Equal(t, 3, r.alerted(roster.RemovalBlocked), "after an hour")
		months := 4 // longer than anything else is waited for
		if raceDetector {
			months = 1
		}
		r.wait(time.Duration(months) * 30 * 24 * time.Hour)
		r.renew()
		open, err := r.op.Outstanding(r.ctx)
		require.NoError(t, err)
		require.Equal(t, roster.RemovalOpen, open[0].Kind)
		require.True(t, r.sim.Accepts("6137"))
		r.plugIn()
		r.settles(rec, roster.Settled)
		require.False(t, r.sim.Accepts("6137"))
	}, func(r *rig) { r.options.PollEvery = 5 * time.Minute })
}

// Rules: R242
func TestGivingWishesExpire(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.unplug()
		rec, err := r.tab.SetCode(r.ctx, slot(4), roster.CodeWish{Code: digits(t, "6137")}, roster.Until(time.Now().Add(time.Hour)))
		require.NoError(t, err)
		other := r.set(5, "8604", roster.CodeWish{})
		_, err = r.tab.Cancel(r.ctx, slot(5))
		require.NoError(t, err)
		r.settles(other, roster.Cancelled)
		r.wait(2 * time.Hour)
		r.settles(rec, roster.Expired)
		r.plugIn()
		r.wait(time.Hour)
		require.False(t, r.sim.Accepts("6137"))
		require.False(t, r.sim.Accepts("8604"))
		r.renew()
		r.settles(r.set(6, "6137", roster.CodeWish{}), roster.Settled)
	})
}

// Rules: R249
func TestWishesOfAnAuthorWithoutRightsAreHeld(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(5, "8604", roster.CodeWish{}), roster.Settled)
		r.rights["installer"] = grant(accounts.EquipmentView, accounts.PanelUsersView, accounts.PanelUsersManage)
		theirs := r.as("installer").Panel(r.tab.ID())
		r.unplug()
		rec, err := theirs.SetCode(r.ctx, slot(4), roster.CodeWish{Code: digits(t, "6137")})
		require.NoError(t, err)
		gone, err := theirs.Disable(r.ctx, slot(5))
		require.NoError(t, err)
		r.rights["installer"] = accounts.Grant{}
		r.plugIn()
		r.settles(gone, roster.Settled) // what takes access away stands
		p, err := r.tab.Receipt(r.ctx, rec)
		require.NoError(t, err)
		require.Equal(t, roster.Held, p.Fate)
		require.False(t, r.sim.Accepts("6137"))
		open, err := r.op.Outstanding(r.ctx)
		require.NoError(t, err)
		require.Equal(t, roster.HeldWish, open[0].Kind)
		require.Equal(t, 1, r.entries("user.wish.held"))
		_, err = r.tab.Confirm(r.ctx, slot(4))
		require.NoError(t, err)
		r.settles(rec, roster.Settled)
	})
}

// Rules: R241
func TestProtectedUsersNeedARightOfTheirOwn(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.rights["manager"] = grant(accounts.EquipmentView, accounts.PanelUsersView, accounts.PanelUsersManage)
		theirs := r.as("manager").Panel(r.tab.ID())
		rec, err := theirs.SetLabel(r.ctx, slot(1), "Chief")
		require.NoError(t, err)
		r.settles(rec, roster.Settled)
		_, err = theirs.SetCode(r.ctx, slot(1), roster.CodeWish{Code: digits(t, "6137")})
		require.ErrorIs(t, err, accounts.ErrPermissionDenied)
		_, err = theirs.SetCode(r.ctx, slot(4), roster.CodeWish{Code: digits(t, "6137"), Role: panel.Supervisor})
		require.ErrorIs(t, err, accounts.ErrPermissionDenied)
		r.wait(time.Hour)
		_, err = r.tab.SetCode(r.ctx, slot(1), roster.CodeWish{Code: digits(t, "6137")})
		require.ErrorIs(t, err, accounts.ErrStepUpRequired, "and a fresh factor")
	})
}

// The panel's answer to a change of the master code is lost: the other code is tried
// once, counted before it is sent.
//
// Rules: R241
func TestTheMastersOwnCodeInDoubt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.sim.Fault(paneltest.Fault{Do: paneltest.CutBefore})
		rec := r.set(1, "6137", roster.CodeWish{})
		r.settles(rec, roster.Settled)
		require.True(t, r.sim.Accepts("6137"))
		r.settles(r.set(4, "8604", roster.CodeWish{}), roster.Settled)
	})
}

// Rules: R247
func TestACodeIsNotLeftWithoutItsRestrictions(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldPartitions, Slot: 4, Times: 100})
		rec := r.set(4, "6137", roster.CodeWish{Partitions: panel.PartitionsOf(1)})
		r.settles(rec, roster.Refused)
		r.until("the code is taken away again", func() bool { return !r.sim.Accepts("6137") })
		require.Equal(t, roster.ReasonWithdrawn, r.details(4).Explain)
	})
}

// Rules: R252
func TestARestoredStoreIsInQuarantine(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.unplug()
		rec := r.set(4, "6137", roster.CodeWish{})
		require.NoError(t, r.op.Quarantine(r.ctx, "restored from a backup"))
		require.ErrorIs(t, r.tab.Release(r.ctx), roster.ErrNotRead)
		r.plugIn()
		r.wait(time.Hour)
		require.False(t, r.sim.Accepts("6137"), "nothing is written")
		info, err := r.tab.Info(r.ctx)
		require.NoError(t, err)
		require.True(t, info.Quarantine)
		r.renew()
		require.NoError(t, r.tab.Release(r.ctx))
		r.settles(rec, roster.Settled)
	})
}

// Rules: R261
func TestPanelsComeAndGo(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, err := r.op.Register(r.ctx, registration())
		require.ErrorIs(t, err, roster.ErrIdentTaken)
		var trial roster.Trial
		r.until("nobody else talks to the panel", func() bool {
			trial, err = r.tab.Test(r.ctx)
			return !errors.Is(err, roster.ErrLineBusy)
		})
		require.NoError(t, err)
		require.Equal(t, 1, trial.Users)
		r.settles(r.set(4, "6137", roster.CodeWish{Label: "Cleaner", Partitions: panel.PartitionsOf(2)}), roster.Settled)

		r.renew()
		require.NoError(t, r.tab.OutOfService(r.ctx, true))
		waiting := r.set(5, "8604", roster.CodeWish{})
		r.wait(time.Hour)
		require.False(t, r.sim.Accepts("8604"), "out of service: read, never written")
		r.renew()
		require.NoError(t, r.tab.OutOfService(r.ctx, false))
		r.settles(waiting, roster.Settled)

		// Other hardware in its place.
		next := r.another("298765430001")
		require.NoError(t, r.tab.Replace(r.ctx, "298765430001", map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
			"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf(master),
		}}}))
		r.until("the new panel was read", func() bool { return r.details(4).Explain == roster.ReasonReplaced })
		rec := r.set(4, "7283", roster.CodeWish{})
		r.settles(rec, roster.Settled)
		u := next.Users()[1]
		require.Equal(t, "Cleaner", u.Label, "label and partitions come along; the code is chosen anew")
		require.Equal(t, panel.PartitionsOf(2), u.Partitions)
		_, err = r.op.Register(r.ctx, registration())
		require.ErrorIs(t, err, roster.ErrIdentTaken, "the old identity is refused from then on")

		r.renew()
		require.ErrorIs(t, r.tab.Retire(r.ctx, false), roster.ErrRetireUsers)
		require.NoError(t, r.tab.Retire(r.ctx, true))
		_, err = r.tab.SetCode(r.ctx, slot(4), roster.CodeWish{Code: digits(t, "6137")})
		require.ErrorIs(t, err, roster.ErrNotInService)
	})
}

// Rules: R258
func TestImport(t *testing.T) {
	inBubble(t, func(r *rig) {
		rows := []roster.ImportRow{
			{Place: slot(4), CodeWish: roster.CodeWish{Code: digits(t, "0613"), Label: "Cleaner"}},
			{Place: slot(5), CodeWish: roster.CodeWish{Code: digits(t, "0613")}},
			{Place: slot(99), CodeWish: roster.CodeWish{Code: digits(t, "8604")}},
			{Place: slot(6), CodeWish: roster.CodeWish{Code: digits(t, "8604")}},
		}
		dry, err := r.tab.Import(r.ctx, rows, roster.ImportOptions{})
		require.NoError(t, err)
		require.Equal(t, 2, dry.Accepted)
		require.ErrorIs(t, dry.Rows[1].Err, credentials.ErrCodeTaken)
		require.ErrorIs(t, dry.Rows[2].Err, panel.ErrSlotOutOfRange)
		require.Zero(t, r.entries("user.code.set"))

		steps := 0
		_, err = r.tab.Import(r.ctx, rows[:2], roster.ImportOptions{Token: dry.Token})
		require.ErrorIs(t, err, roster.ErrImportChanged)
		done, err := r.tab.Import(r.ctx, rows, roster.ImportOptions{Token: dry.Token, Progress: func(n, total int) { steps++; require.Equal(t, 4, total) }})
		require.NoError(t, err)
		require.Equal(t, 4, steps)
		require.Equal(t, 2, done.Accepted)
		r.settles(done.Rows[0].Receipt, roster.Settled)
		require.True(t, r.sim.Accepts("0613"))
	})
}

// A panel's code rests too once the panel has let it go, for everybody but its place. One
// that never left for the panel does not.
//
// Rules: G211
func TestACodeOfAPanelRests(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		r.settles(r.set(4, "7283", roster.CodeWish{}), roster.Settled)
		let := time.Now()
		set := func(n int, code string) error {
			_, err := r.tab.SetCode(r.ctx, slot(n), roster.CodeWish{Code: digits(t, code)})
			return err
		}
		require.ErrorIs(t, set(5, "6137"), credentials.ErrCodeTaken)

		require.NoError(t, r.tab.OutOfService(r.ctx, true))
		require.NoError(t, set(6, "8604"))
		_, err := r.tab.Cancel(r.ctx, slot(6))
		require.NoError(t, err)
		require.NoError(t, set(7, "8604"))
		require.NoError(t, r.tab.OutOfService(r.ctx, false))

		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		r.settles(r.set(4, "9517", roster.CodeWish{}), roster.Settled)
		r.wait(time.Until(let.Add(r.options.Rest)))
		r.renew()
		require.ErrorIs(t, set(5, "6137"), credentials.ErrCodeTaken, "it was there again since")
		r.wait(time.Minute)
		r.settles(r.set(5, "6137", roster.CodeWish{}), roster.Settled)
	}, func(r *rig) { r.options.Rest = 24 * time.Hour })
}
