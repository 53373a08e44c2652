package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	keepers "github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// Whoever has ended and is still at a device is listed, with since when, also while no node
// runs that would tell the device, and until the device has confirmed.
//
// Rules: G74, R262
func TestWhoIsStillThereAfterTheEndIsListed(t *testing.T) {
	always := func(*fleet, time.Time) {}
	for what, c := range map[string]struct {
		before func(f *fleet, end time.Time) // while devices follow
		then   func(f *fleet, end time.Time) // when nobody makes them follow any more
		known  bool                          // since when
	}{
		"window": {func(f *fleet, end time.Time) {
			require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{Until: end}))
		}, always, true},
		"hours": {func(f *fleet, end time.Time) {
			f.rule(roster.AccessRule{ID: "staff", Site: "north", Schedule: &credentials.Schedule{Week: []credentials.Span{
				{Days: []credentials.Weekday{0, 1, 2, 3, 4, 5, 6}, From: 0, Until: credentials.Clock(end.UTC().Hour()*60 + end.UTC().Minute())}}}}, []accounts.ID{"guest"}, "lobby")
		}, always, true},
		"the host's person": {always, func(f *fleet, _ time.Time) {
			f.people.mu.Lock()
			defer f.people.mu.Unlock()
			p := f.people.list["guest"]
			p.Status = accounts.StatusSuspended
			f.people.list["guest"] = p
		}, false},
	} {
		t.Run(what, func(t *testing.T) {
			inFleet(t, nil, func(f *fleet) {
				f.device("lobby", "north", codesOnly())
				pass(time.Minute)
				f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest", "other"}, "lobby")
				require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
				require.NoError(f, f.person("other").SetPIN(f.ctx, known("7283")))
				end := time.Now().Add(2 * time.Hour).Truncate(time.Minute)
				c.before(f, end)
				pass(settling)
				require.Len(f, f.on("6137"), 1)
				none := func() {
					f.Helper()
					open, err := f.operator().Outstanding(f.ctx)
					require.NoError(f, err)
					require.Empty(f, open)
				}
				none()
				live, err := f.person("guest").Live(f.ctx)
				require.NoError(f, err)
				require.Zero(f, live.Ended)
				require.False(f, live.On[0].Going)

				f.stop()
				f.ctx = f.Context()
				pass(time.Until(end) + 4*time.Hour)
				c.then(f, end)
				since := func(what time.Time) {
					f.Helper()
					if c.known {
						require.Equal(f, end.UTC(), what.UTC())
					}
				}
				listed := func() {
					f.Helper()
					open, err := f.operator().Outstanding(f.ctx)
					require.NoError(f, err)
					require.Len(f, open, 1)
					require.Equal(f, roster.RemovalOpen, open[0].Kind)
					require.Equal(f, accounts.ID("guest"), open[0].Account)
					require.Equal(f, "lobby", open[0].Ident)
					require.Equal(f, slot(1), open[0].Place)
					since(open[0].Since)
					live, err := f.person("guest").Live(f.ctx)
					require.NoError(f, err)
					require.Len(f, live.On, 1)
					require.True(f, live.On[0].Active && live.On[0].Going)
					since(live.On[0].Since)
					since(live.Ended)
					none, err := f.as("dealer").Outstanding(f.ctx)
					require.NoError(f, err)
					require.Empty(f, none, "a dealer sees nothing of other sites")
				}
				require.Len(f, f.on("6137"), 1)
				listed()
				f.do(func() { f.all["lobby"].away = true })
				f.start()
				pass(20 * time.Minute)
				listed() // the device was told, and has not said so
				f.do(func() { f.all["lobby"].away = false })
				pass(20 * time.Minute)
				require.Empty(f, f.on("6137"))
				none()
			})
		})
	}
}

// Of keyholder's own accounts it is known since when they are suspended; a device that ends
// users by itself is listed too until it has confirmed.
//
// Rules: G74
func TestWhoWasSuspendedIsListedSinceThen(t *testing.T) {
	ownPeople(t, nil, func(f *fleet, op func() *keepers.Operator, cleaner accounts.ID) {
		require.NoError(f, f.operator().Person(cleaner).SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Len(f, f.on("6137"), 2)
		f.stop()
		f.ctx = f.Context()
		pass(time.Hour)
		since := time.Now()
		_, err := op().Suspend(f.ctx, cleaner, "the contract ended")
		require.NoError(f, err)
		pass(time.Hour)
		open, err := f.operator().Outstanding(f.ctx)
		require.NoError(f, err)
		require.Len(f, open, 2)
		for _, m := range open {
			require.Equal(f, roster.RemovalOpen, m.Kind)
			require.Equal(f, since.UTC(), m.Since.UTC())
		}
		live, err := f.operator().Person(cleaner).Live(f.ctx)
		require.NoError(f, err)
		require.Equal(f, since.UTC(), live.Ended.UTC())
		f.start()
		pass(time.Minute)
		open, err = f.operator().Outstanding(f.ctx)
		require.NoError(f, err)
		require.Empty(f, open)
	})
}
