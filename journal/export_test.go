package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// exported reads an export.
func exported(t testing.TB, file []byte) (lines []journal.ExportedEntry, end journal.ExportedCheckpoint) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(file)); ; {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return lines, end
		}
		require.NoError(t, err)
		require.Empty(t, end.Checkpoint, "the checkpoint comes last")
		var line journal.ExportedEntry
		require.NoError(t, json.Unmarshal(raw, &line))
		if line.Entry == nil {
			require.NoError(t, json.Unmarshal(raw, &end))
			continue
		}
		lines = append(lines, line)
	}
}

// An auditor who has the file and the public key alone finds out that nothing was left
// out or changed.
//
// Rules: R254, R256
func TestExportCanBeCheckedByItself(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(300)
	w.label("north", "panel-1", "user-1", `<b> & "quoted" \ text`)
	var file bytes.Buffer
	require.NoError(t, w.journal.As(operator).Export(t.Context(), &file, journal.ExportOptions{}))
	assert.NotContains(t, file.String(), "quoted")
	assert.NotContains(t, file.String(), "The operator")

	lines, end := exported(t, file.Bytes())
	c, err := audit.OpenCheckpoint([]byte(end.Checkpoint), origin, w.key.Public())
	require.NoError(t, err)
	require.EqualValues(t, 301, c.Size, "the log as it was when the export began")
	require.Equal(t, c.Size, end.Entries)
	var nodes [][32]byte
	tree := audit.Hashes(func(positions []int64) ([][32]byte, error) {
		found := make([][32]byte, len(positions))
		for i, p := range positions {
			found[i] = nodes[p]
		}
		return found, nil
	})
	for i, line := range lines {
		require.EqualValues(t, i, line.Index)
		require.Nil(t, line.Personal)
		e, err := audit.Decode(line.Entry)
		require.NoError(t, err)
		hash, err := e.Hash()
		require.NoError(t, err)
		made, err := tlog.StoredHashesForRecordHash(line.Index, hash, tree)
		require.NoError(t, err)
		for _, h := range made {
			nodes = append(nodes, h)
		}
	}
	root, err := audit.Root(c.Size, tree)
	require.NoError(t, err)
	assert.Equal(t, c.Root, root)
}

// Rules: R240, R256
func TestExportIsBoundedAndPersonalOnlyOnRequest(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(6)
	w.say(operator, audit.PanelTested, audit.Failure, []string{"site/north", "panel-north"})
	var file bytes.Buffer
	require.NoError(t, w.journal.As(north).Export(t.Context(), &file, journal.ExportOptions{Filter: journal.Filter{Outcome: audit.Success}, Personal: true}))
	lines, end := exported(t, file.Bytes())
	require.Len(t, lines, 3)
	assert.EqualValues(t, 3, end.Entries)
	for i, line := range lines {
		e, err := audit.Decode(line.Entry)
		require.NoError(t, err)
		assert.Equal(t, "site/north", string(e.Targets[0]))
		assert.Equal(t, map[string]string{audit.FieldActorName: "The operator", audit.FieldLabel: []string{"label 0", "label 2", "label 4"}[i]}, line.Personal)
	}

	broken := errors.New("disk full")
	err := w.journal.As(north).Export(t.Context(), writerFunc(func([]byte) (int, error) { return 0, broken }), journal.ExportOptions{})
	require.ErrorIs(t, err, broken)

	file.Reset()
	reading := newWorld(t, false, func(o *journal.Options) {
		o.Signer, o.Origin, o.Trusted = audit.SigningKey{}, origin, []note.Verifier{w.key.Public()}
	})
	require.ErrorIs(t, reading.journal.As(operator).Export(t.Context(), &file, journal.ExportOptions{}), journal.ErrNoSigner)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// An owner keeps the proof of one entry; it shows what was asked for and hides the rest.
//
// Rules: R254, R255
func TestProofIsCheckedOffline(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(9)
	id := w.say(operator, audit.UserCodeChanged, audit.Success, []string{"site/north", "user-1"},
		flow.F(audit.FieldSlot, "7"), flow.F(audit.FieldPanel, "panel-1"), flow.Field{Name: audit.FieldLabel, Value: "Hall", Of: "user/user-1"})
	w.fill(9)
	text, err := w.journal.As(north).Prove(t.Context(), id, audit.FieldSlot, audit.FieldActorID)
	require.NoError(t, err)

	p, err := audit.ParseProof(text)
	require.NoError(t, err)
	c, err := audit.CheckProof(p, origin, w.key.Public())
	require.NoError(t, err)
	assert.Greater(t, c.Size, p.Index)
	assert.Equal(t, id, p.Entry.ID)
	assert.Equal(t, "7", p.Entry.Value(audit.FieldSlot))
	assert.Equal(t, "operator", p.Entry.Value(audit.FieldActorID))
	assert.Empty(t, p.Entry.Value(audit.FieldPanel))
	for _, name := range []string{audit.FieldPanel, audit.FieldLabel} {
		f, ok := p.Entry.Field(name)
		require.True(t, ok)
		assert.True(t, f.Withheld)
	}

	again, err := w.journal.As(north).Prove(t.Context(), id, audit.FieldSlot)
	require.NoError(t, err)
	p2, err := audit.ParseProof(again)
	require.NoError(t, err)
	assert.Equal(t, p.Checkpoint, p2.Checkpoint, "a checkpoint that covers the entry is used again")

	_, err = w.journal.As(north).Prove(t.Context(), id, "no.field")
	require.ErrorIs(t, err, journal.ErrNoField)
	stranger := newWorld(t, false, nil)
	_, err = audit.CheckProof(p, origin, stranger.key.Public())
	require.ErrorIs(t, err, audit.ErrCheckpoint)
	p.Entry.Outcome = audit.Failure
	_, err = audit.CheckProof(p, origin, w.key.Public())
	require.ErrorIs(t, err, audit.ErrProof)
}
