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

// When the store's clock is set, what lies before it is due at once, and what lies after it
// again is found by the sweep, also after a restart.
//
// Rules: G206, G80
func TestTheStoresClockIsSet(t *testing.T) {
	clock := &stepped{}
	inFleet(t, func(store.Store) store.Store {
		st, err := memstore.NewWith(memstore.Options{Now: clock.now}).Tenant("main")
		require.NoError(t, err)
		return st
	}, func(f *fleet) {
		f.stop()
		f.now = clock.now // one machine, one clock
		f.start()
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "lobby")
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{Until: time.Now().Add(24 * time.Hour).Truncate(time.Second)}))
		pass(20 * time.Minute)
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
			require.Len(f, f.on("6137"), 1, "its end lies ahead again")
		}
	})
}
