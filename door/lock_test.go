package door_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

func (w *world) wrong(n int) {
	w.t.Helper()
	for range n {
		require.Equal(w.t, credentials.Unknown, w.try(typed(w.t, "9999")).Reason)
	}
}

// A locked keypad refuses no card and no other reader, says the same to every code, and is
// locked for longer each time, up to a quarter of an hour. A restart forgets nothing.
//
// Rules: G199
func TestLockoutIsPerReaderAndMedium(t *testing.T) {
	w := newWorld(t, func(o *door.Options) { o.Policy.Guesses = 10_000 })
	w.cleaner()
	other, err := w.as("operator").AddReader(t.Context(), door.NewReader{Site: "site", Points: map[string]door.Outage{"front": door.OutageCached}})
	require.NoError(t, err)
	for i, long := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		w.wrong(5)
		w.open()
		right, unknown := w.try(typed(t, pin)), w.try(typed(t, "9999"))
		right.Decision, unknown.Decision = "", ""
		require.Equal(t, door.Answer{Reason: credentials.LockedOut}, right, "%d", i)
		require.Equal(t, right, unknown, "during a lock-out nobody learns what is a code")
		require.True(t, w.try(held(t, card)).Granted)
		a, err := w.door.Decide(t.Context(), door.ByKey(other), typed(t, pin))
		require.NoError(t, err)
		require.True(t, a.Granted)
		require.Len(t, w.entries("main", audit.DoorLocked), i+1)
		list, err := w.as("operator").Readers(t.Context(), "site")
		require.NoError(t, err)
		for _, r := range list {
			if r.ID == w.key.Reader() {
				require.Equal(t, map[credentials.Medium]time.Time{credentials.Keypad: w.now().T.Add(long)}, r.Locked)
			}
		}
		w.later(long - time.Second)
		require.Equal(t, credentials.LockedOut, w.try(typed(t, pin)).Reason)
		w.later(time.Second)
		require.True(t, w.try(typed(t, pin)).Granted)
	}
}

func TestARightCodeBeginsTheCountAnew(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	for range 4 {
		w.wrong(4)
		require.True(t, w.try(typed(t, pin)).Granted)
	}
	w.wrong(5)
	require.NoError(t, w.as("operator").Unlock(t.Context(), w.key.Reader(), credentials.Keypad))
	require.True(t, w.try(typed(t, pin)).Granted)
}

// A second credential that is not the same person's is a wrong code on its own medium.
func TestAWrongSecondCredentialCounts(t *testing.T) {
	w := newWorld(t, func(o *door.Options) { o.Policy.Guesses, o.Policy.Both = 1, true })
	w.cleaner()
	w.wrong(1) // the site's budget
	e := held(t, card)
	require.Equal(t, credentials.Incomplete, w.try(e).Reason)
	e.With = []door.Shown{typed(t, "1357").Shown}
	for range 4 {
		require.Equal(t, credentials.Incomplete, w.try(e).Reason)
	}
	e.With = []door.Shown{typed(t, pin).Shown}
	require.Equal(t, credentials.LockedOut, w.try(e).Reason)
	w.later(time.Minute)
	require.True(t, w.try(e).Granted)
}

// While keys are changed a credential has a name under each, and is one credential.
func TestATagWithTwoNamesIsOneCredential(t *testing.T) {
	w := newWorld(t, func(o *door.Options) { o.Policy.Guesses, o.Policy.Both = 1, true })
	w.cleaner()
	w.change("cleaner", rec.TagNumber, func(c *rec.Credential) {
		for _, n := range c.Names {
			parts := strings.Split(n, "|")
			c.Names = append(c.Names, parts[0]+"|another key|"+parts[2])
		}
	})
	w.wrong(1) // the site's budget
	require.Equal(t, credentials.Incomplete, w.try(held(t, card)).Reason)
}

// What was taken away completes no other credential; a duress PIN goes with its PIN.
func TestADisabledCredentialCompletesNoOther(t *testing.T) {
	for kind, e := range map[rec.CredentialKind]func(t *testing.T) door.Entry{
		rec.TagNumber: func(t *testing.T) door.Entry {
			e := typed(t, pin)
			e.With = []door.Shown{held(t, card).Shown}
			return e
		},
		rec.PIN: func(t *testing.T) door.Entry {
			e := held(t, card)
			e.With = []door.Shown{typed(t, duress).Shown}
			return e
		},
	} {
		w := newWorld(t, func(o *door.Options) { o.Policy.Guesses, o.Policy.Both = 1, true })
		w.cleaner()
		w.wrong(1) // the site's budget
		require.True(t, w.try(e(t)).Granted, kind)
		w.change("cleaner", kind, func(c *rec.Credential) { c.Disabled = true })
		require.Equal(t, credentials.Incomplete, w.try(e(t)).Reason, kind)
		w.change("cleaner", kind, func(c *rec.Credential) { c.Disabled, c.Window.Revoked = false, true })
		require.Equal(t, credentials.Incomplete, w.try(e(t)).Reason, kind)
	}
}

// Rules: S39
func TestAPointThatHasJustOpenedCoolsDown(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.rule(rec.Rule{ID: "all", Site: "site", Points: []string{"front"}, Who: []credentials.Subject{{Kind: "role", ID: "staff"}}, Cooldown: time.Minute})
	require.True(t, w.try(typed(t, pin)).Granted)
	a := w.try(held(t, card))
	require.Equal(t, credentials.Cooldown, a.Reason)
	require.WithinDuration(t, noon.Add(time.Minute), a.Next, 0)
	w.later(time.Minute)
	require.True(t, w.try(held(t, card)).Granted)
}

// Who was denied has used nothing up.
func TestADeniedEntryIsNoUse(t *testing.T) {
	w := newWorld(t)
	w.account("guest")
	w.give("guest", rec.PIN, "4826", func(c *rec.Credential) { c.Uses = 1 })
	e := typed(t, "4826")
	e.Lockdown = true
	require.Equal(t, credentials.Lockdown, w.try(e).Reason)
	e.Lockdown = false
	require.True(t, w.try(e).Granted)
	require.Equal(t, credentials.UsedUp, w.try(e).Reason)
}

// The budget of a site raises one alarm a day and closes nothing.
//
// Rules: G199
func TestGuessingAtASiteRaisesOneAlarm(t *testing.T) {
	w := newWorld(t, func(o *door.Options) { o.Policy.Guesses, o.Policy.Wrong = 12, 100 })
	w.cleaner()
	w.wrong(11)
	require.Empty(t, w.entries("main", audit.DoorGuessing))
	w.wrong(1)
	require.Len(t, w.entries("main", audit.DoorGuessing), 1)
	w.wrong(20)
	require.Len(t, w.entries("main", audit.DoorGuessing), 1)
	require.True(t, w.try(typed(t, pin)).Granted)
	w.later(24 * time.Hour)
	w.wrong(12)
	require.Len(t, w.entries("main", audit.DoorGuessing), 2)
}

// However many guess at once, no more than the limit are answered before the lock-out.
//
// Rules: G199
func TestGuessersAtOnceGetNoMoreThanTheLimit(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	var all sync.WaitGroup
	answers := make(chan credentials.Reason, 64)
	for i := range 64 {
		e := typed(t, fmt.Sprint(6000+i))
		all.Go(func() {
			if a, err := w.door.Decide(t.Context(), door.ByKey(w.key), e); err == nil {
				answers <- a.Reason
			}
		})
	}
	all.Wait()
	close(answers)
	unknown := 0
	for r := range answers {
		if r == credentials.Unknown {
			unknown++
		}
	}
	require.LessOrEqual(t, unknown, 5)
}

// A code that opens once opens once, whoever asks at the same time and whatever restarts.
//
// Rules: G199
func TestACodeThatOpensOnceOpensOnce(t *testing.T) {
	for range 50 {
		w := newWorld(t)
		w.account("guest")
		w.give("guest", rec.PIN, "4826", func(c *rec.Credential) { c.Type = credentials.Disposable })
		var all sync.WaitGroup
		var mu sync.Mutex
		granted := 0
		e := typed(t, "4826")
		for range 8 {
			all.Go(func() {
				if a, err := w.door.Decide(t.Context(), door.ByKey(w.key), e); err == nil && a.Granted {
					mu.Lock()
					granted++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		require.Equal(t, 1, granted)
		w.open()
		require.Equal(t, credentials.UsedUp, w.try(e).Reason)
	}
}

func TestUsesAreCountedAcrossRestarts(t *testing.T) {
	w := newWorld(t)
	w.account("guest")
	w.give("guest", rec.PIN, "4826", func(c *rec.Credential) { c.Uses = 3 })
	for range 3 {
		require.True(t, w.try(typed(t, "4826")).Granted)
		w.open()
	}
	require.Equal(t, credentials.UsedUp, w.try(typed(t, "4826")).Reason)
}
