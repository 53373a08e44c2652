package journal_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// table reads a CSV file as rows by the names of their columns.
func table(t testing.TB, file []byte) (rows []map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	require.NoError(t, err)
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = journal.FromCell(cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// exports lists the entries about exports: what was asked for, and how many rows.
func exports(t testing.TB, w *world) (said []string) {
	t.Helper()
	for _, e := range walk(t, w.journal.As(operator), journal.Filter{Actions: []audit.Action{audit.LogExported}}, 200) {
		var words []string
		for _, d := range e.Details {
			if d.Name == audit.FieldFilter || d.Name == audit.FieldCount {
				words = append(words, d.Value)
			}
		}
		said = append(said, strings.Join(words, " | "))
	}
	return said
}

// Every change of a panel in a range of time, each with a proof that holds by itself.
//
// Rules: R259, R267
func TestChangesInARangeWithProofs(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(40)
	from, until := began.Add(5*time.Second), began.Add(12*time.Second)
	f := journal.Filter{About: []string{"panel-north"}, Since: from, Until: until}
	var file bytes.Buffer
	require.NoError(t, w.journal.As(north).ReportChanges(t.Context(), &file, f, journal.ReportOptions{Format: journal.CSV}))
	rows := table(t, file.Bytes())
	require.Len(t, rows, 7)
	for i, row := range rows {
		require.Equal(t, strconv.Itoa(10+2*i), row["index"])
		p, err := audit.ParseProof([]byte(row["proof"]))
		require.NoError(t, err)
		_, err = audit.CheckProof(p, origin, w.key.Public())
		require.NoError(t, err)
		require.Equal(t, row["entry"], p.Entry.ID)
		require.Equal(t, row["time"], p.Entry.At.Format(time.RFC3339Nano))
		require.NotContains(t, row["description"], `label "`, "a pseudonym stands for it")
		require.Contains(t, row["description"], "person:")
	}
	require.Equal(t, []string{"changes: about panel-north, since 2026-11-21T10:00:05Z, until 2026-11-21T10:00:12Z | 7"}, exports(t, w))

	// The same in full as JSON.
	file.Reset()
	require.NoError(t, w.journal.As(north).ReportChanges(t.Context(), &file, f, journal.ReportOptions{Format: journal.JSON, Personal: true}))
	d := json.NewDecoder(&file)
	for i := range rows {
		var c journal.Change
		require.NoError(t, d.Decode(&c))
		assert.Equal(t, rows[i]["entry"], c.ID)
		assert.Contains(t, c.Description, "label "+strconv.Itoa(10+2*i))
		assert.NotContains(t, c.Proof, "label ")
	}
	var end journal.ExportedCheckpoint
	require.NoError(t, d.Decode(&end))
	require.EqualValues(t, 7, end.Entries)
	_, err := audit.OpenCheckpoint([]byte(end.Checkpoint), origin, w.key.Public())
	require.NoError(t, err)
	require.ErrorIs(t, d.Decode(&end), io.EOF)

	// As a page: no script, and the checkpoint can be checked as it was printed.
	file.Reset()
	w.label("north", "panel-north", "user-1", "<script>alert(1)</script>")
	require.NoError(t, w.journal.As(north).ReportChanges(t.Context(), &file, journal.Filter{About: []string{"panel-north"}}, journal.ReportOptions{Format: journal.HTML, Personal: true}))
	text := file.String()
	require.NotContains(t, text, "<script")
	require.Contains(t, text, "&lt;script&gt;")
	require.Equal(t, 22, strings.Count(text, "<tr>"), "heads and 21 entries")
	_, rest, _ := strings.Cut(text, "<pre>")
	printed, _, _ := strings.Cut(rest, "</pre>")
	_, err = audit.OpenCheckpoint([]byte(strings.NewReplacer("&#43;", "+").Replace(printed)), origin, w.key.Public())
	require.NoError(t, err)
}

// A changed row is not exported as if nothing were wrong.
//
// Rules: R267
func TestAReportOfATamperedLogFails(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(4)
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	j := w.open(tampered{Store: w.store, at: 2, edit: func(e *audit.Entry) { e.Outcome = audit.Failure }}, nil)
	err = j.As(operator).ReportChanges(t.Context(), io.Discard, journal.Filter{}, journal.ReportOptions{Format: journal.CSV})
	require.ErrorIs(t, err, audit.ErrProof)
}

// Nothing is concluded from an entry that was changed, and none is passed over.
//
// Rules: R260, R267
func TestHistoriesOfATamperedLogFail(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(4)
	for what, edit := range map[string]func(*audit.Entry){
		"outcome": func(e *audit.Entry) { e.Outcome = audit.Denied },
		"action":  func(e *audit.Entry) { e.Action = audit.UserDisabled },
		"time":    func(e *audit.Entry) { e.At = e.At.Add(-time.Hour) },
		"fields":  func(e *audit.Entry) { e.Fields = e.Fields[1:] },
	} {
		r := w.open(tampered{Store: w.store, at: 2, edit: edit}, nil).As(operator)
		_, err := r.CouldEnter(t.Context(), journal.Whereabouts{Panel: "panel-north"}, w.time())
		require.ErrorIs(t, err, audit.ErrCommitment, what)
		_, err = r.Review(t.Context(), journal.ReviewQuery{})
		require.ErrorIs(t, err, audit.ErrCommitment, what)
	}
	_, err := w.journal.As(operator).Review(t.Context(), journal.ReviewQuery{})
	require.NoError(t, err)
}

// An export that cannot be recorded is not written; one that was recorded is, or fails
// with the writer's error.
//
// Rules: R259
func TestAnExportIsRecordedBeforeAnythingLeaves(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(6)
	r := w.journal.As(operator)
	broken := errors.New("disk full")
	full := writerFunc(func([]byte) (int, error) { return 0, broken })
	written := 0
	for _, f := range []journal.Format{journal.CSV, journal.JSON, journal.HTML} {
		require.ErrorIs(t, r.ReportChanges(t.Context(), full, journal.Filter{Outcome: audit.Success}, journal.ReportOptions{Format: f}), broken)
		written++
		require.Len(t, exports(t, w), written)
	}
	require.ErrorIs(t, r.ReportChanges(t.Context(), full, journal.Filter{}, journal.ReportOptions{Format: "xls"}), journal.ErrFormat)
	require.ErrorIs(t, r.ReportAccess(t.Context(), full, journal.Whereabouts{Site: "north"}, w.time(), journal.ReportOptions{}), journal.ErrFormat)
	require.ErrorIs(t, w.journal.As(stranger).ReportChanges(t.Context(), full, journal.Filter{}, journal.ReportOptions{Format: journal.CSV}), accounts.ErrPermissionDenied)
	require.Len(t, exports(t, w), written)

	closed := w.open(refusing{w.store, errors.New("read only")}, nil)
	var file bytes.Buffer
	require.Error(t, closed.As(operator).ReportChanges(t.Context(), &file, journal.Filter{}, journal.ReportOptions{Format: journal.CSV}))
	require.Error(t, closed.As(operator).Export(t.Context(), &file, journal.ExportOptions{}))
	require.Zero(t, file.Len())
}

// The list of who could enter a panel, for automation software: without a code, with
// personal values only on request, and guarded against formulas.
//
// Rules: R259, R260, R267
func TestAccessIsExported(t *testing.T) {
	inHouse(t, func(h *house) {
		h.set("6137", "=cmd|'C'!A0")
		h.assign("cleaner")
		h.rest()
		at := time.Now()
		r := h.journal.As(operator)
		w := journal.Whereabouts{Panel: h.panel, Place: seventh}
		var file bytes.Buffer
		require.NoError(t, r.ReportAccess(h.ctx, &file, w, at, journal.ReportOptions{Format: journal.CSV}))
		require.Contains(t, table(t, file.Bytes())[0]["label"], "person:")
		require.NotContains(t, file.String(), "@example.com")
		require.NotRegexp(t, `\b6137\b`, file.String()) // not as a part of a random id

		file.Reset()
		require.NoError(t, r.ReportAccess(h.ctx, &file, w, at, journal.ReportOptions{Format: journal.CSV, Personal: true}))
		require.Contains(t, file.String(), ",'=cmd")
		rows := table(t, file.Bytes())
		require.Len(t, rows, 1)
		require.Equal(t, "=cmd|'C'!A0", rows[0]["label"])
		require.Equal(t, "cleaner@example.com", rows[0]["person"])
		require.Equal(t, "# 7", rows[0]["place"])
		require.Equal(t, "present", rows[0]["presence"])

		file.Reset()
		require.NoError(t, r.ReportAccess(h.ctx, &file, journal.Whereabouts{Site: "north"}, at, journal.ReportOptions{Format: journal.JSON, Personal: true}))
		var o journal.Occupant
		require.NoError(t, json.NewDecoder(&file).Decode(&o))
		require.Equal(t, []journal.Occupant{o}, h.whoWas(at))

		file.Reset()
		require.NoError(t, r.ReportAccess(h.ctx, &file, journal.Whereabouts{Account: "cleaner"}, at, journal.ReportOptions{Format: journal.HTML}))
		require.Contains(t, file.String(), "<td># 7</td>")
	})
}

// What is said about a person in the fields of mail, phone and address leaves the house
// only where the host has said so.
//
// Rules: R256
func TestPlantedPersonalValuesStayInside(t *testing.T) {
	const mail, phone, address, label = "planted@example.com", "+4915199912345", "203.0.113.77", "Planted Label"
	w := newWorld(t, false, nil)
	of := "account/cleaner"
	w.say(operator, audit.AccountCreated, audit.Success, []string{"cleaner"}, flow.Field{Name: audit.FieldEmail, Value: mail, Of: of},
		flow.Field{Name: audit.FieldPhone, Value: phone, Of: of}, flow.Field{Name: audit.FieldSource, Value: address, Of: of})
	w.label("north", "panel-1", "user-1", label)
	r := w.journal.As(operator)
	var out, open bytes.Buffer
	for _, f := range []journal.Format{journal.CSV, journal.JSON, journal.HTML} {
		require.NoError(t, r.ReportChanges(t.Context(), &out, journal.Filter{}, journal.ReportOptions{Format: f}))
	}
	require.NoError(t, r.Export(t.Context(), &out, journal.ExportOptions{}))
	require.NoError(t, r.ReportChanges(t.Context(), &open, journal.Filter{}, journal.ReportOptions{Format: journal.JSON, Personal: true}))
	for _, planted := range []string{mail, phone, address, label, "The operator"} {
		assert.NotContains(t, out.String(), planted)
		assert.Contains(t, open.String(), planted)
	}
}

// tampered is a store in which somebody has edited one entry.
type tampered struct {
	store.Store
	at   int64
	edit func(*audit.Entry)
}

// Entries implements [store.Store].
func (s tampered) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	found, err := s.Store.Entries(ctx, q)
	for i, l := range found {
		if l.Index != s.at {
			continue
		}
		e, err := audit.Decode(l.Body)
		if err != nil {
			return nil, err
		}
		s.edit(&e)
		if found[i].Body, err = audit.Encode(e); err != nil {
			return nil, err
		}
	}
	return found, err
}

// refusing is a store that takes no commit.
type refusing struct {
	store.Store
	err error
}

// Commit implements [store.Store].
func (s refusing) Commit(context.Context, store.Change) (store.Result, error) {
	return store.Result{}, s.err
}
