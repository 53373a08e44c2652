package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Hashes reads stored hashes of the tree at positions as package tlog numbers them. It
// returns one for each position; the zero hash stands for one that is missing.
type Hashes func(positions []int64) ([][32]byte, error)

// ReadHashes implements [tlog.HashReader].
func (h Hashes) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	stored, err := h(positions)
	if err != nil {
		return nil, err
	}
	if len(stored) != len(positions) {
		return nil, fmt.Errorf("audit: asked for %d hashes of the tree, got %d", len(positions), len(stored))
	}
	return convert[tlog.Hash](stored), nil
}

func convert[To, From ~[32]byte](list []From) []To {
	out := make([]To, len(list))
	for i, h := range list {
		out[i] = To(h)
	}
	return out
}

// Root returns the root of the tree over the first size entries.
func Root(size int64, h Hashes) ([32]byte, error) { return tlog.TreeHash(size, h) }

// ProveInclusion returns the proof that the tree of that size has the entry at index.
func ProveInclusion(size, index int64, h Hashes) ([][32]byte, error) {
	p, err := tlog.ProveRecord(size, index, h)
	return convert[[32]byte](p), err
}

// CheckInclusion checks that the tree of that size and root has an entry of that hash at
// index; else [ErrProof].
func CheckInclusion(proof [][32]byte, size int64, root [32]byte, index int64, hash [32]byte) error {
	if err := tlog.CheckRecord(convert[tlog.Hash](proof), size, root, index, hash); err != nil {
		return fmt.Errorf("%w: entry %d of %d", ErrProof, index, size)
	}
	return nil
}

// ProveConsistency returns the proof that the tree of size newer only added to the one
// of size older. Nothing needs to be proven about an empty older tree.
func ProveConsistency(older, newer int64, h Hashes) ([][32]byte, error) {
	if older == 0 && newer >= 0 {
		return nil, nil
	}
	p, err := tlog.ProveTree(newer, older, h)
	return convert[[32]byte](p), err
}

// CheckConsistency checks that newer only added to older; else [ErrProof].
func CheckConsistency(proof [][32]byte, older, newer Checkpoint) error {
	fail := fmt.Errorf("%w: %d entries are not the beginning of %d", ErrProof, older.Size, newer.Size)
	if older.Origin != newer.Origin {
		return fail
	}
	if older.Size == 0 {
		empty, err := Root(0, nil)
		if err != nil || older.Root != empty || len(proof) != 0 || newer.Size == 0 && newer.Root != empty {
			return fail
		}
		return nil
	}
	if tlog.CheckTree(convert[tlog.Hash](proof), newer.Size, newer.Root, older.Size, older.Root) != nil {
		return fail
	}
	return nil
}

// peaks is a tree that is built from left to right and keeps only what the next entry
// needs: one hash for each complete subtree.
type peaks struct {
	size  int64
	nodes []tlog.Hash // of the 1 bits of size, the largest first
}

// add appends an entry's hash and returns the hashes to be stored, in stored order.
func (p *peaks) add(h tlog.Hash) []tlog.Hash {
	made := []tlog.Hash{h}
	for n := p.size; n&1 == 1; n >>= 1 {
		last := len(p.nodes) - 1
		h = tlog.NodeHash(p.nodes[last], h)
		p.nodes = p.nodes[:last]
		made = append(made, h)
	}
	p.nodes = append(p.nodes, h)
	p.size++
	return made
}

// root returns the root of what was added.
func (p *peaks) root() [32]byte {
	if p.size == 0 {
		empty, _ := tlog.TreeHash(0, nil) // reads nothing
		return empty
	}
	h := p.nodes[len(p.nodes)-1]
	for i := len(p.nodes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(p.nodes[i], h)
	}
	return h
}
