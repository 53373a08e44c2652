package door_test

import (
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// heard keeps the alerts of a service.
type heard struct {
	mu  sync.Mutex
	all []door.Alert
}

func (h *heard) hear(a door.Alert) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, a)
}

// alerts waits until all are told, and returns them.
func (h *heard) alerts() []door.Alert {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

// Lock-outs and guessing are told to the host, with the entry, once each, and without a
// word about anybody.
//
// Rules: G199
func TestLockOutsAndGuessingAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		w := newWorld(t, func(o *door.Options) { o.Policy.Guesses, o.Alert = 7, h.hear })
		w.cleaner()
		w.wrong(4)
		require.Empty(t, h.alerts())
		w.wrong(1)
		locked := door.Alert{At: time.Now().UTC(), Kind: door.Locked, Site: "site", Reader: w.key.Reader(), Point: "front",
			Medium: credentials.Keypad, Until: time.Now().UTC().Add(30 * time.Second)}
		require.Equal(t, []door.Alert{locked}, h.alerts())
		require.Equal(t, credentials.LockedOut, w.try(typed(t, pin)).Reason)
		time.Sleep(30 * time.Second)
		w.wrong(3)
		guessing := door.Alert{At: time.Now().UTC(), Kind: door.Guessing, Site: "site", Reader: w.key.Reader()}
		require.Equal(t, []door.Alert{locked, guessing}, h.alerts())
		require.Len(t, w.entries("main", audit.DoorGuessing), 1)
		for f := range reflect.TypeFor[door.Alert]().Fields() {
			require.NotContains(t, []string{"Account", "Name", "Code", "Tag", "Text"}, f.Name)
		}
	})
}

// What was not committed is not told, and a duress code never is.
//
// Rules: G63, G199
func TestOnlyWhatWasCommittedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		w := newWorld(t, func(o *door.Options) { o.Alert = h.hear })
		w.cleaner()
		require.True(t, w.try(typed(t, duress)).Granted)
		require.NoError(t, w.door.Work(t.Context()))
		w.wrong(4)
		w.failing(func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.Commit {
				return storetest.Fail
			}
			return storetest.Pass
		})
		_, err := w.door.Decide(t.Context(), door.ByKey(w.key), typed(t, "9999"))
		require.Error(t, err)
		require.Empty(t, h.alerts())
		w.failing(nil)
		w.wrong(1)
		require.Len(t, h.alerts(), 1)
	})
}

// A host that does not take an alert holds no decision up; the rest follow in order, and
// the newest of too many.
//
// Rules: G199
func TestAnAlertHoldsNoDecisionUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		goOn := make(chan struct{})
		w := newWorld(t, func(o *door.Options) {
			o.Policy.Wrong, o.Policy.Guesses = 1, 100_000
			o.Alert = func(a door.Alert) {
				<-goOn
				h.hear(a)
			}
		})
		w.cleaner()
		for range 1002 {
			w.wrong(1)
			time.Sleep(15 * time.Minute)
		}
		require.True(t, w.try(typed(t, pin)).Granted)
		close(goOn)
		all := h.alerts()
		require.Len(t, all, 1001, "the one that was held, and the last thousand")
		for i, a := range all[1:] {
			require.True(t, a.At.After(all[i].At))
		}
	})
}

// Three lock-outs at an edge during an outage are entries, alerts and counts against the
// site like those at the server: when they are taken over, and late.
//
// Rules: G199, G205
func TestGuessingDuringAnOutageIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		e := newEdge(t)
		e.opts.Policy.Guesses, e.opts.Alert = 15, h.hear
		e.open()
		e.cut.Store(true)
		for _, long := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
			for range 5 {
				require.Equal(t, credentials.Unknown, e.ask(typed(t, "9999")).Reason)
			}
			require.Equal(t, credentials.LockedOut, e.ask(typed(t, pin)).Reason)
			time.Sleep(long)
		}
		require.Empty(t, h.alerts())
		e.cut.Store(false)
		e.lose.Store(true)
		require.Error(t, e.edge.Refresh(t.Context()), "the answer is lost")
		e.lose.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Len(t, e.entries("main", audit.DoorLocked), 3)
		require.Len(t, e.entries("main", audit.DoorGuessing), 1)
		for _, entry := range append(e.entries("main", audit.DoorLocked), e.entries("main", audit.DoorGuessing)...) {
			require.Equal(t, "true", entry.Value(audit.FieldLate))
		}
		var kinds []door.AlertKind
		for _, a := range h.alerts() {
			require.True(t, a.Late)
			require.Equal(t, e.key.Reader(), a.Reader)
			require.True(t, a.At.Before(time.Now()))
			kinds = append(kinds, a.Kind)
		}
		require.Equal(t, []door.AlertKind{door.Locked, door.Locked, door.Locked, door.Guessing}, kinds)
		require.NoError(t, e.edge.Close())
	})
}

// The time that a line says locks nobody out: not one of next year, nor one from before the
// lock-out that holds.
//
// Rules: G199
func TestALineFromAnotherTimeLocksNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead time.Duration
		e := newEdge(t, func(o *door.EdgeOptions) {
			o.Clock = func() credentials.Now {
				return credentials.Now{T: time.Now().Add(ahead), Quality: credentials.ClockTrusted}
			}
		})
		e.cut.Store(true)
		ahead = 365 * 24 * time.Hour
		for range 5 {
			require.Equal(t, credentials.Unknown, e.ask(typed(t, "9999")).Reason)
		}
		ahead = 0
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Equal(t, credentials.LockedOut, e.try(typed(t, pin)).Reason)
		time.Sleep(30 * time.Second)
		require.True(t, e.try(typed(t, pin)).Granted)
		require.NoError(t, e.edge.Close())
	})
}

// Rules: G204
func TestANodesHealth(t *testing.T) {
	w := newWorld(t)
	health := func() door.Health {
		t.Helper()
		h, err := w.door.Health(t.Context())
		require.NoError(t, err)
		require.Equal(t, len(h.Problems) == 0, h.OK())
		return h
	}
	require.Equal(t, door.Health{Clock: credentials.ClockTrusted}, health())
	for _, q := range []credentials.ClockQuality{credentials.ClockDoubtful, credentials.ClockUnknown} {
		w.quality(q)
		h := health()
		require.Equal(t, q, h.Clock)
		require.Len(t, h.Problems, 1)
		require.Contains(t, h.Problems[0], door.ErrClock.Error())
	}
	w.quality(credentials.ClockTrusted)
	w.later(-time.Hour)
	h := health()
	require.Equal(t, credentials.ClockDoubtful, h.Clock)
	require.Contains(t, h.Problems[0], "newest entry of the log")
	w.later(time.Hour)
	require.True(t, health().OK())
	w.opts.Keys = struct{ credentials.Sealer }{w.keys} // cannot open
	w.open()
	require.Len(t, health().Problems, 1)
	w.failing(func(storetest.Call) storetest.Fault { return storetest.Fail })
	_, err := w.door.Health(t.Context())
	require.Error(t, err)
}
