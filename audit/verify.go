package audit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// VerifyOptions say what a log is compared with.
type VerifyOptions struct {
	// Origin is the log's name, and Keys are the public keys that it has had. Both are
	// demanded.
	Origin string
	Keys   []note.Verifier
	// Anchors hold checkpoints outside the store. Without any the report says so.
	Anchors []Anchor
	// Now, if set, makes entries a finding that have waited for their index for longer
	// than MaxPending (0: 10 s).
	Now        time.Time
	MaxPending time.Duration
}

const defaultMaxPending = 10 * time.Second

// Verify reads a whole log and answers three questions, see [Report]. What is wrong with
// the log is in the report; an error means that it could not be read to its end.
//
// It reads as a stream: memory grows with the number of secure rows, not with the
// number of entries.
func Verify(ctx context.Context, src Source, opts VerifyOptions) (Report, error) {
	if opts.Origin == "" || len(opts.Keys) == 0 {
		return Report{}, fmt.Errorf("%w: to verify a log its name and public key are needed", ErrKey)
	}
	v := &verifier{
		src:    src,
		opts:   opts,
		report: Report{Signed: -1, Anchored: unanchored, AnchoredSize: -1},
		state:  newStates(),
	}
	v.nodes = nodeCheck{read: src.Hashes(ctx)}
	var err error
	v.heads, err = v.openHeads(ctx)
	defer v.heads.close()
	if err == nil {
		err = v.compareHeads()
	}
	if err == nil {
		err = v.entries(ctx)
	}
	if err == nil {
		err = v.rows(ctx)
	}
	if err != nil {
		return Report{}, err
	}
	return v.report, nil
}

type verifier struct {
	src    Source
	opts   VerifyOptions
	report Report

	next   int64 // index of the entry to be read next
	tree   peaks
	broken bool // an entry is missing, so the tree cannot be built further
	nodes  nodeCheck
	heads  heads
	state  *states
}

// entries reads the log from its beginning until it has as many entries as the store
// says, also if it grows meanwhile.
func (v *verifier) entries(ctx context.Context) error {
	for {
		from := v.next
		if err := v.pass(ctx); err != nil {
			return err
		}
		size, err := v.src.Size(ctx)
		if err != nil {
			return err
		}
		if v.next >= size {
			break
		}
		if v.next == from {
			v.report.Completeness.entry(v.next, "the tree has %d entries, those from %d on are missing", size, v.next)
			break
		}
	}
	if err := v.nodes.flush(&v.report.Integrity); err != nil {
		return err
	}
	v.endHeads(v.next)
	return nil
}

// pass reads the entries from v.next on, and those that wait for their index.
func (v *verifier) pass(ctx context.Context) error {
	v.report.Pending = 0
	v.state.forgetPending()
	for l, err := range v.src.Leaves(ctx, v.next) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		e, hash, readable := v.leaf(l)
		switch {
		case l.Index < 0:
			v.pending(l)
			if readable {
				v.state.pend(e)
			}
			continue
		case l.Index < v.next:
			v.report.Completeness.entry(l.Index, "out of order, or a second entry at this index (id %q)", l.ID)
			continue
		case l.Index > v.next:
			v.report.Completeness.entry(v.next, "entries %d to %d are missing", v.next, l.Index-1)
			v.broken = true
		}
		v.next = l.Index + 1
		v.report.Entries++
		if readable {
			v.state.leave(e, l.Index)
		}
		if v.broken {
			continue
		}
		if err := v.grow(hash); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks one entry by itself and returns the hash that belongs into the tree.
func (v *verifier) leaf(l Leaf) (e Entry, hash tlog.Hash, readable bool) {
	found := func(format string, args ...any) {
		v.report.Integrity.entry(l.Index, format+" (id %q)", append(args, l.ID)...)
	}
	var canonical [32]byte
	e, err := Decode(l.Body)
	if err == nil {
		canonical, err = e.Hash()
	}
	if err != nil {
		found("its body cannot be read: %v", err)
		return e, tlog.Hash(l.Hash), false
	}
	if canonical != l.Hash {
		found("its body does not give its hash")
	}
	if e.ID != l.ID {
		found("its body has another id: %q", e.ID)
	}
	if !e.At.Equal(l.At) {
		found("its time differs from its body")
	}
	if string(e.Action) != l.Action {
		found("its action differs from its body")
	}
	if !sameTargets(e.Targets, l.Targets) {
		found("its targets differ from its body")
	}
	return e, tlog.Hash(canonical), true
}

func sameTargets(a, b [][]byte) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, bytes.Compare)
	slices.SortFunc(b, bytes.Compare)
	return slices.EqualFunc(a, b, bytes.Equal)
}

// pending counts an entry that waits for its index.
func (v *verifier) pending(l Leaf) {
	v.report.Pending++
	if limit := cmp.Or(v.opts.MaxPending, defaultMaxPending); !v.opts.Now.IsZero() && v.opts.Now.Sub(l.At) > limit {
		v.report.Completeness.entry(-1, "entry %q has waited for the tree since %s", l.ID, l.At.UTC().Format(time.RFC3339))
	}
}

// grow adds a hash to the tree and compares what the store keeps of it.
func (v *verifier) grow(hash tlog.Hash) error {
	if err := v.nodes.expect(v.tree.add(hash), &v.report.Integrity); err != nil {
		return err
	}
	return v.compareHeads()
}

// nodeCheck compares computed nodes with stored ones, many at a time. The tree is stored
// densely in the order in which it is computed.
type nodeCheck struct {
	read  Hashes
	begin int64 // position of want[0]
	want  []tlog.Hash
}

const nodeBatch = 1000

func (n *nodeCheck) expect(made []tlog.Hash, found *Verdict) error {
	n.want = append(n.want, made...)
	if len(n.want) < nodeBatch {
		return nil
	}
	return n.flush(found)
}

func (n *nodeCheck) flush(found *Verdict) error {
	if len(n.want) == 0 {
		return nil
	}
	positions := make([]int64, len(n.want))
	for i := range positions {
		positions[i] = n.begin + int64(i)
	}
	stored, err := n.read.ReadHashes(positions)
	if err != nil {
		return err
	}
	for i, want := range n.want {
		if stored[i] == want {
			continue
		}
		switch level, k := tlog.SplitStoredHashIndex(positions[i]); level {
		case 0:
			found.entry(k, "its hash in the tree differs")
		default:
			found.entry(k<<level, "the tree's node over entries %d to %d differs", k<<level, (k+1)<<level-1)
		}
	}
	n.begin += int64(len(n.want))
	n.want = n.want[:0]
	return nil
}
