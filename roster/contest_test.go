package roster_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// fields are an entry's public fields.
func fields(t *testing.T, e store.Entry) map[string]string {
	t.Helper()
	entry, err := audit.Decode(e.Body)
	require.NoError(t, err)
	out := map[string]string{}
	for _, f := range entry.Fields {
		out[f.Name] = f.Value
	}
	return out
}

// entries are the log's entries of an action, oldest first.
func (w *world) entries(action audit.Action) []store.Entry {
	w.Helper()
	var out []store.Entry
	q := store.EntryQuery{ByIndex: true, Actions: []string{string(action)}}
	for {
		es, err := w.store.Entries(w.ctx, q)
		require.NoError(w, err)
		out = append(out, es...)
		if len(es) < store.MaxPage {
			return out
		}
		q.FromIndex = es[len(es)-1].Index + 1
	}
}

// Sixty-four slots of one panel ask for one code at the same moment, again and again.
//
// Rules: G189, G190, R189, R191
func TestOneCodeHasOneWinner(t *testing.T) {
	t.Parallel()
	const slots = 64
	rounds := 200
	if testing.Short() || raceDetector {
		rounds = 20
	}
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, worldOptions{sim: dscsim.Options{Users: slots + 1}, desk: roster.Options{Collisions: roster.Budget{Hour: 1e6, Day: 1e6, TenantDay: 1e6}}})
		defer w.finish()
		w.rights["clerk"] = grant(accounts.PanelUsersManage, accounts.PanelUsersView, accounts.EquipmentView)
		clerk := w.desk.As(accounts.HostActor("clerk", "The clerk", "test")).Panel(w.id)
		taken := map[string]bool{}
		for range rounds {
			c, err := credentials.Generate(rand.Reader, 4, credentials.Policy{}, func(c panel.Code) bool { return taken[c.Reveal()] })
			require.NoError(t, err)
			taken[c.Reveal()] = true
			w.code(c.Reveal())
			errs := make([]error, slots)
			var all sync.WaitGroup
			for i := range slots {
				all.Go(func() { _, errs[i] = clerk.SetCode(w.ctx, slot(i+2), roster.CodeWish{Code: c}) })
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, credentials.ErrNotAvailable)
				require.Same(t, credentials.ErrNotAvailable, err, "one value for all")
			}
			require.Equal(t, 1, won)
			require.Len(t, w.holds(c.Reveal()), 1)
		}

		set := len(w.entries(audit.UserCodeSet)) + len(w.entries(audit.UserCodeChanged))
		require.Equal(t, rounds, set, "every winner has an entry")
		var thinned []string
		for _, e := range w.entries(audit.OperationRefused) {
			f := fields(t, e)
			require.Equal(t, "roster.SetCode", f[audit.FieldOperation])
			thinned = append(thinned, f[audit.FieldCount])
		}
		var want []string
		for n := 1; n <= rounds*(slots-1); n *= 10 {
			want = append(want, fmt.Sprint(n))
		}
		require.ElementsMatch(t, want, thinned, "the 1st, 10th, 100th … refusal is an entry")
		counted, err := w.store.Counters(w.ctx, fmt.Sprintf("refused/roster.SetCode/clerk/%d", time.Now().Truncate(time.Hour).Unix()),
			fmt.Sprintf("taken/d/%d/host/clerk", time.Now().Truncate(24*time.Hour).Unix()))
		require.NoError(t, err)
		require.Equal(t, int64(rounds*(slots-1)), counted[0])
		require.Equal(t, int64(rounds*(slots-1)), counted[1])
		w.noHalf()
	})
}

// Rules: G189
func TestNotAvailableIsPaidFromABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, worldOptions{desk: roster.Options{Collisions: roster.Budget{Hour: 3, Day: 5, TenantDay: 6}}})
		defer w.finish()
		_, err := w.tab().SetCode(w.ctx, slot(2), roster.CodeWish{Code: w.code("6137")})
		require.NoError(t, err)
		clerks := map[accounts.ID]*roster.Tab{}
		for _, id := range []accounts.ID{"clerk", "another"} {
			w.rights[id] = grant(accounts.PanelUsersManage, accounts.PanelUsersView, accounts.EquipmentView)
			clerks[id] = w.desk.As(accounts.HostActor(id, "A clerk", "test")).Panel(w.id)
		}
		guess := func(id accounts.ID) error {
			_, err := clerks[id].SetCode(w.ctx, slot(3), roster.CodeWish{Code: digits(t, "6137")})
			return err
		}
		asked := func(id accounts.ID, times int, want error) {
			t.Helper()
			for range times {
				err := guess(id)
				require.Same(t, want, err)
			}
		}
		asked("clerk", 3, credentials.ErrNotAvailable)
		asked("clerk", 2, roster.ErrCollisionBudget)
		time.Sleep(time.Hour)
		asked("clerk", 2, credentials.ErrNotAvailable)
		asked("clerk", 2, roster.ErrCollisionBudget)
		asked("another", 1, credentials.ErrNotAvailable)
		asked("another", 1, roster.ErrCollisionBudget)

		c, _, err := clerks["clerk"].GenerateCode(w.ctx, slot(3), roster.CodeWish{})
		require.NoError(t, err, "a generated code is still to be had")
		w.code(c.Reveal())
		require.Len(t, w.holds(c.Reveal()), 1)
		_, err = w.tab().SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(t, "6137")})
		require.ErrorIs(t, err, credentials.ErrCodeTaken, "who may know is told, and pays nothing")
		time.Sleep(24 * time.Hour)
		asked("clerk", 1, credentials.ErrNotAvailable)
	})
}

// A node freezes in the middle of its work. Its heartbeat ends, another node takes the
// line and finishes; when the first goes on, nothing of what it does is committed.
//
// Rules: R264, R194
func TestAWorkerThatLostItsLineCommitsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, worldOptions{wire: 20 * time.Millisecond})
		defer w.finish()
		first := w.start("node-1", "10.0.0.2:3072")
		require.True(t, w.settled(time.Hour))
		_, err := w.tab().SetCode(w.ctx, slot(4), roster.CodeWish{Code: w.code("6137")})
		require.NoError(t, err)
		first.gate.shut(func(c store.Change) bool { return fenced(c) && w.sim.Accepts("6137") })
		<-first.gate.reached
		require.NotZero(t, w.records()[4].Pending, "the panel has it, and nobody here knows")

		second := w.start("node-2", "10.0.0.3:3072")
		w.network.Cut()
		require.True(t, w.settled(time.Hour))
		require.True(t, w.sim.Accepts("6137"))
		lines, err := w.store.Lines(w.ctx, "panel/", "", 1)
		require.NoError(t, err)
		size, _, err := w.store.Tree(w.ctx)
		require.NoError(t, err)

		first.gate.open()
		time.Sleep(100 * time.Millisecond) // the rest of its turn
		first.shut()
		answers := first.gate.since()
		require.ErrorIs(t, answers[len(answers)-1], store.ErrFenced)
		require.NotContains(t, answers, nil, "it commits nothing")
		now, err := w.store.Lines(w.ctx, "panel/", "", 1)
		require.NoError(t, err)
		require.Equal(t, lines[0].Parked, now[0].Parked)
		require.Equal(t, lines[0].Attempts, now[0].Attempts)
		require.NotContains(t, now[0].Owner, "node-1")
		after, _, err := w.store.Tree(w.ctx)
		require.NoError(t, err)
		require.Equal(t, size, after)
		w.noHalf()
		second.shut()
	})
}

// Many ask at once: no more of them are answered than the budget holds, and what is
// accepted, or refused for another reason, costs nothing.
//
// Rules: G189
func TestTheBudgetIsReservedBeforeACodeIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, worldOptions{desk: roster.Options{Collisions: roster.Budget{Hour: 3, Day: 9, TenantDay: 9}}})
		defer w.finish()
		_, err := w.tab().SetCode(w.ctx, slot(2), roster.CodeWish{Code: w.code("6137")})
		require.NoError(t, err)
		w.rights["clerk"] = grant(accounts.PanelUsersManage, accounts.PanelUsersView, accounts.EquipmentView, accounts.ImportRun)
		clerk := w.desk.As(accounts.HostActor("clerk", "A clerk", "test").Vouched(time.Now())).Panel(w.id)

		for range 10 { // costs nothing
			_, err := clerk.SetCode(w.ctx, slot(3), roster.CodeWish{Code: w.code("8604")})
			require.NoError(t, err)
			_, err = clerk.SetCode(w.ctx, slot(5000), roster.CodeWish{Code: digits(t, "7283")})
			require.ErrorIs(t, err, panel.ErrSlotOutOfRange)
		}
		dry, err := clerk.Import(w.ctx, []roster.ImportRow{{Place: slot(4), CodeWish: roster.CodeWish{Code: digits(t, "6137")}}}, roster.ImportOptions{})
		require.NoError(t, err)
		require.Zero(t, dry.NotAvailable, "a dry run is free, so it does not tell who has what")

		answers, taken := make(chan error, 40), digits(t, "6137")
		for range cap(answers) {
			go func() {
				_, err := clerk.SetCode(w.ctx, slot(5), roster.CodeWish{Code: taken})
				answers <- err
			}()
		}
		told := 0
		for range cap(answers) {
			if err := <-answers; errors.Is(err, credentials.ErrNotAvailable) {
				told++
			} else {
				require.ErrorIs(t, err, roster.ErrCollisionBudget)
			}
		}
		require.Equal(t, 3, told)
	})
}
