package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// size returns how many entries have an index.
func (st *Store) size(s *session) (int64, error) {
	var n int64
	// Not max(idx): it would read every entry, because the index leaves out late ones.
	_, err := s.one("SELECT idx + 1 FROM kh_leaves WHERE tenant = ? AND idx IS NOT NULL ORDER BY idx DESC LIMIT 1", st.args(), &n)
	return n, err
}

// hashes loads stored hashes by position.
func (st *Store) hashes(s *session, positions []int64) (map[int64]tlog.Hash, error) {
	found := make(map[int64]tlog.Hash, len(positions))
	for part := range slices.Chunk(positions, batch) {
		args := st.args()
		for _, p := range part {
			args = append(args, p)
		}
		if err := s.each("SELECT position, hash FROM kh_tree WHERE tenant = ? AND position IN "+list(len(part)), args,
			func(scan func(...any) error) error {
				var position int64
				var hash []byte
				if err := scan(&position, &hash); err != nil {
					return err
				}
				if len(hash) != tlog.HashSize {
					return fmt.Errorf("sqlstore: tree hash of %d bytes", len(hash))
				}
				found[position] = tlog.Hash(hash)
				return nil
			}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// grow adds the hashes of leaves to the tree, the first of which has index next.
func (st *Store) grow(s *session, next int64, leaves [][32]byte) error {
	fresh := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(positions []int64) ([]tlog.Hash, error) {
		missing := slices.DeleteFunc(slices.Clone(positions), func(p int64) bool { _, ok := fresh[p]; return ok })
		stored, err := st.hashes(s, missing)
		if err != nil {
			return nil, err
		}
		hashes := make([]tlog.Hash, len(positions))
		for i, p := range positions {
			h, ok := fresh[p]
			if !ok {
				if h, ok = stored[p]; !ok {
					return nil, fmt.Errorf("sqlstore: the tree has no hash at %d", p)
				}
			}
			hashes[i] = h
		}
		return hashes, nil
	})
	var nodes []any
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(next+int64(i), leaf, reader)
		if err != nil {
			return err
		}
		position := tlog.StoredHashIndex(0, next+int64(i))
		for j, h := range hashes {
			fresh[position+int64(j)] = h
			nodes = append(nodes, st.args(position+int64(j), h[:])...)
		}
	}
	return s.insert("kh_tree (tenant, position, hash)", 3, nodes, "")
}

// Tree implements [store.Store].
func (st *Store) Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error) {
	var size int64
	var found map[int64]tlog.Hash
	err := st.read(ctx, func(s *session) (err error) {
		if size, err = st.size(s); err != nil {
			return err
		}
		found, err = st.hashes(s, positions)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	hashes := make([][32]byte, len(positions))
	for i, p := range positions {
		h, ok := found[p]
		if !ok {
			return 0, nil, fmt.Errorf("%w: position beyond the tree", store.ErrMalformed)
		}
		hashes[i] = h
	}
	return size, hashes, nil
}

// Unsequenced implements [store.Store].
func (st *Store) Unsequenced(ctx context.Context, limit int) ([]store.Entry, error) {
	if !st.fleet.shared.dialect.LateIndex {
		return nil, ctx.Err()
	}
	return st.entries(ctx, "SELECT "+entryColumns+" FROM kh_leaves l WHERE l.tenant = ? AND l.idx IS NULL ORDER BY l.at, l.id LIMIT ?",
		st.args(store.Page(limit)))
}

// Sequence implements [store.Store]. An entry that has an index keeps it.
func (st *Store) Sequence(ctx context.Context, ids []string) error {
	return st.fleet.access.write(ctx, func(s *session) error {
		next, err := st.size(s)
		if err != nil {
			return err
		}
		first := next
		var hashes [][32]byte
		for _, id := range ids {
			var hash []byte
			var index int64
			found, err := s.one("SELECT hash, coalesce(idx, -1) FROM kh_leaves WHERE tenant = ? AND id = ?"+s.dialect.Lock, st.args(id), &hash, &index)
			if err != nil {
				return err
			}
			if !found || len(hash) != tlog.HashSize {
				return fmt.Errorf("%w: no such entry", store.ErrMalformed)
			}
			if index >= 0 {
				continue
			}
			if _, err := s.exec("UPDATE kh_leaves SET idx = ? WHERE tenant = ? AND id = ?", next, st.tenant, st.text(id)); err != nil {
				return err
			}
			hashes = append(hashes, [32]byte(hash))
			next++
		}
		return st.grow(s, first, hashes)
	})
}
