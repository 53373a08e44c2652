package roster_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// stepped is a clock that is ahead of the bubble's by so much.
type stepped struct{ by atomic.Int64 }

func (s *stepped) now() time.Time       { return time.Now().Add(time.Duration(s.by.Load())) }
func (s *stepped) step(d time.Duration) { s.by.Store(int64(d)) }

// Whatever a node's clock says, and however it jumps, ends come by the store's clock. The
// node is red and does not sweep; another one does.
//
// Rules: G206, G73
func TestEndsComeByTheStoresClock(t *testing.T) {
	for what, steps := range map[string][]time.Duration{
		"an hour ahead":  {time.Hour},
		"an hour behind": {-time.Hour},
		"a day ahead":    {24 * time.Hour},
		"a day behind":   {-24 * time.Hour},
		"to and fro":     {time.Hour, -24 * time.Hour, 24 * time.Hour, -time.Hour},
	} {
		t.Run(what, func(t *testing.T) {
			inFleet(t, nil, func(f *fleet) {
				f.device("lobby", "north", codesOnly())
				pass(time.Minute)
				f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "lobby")
				require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
				pass(settling)
				f.stop()
				node := &stepped{}
				f.now = node.now
				node.step(steps[0])
				f.start()
				h, err := f.desk.Health(f.ctx)
				require.NoError(f, err)
				require.False(f, h.OK())
				require.WithinDuration(f, time.Now().Add(steps[0]), time.Now().Add(h.Skew), time.Second)
				_, err = f.desk.Sweep(f.ctx)
				require.ErrorIs(f, err, roster.ErrSkew)
				other, err := roster.New(roster.Options{Store: f.store, Keys: f.keys, Directory: f.people, Authority: fleetRights(),
					Drivers: map[string]panel.Driver{"scripted": f.devices}})
				require.NoError(f, err)
				h, err = other.Health(f.ctx)
				require.NoError(f, err)
				require.True(f, h.OK(), h.Problems)

				begin := time.Now().Add(time.Hour).Truncate(time.Second)
				require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{From: begin, Until: begin.Add(time.Hour)}))
				pass(settling)
				require.Empty(f, f.on("6137"))
				for i := 0; time.Now().Before(begin.Add(-time.Minute)); i++ {
					node.step(steps[i%len(steps)])
					pass(time.Minute)
				}
				pass(time.Until(begin) - time.Second)
				require.Empty(f, f.on("6137"))
				pass(settling)
				require.Len(f, f.on("6137"), 1)
				for i := 0; time.Now().Before(begin.Add(59 * time.Minute)); i++ {
					node.step(steps[i%len(steps)])
					pass(time.Minute)
				}
				pass(time.Until(begin.Add(time.Hour)) - time.Second)
				require.Len(f, f.on("6137"), 1)
				pass(settling)
				require.Empty(f, f.on("6137"))
				s, err := other.Sweep(f.ctx)
				require.NoError(f, err)
				require.Equal(f, roster.Swept{Persons: 1}, s, "the backstop finds nothing")
			})
		})
	}
}

// onOneClock is one machine: its store and its programs have one clock, which can be set.
func onOneClock(t *testing.T, test func(f *fleet, clock *stepped)) {
	t.Helper()
	clock := &stepped{}
	inFleet(t, func(store.Store) store.Store {
		st, err := memstore.NewWith(memstore.Options{Now: clock.now}).Tenant("main")
		require.NoError(t, err)
		return st
	}, func(f *fleet) {
		f.stop()
		f.now = clock.now
		f.start()
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		test(f, clock)
	})
}

// doubted requires that the clock is in doubt, and that this is said.
func (f *fleet) doubted(why string) {
	f.Helper()
	h, err := f.desk.Health(f.ctx)
	require.NoError(f, err)
	require.Len(f, h.Problems, 1)
	require.Contains(f, h.Problems[0], why)
	require.Contains(f, h.Problems[0], "Synchronise the clock")
	_, err = f.desk.Sweep(f.ctx)
	require.ErrorIs(f, err, roster.ErrClock)
}

// trusted requires that nothing is wrong.
func (f *fleet) trusted() {
	f.Helper()
	h, err := f.desk.Health(f.ctx)
	require.NoError(f, err)
	require.True(f, h.OK(), h.Problems)
}

// When the store's clock is set ahead, what lies before it is due at once. When it is set
// back again, nobody is let in anew before it has come to where the log is, or an operator
// has confirmed that the log is ahead. A step of less than a minute blocks nothing.
//
// Rules: G204, G206, G80
func TestTheStoresClockIsSet(t *testing.T) {
	onOneClock(t, func(f *fleet, clock *stepped) {
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "lobby")
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{Until: time.Now().Add(24 * time.Hour).Truncate(time.Second)}))
		clock.step(-50 * time.Second)
		pass(20 * time.Minute)
		f.trusted()
		require.Len(f, f.on("6137"), 1)
		for _, restart := range []bool{false, true} {
			jump := func(to time.Duration) {
				if restart {
					f.stop()
				}
				clock.step(to)
				if restart {
					f.start()
				}
			}
			jump(48 * time.Hour)
			pass(time.Minute)
			require.Empty(f, f.on("6137"), "its end lies before now")
			jump(0)
			pass(20 * time.Minute)
			require.Empty(f, f.on("6137"), "nobody knows which time is right")
			f.doubted("it is before the newest entry of the log")

			es, err := f.store.Entries(f.ctx, store.EntryQuery{OldestLast: true, Limit: 1})
			require.NoError(f, err)
			f.stop()
			f.ahead = es[0].At
			f.start()
			pass(20 * time.Minute)
			f.trusted()
			require.Len(f, f.on("6137"), 1, "its end lies ahead again")
		}
	})
}

// Who has ended comes back by no clock that is set back, nobody new is let in by it, and who
// is to go goes all the same. When the time is right, all follows by itself.
//
// Rules: G204, G206
func TestAClockThatIsSetBackLetsNobodyIn(t *testing.T) {
	for what, restart := range map[string]bool{"running": false, "restarted": true} {
		t.Run(what, func(t *testing.T) {
			onOneClock(t, func(f *fleet, clock *stepped) {
				f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest", "staff", "new"}, "lobby")
				require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
				require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{Until: time.Now().Add(time.Hour).Truncate(time.Second)}))
				require.NoError(f, f.person("staff").SetPIN(f.ctx, known("7283")))
				pass(24 * time.Hour)
				require.Empty(f, f.on("6137"))
				jump := func(to time.Duration) {
					if restart {
						f.stop()
					}
					clock.step(to)
					if restart {
						f.start()
					}
				}
				jump(-24 * time.Hour)
				pass(20 * time.Minute)
				f.doubted("it is before the newest entry of the log")
				require.Empty(f, f.on("6137"), "their window ended")
				require.NoError(f, f.person("new").SetPIN(f.ctx, known("9517")))
				pass(20 * time.Minute)
				require.Empty(f, f.on("9517"))
				require.Len(f, f.on("7283"), 1)
				require.NoError(f, f.person("staff").End(f.ctx, roster.Confirmed("yes")))
				pass(settling)
				require.Empty(f, f.on("7283"), "taking away goes on")
				jump(0)
				pass(16 * time.Minute)
				f.trusted()
				require.Len(f, f.on("9517"), 1)
				require.Empty(f, append(f.on("6137"), f.on("7283")...))
				f.swept(0)
			})
		})
	}
}

// A machine that says that its clock is not synchronised lets nobody in on devices until it
// says otherwise.
//
// Rules: G204
func TestAClockThatIsNotSynchronisedIsInDoubt(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		var quality atomic.Uint32
		f.stop()
		f.good = func() credentials.ClockQuality { return credentials.ClockQuality(quality.Load()) }
		f.start()
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "lobby")
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
		for _, q := range []credentials.ClockQuality{credentials.ClockUnknown, credentials.ClockDoubtful} {
			quality.Store(uint32(q))
			pass(time.Hour)
			require.Empty(f, f.on("6137"))
			f.doubted("it is not synchronised")
		}
		quality.Store(uint32(credentials.ClockTrusted))
		pass(16 * time.Minute)
		f.trusted()
		require.Len(f, f.on("6137"), 1)
	})
}
