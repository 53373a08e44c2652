package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

const origin = "example.com/log"

var began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// memLog is a store as a tamperer sees it: everything in it can be changed.
type memLog struct {
	leaves      []audit.Leaf
	pending     []audit.Leaf
	nodes       [][32]byte
	size        int64
	rows        []audit.Row
	checkpoints [][]byte

	afterLeaves func() // called once after the entries were yielded
}

func (m *memLog) Size(context.Context) (int64, error) { return m.size, nil }

func (m *memLog) Leaves(_ context.Context, from int64) iter.Seq2[audit.Leaf, error] {
	return func(yield func(audit.Leaf, error) bool) {
		for _, l := range slices.Concat(m.leaves, m.pending) {
			if (l.Index < 0 || l.Index >= from) && !yield(l, nil) {
				return
			}
		}
		if f := m.afterLeaves; f != nil {
			m.afterLeaves = nil
			f()
		}
	}
}

func (m *memLog) Hashes(context.Context) audit.Hashes { return m.read }

func (m *memLog) read(positions []int64) ([][32]byte, error) {
	out := make([][32]byte, len(positions))
	for i, p := range positions {
		if p < int64(len(m.nodes)) {
			out[i] = m.nodes[p]
		}
	}
	return out, nil
}

func (m *memLog) Rows(context.Context) iter.Seq2[audit.Row, error] {
	return func(yield func(audit.Row, error) bool) {
		for _, r := range m.rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memLog) Checkpoints(context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, c := range m.checkpoints {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// clone copies everything that a test may change.
func (m *memLog) clone() *memLog {
	c := *m
	c.leaves, c.pending, c.nodes = slices.Clone(m.leaves), slices.Clone(m.pending), slices.Clone(m.nodes)
	c.rows, c.checkpoints = slices.Clone(m.rows), slices.Clone(m.checkpoints)
	return &c
}

// leafOf makes the leaf of an entry as a store would keep it.
func leafOf(t testing.TB, e audit.Entry, index int64) audit.Leaf {
	t.Helper()
	return audit.Leaf{
		Index: index, ID: e.ID, At: e.At, Action: string(e.Action), Targets: e.Targets,
		Body: encoded(t, e), Hash: hashOf(t, e),
	}
}

// add integrates a leaf.
func (m *memLog) add(t testing.TB, l audit.Leaf) {
	t.Helper()
	made, err := tlog.StoredHashesForRecordHash(l.Index, l.Hash, audit.Hashes(m.read))
	require.NoError(t, err)
	m.leaves = append(m.leaves, l)
	for _, h := range made {
		m.nodes = append(m.nodes, h)
	}
	m.size = l.Index + 1
}

// put writes a row; version 0 drops it.
func (m *memLog) put(row string, version uint64, body []byte) {
	m.rows = slices.DeleteFunc(m.rows, func(r audit.Row) bool { return r.Row == row })
	if version > 0 {
		m.rows = append(m.rows, audit.Row{Row: row, Version: version, Body: body})
	}
}

func (m *memLog) root(t testing.TB, size int64) [32]byte {
	t.Helper()
	root, err := audit.Root(size, m.read)
	require.NoError(t, err)
	return root
}

// sign adds a checkpoint over the log as it is.
func (m *memLog) sign(t testing.TB, key audit.SigningKey) []byte {
	t.Helper()
	text, err := audit.SignCheckpoint(origin, m.size, m.root(t, m.size), key)
	require.NoError(t, err)
	m.checkpoints = append(m.checkpoints, text)
	return text
}

// retree computes the tree anew from the hashes of the leaves.
func (m *memLog) retree(t testing.TB) {
	t.Helper()
	leaves := m.leaves
	m.leaves, m.nodes, m.size = nil, nil, 0
	for _, l := range leaves {
		m.add(t, l)
	}
}

// rebuild computes indexes, hashes and tree anew from the bodies, and signs the result:
// what somebody with the real key can do.
func (m *memLog) rebuild(t testing.TB, key audit.SigningKey) {
	t.Helper()
	leaves := m.leaves
	m.leaves, m.nodes, m.size, m.checkpoints = nil, nil, 0, nil
	for i, l := range leaves {
		e, err := audit.Decode(l.Body)
		require.NoError(t, err)
		m.add(t, leafOf(t, e, int64(i)))
	}
	m.sign(t, key)
}

// entryAt is the i-th entry of every test log. It leaves one of seven rows; each
// 20th drops its row.
func entryAt(i int) (audit.Entry, audit.Row) {
	row := audit.Row{Row: fmt.Sprintf("user/u-%d", i%7), Version: uint64(i + 1), Body: fmt.Appendf(nil, `{"n":%d}`, i)}
	if i%20 == 19 {
		row.Version, row.Body = 0, nil
	}
	return audit.Entry{
		Version: audit.Version, ID: fmt.Sprintf("e-%d", i), At: began.Add(time.Duration(i) * time.Second),
		Action: audit.UserCodeChanged, Outcome: audit.Success,
		Targets: [][]byte{fmt.Appendf(nil, "u-%d", i%7), []byte("p-1")},
		Fields: []audit.Field{
			audit.Public(audit.FieldActorKind, audit.AccountActor, fill(byte(i))),
			audit.Public(audit.FieldActorID, fmt.Sprintf("a-%d", i%3), fill(byte(i+1))),
			audit.Public(audit.FieldSlot, fmt.Sprint(i%7), fill(byte(i+2))),
			audit.Personal(audit.FieldLabel, fmt.Appendf(nil, "sealed %d", i), "k-1", fill(byte(i+3))),
			audit.Secret(audit.FieldCode),
		},
		State: []audit.State{{Row: row.Row, Digest: audit.StateDigest(row.Version, row.Body)}},
	}, row
}

// memAnchor is an anchor that cannot be tampered with.
type memAnchor struct{ held []audit.Anchored }

func (a *memAnchor) Name() string { return "vault" }

func (a *memAnchor) Put(_ context.Context, text []byte, at time.Time) error {
	if len(a.held) > 0 {
		if err := audit.Follows(a.held[len(a.held)-1].Text, text); err != nil {
			return err
		}
	}
	a.held = append(a.held, audit.Anchored{At: at, Text: bytes.Clone(text)})
	return nil
}

func (a *memAnchor) Latest(context.Context) (audit.Anchored, error) {
	if len(a.held) == 0 {
		return audit.Anchored{}, audit.ErrNoAnchor
	}
	return a.held[len(a.held)-1], nil
}

// newKey makes a log key.
func newKey(t testing.TB) audit.SigningKey {
	t.Helper()
	key, err := audit.GenerateKey(origin)
	require.NoError(t, err)
	return key
}

// grow adds entries up to n, and signs and anchors after each 50th and the last.
func (m *memLog) grow(t testing.TB, n int, key audit.SigningKey, anchors ...audit.Anchor) {
	t.Helper()
	for i := len(m.leaves); i < n; i++ {
		e, row := entryAt(i)
		m.put(row.Row, row.Version, row.Body)
		m.add(t, leafOf(t, e, int64(i)))
		if i%50 == 49 || i == n-1 {
			text := m.sign(t, key)
			for _, a := range anchors {
				require.NoError(t, a.Put(t.Context(), text, e.At))
			}
		}
	}
}

// check verifies a log.
func check(t testing.TB, m *memLog, key note.Verifier, anchors ...audit.Anchor) audit.Report {
	t.Helper()
	r, err := audit.Verify(t.Context(), m, audit.VerifyOptions{Origin: origin, Keys: []note.Verifier{key}, Anchors: anchors})
	require.NoError(t, err)
	return r
}
