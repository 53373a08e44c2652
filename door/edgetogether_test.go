package door_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// During an outage too a duress code raises its alarm wherever it is shown, at once and
// again at the server; the answer is the one to the PIN.
//
// Rules: G194, G205
func TestAnEdgeHearsADuressCodeShownAfterAnotherCredential(t *testing.T) {
	for name, first := range map[string]string{"its own card": card, "somebody else's": otherCard, "nobody's": unknownCard} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				e.account("guest")
				e.give("guest", rec.TagNumber, otherCard)
				require.NoError(t, e.edge.Refresh(t.Context()))
				e.cut.Store(true)
				right := e.ask(both(t, first, pin))
				require.NoError(t, e.edge.Work(t.Context()))
				require.Empty(t, e.told)
				forced := e.ask(both(t, first, duress))
				right.Decision, forced.Decision = "", ""
				require.Equal(t, right, forced)
				require.False(t, forced.Granted, "only the server decides about several together")
				require.NoError(t, e.edge.Work(t.Context()))
				require.Len(t, e.told, 1)
				require.Equal(t, accounts.ID("cleaner"), e.told[0].Account)
				require.Equal(t, "call the guard", e.told[0].Action)
				e.cut.Store(false)
				require.NoError(t, e.edge.Refresh(t.Context()))
				require.NoError(t, e.door.Work(t.Context()))
				require.Len(t, e.alarms, 1)
				require.Equal(t, e.told[0].Account, e.alarms[0].Account)
				late := e.entries("main", audit.DoorDecided)
				require.Len(t, late, 2)
				for i, entry := range late {
					flag, err := e.as("operator").Duress(t.Context(), entry)
					require.NoError(t, err)
					require.Equal(t, i == 1, flag)
				}
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// An edge asks for as many credentials as the server, whoever asks for them: the rule, the
// credential, or the site after many wrong codes, until the end of that day.
//
// Rules: S39, G205
func TestAnEdgeAsksForAsManyCredentials(t *testing.T) {
	for name, edit := range map[string]func(e *edge){
		"the rule": func(e *edge) { e.needed(2) },
		"the credential": func(e *edge) {
			e.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Needs = 2 })
		},
		"the site": func(e *edge) { e.opts.Policy.Guesses, e.opts.Policy.Both = 1, true; e.open(); e.wrong(1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, func(o *door.EdgeOptions) { o.Bound = 15 * time.Minute })
				edit(e)
				require.NoError(t, e.edge.Refresh(t.Context()))
				e.cut.Store(true)
				require.Equal(t, credentials.Incomplete, e.ask(typed(t, pin)).Reason)
				require.Equal(t, door.Outaged, e.ask(both(t, card, pin)).Reason)
				e.cut.Store(false)
				time.Sleep(time.Minute)
				require.Equal(t, credentials.Incomplete, e.ask(typed(t, pin)).Reason, "the server says the same")
				require.True(t, e.ask(both(t, card, pin)).Granted)
				if name == "the site" {
					time.Sleep(12 * time.Hour)
					require.NoError(t, e.edge.Refresh(t.Context()))
					e.cut.Store(true)
					require.True(t, e.ask(typed(t, pin)).Granted, "the day is over")
				}
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// A controller of several points counts wrong codes at each by itself, also during an
// outage and after a crash; who unlocks its medium unlocks all.
//
// Rules: G199
func TestAControllerLocksOnePoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.point("back", "site")
		put(e.world, rec.Rules, "all", func(r *rec.Rule) { r.Points = []string{"front", "back"} })
		put(e.world, rec.Readers, e.key.Reader(), func(r *rec.Reader) { r.Points = append(r.Points, rec.ReaderPoint{ID: "back"}) })
		require.NoError(t, e.edge.Refresh(t.Context()))
		back := typed(t, pin)
		back.Point = "back"
		same := func() {
			t.Helper()
			require.Equal(t, credentials.LockedOut, e.ask(typed(t, pin)).Reason)
			require.True(t, e.ask(back).Granted)
		}
		e.wrong(5)
		same()
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		same()
		time.Sleep(time.Minute)
		for range 5 {
			require.Equal(t, credentials.Unknown, e.ask(typed(t, "9999")).Reason)
		}
		same()
		require.NoError(t, e.edge.Close())
		e.start()
		require.Equal(t, credentials.LockedOut, e.ask(typed(t, pin)).Reason)
		require.Equal(t, door.Outaged, e.ask(back).Reason, "it was told nothing since it started")
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		same()
		back.Code = code(t, "9999")
		for range 5 {
			require.Equal(t, credentials.Unknown, e.ask(back).Reason)
		}
		require.Equal(t, credentials.LockedOut, e.ask(back).Reason)
		require.NoError(t, e.as("operator").Unlock(t.Context(), e.key.Reader(), credentials.Keypad))
		require.Equal(t, credentials.Unknown, e.ask(back).Reason)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.NoError(t, e.edge.Close())
	})
}
