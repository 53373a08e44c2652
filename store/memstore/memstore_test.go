package memstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// clock is a clock that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// Rules: R194, G57, G111, G190
func TestContract(t *testing.T) {
	for name, o := range map[string]memstore.Options{"indexed at once": {}, "indexed later": {LateIndex: true}} {
		t.Run(name, func(t *testing.T) {
			var c clock
			o.Now = c.now
			storetest.RunWith(t, storetest.Options{Advance: c.advance}, func(*testing.T) store.Fleet { return memstore.NewWith(o) })
		})
	}
}

// Rules: G57, G190
func TestConcurrency(t *testing.T) {
	storetest.RunConcurrency(t, func(*testing.T) store.Fleet { return memstore.New() })
}

// leaf is an entry with the hash that a log gives it.
func leaf(n int) store.Leaf {
	body := fmt.Append(nil, "leaf ", n)
	return store.Leaf{ID: fmt.Sprint("l", n), At: time.Unix(int64(n+1), 0), Action: "test.done", Targets: [][]byte{[]byte("t")}, Body: body, Hash: tlog.RecordHash(body)}
}

// Every leaf of every tree is proven by the hashes that the store gives out.
func TestProofsFromStoredHashes(t *testing.T) {
	s := memstore.Open()
	reader := tlog.HashReaderFunc(func(positions []int64) ([]tlog.Hash, error) {
		_, hashes, err := s.Tree(t.Context(), positions...)
		out := make([]tlog.Hash, len(hashes))
		for i, h := range hashes {
			out[i] = h
		}
		return out, err
	})
	for n := range 33 {
		_, err := s.Commit(t.Context(), store.Change{ID: fmt.Sprint("c", n), Entries: []store.Leaf{leaf(n)}})
		require.NoError(t, err)
		size := int64(n + 1)
		root, err := tlog.TreeHash(size, reader)
		require.NoError(t, err)
		for i := range size {
			proof, err := tlog.ProveRecord(size, i, reader)
			require.NoError(t, err)
			require.NoError(t, tlog.CheckRecord(proof, size, root, i, leaf(int(i)).Hash))
		}
	}
}

// The default clock is the one of a synctest bubble, so services test leases without waiting.
func TestTimeOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.Open()
		start, err := s.Beat(t.Context(), "n1", time.Hour)
		require.NoError(t, err)
		_, err = s.Own(t.Context(), "n1", "panel/1")
		require.NoError(t, err)
		time.Sleep(59 * time.Minute)
		_, err = s.Own(t.Context(), "n2", "panel/1")
		require.ErrorIs(t, err, store.ErrOwned)
		time.Sleep(time.Minute)
		_, err = s.Own(t.Context(), "n2", "panel/1")
		require.NoError(t, err)
		now, err := s.Beat(t.Context(), "n2", time.Hour)
		require.NoError(t, err)
		require.Equal(t, time.Hour, now.Sub(start))
	})
}

func TestWakeAfterAMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.Open()
		hints := s.Wake(t.Context())
		got := 0
		go func() {
			for range hints {
				got++
			}
		}()
		_, err := s.Commit(t.Context(), store.Change{ID: "c1", Ops: []store.Op{store.Count{Counter: "c", By: 1, Max: 1}}})
		require.NoError(t, err)
		synctest.Wait()
		require.Zero(t, got, "nothing was marked")
		_, err = s.Commit(t.Context(), store.Change{ID: "c2", Ops: []store.Op{store.Mark{Line: "panel/1"}}})
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, 1, got)
	}) // the bubble fails if the goroutine outlives the test's context
}

// users returns a change of puts.
func users(from, n int, terms func(i int) []store.Term) store.Change {
	c := store.Change{ID: fmt.Sprint("users", from), Entries: []store.Leaf{leaf(from)}}
	for i := from; i < from+n; i++ {
		c.Ops = append(c.Ops, store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: fmt.Sprint("u", i)}, Body: []byte("{}"), Terms: terms(i)}})
	}
	return c
}

// A hundred thousand records are written with pages read in between, without the work
// growing with their square.
func TestManyRecords(t *testing.T) {
	s := memstore.Open()
	const many = 100_000
	begun := time.Now()
	label := func(i int) []store.Term {
		return []store.Term{{Name: "label", Value: store.TermUint(uint64(i*7919) % many)}, {Name: "site", Value: []byte{byte(i)}}}
	}
	for i := 0; i < many; i += 50 {
		_, err := s.Commit(t.Context(), users(i, 50, label))
		require.NoError(t, err)
		page, err := s.List(t.Context(), store.Query{Kind: "user", Term: "label", From: store.TermUint(uint64(i)), Limit: 5})
		require.NoError(t, err)
		require.NotNil(t, page)
	}
	n, err := s.Tally(t.Context(), store.Query{Kind: "user", Term: "label"})
	require.NoError(t, err)
	require.EqualValues(t, many, n)
	t.Logf("%d records in %v", many, time.Since(begun))
}

func BenchmarkCommit(b *testing.B) {
	s := memstore.Open()
	n := 0
	for b.Loop() {
		_, err := s.Commit(b.Context(), store.Change{ID: fmt.Sprint("c", n), Entries: []store.Leaf{leaf(n)}, Ops: []store.Op{
			store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: "u1"}, Body: make([]byte, 900), Terms: []store.Term{{Name: "label", Value: fmt.Append(nil, n)}}}, If: uint64(n)},
			store.Claim{Name: store.Name(fmt.Sprint("name", n)), Holder: "h", Use: "slot/1"},
			store.Count{Counter: "guess/1", By: 1, Max: 1 << 40},
			store.Mark{Line: "panel/1"},
			store.Check{Key: store.Key{Kind: "keys", ID: "epoch"}},
		}})
		require.NoError(b, err)
		n++
	}
}
