package roster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// watchers is the service that carries alarms to those who may see them.
func (f *fleet) watchers() func() []door.Alarm {
	f.Helper()
	svc, err := door.New(door.Options{Store: f.store, Restricted: memstore.Open(), Keys: f.keys, Authority: fleetRights(), Node: "door",
		Alarm: func(context.Context, door.Alarm) error { return nil }})
	require.NoError(f, err)
	return func() []door.Alarm {
		f.Helper()
		require.NoError(f, svc.Work(f.ctx))
		all, err := svc.As(accounts.HostActor("operator", "", "").Vouched(time.Now())).Alarms(f.ctx, "north")
		require.NoError(f, err)
		return all
	}
}

// user is the one user of a device.
func (f *fleet) user(ident string) (v panel.Values) {
	f.Helper()
	f.do(func() {
		require.Len(f, f.all[ident].users, 1)
		for _, v = range f.all[ident].users {
		}
	})
	return v
}

// A duress PIN goes where the device tells who opens it, and nowhere else.
//
// Rules: G195, G59
func TestADuressPINGoesOnlyWhereItWarns(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		models := map[string]panel.Duress{"none": panel.NoDuress, "panel": panel.DuressPerPanel, "partition": panel.DuressPerPartition,
			"user": panel.DuressPerUser, "event": panel.DuressByEvent}
		var idents []string
		for ident, way := range models {
			m := telling()
			m.Duress = way
			f.device(ident, "north", m)
			idents = append(idents, ident)
		}
		m := telling()
		f.device("deaf", "north", m)
		f.do(func() { f.all["deaf"].cut = true })
		idents = append(idents, "deaf")
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north", Duress: "call the guard"}, []accounts.ID{"cleaner"}, idents...)
		cleaner := f.person("cleaner")
		require.NoError(f, cleaner.SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Len(f, f.on("6137"), len(idents))
		before := f.user("event")
		points, err := cleaner.DuressPoints(f.ctx)
		require.NoError(f, err)
		require.NoError(f, cleaner.SetDuressPIN(f.ctx, known("8604")))
		pass(settling)
		for _, ident := range idents {
			v := f.user(ident)
			require.True(f, v.Code.Equal(known("6137")), ident)
			require.Equal(f, ident == "event", v.Duress.Equal(known("8604")), ident)
			require.True(f, ident == "event" || v.Duress.IsZero(), ident)
		}
		after := f.user("event")
		after.Duress = panel.Code{}
		require.Equal(f, before, after, "it is under the holder's own name")

		// The holder learns where it does not work, the same with one and without.
		now, err := f.desk.As(accounts.HostActor("cleaner", "", "")).Person("cleaner").DuressPoints(f.ctx)
		require.NoError(f, err)
		require.Equal(f, points, now)
		words := map[string]string{}
		for _, p := range points {
			require.Equal(f, p.Words == "", p.Works)
			words[p.Ident] = p.Words
		}
		require.Equal(f, map[string]string{"none": "the device knows no duress", "panel": "the panel has one duress code of its own",
			"partition": "the panel has duress codes of its own, one for each partition",
			"user":      "the panel has duress users of its own: one is placed there by hand", "event": "", "deaf": "nobody hears the device now"}, words)
		_, err = f.desk.As(accounts.HostActor("stranger", "", "")).Person("cleaner").DuressPoints(f.ctx)
		require.ErrorIs(f, err, accounts.ErrNotEnabled)

		// A change of the PIN leaves it, and a change of it leaves the PIN.
		require.NoError(f, cleaner.SetPIN(f.ctx, known("7283")))
		pass(settling)
		require.True(f, f.user("event").Duress.Equal(known("8604")))
		require.NoError(f, cleaner.SetDuressPIN(f.ctx, known("9517")))
		pass(settling)
		require.True(f, f.user("event").Code.Equal(known("7283")))
		require.True(f, f.user("event").Duress.Equal(known("9517")))
		pass(time.Hour)
		f.swept(0)
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("8604")), "the old one has left every device")
	})
}

// Whoever is forced is heard, also when it is told late, and once however often it is told.
//
// Rules: G195, G62, G193
func TestAnOpeningByDuressRaisesAnAlarm(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		d := f.device("gate", "north", telling())
		alarms := f.watchers()
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north", Duress: "call the guard"}, []accounts.ID{"cleaner"}, "gate")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("cleaner").SetDuressPIN(f.ctx, known("8604")))
		pass(settling)
		f.do(func() { require.True(f, d.try("6137")) })
		pass(settling)
		require.Empty(f, alarms(), "nobody is forced")
		forced := time.Now()
		f.do(func() { require.True(f, d.try("8604")) })
		pass(settling)
		all := alarms()
		require.Len(f, all, 1)
		require.Equal(f, accounts.ID("cleaner"), all[0].Account)
		require.Equal(f, "call the guard", all[0].Action)
		require.Equal(f, "at gate", all[0].Point)
		require.True(f, forced.Equal(all[0].Raised))

		// The device is cut off: those who may see it learn so at once, the code stays, and
		// what was missed is found in the device's own log.
		f.do(func() { d.cut = true })
		pass(time.Minute)
		all = alarms()
		require.Len(f, all, 2)
		require.Equal(f, door.Blind, all[0].Action)
		require.Equal(f, f.ids["gate"], all[0].Reader)
		require.Empty(f, all[0].Account)
		require.True(f, f.user("gate").Duress.Equal(known("8604")), "a refused door endangers the person")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("7283")))
		require.NoError(f, f.person("cleaner").SetDuressPIN(f.ctx, known("9517")))
		pass(settling)
		require.True(f, f.user("gate").Duress.Equal(known("8604")), "none goes where nobody hears it")
		missed := time.Now()
		f.do(func() { require.True(f, d.try("8604")) })
		pass(2 * time.Hour)
		require.Len(f, alarms(), 2)
		require.ErrorIs(f, f.person("guest").SetPIN(f.ctx, known("8604")), credentials.ErrNotAvailable)
		f.do(func() { d.cut, d.said = false, 0 })
		pass(30 * time.Minute)
		all = alarms()
		require.Len(f, all, 3, "and what was told before is told once")
		require.Equal(f, accounts.ID("cleaner"), all[0].Account)
		require.True(f, missed.Equal(all[0].Raised))
		require.True(f, f.user("gate").Duress.Equal(known("9517")))
		pass(time.Hour)
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("8604")))
	})
}

// A program that listened is gone: the next one says so.
//
// Rules: G195
func TestADeviceIsBlindWhenItsListenerIsGone(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "north", telling())
		f.device("quiet", "north", telling())
		alarms := f.watchers()
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("cleaner").SetDuressPIN(f.ctx, known("8604")))
		pass(settling)
		f.stop()
		pass(time.Hour)
		f.do(func() { f.all["gate"].away, f.all["quiet"].away = true, true })
		f.start()
		pass(time.Minute)
		all := alarms()
		require.Len(f, all, 1, "there is no duress code on the other one")
		require.Equal(f, f.ids["gate"], all[0].Reader)
	})
}

// Two runs that differ only in a duress PIN show the same, byte for byte, while it is on its
// way and when it has arrived.
//
// Rules: G196
func TestNothingTellsADuressPIN(t *testing.T) {
	show := func(duress bool) (shown []string) {
		inFleet(t, nil, func(f *fleet) {
			f.device("gate", "north", telling())
			f.device("lobby", "north", codesOnly())
			pass(time.Minute)
			cleaner := f.person("cleaner")
			require.NoError(f, cleaner.SetPIN(f.ctx, known("6137")))
			if duress {
				require.NoError(f, cleaner.SetDuressPIN(f.ctx, known("8604")))
			} else {
				require.NoError(f, cleaner.SetPIN(f.ctx, known("8604")))
			}
			f.do(func() { f.all["gate"].refuses = true })
			f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate", "lobby")
			look := func() {
				pass(0)
				shown = append(shown, f.shown("cleaner"))
			}
			look()
			pass(settling)
			look()
			f.do(func() { f.all["gate"].refuses = false })
			require.NoError(f, f.operator().RemoveRule(f.ctx, "staff"))
			pass(settling)
			f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate", "lobby")
			pass(settling)
			require.Equal(f, duress, !f.user("gate").Duress.IsZero())
			look()
			require.NoError(f, cleaner.End(f.ctx, roster.Confirmed("yes")))
			look()
			pass(settling)
			look()
		})
		return shown
	}
	without, with := show(false), show(true)
	for i := range without {
		a, b := strings.Split(without[i], "\n"), strings.Split(with[i], "\n")
		for n := range min(len(a), len(b)) {
			require.Equal(t, a[n], b[n], "look %d, line %d", i, n)
		}
		require.Len(t, b, len(a))
	}
}

// shown is all that roster shows of a person and their devices, without random ids, in
// sorted lines.
func (f *fleet) shown(id accounts.ID) string {
	f.Helper()
	var all []any
	add := func(what any, err error) {
		f.Helper()
		require.NoError(f, err)
		all = append(all, what)
	}
	op := f.as("chief")
	p := op.Person(id)
	add(p.Holds(f.ctx))
	add(p.Devices(f.ctx))
	add(p.Live(f.ctx))
	add(p.DuressPoints(f.ctx))
	add(op.Processes(f.ctx, ""))
	add(op.Outstanding(f.ctx))
	add(op.Unmanaged(f.ctx))
	add(op.Search(f.ctx, roster.Search{}))
	add(op.Panels(f.ctx, "", 0))
	ids := []string{}
	for _, ident := range []string{"gate", "lobby"} {
		tab := op.Panel(f.ids[ident])
		page, err := tab.Users(f.ctx, 0, 0)
		add(page, err)
		add(tab.Count(f.ctx))
		add(tab.Drift(f.ctx))
		add(tab.Sightings(f.ctx))
		for _, r := range page.Rows {
			add(tab.Details(f.ctx, r.Place))
			if r.Revision > 0 {
				add(tab.Receipt(f.ctx, roster.Receipt{Panel: tab.ID(), Place: r.Place, Revision: r.Revision}))
			}
			if r.Place.ID != "" {
				ids = append(ids, r.Place.ID, "a place")
			}
		}
		ids = append(ids, f.ids[ident], ident)
	}
	es, err := f.store.Entries(f.ctx, store.EntryQuery{ByIndex: true})
	require.NoError(f, err)
	for _, e := range es {
		if !strings.HasPrefix(e.Action, "panel.") { // two are read side by side when they are new
			add(fmt.Sprint(e.Action, " ", len(e.Targets)), nil)
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	require.NoError(f, err)
	plain := strings.NewReplacer(ids...).Replace(string(text))
	plain = regexp.MustCompile(`"(entry|Entry)": ?"[^"]*"`).ReplaceAllString(plain, "")
	lines := strings.Split(strings.ReplaceAll(plain, ",\n", "\n"), "\n")
	slices.Sort(lines) // two devices are told side by side
	return strings.Join(lines, "\n")
}

// Who changes a PIN learns nothing of a duress PIN: it keeps its number of digits with one
// and without.
//
// Rules: G196
func TestAPINKeepsItsNumberOfDigits(t *testing.T) {
	for _, duress := range []bool{false, true} {
		inFleet(t, nil, func(f *fleet) {
			p := f.person("cleaner")
			require.NoError(f, p.SetPIN(f.ctx, known("6137")))
			if duress {
				require.NoError(f, p.SetDuressPIN(f.ctx, known("8604")))
			}
			require.ErrorIs(f, p.SetPIN(f.ctx, known("61378")), credentials.ErrOtherLength)
			_, err := p.GeneratePIN(f.ctx, 6)
			require.ErrorIs(f, err, credentials.ErrOtherLength)
			require.NoError(f, p.RemovePIN(f.ctx))
			require.NoError(f, p.SetPIN(f.ctx, known("61378")))
		})
	}
}

// A duress PIN is not the PIN before, which may still open a device as an ordinary one.
//
// Rules: G66
func TestADuressPINIsNotThePINBefore(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate")
		p := f.person("cleaner")
		require.NoError(f, p.SetPIN(f.ctx, known("6137")))
		pass(settling)
		f.do(func() { f.all["gate"].away = true })
		require.NoError(f, p.SetPIN(f.ctx, known("8604")))
		require.ErrorIs(f, p.SetDuressPIN(f.ctx, known("6137")), credentials.ErrNotAvailable)
		f.do(func() { f.all["gate"].away = false })
		pass(time.Hour)
		require.NoError(f, f.person("cleaner").SetDuressPIN(f.ctx, known("6137")))
	})
}
