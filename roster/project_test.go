package roster_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Rules: G72, G76, G80, G185, G187, G50, G78, S18
func TestDevicesFollowRightsAndWindows(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		f.device("gate", "north", withWindows())
		f.device("other", "north", codesOnly())
		pass(time.Minute)
		cleaner := f.person("cleaner")
		require.NoError(f, cleaner.SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Empty(f, f.on("6137"), "no rule lets her in")
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby", "gate")
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))

		require.NoError(f, cleaner.SetPIN(f.ctx, known("7283")))
		pass(settling)
		require.Empty(f, f.on("6137"))
		require.Equal(f, []string{"gate", "lobby"}, f.on("7283"))

		// The end comes at its own second, and an extension brings her back.
		end := time.Now().Add(time.Hour).Truncate(time.Second)
		require.NoError(f, cleaner.SetWindow(f.ctx, credentials.Window{Until: end}))
		pass(time.Until(end) - time.Second)
		require.Equal(f, []string{"gate", "lobby"}, f.on("7283"))
		pass(time.Second)
		require.NotContains(f, f.on("7283"), "gate", "it keeps the window itself")
		pass(2 * time.Second)
		require.Empty(f, f.on("7283"))
		pass(settling)
		f.do(func() { require.Empty(f, f.all["gate"].users) })
		begin := time.Now().Add(2 * time.Hour).Truncate(time.Second)
		require.NoError(f, cleaner.SetWindow(f.ctx, credentials.Window{From: begin}))
		pass(settling)
		f.do(func() {
			require.Len(f, f.all["gate"].users, 1, "a device with windows is told ahead")
			require.Empty(f, f.all["lobby"].users)
		})
		require.Empty(f, f.on("7283"))
		pass(time.Until(begin) + 2*time.Second)
		require.Equal(f, []string{"gate", "lobby"}, f.on("7283"))

		// The right is lost, and comes back.
		require.NoError(f, f.operator().RemoveRule(f.ctx, "staff"))
		pass(settling)
		require.Empty(f, f.on("7283"))
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "other")
		pass(settling)
		require.Equal(f, []string{"other"}, f.on("7283"))
		pass(time.Hour)
		f.swept(0)
		require.Empty(f, f.alerts)
	})
}

// Rules: G52, G55, G57, G66, G182, G60
func TestWhatAPersonHasIsNobodyElses(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		cleaner, guest := f.person("cleaner"), f.person("guest")
		require.ErrorIs(f, cleaner.SetDuressPIN(f.ctx, known("8604")), roster.ErrNoPIN)
		require.NoError(f, cleaner.SetPIN(f.ctx, known("6137")))
		require.NoError(f, cleaner.SetDuressPIN(f.ctx, known("8604")))
		_, err := cleaner.AddTag(f.ctx, card(f.T, "00001D2C"), "blue") // 7468
		require.NoError(f, err)
		require.ErrorIs(f, cleaner.SetDuressPIN(f.ctx, known("6137")), credentials.ErrNotAvailable)
		require.ErrorIs(f, cleaner.SetDuressPIN(f.ctx, known("613799")), credentials.ErrCodeLength)
		refusals := 1
		for _, code := range []string{"6137", "8604", "7468"} {
			require.ErrorIs(f, guest.SetPIN(f.ctx, known(code)), credentials.ErrNotAvailable)
			refusals++
		}
		require.ErrorIs(f, guest.SetPIN(f.ctx, known("1234")), credentials.ErrNotAvailable, "a weak one is refused alike")
		require.ErrorIs(f, guest.SetPIN(f.ctx, known("2958")), roster.ErrCollisionBudget, "five answers an hour")
		pass(time.Hour)
		_, err = guest.AddTag(f.ctx, card(f.T, "00001D2C"), "")
		require.ErrorIs(f, err, credentials.ErrNotAvailable)
		require.NoError(f, guest.SetPIN(f.ctx, known("2958")))

		// What is given up is free as soon as no device has it.
		require.NoError(f, cleaner.RemovePIN(f.ctx))
		pass(settling)
		require.NoError(f, guest.SetPIN(f.ctx, known("6137")))
		h, err := cleaner.Holds(f.ctx)
		require.NoError(f, err)
		require.False(f, h.PIN)
		require.Equal(f, "blue", h.Tags[0].Label)
		require.ErrorIs(f, f.person("cid").SetTagState(f.ctx, 1, roster.TagLost), roster.ErrTagUnknown)
		require.NoError(f, cleaner.SetTagState(f.ctx, h.Tags[0].ID, roster.TagLost))
		_, err = guest.AddTag(f.ctx, card(f.T, "00001D2C"), "")
		require.ErrorIs(f, err, credentials.ErrNotAvailable, "a lost tag goes to nobody")
	})
}

// A PIN that a device may still have is not free, however long the device is away.
//
// Rules: G74, G211
func TestAPINIsFreeWhenTheLastDeviceLetItGo(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		d := f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Len(f, f.on("6137"), 1)
		f.do(func() { d.away = true })
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("7283")))
		pass(48 * time.Hour)
		require.ErrorIs(f, f.person("guest").SetPIN(f.ctx, known("6137")), credentials.ErrNotAvailable)
		f.do(func() { d.away = false })
		pass(time.Hour)
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
		require.Equal(f, []string{"lobby"}, f.on("7283"))
	})
}

// Of one person's PINs only the last three rest: nobody uses up the codes that there are for
// everybody. One that was taken up again rests as it was given up last.
//
// Rules: G190
func TestOnlyTheLastPINsOfAPersonRest(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.stop()
		f.rest = 24 * time.Hour
		f.start()
		for _, pin := range []string{"6137", "7283", "8604", "9517", "7283", "4826", "3951"} {
			require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known(pin)))
			pass(settling)
		}
		for pin, want := range map[string]error{"6137": nil, "8604": nil, "9517": credentials.ErrNotAvailable, "7283": credentials.ErrNotAvailable, "4826": credentials.ErrNotAvailable} {
			require.ErrorIs(f, f.person(accounts.ID("guest"+pin)).SetPIN(f.ctx, known(pin)), want, pin)
		}
		pass(f.rest)
		for _, pin := range []string{"9517", "7283", "4826"} {
			require.NoError(f, f.person(accounts.ID("another"+pin)).SetPIN(f.ctx, known(pin)))
		}
	})
}

// Rules: G186
func TestWindowsAreWholeSeconds(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		p, second := f.person("cleaner"), time.Now().Add(time.Hour).Truncate(time.Second).UTC()
		require.NoError(f, p.SetPIN(f.ctx, known("6137")))
		require.NoError(f, p.SetWindow(f.ctx, credentials.Window{From: second.Add(700 * time.Millisecond), Until: second.Add(1100 * time.Millisecond)}))
		held, err := p.Holds(f.ctx)
		require.NoError(f, err)
		require.Equal(f, credentials.Window{From: second, Until: second.Add(time.Second)}, held.Window)
		require.ErrorIs(f, p.SetWindow(f.ctx, credentials.Window{From: second.Add(100 * time.Millisecond), Until: second.Add(700 * time.Millisecond)}), credentials.ErrValidityOrder)
	})
}

// A PIN rests before somebody else may have it, from when the last device let it go. Its
// holder may have it back.
//
// Rules: G211
func TestAPINRestsBeforeSomebodyElseHasIt(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.stop()
		f.rest, f.poll = 24*time.Hour, time.Minute
		f.start()
		d := f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(2 * time.Minute)
		f.do(func() { d.away = true })
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("7283")))
		pass(8 * 24 * time.Hour) // longer than a wish of a person's would wait
		require.ErrorIs(f, f.person("guest").SetPIN(f.ctx, known("6137")), credentials.ErrNotAvailable, "an unreachable device blocks it")
		f.do(func() { d.away = false })
		pass(time.Hour)
		gone := time.Now()
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("9517")))
		pass(time.Hour)
		f.stop()
		f.start()
		pass(time.Until(gone.Add(f.rest - time.Minute)))
		require.ErrorIs(f, f.person("guest").SetPIN(f.ctx, known("6137")), credentials.ErrNotAvailable)
		pass(2 * time.Hour)
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
	})
}

// Rules: G74, R262
func TestAPersonIsEndedEverywhere(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		const all, away = 500, 20
		var idents []string
		for i := range all {
			m := codesOnly()
			if i%3 == 0 {
				m = withWindows()
			}
			idents = append(idents, fmt.Sprintf("d%03d", i))
			f.device(idents[i], "north", m)
		}
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, idents...)
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(time.Minute)
		require.Len(f, f.on("6137"), all)
		live, err := f.person("cleaner").Live(f.ctx)
		require.NoError(f, err)
		require.Len(f, live.On, all)
		f.do(func() {
			for _, ident := range idents[:away] {
				f.all[ident].away = true
			}
		})
		require.ErrorIs(f, f.person("cleaner").End(f.ctx), accounts.ErrConfirmationRequired)
		ended := time.Now()
		require.NoError(f, f.person("cleaner").End(f.ctx, roster.Confirmed("yes"), roster.Because("left")))
		pass(time.Minute)
		require.Equal(f, idents[:away], f.on("6137"))
		live, err = f.person("cleaner").Live(f.ctx)
		require.NoError(f, err)
		require.Len(f, live.On, away)
		require.Equal(f, ended.UTC(), live.Ended.UTC())
		for i, d := range live.On {
			require.Equal(f, idents[i], d.Ident)
			require.True(f, d.Active && d.Going)
			require.WithinDuration(f, ended, d.Since, time.Second)
		}
		open, err := f.operator().Outstanding(f.ctx)
		require.NoError(f, err)
		require.Len(f, open, away)
		for _, m := range open {
			require.Equal(f, roster.RemovalOpen, m.Kind)
			require.Equal(f, accounts.ID("cleaner"), m.Account)
		}
		none, err := f.as("dealer").Person("cleaner").Live(f.ctx)
		require.NoError(f, err)
		require.Empty(f, none.On, "a dealer sees nothing of other sites")

		f.do(func() {
			for _, ident := range idents[:away] {
				f.all[ident].away = false
			}
		})
		pass(time.Hour)
		require.Empty(f, f.on("6137"))
		live, err = f.person("cleaner").Live(f.ctx)
		require.NoError(f, err)
		require.Empty(f, live.On)
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("7283")))
		pass(time.Minute)
		require.Empty(f, f.on("7283"), "she stays ended")
		require.NoError(f, f.person("cleaner").Lift(f.ctx))
		pass(time.Minute)
		require.Len(f, f.on("7283"), all)
		f.swept(0)
	})
}

// Less access at the device wins, and a person at the desk too.
//
// Rules: G185
func TestWhatSomebodyTookAwayStaysAway(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		d := f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Len(f, f.on("6137"), 1)
		_, err := f.operator().Panel(f.ids["lobby"]).Disable(f.ctx, slot(1), roster.Confirmed("yes"))
		require.NoError(f, err)
		pass(time.Hour)
		require.Empty(f, f.on("6137"))
		f.swept(0)
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("7283")))
		pass(settling)
		require.Equal(f, []string{"lobby"}, f.on("7283"), "a new PIN is a new wish")
		f.do(func() { d.users = map[panel.Place]panel.Values{} })
		pass(48 * time.Hour)
		require.Empty(f, f.on("7283"))
		f.swept(0)
	})
}

// Rules: G187
func TestASuspendedPersonLosesDevicesWithTheNextSweep(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(time.Hour)
		f.people.mu.Lock()
		p := f.people.list["cleaner"]
		p.Status = accounts.StatusSuspended
		f.people.list["cleaner"] = p
		f.people.mu.Unlock()
		pass(16 * time.Minute)
		require.Empty(f, f.on("6137"), "the host's own people are found by the sweep")
		require.Contains(f, f.actions(), string(audit.SweepFound))
	})
}

// gated is a store that holds up who begins a line, while there is a gate.
type gated struct {
	store.Store
	line string
	gate atomic.Pointer[chan struct{}]
}

func (g *gated) Own(ctx context.Context, node, line string) (store.Line, error) {
	if gate := g.gate.Load(); gate != nil && line == g.line {
		<-*gate
	}
	return g.Store.Own(ctx, node, line)
}

// Rules that change at the moment a person's line is begun are followed at once, and not
// by the sweep a quarter of an hour later.
//
// Rules: G187
func TestRulesThatChangeWhileALineIsBegunAreFollowed(t *testing.T) {
	g := &gated{line: flow.ProjectLine("cleaner")}
	inFleet(t, func(st store.Store) store.Store {
		g.Store = st
		return g
	}, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		for _, step := range []struct {
			pin  string
			who  []accounts.ID
			have []string
		}{{"6137", []accounts.ID{"cleaner"}, []string{"lobby"}}, {"7283", nil, nil}} {
			gate := make(chan struct{})
			g.gate.Store(&gate)
			var saved sync.WaitGroup
			saved.Go(func() { assert.NoError(f, f.person("cleaner").SetPIN(f.ctx, known(step.pin))) })
			synctest.Wait()
			f.rule(roster.AccessRule{ID: "staff", Site: "north"}, step.who, "lobby")
			pass(settling)
			g.gate.Store(nil)
			close(gate)
			saved.Wait()
			pass(settling)
			require.Equal(f, step.have, append(f.on("6137"), f.on("7283")...))
		}
		f.swept(0)
	})
}

// giver is a store that holds up who gives somebody a device, while there is a gate.
type giver struct {
	store.Store
	gate atomic.Pointer[chan struct{}]
}

func (g *giver) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	if gate := g.gate.Load(); gate != nil && strings.Contains(c.String(), string(audit.UserCodeSet)) {
		<-*gate
	}
	return g.Store.Commit(ctx, c)
}

// Somebody who may enter again while a device is taking them away has it again at once,
// although their place is not free at the moment when they are given it.
//
// Rules: G187
func TestWhoComesBackWhileTheyLeaveIsLetInAtOnce(t *testing.T) {
	g := &giver{}
	inFleet(t, func(st store.Store) store.Store {
		g.Store = st
		return g
	}, func(f *fleet) {
		f.device("lobby", "north", codesOnly(), func(d *device) { d.pace, d.look = time.Second, 3*time.Second })
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Equal(f, []string{"lobby"}, f.on("6137"))
		require.NoError(f, f.person("cleaner").End(f.ctx, roster.Confirmed("yes")))
		gate := make(chan struct{})
		g.gate.Store(&gate)
		var lifted sync.WaitGroup
		lifted.Go(func() { assert.NoError(f, f.person("cleaner").Lift(f.ctx)) })
		for len(f.on("6137")) > 0 {
			pass(time.Second)
		}
		pass(time.Second) // it has said so, and was not read since
		g.gate.Store(nil)
		close(gate)
		lifted.Wait()
		pass(settling)
		require.Equal(f, []string{"lobby"}, f.on("6137"))
		pass(time.Hour)
		f.swept(0)
	})
}
