package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// grove is an RFC 6962 tree that is built leaf by leaf, by another way than the store's:
// a stack of complete subtrees of which two of one height become one.
type grove struct {
	stored [][32]byte // every hash in the order in which it became known
	stack  []subtree
	leaves int64
}

type subtree struct {
	height int
	hash   [32]byte
}

func (g *grove) add(leaf [32]byte) {
	g.leaves++
	g.push(subtree{0, leaf})
	for n := len(g.stack); n > 1 && g.stack[n-1].height == g.stack[n-2].height; n = len(g.stack) {
		left, right := g.stack[n-2], g.stack[n-1]
		g.stack = g.stack[:n-2]
		g.push(subtree{left.height + 1, nodeHash(left.hash, right.hash)})
	}
}

func (g *grove) push(s subtree) {
	g.stack = append(g.stack, s)
	g.stored = append(g.stored, s.hash)
}

// root is the tree's hash: the subtrees of the stack joined from the right.
func (g *grove) root() [32]byte {
	root := g.stack[len(g.stack)-1].hash
	for i := len(g.stack) - 2; i >= 0; i-- {
		root = nodeHash(g.stack[i].hash, root)
	}
	return root
}

// positions are the places of all hashes of the tree.
func (g *grove) positions() []int64 {
	all := make([]int64, len(g.stored))
	for i := range all {
		all[i] = int64(i)
	}
	return all
}

func testTree(t *testing.T, open opener) {
	t.Run("empty", func(t *testing.T) {
		b := open(t)
		size, hashes, err := b.Tree(b.Context())
		b.ok(err)
		b.equal("size", size, int64(0))
		b.equal("hashes", len(hashes), 0)
	})
	t.Run("every stored hash is RFC 6962's", func(t *testing.T) {
		b := open(t)
		var g grove
		for n := range 40 {
			var leaves []store.Leaf
			for i := range n%5 + 1 {
				leaves = append(leaves, leafAt(fmt.Sprintf("e%d.%d", n, i), epoch, "a"))
			}
			b.log(leaves...)
			b.sequence()
			for _, e := range b.entries(store.EntryQuery{ByIndex: true, FromIndex: g.leaves}) {
				g.add(e.Hash)
			}
			got, hashes, err := b.Tree(b.Context(), g.positions()...)
			b.ok(err)
			b.equal("size", got, g.leaves)
			b.equal("hashes", hashes, g.stored)
		}
	})
	t.Run("a leaf is proven with hashes from the store", func(t *testing.T) {
		b := open(t)
		var g grove
		b.log(b.leaf(), b.leaf(), b.leaf(), b.leaf(), b.leaf(), b.leaf(), b.leaf())
		b.sequence()
		entries := b.entries(store.EntryQuery{ByIndex: true})
		for _, e := range entries {
			g.add(e.Hash)
		}
		// Leaf 4 of 7: its neighbour 5, then 6 (alone), then the four on the left. Hashes lie
		// in the order 0 1 01 2 3 23 0123 4 5 45 6.
		_, h, err := b.Tree(b.Context(), 8, 10, 6)
		b.ok(err)
		root := nodeHash(h[2], nodeHash(nodeHash(recordHash(entries[4].Body), h[0]), h[1]))
		b.equal("root", root, g.root())
	})
	t.Run("positions in any order", func(t *testing.T) {
		b := open(t)
		b.log(b.leaf(), b.leaf())
		b.sequence()
		_, all, err := b.Tree(b.Context(), 0, 1, 2)
		b.ok(err)
		_, got, err := b.Tree(b.Context(), 2, 0, 2)
		b.ok(err)
		b.equal("hashes", got, [][32]byte{all[2], all[0], all[2]})
		b.equal("root", all[2], nodeHash(all[0], all[1]))
	})
	t.Run("beyond the tree is refused", func(t *testing.T) {
		b := open(t)
		b.log(b.leaf())
		b.sequence()
		for _, p := range []int64{-1, 1, 1 << 40} {
			if _, _, err := b.Tree(b.Context(), 0, p); !errors.Is(err, store.ErrMalformed) {
				b.Fatalf("Tree(%d): %v, want ErrMalformed", p, err)
			}
		}
	})
	t.Run("a refused change leaves the tree alone", func(t *testing.T) {
		b := open(t)
		b.commit(put("user", "u1", 0, "{}"))
		b.sequence()
		before, _, err := b.Tree(b.Context())
		b.ok(err)
		b.refused(store.ErrStale, 0, put("user", "u1", 0, "{}"))
		b.sequence()
		after, _, err := b.Tree(b.Context())
		b.ok(err)
		b.equal("size", after, before)
	})
	t.Run("sequencing twice changes nothing", func(t *testing.T) {
		b := open(t)
		b.log(leafAt("e1", epoch, "a"), leafAt("e2", epoch, "a"))
		b.sequence()
		before := b.entries(store.EntryQuery{ByIndex: true})
		b.ok(b.Sequence(b.Context(), []string{"e2", "e1"}))
		b.equal("entries", b.entries(store.EntryQuery{ByIndex: true}), before)
		if err := b.Sequence(b.Context(), []string{"none"}); !errors.Is(err, store.ErrMalformed) {
			b.Fatalf("Sequence of what is not there: %v, want ErrMalformed", err)
		}
	})
}
