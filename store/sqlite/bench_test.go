package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// typical is what a wish for a code commits: one user rewritten with three terms, a
// claim, a guess counted, the line marked, the epoch checked, one entry with four targets.
func typical(n int, version uint64) store.Change {
	l := leaf(fmt.Sprint("leaf", n))
	l.Targets = [][]byte{[]byte("user/1"), []byte("panel/1"), []byte("site/1"), fmt.Append(nil, "actor/", n%10)}
	l.Body = make([]byte, 600)
	terms := []store.Term{{Name: "panel", Value: []byte("p1/007")}, {Name: "label", Value: fmt.Append(nil, "label ", n)}, {Name: "site", Value: []byte("s1")}}
	return store.Change{ID: fmt.Sprint("change", n), Entries: []store.Leaf{l}, Ops: []store.Op{
		store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: "u1"}, Body: make([]byte, 900), Terms: terms}, If: version},
		store.Claim{Name: store.Name(fmt.Sprint("name", n)), Holder: "h", Use: "slot/1"},
		store.Count{Counter: "guess/1", By: 1, Max: 1 << 40},
		store.Mark{Line: "panel/1"},
		store.Check{Key: store.Key{Kind: "keys", ID: "epoch"}},
	}}
}

func BenchmarkCommit(b *testing.B) {
	s := open(b, sqlite.Options{}).Main()
	n := 0
	for b.Loop() {
		_, err := s.Commit(b.Context(), typical(n, uint64(n)))
		require.NoError(b, err)
		n++
	}
}

// A long log must not make a commit slower.
func BenchmarkCommitToLongLog(b *testing.B) {
	s := open(b, sqlite.Options{}).Main()
	for n := range 1000 {
		c := store.Change{ID: fmt.Sprint("long", n)}
		for i := range store.MaxLeaves {
			c.Entries = append(c.Entries, leaf(fmt.Sprint("long", n, ".", i)))
		}
		_, err := s.Commit(b.Context(), c)
		require.NoError(b, err)
	}
	n := 0
	for b.Loop() {
		_, err := s.Commit(b.Context(), typical(n, uint64(n)))
		require.NoError(b, err)
		n++
	}
}

func BenchmarkLoad(b *testing.B) {
	s := open(b, sqlite.Options{}).Main()
	_, err := s.Commit(b.Context(), typical(0, 0))
	require.NoError(b, err)
	for b.Loop() {
		_, err := s.Load(b.Context(), store.Key{Kind: "user", ID: "u1"})
		require.NoError(b, err)
	}
}

func BenchmarkListPage100(b *testing.B) {
	s := open(b, sqlite.Options{}).Main()
	for n := range 20 {
		var ops []store.Op
		for i := range 50 {
			id := fmt.Sprint("u", n, ".", i)
			ops = append(ops, store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: id}, Body: make([]byte, 900), Terms: []store.Term{{Name: "label", Value: []byte(id)}}}})
		}
		_, err := s.Commit(b.Context(), store.Change{ID: fmt.Sprint("c", n), Entries: []store.Leaf{leaf(fmt.Sprint("l", n))}, Ops: ops})
		require.NoError(b, err)
	}
	for b.Loop() {
		page, err := s.List(b.Context(), store.Query{Kind: "user", Term: "label", Limit: 100})
		require.NoError(b, err)
		require.Len(b, page, 100)
	}
}
