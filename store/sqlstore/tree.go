package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// nodes are rows of the tree by index: the hash of the entry and those of the subtrees
// that it completes, one after the other.
type nodes map[int64][]byte

// newest returns how many entries have an index, and the row of the last of them.
func (st *Store) newest(s *session) (size int64, n nodes, err error) {
	var index int64
	var hashes []byte
	found, err := s.one("SELECT idx, hashes FROM kh_tree WHERE tenant = ? ORDER BY idx DESC LIMIT 1", st.args(), &index, &hashes)
	if err != nil || !found {
		return 0, nodes{}, err
	}
	return index + 1, nodes{index: hashes}, nil
}

// place is where the stored hash at a position lies: in which row, and from which byte.
func place(position int64) (index int64, from int) {
	level, n := tlog.SplitStoredHashIndex(position)
	return (n+1)<<level - 1, level * tlog.HashSize
}

// hashes returns the stored hashes at positions, reading what is not in n.
func (n nodes) hashes(st *Store, s *session, positions []int64) ([]tlog.Hash, error) {
	var missing []any
	for _, p := range positions {
		index, _ := place(p)
		if _, known := n[index]; !known {
			missing = append(missing, index)
			n[index] = nil
		}
	}
	for part := range slices.Chunk(missing, batch) {
		if err := s.each("SELECT idx, hashes FROM kh_tree WHERE tenant = ? AND idx IN "+list(len(part)), st.args(part...),
			func(scan func(...any) error) error {
				var index int64
				var hashes []byte
				err := scan(&index, &hashes)
				n[index] = hashes
				return err
			}); err != nil {
			return nil, err
		}
	}
	found := make([]tlog.Hash, len(positions))
	for i, p := range positions {
		index, from := place(p)
		if len(n[index]) < from+tlog.HashSize {
			return nil, fmt.Errorf("sqlstore: the tree has no hash at %d", p)
		}
		found[i] = tlog.Hash(n[index][from:])
	}
	return found, nil
}

// grow adds entries to the tree by their numbers and hashes; the first has index next,
// and known are rows of the entries before.
func (st *Store) grow(s *session, next int64, known nodes, numbers []int64, leaves [][32]byte) error {
	reader := tlog.HashReaderFunc(func(positions []int64) ([]tlog.Hash, error) { return known.hashes(st, s, positions) })
	var rows []any
	for i, leaf := range leaves {
		index := next + int64(i)
		hashes, err := tlog.StoredHashesForRecordHash(index, leaf, reader)
		if err != nil {
			return err
		}
		var row []byte
		for _, h := range hashes {
			row = append(row, h[:]...)
		}
		known[index] = row
		rows = append(rows, st.args(index, numbers[i], row)...)
	}
	return s.insert("kh_tree (tenant, idx, leaf, hashes)", 4, rows, "")
}

// Tree implements [store.Store].
func (st *Store) Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error) {
	var size int64
	var found []tlog.Hash
	err := st.read(ctx, func(s *session) (err error) {
		var known nodes
		if size, known, err = st.newest(s); err != nil {
			return err
		}
		for _, p := range positions {
			if p < 0 || p >= tlog.StoredHashCount(size) {
				return fmt.Errorf("%w: position beyond the tree", store.ErrMalformed)
			}
		}
		found, err = known.hashes(st, s, positions)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	hashes := make([][32]byte, len(found))
	for i, h := range found {
		hashes[i] = h
	}
	return size, hashes, nil
}

// Unsequenced implements [store.Store].
func (st *Store) Unsequenced(ctx context.Context, limit int) ([]store.Entry, error) {
	if !st.fleet.shared.dialect.LateIndex {
		return nil, ctx.Err()
	}
	return st.entries(ctx, question{"SELECT " + entryColumns + " FROM kh_leaves l WHERE l.tenant = ? AND l.idx IS NULL ORDER BY l.at, l.id LIMIT ?",
		st.args(store.Page(limit))})
}

// Sequence implements [store.Store]. An entry that has an index keeps it.
func (st *Store) Sequence(ctx context.Context, ids []string) error {
	return st.fleet.access.write(ctx, func(s *session) error {
		next, known, err := st.newest(s)
		if err != nil {
			return err
		}
		first := next
		var numbers []int64
		var hashes [][32]byte
		for _, id := range ids {
			var hash []byte
			var number, index int64
			found, err := s.one("SELECT n, hash, coalesce(idx, -1) FROM kh_leaves WHERE tenant = ? AND id = ?"+s.dialect.Lock, st.args(id), &number, &hash, &index)
			if err != nil {
				return err
			}
			if !found || len(hash) != tlog.HashSize {
				return fmt.Errorf("%w: no such entry", store.ErrMalformed)
			}
			if index >= 0 {
				continue
			}
			if err := s.exec("UPDATE kh_leaves SET idx = ? WHERE n = ?", next, number); err != nil {
				return err
			}
			numbers, hashes = append(numbers, number), append(hashes, [32]byte(hash))
			next++
		}
		return st.grow(s, first, known, numbers, hashes)
	})
}
