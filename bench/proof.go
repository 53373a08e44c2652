package main

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// forest is the stored hashes of a tree over size entries, all in memory.
type forest struct {
	size   int64
	stored [][32]byte
	root   [32]byte
}

// grow builds a tree over size different entries.
func grow(size int64) (*forest, error) {
	f := &forest{size: size, stored: make([][32]byte, 0, 2*size)}
	for i := range size {
		hashes, err := tlog.StoredHashesForRecordHash(i, leafHash(i), audit.Hashes(f.read))
		if err != nil {
			return nil, err
		}
		for _, h := range hashes {
			f.stored = append(f.stored, h)
		}
	}
	var err error
	f.root, err = audit.Root(size, f.read)
	return f, err
}

func leafHash(i int64) tlog.Hash { return tlog.RecordHash(strconv.AppendInt(nil, i, 10)) }

// read implements [audit.Hashes].
func (f *forest) read(positions []int64) ([][32]byte, error) {
	hashes := make([][32]byte, len(positions))
	for i, p := range positions {
		hashes[i] = f.stored[p]
	}
	return hashes, nil
}

// proof measures inclusion proofs in a log of that size.
func proof(m *meter, t *table, size int64) error {
	f, err := grow(size)
	if err != nil {
		return err
	}
	depth := bits.Len64(uint64(size - 1))
	i, largest := int64(0), 0
	var path tlog.Hash
	p, err := m.pair(func() error {
		i = (i + 514_229) % size
		hashes, err := audit.ProveInclusion(size, i, f.read)
		largest = max(largest, len(hashes))
		return err
	}, func() error {
		path = leafHash(i)
		for range depth {
			path = tlog.NodeHash(path, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	hashes, err := audit.ProveInclusion(size, i, f.read)
	if err != nil {
		return err
	}
	if err := audit.CheckInclusion(hashes, size, f.root, i, leafHash(i)); err != nil {
		return err
	}
	text := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n", size-1) + strings.Repeat(tlog.Hash{}.String()+"\n", largest)
	t.ratio(fmt.Sprintf("inclusion proof in a log of %d [3]", size), p, fmt.Sprintf("%d node hashes", depth), 10)
	t.limit("its size [3]", fmt.Sprintf("%d bytes, %d as text", 32*largest, len(text)), "< 1024 bytes", len(text) < 1024)
	t.note("[3] All stored nodes of the tree are in memory; the entry differs each time. The reference hashes one path from a leaf to the root. "+
		"The size is that of the largest proof met, %d hashes, in bytes and in the text of a .tlog-proof file; the entry and the signed checkpoint, which it is about, come on top in such a file.", largest)
	return nil
}
