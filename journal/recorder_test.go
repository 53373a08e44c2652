package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/zapaudit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// recorder notes what it gets, and fails while it is told to.
type recorder struct {
	mu   sync.Mutex
	got  []audit.Recorded
	fail error
	busy chan struct{} // if set, each call waits for it
}

func (r *recorder) Record(_ context.Context, entries []audit.Recorded) error {
	if r.busy != nil {
		<-r.busy
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.got = append(r.got, entries...)
	return nil
}

func (r *recorder) indexes() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []int64{}
	for _, e := range r.got {
		list = append(list, e.Index)
	}
	return list
}

func count(n int64) []int64 {
	list := []int64{}
	for i := range n {
		list = append(list, i)
	}
	return list
}

const recorderLoop = "journal/recorder/siem"

// A recorder that fails gets the same entries again, holds nothing up, and turns the
// health red only if it is required.
//
// Rules: R194, R256
func TestRecorderGoesOnAfterAFailure(t *testing.T) {
	r := &recorder{}
	a := &vault{name: "vault"}
	w := newWorld(t, false, func(o *journal.Options) {
		o.Anchors = []audit.Anchor{a}
		o.Recorders = []journal.Sink{{Name: "siem", Recorder: r, Required: true}, {Name: "spare", Recorder: r}}
	})
	w.fill(450)
	require.NoError(t, pass(t, w.journal, recorderLoop))
	require.Equal(t, count(450), r.indexes())
	require.NoError(t, pass(t, w.journal, recorderLoop))
	require.Len(t, r.indexes(), 450, "nothing comes twice without a reason")

	r.fail = errDown
	w.fill(5)
	require.ErrorIs(t, pass(t, w.journal, recorderLoop), errDown)
	health := func() journal.Health {
		_, err := w.journal.Checkpoint(t.Context())
		require.NoError(t, err)
		h, err := w.journal.Health(t.Context())
		require.NoError(t, err)
		return h
	}
	assert.True(t, health().OK())
	waits := w.time()
	w.advance(5*time.Minute + 3*time.Second)
	h := health()
	assert.Equal(t, []string{"recorder siem has not got what was written since " + waits.Add(-2*time.Second).Format(time.RFC3339)}, h.Problems)
	assert.Equal(t, journal.RecorderHealth{Name: "siem", Required: true, Behind: 5, Waiting: waits.Add(-2 * time.Second)}, h.Recorders[0])
	assert.EqualValues(t, 455, h.Recorders[1].Behind)

	r.fail = nil
	require.NoError(t, pass(t, w.journal, recorderLoop))
	assert.Equal(t, count(455), r.indexes())
	assert.True(t, health().OK())
	r.got = nil
	require.NoError(t, pass(t, w.journal, "journal/recorder/spare"))
	assert.Equal(t, count(455), r.indexes(), "each has a place of its own")
}

// If the program ends between the recorder and the cursor, the entries come again; none
// is left out.
//
// Rules: R256
func TestRecorderGetsEntriesAtLeastOnce(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(230)
	for n := 1; n <= 12; n++ {
		for _, fault := range []storetest.Fault{storetest.Fail, storetest.Lose} {
			r := &recorder{}
			name := fmt.Sprintf("n%d-%d", n, fault)
			sink := func(o *journal.Options) { o.Recorders = []journal.Sink{{Name: name, Recorder: r}} }
			calls := 0
			broken := storetest.Faulty(w.store, func(c storetest.Call) storetest.Fault {
				if c.Verb == storetest.Commit || c.Verb == storetest.Load || c.Verb == storetest.Entries {
					if calls++; calls >= n && calls < n+3 { // a commit is tried three times
						return fault
					}
				}
				return storetest.Pass
			})
			_ = pass(t, w.open(broken, sink), "journal/recorder/"+name) // may fail
			w.advance(time.Minute)                                      // the turn of the broken node ends
			require.NoError(t, pass(t, w.open(w.store, sink), "journal/recorder/"+name))
			got := r.indexes()
			slices.Sort(got)
			require.Equal(t, count(230), slices.Compact(got), "%s", name)
		}
	}
}

// While one node has the recorder, another leaves it alone; a node that dies is followed
// by another.
//
// Rules: R256
func TestNodesTakeTurnsWithARecorder(t *testing.T) {
	r := &recorder{busy: make(chan struct{})}
	sink := func(o *journal.Options) { o.Recorders = []journal.Sink{{Name: "siem", Recorder: r}} }
	w := newWorld(t, false, sink)
	other := w.open(w.store, sink)
	w.fill(3)
	var all sync.WaitGroup
	all.Go(func() { assert.NoError(t, pass(t, w.journal, recorderLoop)) })
	r.busy <- struct{}{} // the first node is inside
	require.NoError(t, pass(t, other, recorderLoop))
	all.Wait()
	assert.Equal(t, count(3), r.indexes())

	// The first node hangs inside until its turn is over; the other one does the work, and
	// what the first one does then does not move the cursor back.
	w.fill(2)
	slow := &recorder{busy: make(chan struct{})}
	hanging := w.open(w.store, func(o *journal.Options) { o.Recorders = []journal.Sink{{Name: "siem", Recorder: slow}} })
	entered := make(chan struct{})
	all.Go(func() {
		close(entered)
		assert.Error(t, pass(t, hanging, recorderLoop))
	})
	<-entered
	require.Eventually(t, func() bool { return w.owned(t) }, 5*time.Second, time.Millisecond)
	w.advance(time.Minute)
	close(r.busy)
	require.NoError(t, pass(t, other, recorderLoop))
	assert.Equal(t, count(5), r.indexes())
	w.fill(2)
	close(slow.busy)
	all.Wait()
	require.NoError(t, pass(t, other, recorderLoop))
	assert.Equal(t, count(7), r.indexes())
}

// owned reports whether a node has the recorder.
func (w *world) owned(t *testing.T) bool {
	lines, err := w.store.Lines(t.Context(), "recorder/siem", "", 1)
	require.NoError(t, err)
	return len(lines) == 1 && lines[0].Owner != ""
}

// The e-mail of a customer is planted into an entry: it reaches a log file only where
// the host says so for that sink.
//
// Rules: R193, R256
func TestRecordersSeePseudonyms(t *testing.T) {
	const planted = "owner@example.com"
	logger := func(into *bytes.Buffer) *zap.Logger {
		return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(into), zap.InfoLevel))
	}
	var closed, half, open bytes.Buffer
	w := newWorld(t, false, func(o *journal.Options) {
		o.Recorders = []journal.Sink{
			{Name: "closed", Recorder: zapaudit.New(logger(&closed), zapaudit.Options{})},
			{Name: "half", Recorder: zapaudit.New(logger(&half), zapaudit.Options{Personal: true})},
			{Name: "open", Recorder: zapaudit.New(logger(&open), zapaudit.Options{Personal: true}), Personal: true},
		}
	})
	w.say(operator, audit.AccountAssigned, audit.Success, []string{"account-1", "site/north"},
		flow.F(audit.FieldAccount, "account-1"), flow.Field{Name: audit.FieldEmail, Value: planted, Of: "account/account-1"})
	for _, name := range []string{"closed", "half", "open"} {
		require.NoError(t, pass(t, w.journal, "journal/recorder/"+name))
	}
	for _, out := range []*bytes.Buffer{&closed, &half} {
		assert.NotContains(t, out.String(), planted)
		assert.NotContains(t, out.String(), "The operator")
		assert.Contains(t, out.String(), `"email":"person:account/account-1"`)
	}
	assert.Contains(t, open.String(), `"email":"owner@example.com"`)
	assert.Contains(t, open.String(), `"actor.name":"The operator"`)
}
