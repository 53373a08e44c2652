package door_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Somebody whose account ends before their PIN begins gets in nowhere, and keeps nobody
// else from getting in; a duress PIN raises the alarm all the same.
//
// Rules: G205
func TestSomebodyWhoIsNeverValidKeepsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.account("guest")
		e.give("guest", rec.PIN, "4826", func(c *rec.Credential) { c.Window.From = time.Now().Add(48 * time.Hour) })
		e.give("guest", rec.DuressPIN, "6284")
		e.changeAccount("guest", func(a *accounts.Account) { a.Window.Until = time.Now().Add(24 * time.Hour) })
		for range 2 {
			require.False(t, e.try(typed(t, "4826")).Granted)
			require.NoError(t, e.edge.Refresh(t.Context()))
			require.True(t, e.edge.Health().OK())
			e.cut.Store(true)
			require.True(t, e.ask(typed(t, pin)).Granted)
			require.Equal(t, credentials.Disabled, e.ask(typed(t, "4826")).Reason)
			e.told = nil
			require.Equal(t, credentials.Disabled, e.ask(typed(t, "6284")).Reason)
			require.NoError(t, e.edge.Work(t.Context()))
			require.Len(t, e.told, 1)
			e.cut.Store(false)
			time.Sleep(30 * time.Hour) // into the PIN's window
		}
		e.changeAccount("guest", func(a *accounts.Account) { a.Window.Until = time.Time{} })
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, "4826")).Granted)
		require.NoError(t, e.edge.Close())
	})
}

// A holder that an edge cannot keep is left out and said, and keeps nobody else out.
//
// Rules: G205
func TestAHolderThatCannotBeKeptIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.account("guest")
		e.give("guest", rec.PIN, "4826")
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.change("guest", rec.PIN, func(c *rec.Credential) {
			c.Type, c.Schedule = credentials.WeekDay, &credentials.Schedule{Zone: "Not/AZone"}
		})
		for range 2 { // it is tried again, and said once
			require.NoError(t, e.edge.Refresh(t.Context()))
			require.Len(t, e.edge.Health().Problems, 1)
			require.Contains(t, e.edge.Health().Problems[0], door.ErrLeftOut.Error())
			e.cut.Store(true)
			require.False(t, e.ask(typed(t, "4826")).Granted, "what it was told before is over too")
			require.True(t, e.ask(typed(t, pin)).Granted)
			e.cut.Store(false)
			put(e.world, rec.Rules, "all", func(*rec.Rule) {})
		}
		e.change("guest", rec.PIN, func(c *rec.Credential) { c.Type, c.Schedule = credentials.Unrestricted, nil })
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.True(t, e.edge.Health().OK())
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, "4826")).Granted)
		require.NoError(t, e.edge.Close())
	})
}

// A credential whose sealed value was changed in the store is left out with what belongs to
// it, and keeps nobody else out.
//
// Rules: G205
func TestACredentialThatDoesNotOpenIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.change("cleaner", rec.TagNumber, func(c *rec.Credential) { c.Sealed.Bytes[20] ^= 1 })
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Len(t, e.edge.Health().Problems, 1)
		require.Contains(t, e.edge.Health().Problems[0], door.ErrLeftOut.Error())
		e.cut.Store(true)
		require.Equal(t, credentials.Unknown, e.ask(held(t, card)).Reason)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.NoError(t, e.edge.Close())
	})
}

// A point that was removed, or that has come to another site, opens for nobody during an
// outage once the edge was told.
//
// Rules: G199, G205
func TestAPointThatIsGoneDoesNotOpenDuringAnOutage(t *testing.T) {
	for name, site := range map[string]string{"removed": "", "moved": "elsewhere"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				put(e.world, rec.Points, "front", func(p *rec.Point) { p.Site = site })
				require.NoError(t, e.edge.Refresh(t.Context()))
				for _, cut := range []bool{false, true} {
					e.cut.Store(cut)
					_, err := e.edge.Decide(t.Context(), typed(t, pin))
					require.ErrorIs(t, err, door.ErrPoint)
				}
				require.NoError(t, e.edge.Close())
			})
		})
	}
}
