package door_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// A hand-over whose answer is lost, and one that fails in the middle, enter every decision
// once.
//
// Rules: G205
func TestAJournalIsTakenOverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.cut.Store(true)
		for range 3 {
			require.True(t, e.ask(typed(t, duress)).Granted)
		}
		e.cut.Store(false)
		commits := 0
		e.failing(func(c storetest.Call) storetest.Fault {
			if c.Verb != storetest.Commit {
				return storetest.Pass
			}
			if commits++; commits > 1 {
				return storetest.Fail
			}
			return storetest.Pass
		})
		require.Error(t, e.edge.Refresh(t.Context()))
		require.Len(t, e.entries("main", audit.DoorDecided), 1)
		e.failing(nil)
		e.lose.Store(true)
		require.ErrorIs(t, e.edge.Refresh(t.Context()), errLine)
		require.Len(t, e.entries("main", audit.DoorDecided), 3)
		e.lose.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Len(t, e.entries("main", audit.DoorDecided), 3)
		require.Empty(t, e.entries("main", audit.DoorJournalRefused))
		require.NoError(t, e.door.Work(t.Context()))
		require.Len(t, e.entries("restricted", audit.DuressRaised), 3)
		require.NoError(t, e.edge.Close())
	})
}

// A journal that goes on from two pasts is refused where they meet.
//
// Rules: G205
func TestAJournalWithTwoPastsIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const head, line = 40, 1572
		e := newEdge(t)
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, pin)).Granted)
		past, err := os.ReadFile(e.o.Journal)
		require.NoError(t, err)
		require.True(t, e.ask(typed(t, pin)).Granted)
		one, err := os.ReadFile(e.o.Journal)
		require.NoError(t, err)
		require.NoError(t, e.edge.Close())
		require.NoError(t, os.WriteFile(e.o.Journal, past, 0o600))
		e.start()
		e.ask(typed(t, pin))
		e.ask(typed(t, pin))
		require.NoError(t, e.edge.Close())
		other, err := os.ReadFile(e.o.Journal)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(e.o.Journal, slices.Concat(one, other[head+2*line:]), 0o600))
		e.start()
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Len(t, e.entries("main", audit.DoorDecided), 2)
		require.Len(t, e.entries("main", audit.DoorJournalRefused), 1)
		require.NoError(t, e.edge.Close())
	})
}

// What a reader writes after it was ended, or about another site's point, is no decision.
//
// Rules: G199
func TestAReaderEntersOnlyWhatItMayDecide(t *testing.T) {
	for name, change := range map[string]func(e *edge){
		"ended": func(e *edge) { require.NoError(t, e.as("operator").EndReader(t.Context(), e.key.Reader())) },
		"moved": func(e *edge) { put(e.world, rec.Points, "front", func(p *rec.Point) { p.Site = "elsewhere" }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				e.cut.Store(true)
				change(e)
				time.Sleep(time.Second)
				require.True(t, e.ask(typed(t, pin)).Granted)
				e.cut.Store(false)
				_ = e.edge.Refresh(t.Context()) // an ended reader is told nothing
				require.Empty(t, e.entries("main", audit.DoorDecided))
				require.Len(t, e.entries("main", audit.DoorJournalRefused), 1)
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// What a reader wrote before it was ended is taken over afterwards, up to the first line
// from after its end, and what follows that is not.
//
// Rules: G199, G205
func TestWhatAReaderWroteBeforeItsEndIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.cut.Store(true)
		for range 2 {
			time.Sleep(time.Second)
			require.True(t, e.ask(typed(t, pin)).Granted)
		}
		require.NoError(t, e.as("operator").EndReader(t.Context(), e.key.Reader())) // at the second line's own time
		for range 2 {
			time.Sleep(time.Second)
			require.True(t, e.ask(typed(t, pin)).Granted)
		}
		e.cut.Store(false)
		_ = e.edge.Refresh(t.Context()) // an ended reader is told nothing
		late := e.entries("main", audit.DoorDecided)
		require.Len(t, late, 2)
		for _, entry := range late {
			require.Equal(t, "true", entry.Value(audit.FieldLate))
		}
		refused := e.entries("main", audit.DoorJournalRefused)
		require.Len(t, refused, 1)
		require.Equal(t, "2", refused[0].Value(audit.FieldCount), "the line from which on nothing was taken")
		require.NoError(t, e.edge.Close())
	})
}

// Rules: G199
func TestUnlockingReachesTheEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		for range 5 {
			require.Equal(t, credentials.Unknown, e.ask(typed(t, "9999")).Reason)
		}
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.Equal(t, credentials.LockedOut, e.ask(typed(t, pin)).Reason)
		time.Sleep(time.Second)
		require.NoError(t, e.as("operator").Unlock(t.Context(), e.key.Reader(), credentials.Keypad))
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.NoError(t, e.edge.Close())
	})
}

// A credential's own hours count at the server and at the edge alike: those to which its
// type is restricted, and those of a type that has none.
func TestACredentialsOwnHours(t *testing.T) {
	morning := &credentials.Schedule{Week: []credentials.Span{{Days: []credentials.Weekday{3}, From: 8 * 60, Until: 12*60 + 5}}} // noon is a Wednesday
	for name, kind := range map[string]credentials.UserType{"week day": credentials.WeekDay, "unrestricted": credentials.Unrestricted} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				e.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Type, c.Schedule = kind, morning })
				for _, want := range []credentials.Reason{credentials.Granted, credentials.OutOfHours} {
					e.cut.Store(false)
					require.NoError(t, e.edge.Refresh(t.Context()))
					require.Equal(t, want, e.try(typed(t, pin)).Reason)
					require.Equal(t, want, e.try(typed(t, duress)).Reason)
					e.cut.Store(true)
					require.Equal(t, want, e.ask(typed(t, pin)).Reason)
					require.True(t, e.ask(held(t, card)).Granted, "the tag has hours of its own: none")
					time.Sleep(5 * time.Minute)
				}
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// The server's own refusals are not an outage.
func TestARefusalIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		require.NoError(t, e.as("operator").EndReader(t.Context(), e.key.Reader()))
		_, err := e.edge.Decide(t.Context(), typed(t, pin))
		require.ErrorIs(t, err, door.ErrReader)
		require.NoError(t, e.edge.Close())
	})
}

// During a lock-out an edge says the same to a right code as to a wrong one.
//
// Rules: G199
func TestALockOutAtTheEdgeTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.cut.Store(true)
		for range 5 {
			require.Equal(t, credentials.Unknown, e.ask(typed(t, "9999")).Reason)
		}
		right, unknown := e.ask(typed(t, pin)), e.ask(typed(t, "9998"))
		right.Decision, unknown.Decision = "", ""
		require.Equal(t, door.Answer{Reason: credentials.LockedOut}, right)
		require.Equal(t, right, unknown)
		require.NoError(t, e.edge.Close())
	})
}

// Where an edge denies because of the outage, it does not say when the server would grant.
func TestAnOutageHasNoNextTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Window.From = time.Now().Add(time.Hour) })
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		a := e.ask(typed(t, pin))
		require.Equal(t, credentials.NotYet, a.Reason)
		require.WithinDuration(t, time.Now().Add(time.Hour), a.Next, 0)
		time.Sleep(15 * time.Minute)
		a = e.ask(typed(t, pin))
		require.Equal(t, door.Outaged, a.Reason)
		require.Zero(t, a.Next)
		require.NoError(t, e.edge.Close())
	})
}

// Whoever stopped waiting is let in by nobody, and the journal has no line of it.
func TestACallThatWasGivenUpDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.cut.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		a, err := e.edge.Decide(ctx, typed(t, pin))
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, a.Granted)
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Empty(t, e.entries("main", audit.DoorDecided))
		require.NoError(t, e.edge.Close())
	})
}

// An alarm that is raised while another is handed over waits for the next turn.
//
// Rules: G194
func TestAnAlarmDuringAnAlarmIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e *edge
		e = newEdge(t, func(o *door.EdgeOptions) {
			o.Alarm = func(_ context.Context, a door.Alarm) error {
				if e.told = append(e.told, a); len(e.told) == 1 {
					e.ask(typed(t, duress))
				}
				return nil
			}
		})
		e.cut.Store(true)
		e.ask(typed(t, duress))
		require.NoError(t, e.edge.Work(t.Context()))
		require.Len(t, e.told, 1)
		require.NoError(t, e.edge.Work(t.Context()))
		require.Len(t, e.told, 2)
		require.NotEqual(t, e.told[0].ID, e.told[1].ID)
		require.NoError(t, e.edge.Close())
	})
}

// Where a policy says so, the duress code of somebody who was revoked raises the alarm, at
// the edge too.
//
// Rules: G194
func TestAnEdgeAlarmsForTheRevokedWhereThePolicySaysSo(t *testing.T) {
	for _, always := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t, func(o *door.EdgeOptions) { o.Policy.AlarmAlways = always })
			e.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Revoked = true })
			require.NoError(t, e.edge.Refresh(t.Context()))
			e.cut.Store(true)
			require.Equal(t, credentials.Revoked, e.ask(typed(t, duress)).Reason)
			require.NoError(t, e.edge.Work(t.Context()))
			require.Equal(t, always, len(e.told) == 1)
			require.NoError(t, e.edge.Close())
		})
	}
}
