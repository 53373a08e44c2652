package audit

import (
	"context"
	"iter"
	"time"
)

// Leaf is an entry as a store keeps it: its body and what the store finds it by.
type Leaf struct {
	Index   int64 // -1 until it is integrated into the tree
	ID      string
	At      time.Time
	Action  string
	Targets [][]byte // in any order
	Body    []byte
	Hash    [32]byte
}

// Row is a stored record of a kind whose state entries commit to.
type Row struct {
	Row     string // its key: "user/<id>"
	Version uint64
	Body    []byte
}

// Source is a whole log as [Verify] reads it. The log may grow meanwhile. Its sequences
// are read side by side, so none may hold a lock or a connection while it yields: read
// them in pages.
type Source interface {
	// Size returns the number of integrated entries.
	Size(ctx context.Context) (int64, error)
	// Leaves yields the integrated entries in the order of their index, beginning with
	// from, and then those without an index, oldest first. Two entries that leave the
	// same row must come in the order in which they were committed.
	Leaves(ctx context.Context, from int64) iter.Seq2[Leaf, error]
	// Hashes reads stored nodes of the tree.
	Hashes(ctx context.Context) Hashes
	// Rows yields every record of the secure kinds, in any order.
	Rows(ctx context.Context) iter.Seq2[Row, error]
	// Checkpoints yields the signed checkpoints that the store keeps, oldest first; at
	// least the last one.
	Checkpoints(ctx context.Context) iter.Seq2[[]byte, error]
}
