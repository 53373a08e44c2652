package door_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

var errLine = fault.New(fault.Unavailable, "test: the line is cut")

// wire is the line to the server.
type wire struct {
	w    *world
	cut  atomic.Bool
	lose atomic.Bool   // the answer to a hand-over
	slow time.Duration // what an answer about changes takes
}

func (l *wire) Decide(ctx context.Context, p door.Proof, e door.Entry) (door.Answer, error) {
	if l.cut.Load() {
		return door.Answer{}, errLine
	}
	return l.w.door.Decide(ctx, p, e)
}

func (l *wire) Changes(ctx context.Context, p door.Proof, known door.Known) ([]byte, error) {
	if l.cut.Load() {
		return nil, errLine
	}
	body, err := l.w.door.Changes(ctx, p, known)
	time.Sleep(l.slow)
	return body, err
}

func (l *wire) Enter(ctx context.Context, p door.Proof, lines []byte) (uint64, error) {
	if l.cut.Load() {
		return 0, errLine
	}
	next, err := l.w.door.Enter(ctx, p, lines)
	if l.lose.Load() {
		return 0, errLine
	}
	return next, err
}

// edge is a world with an edge beside its reader.
type edge struct {
	*world
	*wire
	edge *door.Edge
	o    door.EdgeOptions
	told []door.Alarm
}

func newEdge(t *testing.T, edits ...func(*door.EdgeOptions)) *edge {
	t.Helper()
	w := newWorld(t)
	w.cleaner()
	return besideOf(t, w, edits...)
}

// besideOf puts an edge beside the reader of a world.
func besideOf(t *testing.T, w *world, edits ...func(*door.EdgeOptions)) *edge {
	t.Helper()
	site, err := w.as("operator").SiteKey(t.Context(), "site")
	require.NoError(t, err)
	e := &edge{world: w, wire: &wire{w: w}}
	e.o = door.EdgeOptions{Key: w.key, SiteKeys: []credentials.SiteKey{site}, Journal: filepath.Join(t.TempDir(), "journal"), Clock: w.now,
		Alarm: func(_ context.Context, a door.Alarm) error {
			e.told = append(e.told, a)
			return nil
		}}
	for _, edit := range edits {
		edit(&e.o)
	}
	e.start()
	require.NoError(t, e.edge.Refresh(t.Context()))
	return e
}

// start starts the edge, as after a crash.
func (e *edge) start() {
	var err error
	e.edge, err = door.OpenEdge(e.wire, e.o)
	require.NoError(e.world.t, err)
}

func (e *edge) ask(entry door.Entry) door.Answer {
	e.world.t.Helper()
	a, err := e.edge.Decide(e.world.t.Context(), entry)
	require.NoError(e.world.t, err)
	return a
}

// An outage of 5 minutes is bridged, one of 20 until the bound; both are in the log
// afterwards, late and with their own time, and so is the alarm.
//
// Rules: G194, G205
func TestAnOutageIsBridgedUntilTheBound(t *testing.T) {
	for _, long := range []time.Duration{5 * time.Minute, 20 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t)
			require.True(t, e.ask(typed(t, pin)).Granted, "the server decides")
			require.Empty(t, e.told)
			e.cut.Store(true)
			began := time.Now()
			time.Sleep(long)
			right, duressed, wrong := e.ask(typed(t, pin)), e.ask(typed(t, duress)), e.ask(typed(t, "9999"))
			require.Equal(t, long < 15*time.Minute, right.Granted)
			right.Decision, duressed.Decision = "", ""
			require.Equal(t, right, duressed)
			require.False(t, wrong.Granted)
			require.NoError(t, e.edge.Work(t.Context()))
			require.Len(t, e.told, 1, "the alarm does not wait for the server")
			require.Error(t, e.edge.Refresh(t.Context()))
			require.Len(t, e.entries("main", audit.DoorDecided), 1)
			time.Sleep(time.Minute)
			e.cut.Store(false)
			require.NoError(t, e.edge.Refresh(t.Context()))
			require.NoError(t, e.edge.Refresh(t.Context()))
			all := e.entries("main", audit.DoorDecided)
			require.Len(t, all, 4)
			for i, entry := range all[1:] {
				require.Equal(t, "true", entry.Value(audit.FieldLate))
				require.Equal(t, began.Add(long).UTC().Format(time.RFC3339Nano), entry.Value(audit.FieldDecided))
				flag, err := e.as("operator").Duress(t.Context(), entry)
				require.NoError(t, err)
				require.Equal(t, i == 1, flag)
			}
			require.NoError(t, e.door.Work(t.Context()))
			require.Len(t, e.entries("restricted", audit.DuressRaised), 1)
			require.NoError(t, e.edge.Close())
		})
	}
}

// Whatever was taken away is denied at the latest one bound after its commit, also by an
// edge that was told nothing; at once by one that the change has reached.
//
// Rules: G205
func TestARevocationCountsWithinTheBound(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 7 * time.Minute, 14*time.Minute + 59*time.Second} {
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t)
			time.Sleep(after)
			require.NoError(t, e.edge.Refresh(t.Context()))
			e.cut.Store(true)
			time.Sleep(after)
			e.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Revoked = true })
			committed := time.Now()
			require.True(t, e.ask(typed(t, pin)).Granted, "nobody could tell the edge")
			for time.Since(committed) < 15*time.Minute {
				time.Sleep(time.Minute)
				if e.ask(typed(t, pin)).Granted {
					require.Less(t, time.Since(committed), 15*time.Minute)
				}
			}
			require.Equal(t, door.Outaged, e.ask(typed(t, pin)).Reason)
			e.cut.Store(false)
			require.NoError(t, e.edge.Refresh(t.Context()))
			e.cut.Store(true)
			require.Equal(t, credentials.Revoked, e.ask(typed(t, pin)).Reason)
			require.NoError(t, e.edge.Close())
		})
	}
}

// The bound begins when the edge asked, not when the answer came.
//
// Rules: G205
func TestASlowAnswerIsAsOldAsItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.slow = 10 * time.Minute
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		time.Sleep(5*time.Minute - time.Second)
		require.True(t, e.ask(typed(t, pin)).Granted)
		time.Sleep(time.Second)
		require.Equal(t, door.Outaged, e.ask(typed(t, pin)).Reason)
		require.NoError(t, e.edge.Close())
	})
}

// What is taken away from somebody who keeps the rest is forgotten with the next change.
//
// Rules: G205
func TestATagThatWasTakenAwayIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		_, err := e.core.Act(t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
			id := rec.CredentialID("cleaner", rec.TagNumber, 1)
			if _, _, err := flow.Load(u, rec.Credentials, id); err != nil {
				return err
			}
			flow.Drop(u, rec.Credentials, id)
			_, err := u.Say(audit.CredentialChanged, audit.Success, []string{"cleaner"}, flow.F(audit.FieldAccount, "cleaner"))
			return err
		})
		require.NoError(t, err)
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.Equal(t, credentials.Unknown, e.ask(held(t, card)).Reason)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.NoError(t, e.edge.Close())
	})
}

// What an edge may not decide by itself it denies.
//
// Rules: G205
func TestWhatOnlyTheServerDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		for i, edit := range []func(*rec.Credential){
			func(c *rec.Credential) { c.Uses = 3 },
			func(c *rec.Credential) { c.Type = credentials.Disposable },
			func(c *rec.Credential) { c.Type = credentials.Expiring },
			func(c *rec.Credential) { c.Changed = time.Now() },
		} {
			id := string(rune('a'+i)) + "guest"
			e.account(id)
			e.give(id, rec.PIN, []string{"4826", "4926", "5026", "5126"}[i], edit)
		}
		both := held(t, card)
		both.With = []door.Shown{typed(t, pin).Shown}
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		for _, text := range []string{"4826", "4926", "5026", "5126"} {
			require.Equal(t, door.Outaged, e.ask(typed(t, text)).Reason, text)
		}
		require.Equal(t, door.Outaged, e.ask(both).Reason)
		require.True(t, e.ask(held(t, card)).Granted)
		back := typed(t, pin)
		back.Point = "back"
		_, err := e.edge.Decide(t.Context(), back)
		require.ErrorIs(t, err, door.ErrPoint)
		require.NoError(t, e.edge.Close())
	})
}

// Rules: G205
func TestAPointThatDeniesDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		put(e.world, rec.Readers, e.key.Reader(), func(r *rec.Reader) { r.Points[0].OnOutage = rec.OutageDeny })
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.True(t, e.ask(typed(t, pin)).Granted)
		e.cut.Store(true)
		require.Equal(t, door.Outaged, e.ask(typed(t, duress)).Reason)
		require.NoError(t, e.edge.Work(t.Context()))
		require.Len(t, e.told, 1, "the alarm is raised whatever the decision")
		require.NoError(t, e.edge.Close())
	})
}

// An edge that cannot write down what it decides lets nobody in.
//
// Rules: G205
func TestWhatCannotBeWrittenDownIsDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, func(o *door.EdgeOptions) { o.Most = 2 })
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.Equal(t, door.Outaged, e.ask(typed(t, pin)).Reason, "the journal is full")
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, pin)).Granted)
		require.NoError(t, e.edge.Close())
		require.Equal(t, door.Outaged, e.ask(typed(t, pin)).Reason, "the file is closed")
	})
}

// A crash loses no line that was answered, and no lock-out.
//
// Rules: G199, G205
func TestTheJournalSurvivesACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.cut.Store(true)
		require.True(t, e.ask(typed(t, pin)).Granted)
		for range 5 {
			require.Equal(t, credentials.Unknown, e.ask(typed(t, "9999")).Reason)
		}
		f, err := os.OpenFile(e.o.Journal, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteString("half a line")
		require.NoError(t, errors.Join(err, f.Close()))
		e.start()
		require.Equal(t, credentials.LockedOut, e.ask(typed(t, "9999")).Reason)
		require.Equal(t, door.Outaged, e.ask(held(t, card)).Reason, "it was told nothing since it started")
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Len(t, e.entries("main", audit.DoorDecided), 8)
		require.Equal(t, credentials.LockedOut, e.ask(typed(t, pin)).Reason, "the server has it too")
		require.NoError(t, e.edge.Close())
	})
}

// A journal that somebody changed is not taken over from there on, which is an entry; the
// file is kept for a person, and the edge goes on.
//
// Rules: G205
func TestAChangedJournalIsRefused(t *testing.T) {
	const head, line = 40, 1572
	for name, change := range map[string]func(b []byte) []byte{
		"a byte of the number": func(b []byte) []byte { b[head+line+7] ^= 1; return b },
		"a byte of the text":   func(b []byte) []byte { b[head+line+200] ^= 1; return b },
		"the last byte":        func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"a line less":          func(b []byte) []byte { return slices.Concat(b[:head+line], b[head+2*line:]) },
		"two lines swapped": func(b []byte) []byte {
			return slices.Concat(b[:head+line], b[head+2*line:], b[head+line:head+2*line])
		},
		"another beginning": func(b []byte) []byte { return slices.Concat(b[:head], b[head+line:]) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				e.cut.Store(true)
				for range 3 {
					require.True(t, e.ask(typed(t, pin)).Granted)
				}
				require.NoError(t, e.edge.Close())
				b, err := os.ReadFile(e.o.Journal)
				require.NoError(t, err)
				require.Len(t, b, head+3*line)
				require.NotContains(t, string(b), "cleaner")
				require.NoError(t, os.WriteFile(e.o.Journal, change(b), 0o600))
				e.start()
				e.cut.Store(false)
				require.NoError(t, e.edge.Refresh(t.Context()))
				require.Len(t, e.entries("main", audit.DoorJournalRefused), 1)
				require.Less(t, len(e.entries("main", audit.DoorDecided)), 3)
				require.FileExists(t, e.o.Journal+".refused")
				before := len(e.entries("main", audit.DoorDecided))
				e.cut.Store(true)
				require.True(t, e.ask(typed(t, pin)).Granted)
				e.cut.Store(false)
				require.NoError(t, e.edge.Refresh(t.Context()))
				require.Len(t, e.entries("main", audit.DoorDecided), before+1)
				require.Len(t, e.entries("main", audit.DoorJournalRefused), 1)
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// Nothing that an edge is sent leads to a code, or to the key under which codes are
// claimed: the fingerprints are of the site's own key.
//
// Rules: G217
func TestAnEdgeKnowsFingerprintsOfItsSiteOnly(t *testing.T) {
	e := newEdge(t)
	body, err := e.door.Changes(t.Context(), door.ByKey(e.key), door.Known{Cursor: -1})
	require.NoError(t, err)
	require.NotContains(t, string(body), pin)
	scope := credentials.Scope{Kind: credentials.TenantScope}
	f, err := e.keys.Print(e.keys.Epoch().Prints[0], scope, credentials.CodeMaterial(code(t, pin)))
	require.NoError(t, err)
	require.NotContains(t, string(body), f.String())
	_, err = e.door.Changes(t.Context(), door.ByKey(door.ReaderKey{}), door.Known{Cursor: -1})
	require.ErrorIs(t, err, door.ErrReader)
	_, err = e.door.Enter(t.Context(), door.ByKey(door.ReaderKey{}), nil)
	require.ErrorIs(t, err, door.ErrReader)
	elsewhere, err := e.as("operator").SiteKey(t.Context(), "elsewhere")
	require.NoError(t, err)
	e.o.SiteKeys = []credentials.SiteKey{elsewhere}
	e.start()
	require.ErrorIs(t, e.edge.Refresh(t.Context()), door.ErrSiteKey)
	e.cut.Store(true)
	require.Equal(t, door.Outaged, e.ask(typed(t, pin)).Reason)
}

// A change reaches an edge by the log alone, whatever it is: the edge that is told what
// changed decides as one that is told everything.
//
// Rules: G205
func TestAnEdgeThatIsToldChangesDecidesAsOneThatIsToldAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, func(o *door.EdgeOptions) { o.Bound = 10 * time.Minute })
		e.account("guest")
		group := func(member string) {
			put(e.world, rec.Groups, "team", func(g *rec.Group) { g.ID, g.Members = "team", []credentials.Subject{{Kind: "account", ID: member}} })
		}
		seen := map[credentials.Reason]bool{}
		for _, step := range []func(){
			func() { e.give("guest", rec.PIN, "4826") },
			func() { group("guest") },
			func() {
				put(e.world, rec.Rules, "all", func(r *rec.Rule) { r.Who = []credentials.Subject{{Kind: "group", ID: "team"}} })
			},
			func() { e.changeAccount("guest", func(a *accounts.Account) { a.Suspended.At = noon }) },
			func() { e.changeAccount("guest", func(a *accounts.Account) { a.Suspended.At = time.Time{} }) },
			func() { e.change("guest", rec.PIN, func(c *rec.Credential) { c.Disabled = true }) },
			func() { e.change("cleaner", rec.TagNumber, func(c *rec.Credential) { c.State = rec.TagLost }) },
			func() { group("cleaner") },
		} {
			e.cut.Store(false)
			step()
			require.NoError(t, e.edge.Refresh(t.Context()))
			o := e.o
			o.Journal = filepath.Join(t.TempDir(), "journal")
			all, err := door.OpenEdge(e.wire, o)
			require.NoError(t, err)
			require.NoError(t, all.Refresh(t.Context()))
			e.cut.Store(true)
			for _, entry := range []door.Entry{typed(t, pin), typed(t, duress), typed(t, "4826"), held(t, card)} {
				told := e.ask(entry)
				fresh, err := all.Decide(t.Context(), entry)
				require.NoError(t, err)
				told.Decision, fresh.Decision = "", ""
				require.Equal(t, fresh, told)
				seen[told.Reason] = true
			}
			require.NoError(t, all.Close())
			time.Sleep(time.Minute)
		}
		require.Subset(t, slices.Collect(maps.Keys(seen)), []credentials.Reason{credentials.Granted, credentials.NoRule, credentials.Disabled, credentials.Lost})
		require.NoError(t, e.edge.Close())
	})
}

// bubbled reports whether the time is that of a synctest bubble, which is moved to noon.
func bubbled() bool {
	if time.Now().Year() >= 2020 && !time.Now().Equal(noon) {
		return false
	}
	time.Sleep(time.Until(noon))
	return true
}
