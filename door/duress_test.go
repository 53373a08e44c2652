package door_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// shape is everything of what was committed that does not differ from run to run by
// itself: operations with their sizes, entries with their public fields.
func shape(t *testing.T, changes []store.Change) string {
	t.Helper()
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "change\n")
		for _, o := range c.Ops {
			if p, ok := o.(store.Put); ok {
				id := p.Record.Key.ID
				if p.Record.Key.Kind == rec.Signals.Name {
					id = fmt.Sprint(len(id))
				}
				fmt.Fprintf(&b, "  put %s %s %d if %d", p.Record.Key.Kind, id, len(p.Record.Body), p.If)
				for _, term := range p.Record.Terms {
					fmt.Fprintf(&b, " %s=%x", term.Name, term.Value)
				}
				b.WriteString("\n")
				continue
			}
			fmt.Fprintf(&b, "  %T %s\n", o, o.Target())
		}
		for _, l := range c.Entries {
			e, err := audit.Decode(l.Body)
			require.NoError(t, err)
			fmt.Fprintf(&b, "  entry %d bytes %s %s %s targets %d states %d\n", len(l.Body), e.At, e.Action, e.Outcome, len(e.Targets), len(e.State))
			for _, f := range e.Fields {
				value := f.Value
				if f.Name == audit.FieldDecision {
					value = fmt.Sprint(len(value))
				}
				if f.Class == audit.ClassPersonal {
					value = fmt.Sprintf("%d sealed bytes", len(f.Sealed))
				}
				fmt.Fprintf(&b, "    %s %s = %s\n", f.Class, f.Name, value)
			}
		}
	}
	return ids.ReplaceAllString(b.String(), "id")
}

var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// Two runs that differ only in which of the two codes is typed write the same log, the
// same rows of the same sizes, the same diagnostics, and answer the same.
//
// Rules: G63, G193, G196
func TestNothingTellsADuressCodeApart(t *testing.T) {
	run := func(text string) (written, said string, answers []door.Answer) {
		w := newWorld(t, func(o *door.Options) {
			o.Alarm = func(context.Context, door.Alarm) error { return errors.New("the guard does not answer") }
		})
		w.cleaner()
		w.change("cleaner", rec.PIN, func(c *rec.Credential) {
			c.Uses = 2
			c.Window.Until = noon.Add(time.Hour)
		})
		w.wrote()
		step := func(e door.Entry) {
			a := w.try(e)
			a.Decision = ""
			answers = append(answers, a)
		}
		step(typed(t, "9999"))
		step(typed(t, text))
		require.NoError(t, w.door.Work(t.Context()))
		step(held(t, card))
		e := held(t, card)
		e.With = []door.Shown{typed(t, text).Shown}
		step(e)
		step(both(t, unknownCard, text))
		step(typed(t, text))
		w.later(time.Second)
		step(typed(t, text)) // used up
		for range 5 {
			step(typed(t, "9999"))
		}
		step(typed(t, text)) // locked out
		w.later(2 * time.Hour)
		step(typed(t, text)) // expired
		require.NoError(t, w.door.Work(t.Context()))
		return shape(t, w.wrote()), w.log.String(), answers
	}
	written, said, answers := run(pin)
	duressWritten, duressSaid, duressAnswers := run(duress)
	require.Equal(t, answers, duressAnswers)
	require.Equal(t, written, duressWritten)
	require.Equal(t, said, duressSaid)
	require.Contains(t, written, "sealed bytes")
}

// Who uses up a one-time PIN with its duress PIN has used it up: two ways in would tell
// them apart.
//
// Rules: G63, G196
func TestAPINAndItsDuressPINCountTogether(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Type = credentials.Disposable })
	require.True(t, w.try(typed(t, duress)).Granted)
	require.Equal(t, credentials.UsedUp, w.try(typed(t, pin)).Reason)
}

// Rules: G62, G64
func TestAnAlarmThatFailsIsTriedAgainAndChangesNothingAtTheDoor(t *testing.T) {
	fail := true
	var calls []door.Alarm
	w := newWorld(t, func(o *door.Options) {
		o.Alarm = func(_ context.Context, a door.Alarm) error {
			calls = append(calls, a)
			if fail {
				return errors.New("no line")
			}
			return nil
		}
	})
	w.cleaner()
	require.True(t, w.try(typed(t, duress)).Granted)
	require.Empty(t, calls, "the door does not wait for the alarm")
	require.NoError(t, w.door.Work(t.Context()))
	require.Len(t, calls, 1)
	require.Len(t, w.entries("restricted", audit.DuressFailed), 1)
	fail = false
	require.NoError(t, w.door.Work(t.Context()))
	require.Len(t, calls, 1, "not before its time")
	w.later(5 * time.Second)
	require.NoError(t, w.door.Work(t.Context()))
	require.Len(t, calls, 2)
	require.Len(t, w.entries("restricted", audit.DuressDelivered), 1)
	w.later(time.Hour)
	require.NoError(t, w.door.Work(t.Context()))
	require.Len(t, calls, 2)
}

// A signal is carried until its alarm is in the restricted log, once, whatever fails.
//
// Rules: G193
func TestAnAlarmIsRaisedOnceWhateverFails(t *testing.T) {
	for _, verb := range []storetest.Verb{storetest.Commit, storetest.List, storetest.Load} {
		for _, how := range []storetest.Fault{storetest.Fail, storetest.Lose, storetest.Stale} {
			w := newWorld(t)
			w.cleaner()
			vault := w.opts.Restricted
			broken := true
			w.opts.Restricted = storetest.Faulty(vault, func(c storetest.Call) storetest.Fault {
				if broken && c.Verb == verb {
					return how
				}
				return storetest.Pass
			})
			w.open()
			require.True(t, w.try(typed(t, duress)).Granted)
			first := w.door.Work(t.Context())
			broken = false
			second := w.door.Work(t.Context())
			require.NoError(t, second, "%s %d after %v", verb, how, first)
			require.Len(t, w.entries("restricted", audit.DuressRaised), 1, "%s %d", verb, how)
		}
	}
}

// Signals that cannot be opened keep no alarm waiting, however many there are.
//
// Rules: G193
func TestSignalsThatDoNotOpenKeepNoOther(t *testing.T) {
	for _, many := range []int{1, store.MaxPage, store.MaxPage + 1} {
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			w := newWorld(t)
			w.cleaner()
			gone, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
			require.NoError(t, err)
			core := *w.core
			core.Keys = gone
			w.signals(&core, many, func(int) flow.Signal { return flow.Signal{At: noon.Add(-time.Hour)} })
			require.True(t, w.try(typed(t, duress)).Granted)
			require.ErrorIs(t, w.door.Work(t.Context()), credentials.ErrKeyMissing)
			require.Len(t, w.alarms, 1)
		})
	}
}

// More alarms than a page holds are all raised at once, and handed over hundred by hundred,
// each once.
//
// Rules: G193
func TestManyAlarmsAreAllRaised(t *testing.T) {
	const many = store.MaxPage + 1
	w := newWorld(t)
	w.signals(w.core, many, func(i int) flow.Signal {
		return flow.Signal{At: noon.Add(time.Duration(i) * time.Millisecond), Site: "site", Point: "front", Alarm: true, Account: "cleaner"}
	})
	require.NoError(t, w.door.Work(t.Context()))
	left, err := w.core.Store.List(t.Context(), store.Query{Kind: rec.Signals.Name, Term: rec.ByRaised})
	require.NoError(t, err)
	require.Empty(t, left)
	told := map[string]bool{}
	for turns := 1; len(told) < many; turns++ {
		require.Len(t, w.alarms, min(100*turns, many), "after %d turns", turns)
		for _, a := range w.alarms {
			told[a.ID] = true
		}
		require.Len(t, told, len(w.alarms))
		require.NoError(t, w.door.Work(t.Context()))
	}
	require.Len(t, w.alarms, many)
}

// When the store does not take it, nobody is let in and nothing counts as used.
//
// Rules: G57, G204
func TestADecisionThatIsNotWrittenLetsNobodyIn(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Type = credentials.Disposable })
	w.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit {
			return storetest.Fail
		}
		return storetest.Pass
	})
	_, err := w.door.Decide(t.Context(), door.ByKey(w.key), typed(t, pin))
	require.Error(t, err)
	w.failing(nil)
	require.True(t, w.try(typed(t, pin)).Granted)
	require.Equal(t, credentials.UsedUp, w.try(typed(t, pin)).Reason)
}
