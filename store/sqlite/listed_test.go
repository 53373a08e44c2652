package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// Entries are listed by their targets many at a time. Whether an entry is listed yet, is
// listed by the same commit, or another tenant wrote in between: every question has the
// answer that a store in memory gives.
//
// Rules: G57, G111, G190
func TestEntriesAreFoundBeforeAndAfterTheyAreListed(t *testing.T) {
	t.Parallel()
	memory, file := memstore.New(), open(t, sqlite.Options{})
	both := func(tenant string, do func(store.Store)) {
		for _, f := range []store.Fleet{memory, file} {
			st, err := f.Tenant(tenant)
			require.NoError(t, err)
			do(st)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 30 {
		tenants := []string{fmt.Sprint("a", round), fmt.Sprint("b", round)}
		for change := range 1 + r.IntN(8) {
			c := store.Change{ID: fmt.Sprint(change)}
			for n := range []int{1, 2, 30, 63, 64}[r.IntN(5)] {
				l := leaf(fmt.Sprint(r.IntN(100), " ", change, " ", n))
				l.At = l.At.Add(time.Duration(r.IntN(5)) * time.Second)
				l.Targets = anyOf(r, 4, r.IntN(3))
				c.Entries = append(c.Entries, l)
			}
			both(tenants[r.IntN(2)], func(st store.Store) {
				_, err := st.Commit(t.Context(), c)
				require.NoError(t, err)
			})
		}
		for range 40 {
			q, tenant := question(r), tenants[r.IntN(2)]
			for range 3 { // pages
				var answers [][]store.Entry
				both(tenant, func(st store.Store) {
					found, err := st.Entries(t.Context(), q)
					require.NoError(t, err)
					answers = append(answers, alike(found))
				})
				require.Equal(t, answers[0], answers[1], "%+v", q)
				if len(answers[0]) == 0 {
					break
				}
				last := answers[0][len(answers[0])-1]
				q.AfterAt, q.AfterID, q.FromIndex = last.At, last.ID, last.Index+1
			}
		}
	}
}

// anyOf returns so many targets out of the first n.
func anyOf(r *rand.Rand, n, count int) [][]byte {
	var targets [][]byte
	for _, i := range r.Perm(n)[:count] {
		targets = append(targets, []byte{byte(i), 0xff})
	}
	return targets
}

// question asks something about the log; one target of those asked for is on no entry.
func question(r *rand.Rand) store.EntryQuery {
	q := store.EntryQuery{Limit: 1 + r.IntN(40), OldestLast: r.IntN(2) == 0, ByIndex: r.IntN(3) == 0, FromIndex: r.Int64N(100)}
	if r.IntN(2) == 0 {
		q.Target = anyOf(r, 5, 1)[0]
	}
	if r.IntN(2) == 0 {
		q.AnyTarget = anyOf(r, 5, 1+r.IntN(3))
	}
	at := leaf("").At
	if r.IntN(3) == 0 {
		q.Since = at.Add(time.Second)
	}
	if r.IntN(3) == 0 {
		q.Until = at.Add(3 * time.Second)
	}
	return q
}

// alike makes entries of different stores equal if they say the same.
func alike(entries []store.Entry) []store.Entry {
	for i := range entries {
		entries[i].At = entries[i].At.UTC()
		if len(entries[i].Targets) == 0 {
			entries[i].Targets = nil
		}
	}
	return entries
}
