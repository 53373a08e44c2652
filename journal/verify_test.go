package journal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// offline verifies a store as a command on another machine does.
func (w *world) offline(st store.Store, anchors ...audit.Anchor) audit.Report {
	w.t.Helper()
	r, err := journal.VerifyStore(w.t.Context(), st, audit.VerifyOptions{Origin: origin, Keys: []note.Verifier{w.key.Public()}, Anchors: anchors})
	require.NoError(w.t, err)
	return r
}

// Rules: R253, R254
func TestSoundLog(t *testing.T) {
	a := fileAnchor(t)
	w := newWorld(t, false, anchoredBy(a))
	w.fill(700) // more than a page
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	w.fill(30)
	r, err := w.journal.As(operator).Verify(t.Context())
	require.NoError(t, err)
	assert.True(t, r.OK(), "%s", r)
	assert.EqualValues(t, 730, r.Entries)
	assert.EqualValues(t, 10, r.Rows)
	assert.EqualValues(t, 700, r.Signed)
	assert.EqualValues(t, 700, r.AnchoredSize)

	r = w.offline(w.store)
	assert.True(t, r.OK(), "%s", r)
	assert.Contains(t, r.Anchored, "unanchored")
	assert.True(t, w.offline(w.backup(w.store), a).OK(), "a whole backup is as good")
}

// Entries that wait for their index count too, also very many of them.
//
// Rules: R253
func TestPendingEntriesAreVerified(t *testing.T) {
	w := newWorld(t, true, nil)
	w.fill(20)
	require.NoError(t, pass(t, w.journal, "journal/sequence"))
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	w.fill(1100)
	newest := w.say(operator, audit.PanelTested, audit.Success, []string{"site/north"})
	require.NoError(t, w.store.Sequence(t.Context(), []string{newest}))
	r := w.offline(w.store)
	assert.True(t, r.OK(), "%s", r)
	assert.EqualValues(t, 21, r.Entries)
	assert.EqualValues(t, 1100, r.Pending)
	require.NoError(t, pass(t, w.journal, "journal/sequence"))
	r = w.offline(w.store)
	assert.True(t, r.OK(), "%s", r)
	assert.EqualValues(t, 1121, r.Entries)
	assert.Zero(t, r.Pending)
}

// Whoever can write to the database changes a row, and gives it an entry of their own:
// the third verdict names the row.
//
// Rules: R253
func TestChangeBehindTheLogIsNamed(t *testing.T) {
	const row = "user/user-0"
	for name, c := range map[string]struct {
		tamper func(w *world) store.Op
		row    string
		what   string
	}{
		"changed": {func(w *world) store.Op {
			r := w.load(rec.Users.Key("user-0"))
			r.Body = []byte(strings.Replace(string(r.Body), `"label 0"`, `"intruder"`, 1))
			return store.Put{Record: r, If: r.Version}
		}, row, "it was changed"},
		"written again as it was": {func(w *world) store.Op {
			r := w.load(rec.Users.Key("user-0"))
			return store.Put{Record: r, If: r.Version}
		}, row, "it was changed"},
		"dropped": {func(w *world) store.Op {
			r := w.load(rec.Users.Key("user-0"))
			return store.Drop{Key: r.Key, If: r.Version}
		}, row, "it is missing"},
		"inserted": {func(*world) store.Op {
			return store.Put{Record: store.Record{Key: rec.Users.Key("user-99"), Body: []byte(`{}`)}}
		}, "user/user-99", "it was inserted"},
		"account with more rights": {func(*world) store.Op {
			return store.Put{Record: store.Record{Key: rec.Accounts.Key("intruder"), Body: []byte(`{"roles":["admin"]}`)}}
		}, "account/intruder", "it was inserted"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, false, nil)
			w.fill(5)
			_, err := w.journal.Checkpoint(t.Context())
			require.NoError(t, err)
			forged := audit.Entry{Version: audit.Version, ID: "forged", At: w.time(), Action: audit.UserLabelChanged, Outcome: audit.Success, Targets: [][]byte{[]byte("user-0")}}
			w.commit(w.store, forged, c.tamper(w))

			r := w.offline(w.store)
			assert.True(t, r.Integrity.OK(), "%s", r)
			assert.True(t, r.Completeness.OK(), "%s", r)
			require.Len(t, r.State.Findings, 1, "%s", r)
			assert.Equal(t, c.row, r.State.First().Row)
			assert.Contains(t, r.State.First().What, c.what)
		})
	}
}

// load reads a record as it is stored.
func (w *world) load(k store.Key) store.Record {
	w.t.Helper()
	r, err := w.store.Load(w.t.Context(), k)
	require.NoError(w.t, err)
	require.NotZero(w.t, r[0].Version)
	return r[0]
}

// commit writes around the services.
func (w *world) commit(st store.Store, e audit.Entry, ops ...store.Op) {
	w.t.Helper()
	hash, err := e.Hash()
	require.NoError(w.t, err)
	body, err := audit.Encode(e)
	require.NoError(w.t, err)
	_, err = st.Commit(w.t.Context(), store.Change{ID: flow.NewID(), Ops: ops, Entries: []store.Leaf{
		{ID: e.ID, At: e.At, Action: string(e.Action), Targets: e.Targets, Body: body, Hash: hash},
	}})
	require.NoError(w.t, err)
}

// The end of the log and what it left are cut off, and an older checkpoint is put back:
// nothing inside the store can show it, an anchor does.
//
// Rules: R252, R254
func TestCutEndIsFoundByAnAnchorOnly(t *testing.T) {
	a := fileAnchor(t)
	w := newWorld(t, false, anchoredBy(a))
	w.fill(10)
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	cut := w.backup(w.store)
	w.fill(10)
	_, err = w.journal.Checkpoint(t.Context())
	require.NoError(t, err)

	r := w.offline(cut)
	assert.True(t, r.OK(), "%s", r)
	assert.Contains(t, r.String(), "unanchored: self-signed only, a rewrite with the log's own key cannot be detected")

	r = w.offline(cut, a)
	assert.True(t, r.Integrity.OK(), "%s", r)
	assert.True(t, r.State.OK(), "%s", r)
	require.False(t, r.Completeness.OK())
	assert.Contains(t, r.Completeness.First().What, "has seen 20 entries, the log has 10: its end was cut")
}

// The log is written anew with the log's own key.
//
// Rules: R254
func TestRewriteWithTheRealKeyIsFoundByAnAnchorOnly(t *testing.T) {
	a := fileAnchor(t)
	w := newWorld(t, false, anchoredBy(a))
	w.fill(10)
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)

	again := newWorld(t, false, nil)
	again.fill(10)
	again.key = w.key
	again.journal = again.open(again.store, nil)
	_, err = again.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.True(t, again.offline(again.store).OK())
	r := again.offline(again.store, a)
	require.False(t, r.Completeness.OK())
	assert.Contains(t, r.Completeness.First().What, "the log was rewritten")
}

// Rules: R253
func TestDamageInsideTheStoreIsFound(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(20)
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)

	r := w.offline(short{Store: w.store, size: 19})
	require.False(t, r.Integrity.OK() && r.Completeness.OK(), "%s", r)
	require.False(t, r.State.OK(), "%s", r)

	r = w.offline(hole{Store: w.store, at: tlog.StoredHashIndex(1, 1)})
	require.Len(t, r.Integrity.Findings, 1, "%s", r)
	assert.Contains(t, r.Integrity.First().What, "over entries 2 to 3 differs")

	unsigned := newWorld(t, false, nil)
	unsigned.fill(2)
	assert.False(t, unsigned.offline(unsigned.store).Integrity.OK(), "a log that nobody signed is not trusted")
}
