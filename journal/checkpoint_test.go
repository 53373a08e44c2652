package journal_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// vault is an anchor in memory that can be out of reach.
type vault struct {
	name string
	mu   sync.Mutex
	held []audit.Anchored
	down error
}

func (v *vault) Name() string { return v.name }

func (v *vault) Put(_ context.Context, text []byte, at time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down != nil {
		return v.down
	}
	if n := len(v.held); n > 0 {
		if err := audit.Follows(v.held[n-1].Text, text); err != nil {
			return err
		}
	}
	v.held = append(v.held, audit.Anchored{At: at, Text: text})
	return nil
}

func (v *vault) Latest(context.Context) (audit.Anchored, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.down != nil:
		return audit.Anchored{}, v.down
	case len(v.held) == 0:
		return audit.Anchored{}, audit.ErrNoAnchor
	}
	return v.held[len(v.held)-1], nil
}

func (v *vault) len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.held)
}

var errDown = errors.New("out of reach")

// fileAnchor opens an anchor in a folder of the test.
func fileAnchor(t testing.TB) *audit.FileAnchor {
	t.Helper()
	a, err := audit.OpenFileAnchor(t.Context(), filepath.Join(t.TempDir(), "anchor"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	return a
}

func anchoredBy(anchors ...audit.Anchor) func(*journal.Options) {
	return func(o *journal.Options) { o.Anchors = anchors }
}

// Rules: R254
func TestCheckpointIsSignedStoredAndAnchored(t *testing.T) {
	a, b := &vault{name: "a", down: errDown}, &vault{name: "b"}
	w := newWorld(t, false, anchoredBy(a, b))
	w.fill(7)
	size, _, err := w.store.Tree(t.Context())
	require.NoError(t, err)

	c, err := w.journal.Checkpoint(t.Context())
	require.ErrorIs(t, err, errDown)
	failed, ok := errors.AsType[*journal.AnchorError](err)
	require.True(t, ok)
	assert.Equal(t, "a", failed.Anchor)
	assert.EqualValues(t, 7, c.Size, "one anchor's failure takes nothing from the others")
	require.Equal(t, 1, b.len())
	held, err := b.Latest(t.Context())
	require.NoError(t, err)
	opened, err := audit.OpenCheckpoint(held.Text, origin, w.key.Public())
	require.NoError(t, err)
	assert.Equal(t, c, opened)
	again, _, err := w.store.Tree(t.Context())
	require.NoError(t, err)
	assert.Equal(t, size, again, "a checkpoint adds nothing to the log, so an idle log stays as it is")

	a.down = nil
	_, err = w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, a.len())

	reader := w.open(w.store, func(o *journal.Options) {
		o.Signer, o.Origin, o.Trusted = audit.SigningKey{}, origin, []note.Verifier{w.key.Public()}
	})
	_, err = reader.Checkpoint(t.Context())
	require.ErrorIs(t, err, journal.ErrNoSigner)
	report, err := reader.As(operator).Verify(t.Context())
	require.NoError(t, err)
	assert.True(t, report.OK(), "%s", report)
}

// Also when nothing is written; and an anchor that was away is tried again soon.
//
// Rules: R254
func TestLoopAnchorsAnIdleLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{name: "vault"}
		w := newWorld(t, false, func(o *journal.Options) {
			o.Anchors, o.Now, o.AnchorEvery = []audit.Anchor{v}, time.Now, 10*time.Minute
		})
		w.fill(3)
		ctx, cancel := context.WithCancel(t.Context())
		go engine.Run(ctx, nil, w.journal.Loops()...)
		time.Sleep(time.Second)
		assert.Equal(t, 1, v.len(), "at the start")
		time.Sleep(61 * time.Minute)
		assert.InDelta(t, 7, v.len(), 1)

		v.mu.Lock()
		v.down = errDown
		v.mu.Unlock()
		time.Sleep(time.Hour)
		h, err := w.journal.Health(ctx)
		require.NoError(t, err)
		assert.False(t, h.OK())
		v.mu.Lock()
		v.down = nil
		v.mu.Unlock()
		before := v.len()
		time.Sleep(90 * time.Second)
		assert.Greater(t, v.len(), before)
		h, err = w.journal.Health(ctx)
		require.NoError(t, err)
		assert.True(t, h.OK(), h.Problems)
		cancel()
		synctest.Wait()
	})
}

// Two nodes with one store and one anchor sign once for both.
//
// Rules: R254
func TestNodesShareCheckpoints(t *testing.T) {
	v := &vault{name: "vault"}
	w := newWorld(t, false, anchoredBy(v))
	other := w.open(w.store, anchoredBy(v))
	w.fill(3)
	for range 3 {
		require.NoError(t, pass(t, w.journal, "journal/checkpoint"))
		require.NoError(t, pass(t, other, "journal/checkpoint"))
	}
	assert.Equal(t, 1, v.len())
	stored := func() uint64 {
		t.Helper()
		r, err := w.store.List(t.Context(), store.Query{Kind: store.Watermark})
		require.NoError(t, err)
		require.Len(t, r, 1)
		return r[0].Version
	}
	assert.EqualValues(t, 1, stored())
	w.advance(10 * time.Minute)
	require.NoError(t, pass(t, other, "journal/checkpoint"))
	require.NoError(t, pass(t, w.journal, "journal/checkpoint"))
	assert.Equal(t, 2, v.len())
	assert.EqualValues(t, 2, stored())
}

// A log that does not continue what was signed is signed no more, even where the
// checkpoint in the store agrees with it.
//
// Rules: R252, R254
func TestRestoredLogIsNotSigned(t *testing.T) {
	v, early, idle := &vault{name: "vault"}, &vault{name: "early"}, &vault{name: "idle"}
	w := newWorld(t, false, anchoredBy(v))
	_, err := w.open(w.store, anchoredBy(idle)).Checkpoint(t.Context())
	require.NoError(t, err)
	w.fill(10)
	_, err = w.open(w.store, anchoredBy(v, early)).Checkpoint(t.Context())
	require.NoError(t, err)
	old := w.backup(w.store)
	w.journal = w.open(w.store, anchoredBy(idle, v, idle))
	state, err := w.journal.CheckRestored(t.Context())
	require.NoError(t, err)
	assert.Equal(t, journal.Restored{Standing: journal.Current, Size: 10, Anchor: "vault", Anchored: 10, At: w.time()}, state)
	assert.False(t, state.Quarantine())

	w.fill(5)
	w.advance(time.Minute)
	w.journal = w.open(w.store, anchoredBy(v))
	_, err = w.journal.Checkpoint(t.Context())
	require.NoError(t, err)

	// The backup from before is put in place of the store.
	j := w.open(old, anchoredBy(&vault{name: "new"}, early, v, early, &vault{name: "away", down: errDown}))
	state, err = j.CheckRestored(t.Context())
	require.ErrorIs(t, err, errDown, "an anchor that cannot be asked is named")
	assert.Equal(t, journal.Restored{Standing: journal.Behind, Size: 10, Anchor: "vault", Anchored: 15, At: w.time()}, state)
	assert.True(t, state.Quarantine())
	_, err = j.Checkpoint(t.Context())
	require.ErrorIs(t, err, journal.ErrRewritten)
	assert.Equal(t, 2, v.len())

	// It goes on by itself, past what was anchored.
	w.core = w.core.On(old)
	w.fill(8)
	state, err = j.CheckRestored(t.Context())
	require.ErrorIs(t, err, errDown)
	assert.Equal(t, journal.Forked, state.Standing)
	assert.True(t, state.Quarantine())
	_, err = j.Checkpoint(t.Context())
	require.ErrorIs(t, err, journal.ErrRewritten)
	h, err := j.Health(t.Context())
	require.NoError(t, err)
	assert.Contains(t, h.Problems, "the log is forked: anchor vault has seen 15 entries")

	// Without an anchor nothing can be said.
	state, err = w.open(old, nil).CheckRestored(t.Context())
	require.NoError(t, err)
	assert.Equal(t, journal.Restored{Standing: journal.Unanchored, Size: 18}, state)
}

// Whoever can write to the database replaces the log and keeps the checkpoint.
//
// Rules: R254
func TestLogThatContradictsItsOwnCheckpointIsNotSigned(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(10)
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	for name, st := range map[string]store.Store{
		"its end was cut":     short{Store: w.store, size: 9},
		"its tree has a hole": hole{Store: w.store, at: tlog.StoredHashIndex(3, 0)},
	} {
		_, err = w.open(st, nil).Checkpoint(t.Context())
		require.ErrorIs(t, err, journal.ErrRewritten, name)
		assert.Equal(t, fault.Internal, fault.Of(err))
		h, err := w.open(st, nil).Health(t.Context())
		require.NoError(t, err)
		assert.False(t, h.OK())
	}
	// A checkpoint that another key signed is not continued either.
	stranger := newWorld(t, false, nil)
	_, err = w.open(w.store, func(o *journal.Options) { o.Signer = stranger.key }).Checkpoint(t.Context())
	require.ErrorIs(t, err, audit.ErrCheckpoint)
}

// short is a store whose log is shown without its end.
type short struct {
	store.Store
	size int64
}

func (s short) Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error) {
	_, h, err := s.Store.Tree(ctx, positions...)
	return s.size, h, err
}

func (s short) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	found, err := s.Store.Entries(ctx, q)
	for i, e := range found {
		if e.Index >= s.size {
			return found[:i], err
		}
	}
	return found, err
}

// hole is a store that has lost one node of its tree.
type hole struct {
	store.Store
	at int64
}

func (s hole) Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error) {
	if slices.Contains(positions, s.at) {
		return 0, nil, store.ErrMalformed
	}
	return s.Store.Tree(ctx, positions...)
}

// A new key takes over: the old one signs beside it for as long as the host wants, and
// stays trusted for what it signed.
//
// Rules: R254
func TestKeyOfTheLogIsChanged(t *testing.T) {
	v := &vault{name: "vault"}
	w := newWorld(t, false, anchoredBy(v))
	w.fill(4)
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	next, err := audit.GenerateKey(origin)
	require.NoError(t, err)
	j := w.open(w.store, func(o *journal.Options) {
		o.Anchors, o.Signer = []audit.Anchor{v}, next
		o.Cosigners, o.Trusted = []note.Signer{w.key}, []note.Verifier{w.key.Public()}
	})
	w.fill(4)
	c, err := j.Checkpoint(t.Context())
	require.NoError(t, err)
	for _, key := range []audit.SigningKey{w.key, next} {
		_, err := audit.OpenCheckpoint(c.Text, origin, key.Public())
		require.NoError(t, err)
	}
	report, err := j.As(operator).Verify(t.Context())
	require.NoError(t, err)
	assert.True(t, report.OK(), "%s", report)
}

// Rules: R254
func TestHealth(t *testing.T) {
	v := &vault{name: "vault"}
	w := newWorld(t, true, anchoredBy(v))
	problems := func() []string {
		h, err := w.journal.Health(t.Context())
		require.NoError(t, err)
		assert.Equal(t, len(h.Problems) == 0, h.OK())
		return h.Problems
	}
	assert.Equal(t, []string{"no checkpoint was signed yet", "anchor vault holds nothing yet"}, problems())
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Empty(t, problems())

	w.label("north", "panel-1", "user-1", "Hall")
	w.advance(10 * time.Second)
	assert.Empty(t, problems())
	w.advance(time.Second)
	assert.Equal(t, []string{"entries have waited for the tree since 2026-11-21T10:00:00Z"}, problems())
	require.NoError(t, pass(t, w.journal, "journal/sequence"))
	assert.Empty(t, problems())
	w.advance(30 * time.Minute)
	assert.Equal(t, []string{"nothing was anchored by vault since 2026-11-21T10:00:00Z"}, problems())
	_, err = w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Empty(t, problems())

	w.journal = w.open(w.store, nil)
	assert.Equal(t, []string{"unanchored: self-signed only"}, problems())
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	w := newWorld(t, false, nil)
	other, err := audit.GenerateKey("example.com/other")
	require.NoError(t, err)
	_, err = journal.New(journal.Options{Keys: w.keys, Signer: other, Origin: origin, Anchors: []audit.Anchor{nil}, Recorders: []journal.Sink{{Name: "x"}}})
	for _, want := range []error{journal.ErrSigner, journal.ErrAnchor, journal.ErrSink} {
		require.ErrorIs(t, err, want)
	}
	require.ErrorContains(t, err, "store is required")
	log := audit.Recorder(&recorder{})
	for _, sinks := range [][]journal.Sink{{{Recorder: log}}, {{Name: "a", Recorder: log}, {Name: "a", Recorder: log}}, {{Name: string(make([]byte, 65)), Recorder: log}}} {
		_, err = journal.New(journal.Options{Store: w.store, Keys: w.keys, Recorders: sinks})
		require.ErrorIs(t, err, journal.ErrSink)
	}
	_, err = journal.New(journal.Options{Store: w.store, Keys: w.keys})
	require.NoError(t, err, "a journal that reads needs no more")
}

// In the host's own transaction the journal reads what that transaction wrote.
func TestOnAnotherStore(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(2)
	other := newWorld(t, false, nil)
	j := other.journal.On(w.store)
	n, err := j.As(operator).Count(t.Context(), journal.Filter{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)
	own, err := journal.New(journal.Options{Store: other.store, Keys: other.keys})
	require.NoError(t, err)
	_, err = own.On(w.store).As(operator).Count(t.Context(), journal.Filter{})
	require.Equal(t, fault.Denied, fault.Of(err), "the authority is that of the store")
	require.NotEmpty(t, flow.NewID())
}
