package audit_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// Rules: R253, R254
func TestReportOfASoundLog(t *testing.T) {
	key, anchor := newKey(t), &memAnchor{}
	m := &memLog{}
	m.grow(t, 120, key, anchor)
	r := check(t, m, key.Public(), anchor)
	require.True(t, r.OK())
	require.Equal(t, `entries       120, 0 waiting for the tree
signed        up to 120
anchored      up to 120 by vault at 2026-11-21T10:01:59Z
integrity     ok
completeness  ok
state         ok
`, r.String())
	require.Equal(t, audit.Finding{Index: -1}, r.State.First())

	r = check(t, m, key.Public())
	require.Contains(t, r.String(), "anchored      unanchored: self-signed only")
}

func TestReportOfABadLog(t *testing.T) {
	key := newKey(t)
	m := &memLog{}
	m.grow(t, 300, key)
	for i := range 150 {
		m.leaves[i].Body = nil
	}
	r := check(t, m, key.Public())
	require.Len(t, r.Integrity.Findings, 100)
	require.EqualValues(t, 50, r.Integrity.More)
	require.Contains(t, r.String(), "integrity     NOT OK, 150 findings\n  entry 0: its body cannot be read")
	require.Contains(t, r.String(), "and 50 more")
}

func TestEmptyLogIsSound(t *testing.T) {
	r := check(t, &memLog{}, newKey(t).Public(), &memAnchor{})
	require.True(t, r.OK(), r)
	require.EqualValues(t, -1, r.Signed)
	require.Contains(t, r.String(), "signed        never")
}

// Rules: R254
func TestUnsignedLogIsNotTrusted(t *testing.T) {
	key := newKey(t)
	m := &memLog{}
	m.grow(t, 60, key)
	m.checkpoints = nil
	require.Contains(t, check(t, m, key.Public()).Integrity.First().What, "no signed checkpoint")

	m.sign(t, newKey(t))
	require.Contains(t, check(t, m, key.Public()).Integrity.First().What, "did not sign", "a stranger's key of the same name")
}

// Rules: R254
func TestBadAnchorsAreFindings(t *testing.T) {
	key := newKey(t)
	m := &memLog{}
	good := &memAnchor{}
	m.grow(t, 60, key, good)
	stranger, err := audit.SignCheckpoint(origin, 60, m.root(t, 60), newKey(t))
	require.NoError(t, err)
	r := check(t, m, key.Public(), &memAnchor{held: []audit.Anchored{{Text: stranger}}})
	require.Contains(t, r.Completeness.First().What, "the log did not sign")
	r = check(t, m, key.Public(), backwards{good})
	require.Contains(t, r.Completeness.First().What, "goes back from 60 to 50 entries")
	r = check(t, m, key.Public(), unreadable{good})
	require.Contains(t, r.Completeness.First().What, "cannot be read")
	require.True(t, r.Integrity.OK() && r.State.OK(), "the rest is checked all the same")
}

type backwards struct{ *memAnchor }

func (b backwards) All(context.Context) iter.Seq2[audit.Anchored, error] {
	return func(yield func(audit.Anchored, error) bool) {
		for _, a := range slices.Backward(b.held) {
			if !yield(a, nil) {
				return
			}
		}
	}
}

type unreadable struct{ *memAnchor }

func (unreadable) Latest(context.Context) (audit.Anchored, error) {
	return audit.Anchored{}, errors.New("no connection")
}

// A new key signs together with the old one, and both are trusted for what they signed.
// Rules: R254
func TestKeyChangeIsFollowed(t *testing.T) {
	older, newer := newKey(t), newKey(t)
	m, anchor := &memLog{}, &memAnchor{}
	m.grow(t, 60, older, anchor)
	text, err := audit.SignCheckpoint(origin, m.size, m.root(t, m.size), older, newer)
	require.NoError(t, err)
	require.NoError(t, anchor.Put(t.Context(), text, began))
	m.checkpoints = append(m.checkpoints, text)
	m.grow(t, 120, newer, anchor)
	r, err := audit.Verify(t.Context(), m, audit.VerifyOptions{
		Origin: origin, Keys: []note.Verifier{older.Public(), newer.Public()}, Anchors: []audit.Anchor{anchor},
	})
	require.NoError(t, err)
	require.True(t, r.OK(), r)
	require.False(t, check(t, m, newer.Public()).OK(), "the old key must stay known")
}

// Entries that wait for their index are counted, judged by their age, and count for the
// state of their rows.
// Rules: R253, R254
func TestPendingEntries(t *testing.T) {
	key := newKey(t)
	m := &memLog{}
	m.grow(t, 60, key)
	e, row := entryAt(60)
	m.pending = append(m.pending, leafOf(t, e, -1))
	m.put(row.Row, row.Version, row.Body)
	verify := func(now time.Time) audit.Report {
		r, err := audit.Verify(t.Context(), m, audit.VerifyOptions{Origin: origin, Keys: []note.Verifier{key.Public()}, Now: now})
		require.NoError(t, err)
		require.EqualValues(t, 1, r.Pending)
		require.EqualValues(t, 60, r.Entries)
		return r
	}
	require.True(t, verify(time.Time{}).OK())
	require.True(t, verify(e.At.Add(10*time.Second)).OK())
	r := verify(e.At.Add(11 * time.Second))
	require.Contains(t, r.Completeness.First().What, `"e-60" has waited`)

	m.put(row.Row, 99, row.Body)
	require.Contains(t, verify(time.Time{}).State.First().String(), "not what an entry that waits")
	m.put(row.Row, 0, nil)
	require.Contains(t, verify(time.Time{}).State.First().String(), "is missing")

	m.put(row.Row, row.Version, row.Body)
	m.pending[0].Hash[0] ^= 1
	require.Contains(t, verify(time.Time{}).Integrity.First().What, "does not give its hash")

	created, _ := entryAt(61)
	created.State[0].Row = "user/new"
	m.pending[0] = leafOf(t, created, -1)
	m.put(row.Row, 54, []byte(`{"n":53}`))
	require.Contains(t, verify(time.Time{}).State.First().String(), `row "user/new": it is missing`)
}

// A log that grows while it is read is not reported as tampered with.
// Rules: R253, R254
func TestGrowingLogIsSound(t *testing.T) {
	key, anchor := newKey(t), &memAnchor{}
	m := &memLog{}
	m.grow(t, 60, key, anchor)
	m.afterLeaves = func() { m.grow(t, 130, key, anchor) }
	r := check(t, m, key.Public(), anchor)
	require.True(t, r.OK(), r)
	require.EqualValues(t, 130, r.Entries)

	// Rows change after the entries were read and before the rows are.
	m = &memLog{}
	m.grow(t, 60, key)
	late := &lateRows{memLog: m, before: func() { m.grow(t, 81, key) }}
	r, err := audit.Verify(t.Context(), late, audit.VerifyOptions{Origin: origin, Keys: []note.Verifier{key.Public()}})
	require.NoError(t, err)
	require.True(t, r.OK(), r)
	require.EqualValues(t, 60, r.Entries)
}

// lateRows lets the log grow between its entries and its rows.
type lateRows struct {
	*memLog
	before func()
}

func (l *lateRows) Rows(ctx context.Context) iter.Seq2[audit.Row, error] {
	l.before()
	return l.memLog.Rows(ctx)
}

// An entry of a newer release cannot be checked, and Verify says so.
func TestNewerEntriesAreNamed(t *testing.T) {
	key := newKey(t)
	m := &memLog{}
	m.grow(t, 60, key)
	m.leaves[7].Body = []byte(`{"v":2}`)
	r := check(t, m, key.Public())
	require.EqualValues(t, 7, r.Integrity.First().Index)
	require.Contains(t, r.Integrity.First().What, "newer version: 2")
}

func TestVerifyNeedsKeysAndASource(t *testing.T) {
	_, err := audit.Verify(t.Context(), &memLog{}, audit.VerifyOptions{Origin: origin})
	require.ErrorIs(t, err, audit.ErrKey)
	_, err = audit.Verify(t.Context(), &memLog{}, audit.VerifyOptions{Keys: []note.Verifier{newKey(t).Public()}})
	require.ErrorIs(t, err, audit.ErrKey)

	key := newKey(t)
	m := &memLog{}
	m.grow(t, 10, key)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = audit.Verify(ctx, m, audit.VerifyOptions{Origin: origin, Keys: []note.Verifier{key.Public()}})
	require.ErrorIs(t, err, context.Canceled)

	broken := errors.New("no database")
	for what := range 5 {
		_, err = audit.Verify(t.Context(), failing{m, what, broken}, audit.VerifyOptions{Origin: origin, Keys: []note.Verifier{key.Public()}})
		require.ErrorIs(t, err, broken, "reading %d fails", what)
	}
}

// failing is a source of which one reading fails.
type failing struct {
	*memLog
	what int
	err  error
}

func (f failing) Size(ctx context.Context) (int64, error) {
	if f.what == 0 {
		return 0, f.err
	}
	return f.memLog.Size(ctx)
}

func (f failing) Leaves(ctx context.Context, from int64) iter.Seq2[audit.Leaf, error] {
	if f.what == 1 {
		return func(yield func(audit.Leaf, error) bool) { yield(audit.Leaf{}, f.err) }
	}
	return f.memLog.Leaves(ctx, from)
}

func (f failing) Hashes(ctx context.Context) audit.Hashes {
	if f.what == 2 {
		return func([]int64) ([][32]byte, error) { return nil, f.err }
	}
	return f.memLog.Hashes(ctx)
}

func (f failing) Rows(ctx context.Context) iter.Seq2[audit.Row, error] {
	if f.what == 3 {
		return func(yield func(audit.Row, error) bool) { yield(audit.Row{}, f.err) }
	}
	return f.memLog.Rows(ctx)
}

func (f failing) Checkpoints(ctx context.Context) iter.Seq2[[]byte, error] {
	if f.what == 4 {
		return func(yield func([]byte, error) bool) { yield(nil, f.err) }
	}
	return f.memLog.Checkpoints(ctx)
}

// streamed makes the entries of a long log while they are read.
type streamed struct {
	*memLog
	t testing.TB
	n int
}

func (s streamed) Leaves(_ context.Context, from int64) iter.Seq2[audit.Leaf, error] {
	return func(yield func(audit.Leaf, error) bool) {
		for i := int(from); i < s.n; i++ {
			e, _ := entryAt(i)
			if !yield(leafOf(s.t, e, int64(i)), nil) {
				return
			}
		}
	}
}

// Memory does not grow with the number of entries. KEYHOLDER_ENTRIES sets their number
// (5,000 if unset).
// Rules: R254
func TestVerifyLongLogInBoundedMemory(t *testing.T) {
	n := 5_000
	if s := os.Getenv("KEYHOLDER_ENTRIES"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	key := newKey(t)
	m := &memLog{}
	for i := range n {
		e, row := entryAt(i)
		m.put(row.Row, row.Version, row.Body)
		m.add(t, audit.Leaf{Index: int64(i), Hash: hashOf(t, e)})
		m.leaves = m.leaves[:0]
	}
	m.sign(t, key)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	peak := uint64(0)
	r, err := audit.Verify(t.Context(), watched{streamed{m, t, n}, &peak}, audit.VerifyOptions{Origin: origin, Keys: []note.Verifier{key.Public()}})
	require.NoError(t, err)
	require.True(t, r.OK(), r)
	require.EqualValues(t, n, r.Entries)
	t.Logf("%d entries in %s, heap at the end of the entries %d KiB over the start", n, time.Since(start), (int64(peak)-int64(before.HeapAlloc))/1024)
	require.Less(t, int64(peak)-int64(before.HeapAlloc), int64(4<<20))
}

// watched measures the live heap when all entries are read.
type watched struct {
	streamed
	peak *uint64
}

func (w watched) Rows(ctx context.Context) iter.Seq2[audit.Row, error] {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	*w.peak = now.HeapAlloc
	return w.memLog.Rows(ctx)
}
