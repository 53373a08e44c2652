package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// tagged lists the devices that have a card.
func (f *fleet) tagged(digits string) (out []string) {
	f.Helper()
	f.do(func() {
		for ident, d := range f.all {
			for _, v := range d.users {
				for _, t := range v.LegacyTags {
					if t.Equal(card(f.T, digits)) {
						out = append(out, ident)
					}
				}
			}
		}
	})
	return out
}

// words is why a device cannot have somebody.
func (f *fleet) words(id accounts.ID, ident string) string {
	f.Helper()
	list, err := f.person(id).Devices(f.ctx)
	require.NoError(f, err)
	for _, d := range list.On {
		if d.Ident == ident && !d.Active {
			return d.Words
		}
	}
	return ""
}

// Whoever has a card and no PIN is on the devices that can have cards alone.
//
// Rules: G182, G185
func TestACardNeedsNoPIN(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		gate := f.device("gate", "north", telling())
		f.device("codes and cards", "north", withWindows())
		f.device("codes", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate", "codes and cards", "codes")
		cleaner := f.person("cleaner")
		id, err := cleaner.AddTag(f.ctx, card(f.T, "00001D2C"), "blue")
		require.NoError(f, err)
		pass(settling)
		require.Equal(f, []string{"gate"}, f.tagged("00001D2C"))
		require.True(f, f.user("gate").Code.IsZero())

		// A second card, then a PIN: one user throughout.
		_, err = cleaner.AddTag(f.ctx, card(f.T, "00001D2D"), "red")
		require.NoError(f, err)
		pass(settling)
		require.Len(f, f.user("gate").LegacyTags, 2)
		require.NoError(f, cleaner.SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Equal(f, []string{"codes", "codes and cards", "gate"}, f.on("6137"))
		require.Len(f, f.user("gate").LegacyTags, 2)

		// The PIN goes and the cards stay; a lost one goes at once, and the last takes the user.
		require.NoError(f, cleaner.RemovePIN(f.ctx))
		pass(settling)
		require.Empty(f, f.on("6137"))
		require.Equal(f, []string{"gate"}, f.tagged("00001D2C"))
		require.NoError(f, cleaner.SetTagState(f.ctx, id, roster.TagLost))
		pass(settling)
		require.Empty(f, f.tagged("00001D2C"))
		require.Equal(f, []string{"gate"}, f.tagged("00001D2D"))
		require.NoError(f, cleaner.SetTagState(f.ctx, id+1, roster.TagStolen))
		pass(settling)
		f.do(func() { require.Empty(f, gate.users) })
		pass(time.Hour)
		f.swept(0)
		require.Empty(f, f.alerts)
	})
}

// A PIN that never came to a device because the wish was taken back is free for others once
// its person has another.
func TestAPINThatNeverCameToADeviceIsFreeAgain(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		lobby := f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.do(func() { lobby.away = true })
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(settling)
		_, err := f.operator().Panel(f.ids["lobby"]).Cancel(f.ctx, slot(1))
		require.NoError(f, err)
		require.NoError(f, f.operator().RemoveRule(f.ctx, "staff"))
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("7283")))
		pass(time.Hour)
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
	})
}

// A card by itself is claimed, refused, taken back and read like any user.
//
// Rules: G182
func TestACardAloneIsRefusedAndTaken(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		gate := f.device("gate", "north", telling())
		pass(time.Minute)
		f.do(func() { gate.refuses = true })
		f.rule(roster.AccessRule{ID: "staff", Site: "north", On: []credentials.Medium{credentials.Reader}}, []accounts.ID{"cleaner"}, "gate")
		_, err := f.person("cleaner").AddTag(f.ctx, card(f.T, "00001D2C"), "blue")
		require.NoError(f, err)
		pass(settling)
		require.Empty(f, f.tagged("00001D2C"))
		f.do(func() { gate.refuses = false })
		pass(20 * time.Minute)
		require.Equal(f, []string{"gate"}, f.tagged("00001D2C"), "what was refused is asked again")
		require.NoError(f, f.person("cleaner").End(f.ctx, roster.Confirmed("yes")))
		pass(settling)
		live, err := f.person("cleaner").Live(f.ctx)
		require.NoError(f, err)
		require.Empty(f, live.On)
		require.Empty(f, f.tagged("00001D2C"))
	})
}

// What ends with its use is only where somebody hears of the use, and goes with it.
//
// Rules: G71, G187
func TestACredentialEndsWithItsUse(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		m := telling()
		m.Duress, m.Tells = panel.NoDuress, true // it tells, and has no room for duress
		gate := f.device("gate", "north", m)
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "gate", "lobby")
		guest := f.person("guest")
		require.ErrorIs(f, guest.SetLimits(f.ctx, roster.Limits{Uses: 1}), roster.ErrNoPIN)
		require.NoError(f, guest.SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))
		for _, wrong := range []roster.Limits{{Uses: -1}, {For: -1}, {Idle: -1}, {Type: credentials.RemoteOnly + 1}} {
			require.ErrorIs(f, guest.SetLimits(f.ctx, wrong), roster.ErrLimits)
		}
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{Uses: 2}))
		pass(settling)
		require.Equal(f, []string{"gate"}, f.on("6137"), "it is not widened for the one that cannot keep it")
		require.Equal(f, "the device does not tell when a credential was used", f.words("guest", "lobby"))
		holds, err := guest.Holds(f.ctx)
		require.NoError(f, err)
		require.Equal(f, roster.Limits{Uses: 2}, holds.Limits)
		open := func() { f.do(func() { require.True(f, gate.try("6137")) }); pass(settling) }
		open()
		require.Equal(f, []string{"gate"}, f.on("6137"))
		open()
		require.Empty(f, f.on("6137"), "used up")

		// New limits begin anew: an hour from the first use.
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{For: time.Hour}))
		pass(24 * time.Hour)
		require.Equal(f, []string{"gate"}, f.on("6137"))
		open()
		pass(time.Hour - 2*settling)
		f.stop()
		f.start() // what ends is not forgotten
		require.Equal(f, []string{"gate"}, f.on("6137"))
		pass(2 * settling)
		require.Empty(f, f.on("6137"))

		// So does a new PIN; one that is not used for three hours ends.
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{Idle: 3 * time.Hour}))
		require.NoError(f, guest.SetPIN(f.ctx, known("7283")))
		pass(2 * time.Hour)
		f.do(func() { require.True(f, gate.try("7283")) })
		pass(2 * time.Hour)
		require.Equal(f, []string{"gate"}, f.on("7283"))
		pass(time.Hour + settling)
		require.Empty(f, f.on("7283"))

		// Nobody hears it: it goes.
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{Type: credentials.Disposable}))
		pass(settling)
		require.Equal(f, []string{"gate"}, f.on("7283"))
		f.do(func() { gate.cut = true })
		pass(time.Minute)
		require.Empty(f, f.on("7283"))
		f.swept(0)
	})
}

// A credential's own hours hold at every device, and some types never reach one.
//
// Rules: G72, G78
func TestDevicesKeepACredentialsHoursAndType(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "north", telling())
		f.device("lobby", "north", codesOnly())
		f.device("door", "north", withWindows())
		everywhere := []string{"door", "gate", "lobby"}
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, everywhere...)
		guest := f.person("guest")
		require.NoError(f, guest.SetPIN(f.ctx, known("6137")))
		id, err := guest.AddTag(f.ctx, card(f.T, "00001D2C"), "blue")
		require.NoError(f, err)
		morning := &credentials.Schedule{Week: []credentials.Span{{Days: []credentials.Weekday{0, 1, 2, 3, 4, 5, 6}, From: 8 * 60, Until: 12 * 60}}}
		require.NoError(f, guest.SetTagLimits(f.ctx, id, roster.Limits{Schedule: morning}))
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{Schedule: morning, Type: credentials.WeekDay}))
		at := func(clock time.Duration) {
			now := time.Now().UTC()
			pass(now.Truncate(24 * time.Hour).Add(24*time.Hour + clock).Sub(now))
		}
		for range 2 {
			at(8*time.Hour - time.Second)
			require.Empty(f, f.on("6137"))
			pass(1 * time.Second)
			require.Contains(f, f.on("6137"), "door", "it knows the hours itself")
			pass(3 * time.Second)
			require.Equal(f, everywhere, f.on("6137"))
			require.ElementsMatch(f, []string{"gate", "door"}, f.tagged("00001D2C"))
			pass(4*time.Hour - 5*time.Second)
			require.Equal(f, everywhere, f.on("6137"))
			pass(3 * time.Second)
			require.Empty(f, f.on("6137"))
			pass(time.Second)
			require.Empty(f, f.tagged("00001D2C"))
		}
		// The tag's hours are its own.
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{}))
		pass(settling)
		require.Equal(f, everywhere, f.on("6137"))
		require.Empty(f, f.tagged("00001D2C"))
		at(10 * time.Hour)
		require.ElementsMatch(f, []string{"gate", "door"}, f.tagged("00001D2C"))
		require.NoError(f, guest.SetTagLimits(f.ctx, id, roster.Limits{Uses: 3}))
		pass(settling)
		require.Empty(f, f.tagged("00001D2C"), "a device tells who opened, not by which tag")

		for _, never := range []credentials.UserType{credentials.NonAccess, credentials.RemoteOnly, credentials.Forced} {
			require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{Type: never}))
			pass(settling)
			require.Empty(f, f.on("6137"))
			require.Equal(f, "a credential of this type is not given to devices", f.words("guest", "lobby"))
		}
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{Type: credentials.Programming}))
		pass(settling)
		require.Equal(f, everywhere, f.on("6137"))
		require.NoError(f, guest.SetLimits(f.ctx, roster.Limits{Disabled: true}))
		pass(settling)
		require.Empty(f, f.on("6137"))
		f.swept(0)
	})
}

// Whoever may use doors only gets a rank that operates no alarm, or no user.
//
// Rules: S21
func TestWhoMayUseDoorsOnlyOperatesNoAlarm(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		alarm := func(doors panel.Role) panel.Model {
			m := scripted(panel.FieldCode | panel.FieldRole)
			m.Kind, m.Read, m.Roles, m.DefaultRole, m.DoorRole = panel.Visonic, panel.FieldCode, []panel.Role{panel.User, panel.Guest}, panel.User, doors
			return m
		}
		f.device("with", "north", alarm(panel.Guest))
		f.device("without", "north", alarm(""))
		f.device("door", "north", telling())
		pass(time.Minute)
		who := []accounts.ID{"cleaner"}
		f.rule(roster.AccessRule{ID: "doors", Site: "north", DoorsOnly: true}, who, "with", "without", "door")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Equal(f, []string{"door", "with"}, f.on("6137"))
		require.Equal(f, panel.Guest, f.user("with").Role)
		require.Equal(f, "the panel has no rank for who may use doors only", f.words("cleaner", "without"))
		f.rule(roster.AccessRule{ID: "all", Site: "north"}, who, "with", "without")
		pass(settling)
		require.Equal(f, []string{"door", "with", "without"}, f.on("6137"))
		require.Equal(f, panel.User, f.user("with").Role)
		require.NoError(f, f.operator().RemoveRule(f.ctx, "all"))
		pass(settling)
		require.Equal(f, []string{"door", "with"}, f.on("6137"))
		require.Equal(f, panel.Guest, f.user("with").Role)
		f.swept(0)
	})
}
