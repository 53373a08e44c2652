package roster

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Limits of an import.
const (
	MaxImportRows = 10_000
	MaxImportCell = 256 // bytes
)

// Errors of imports.
var (
	// ErrImportForm: the file is not what an import takes.
	ErrImportForm = fault.New(fault.Invalid, "roster: not an import file").
			Hinted("Give a CSV file with the columns slot, code, label, role, partitions; only slot and code are required.")
	// ErrImportChanged: the rows are not those of the dry run, or the panel has changed since.
	ErrImportChanged = fault.New(fault.Conflict, "roster: the import differs from its dry run").
				Hinted("Run the dry run again and commit with its token.")
	// ErrImportStopped: too many rows were refused as not available.
	ErrImportStopped = fault.New(fault.Busy, "roster: the import was stopped").
				Hinted("Too many codes were not available. Let codes be generated, or try again later.")
)

// ImportRow is one user to set.
type ImportRow struct {
	Place panel.Place
	CodeWish
}

// ReadImport reads the rows of a CSV file with a header line: slot, code, and optionally
// label, role, partitions (numbers separated by spaces). Leading zeros of codes are kept,
// and of a label that an export guarded against spreadsheets the apostrophe is taken off,
// once. The error names the line, never a code.
func ReadImport(r io.Reader) ([]ImportRow, error) {
	c := csv.NewReader(r)
	c.TrimLeadingSpace = true
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: no header", ErrImportForm)
	}
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(head[i], "\ufeff")))
		if !slices.Contains([]string{"slot", "code", "label", "role", "partitions"}, head[i]) || slices.Contains(head[:i], head[i]) {
			return nil, fmt.Errorf("%w: column %d", ErrImportForm, i+1)
		}
	}
	if !slices.Contains(head, "slot") || !slices.Contains(head, "code") {
		return nil, fmt.Errorf("%w: columns slot and code are required", ErrImportForm)
	}
	var rows []ImportRow
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		line, _ := c.FieldPos(0)
		if err != nil || len(rows) == MaxImportRows {
			return nil, fmt.Errorf("%w: line %d", ErrImportForm, line)
		}
		row, err := importRow(head, cells)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrImportForm, line, err)
		}
		rows = append(rows, row)
	}
}

func importRow(head, cells []string) (ImportRow, error) {
	var row ImportRow
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if len(cell) > MaxImportCell || strings.ContainsFunc(cell, unicode.IsControl) {
			return row, ErrImportForm
		}
		var err error
		switch head[i] {
		case "slot":
			if row.Place.Slot, err = strconv.Atoi(cell); err != nil {
				err = panel.ErrSlotOutOfRange
			}
		case "code":
			row.Code, err = credentials.ParseCode(cell)
		case "label":
			row.Label = flow.FromCell(cell)
		case "role":
			row.Role = panel.Role(cell)
		case "partitions":
			row.Partitions, err = panel.ParsePartitions(cell)
		}
		if err != nil {
			return row, err
		}
	}
	return row, nil
}

// ImportOptions say what an import does.
type ImportOptions struct {
	// Token of a dry run of the same rows: the import is carried out. Empty: a dry run.
	Token string
	// Progress is called after each row; nil: not.
	Progress func(done, total int)
}

// RowOutcome is what became of one row.
type RowOutcome struct {
	Row     int // counted from 1
	Place   panel.Place
	Receipt Receipt
	Err     error // nil: accepted
}

// ImportReport is what an import did, or would do.
type ImportReport struct {
	ID       string
	DryRun   bool
	Token    string // of a dry run: commits exactly these rows
	Accepted int
	Refused  int
	// Rows of a dry run for somebody without the right to know about collisions leave out
	// why a code is not available: they only count in NotAvailable.
	Rows         []RowOutcome
	NotAvailable int
}

// Import sets many users at once, each judged as the single operation would judge it. A
// dry run changes nothing and gives the token with which the same rows are committed.
// When ctx ends, what was done stays done and the report says how far it came.
func (t *Tab) Import(ctx context.Context, rows []ImportRow, o ImportOptions) (ImportReport, error) {
	p, err := t.peek(ctx, "Import")
	if err != nil {
		return ImportReport{}, err
	}
	if len(rows) == 0 || len(rows) > MaxImportRows {
		return ImportReport{}, t.op.refused(ctx, "Import", []string{t.id}, ErrImportForm)
	}
	token, err := t.importToken(rows)
	if err != nil {
		return ImportReport{}, err
	}
	rep := ImportReport{ID: flow.NewID(), DryRun: o.Token == "", Token: token}
	if !rep.DryRun && o.Token != token {
		return rep, t.op.refused(ctx, "Import", []string{t.id}, ErrImportChanged)
	}
	if rep.DryRun {
		return t.dryRun(ctx, p, rows, rep, o)
	}
	if err := t.sayImport(ctx, audit.ImportStarted, p, rep, len(rows)); err != nil {
		return rep, err
	}
	for i, row := range rows {
		if ctx.Err() != nil {
			break
		}
		r, err := t.SetCode(ctx, row.Place, row.CodeWish)
		rep.add(RowOutcome{Row: i + 1, Place: row.Place, Receipt: r, Err: err})
		if o.Progress != nil {
			o.Progress(i+1, len(rows))
		}
		if errors.Is(err, ErrCollisionBudget) {
			return rep, errors.Join(ErrImportStopped, t.sayImport(ctx, audit.ImportDone, p, rep, len(rows)))
		}
	}
	return rep, errors.Join(ctx.Err(), t.sayImport(context.WithoutCancel(ctx), audit.ImportDone, p, rep, len(rows)))
}

func (r *ImportReport) add(o RowOutcome) {
	r.Rows = append(r.Rows, o)
	if o.Err != nil {
		r.Refused++
	} else {
		r.Accepted++
	}
}

// importToken binds a commit to the rows of its dry run. It is keyed, because a plain
// hash of short codes could be searched.
func (t *Tab) importToken(rows []ImportRow) (string, error) {
	h, keys := sha256.New(), t.core().Keys
	for _, r := range rows {
		b, err := json.Marshal([]any{r.Place, r.Label, r.Role, r.Partitions, r.Window})
		if err != nil {
			return "", err
		}
		names, err := codeNames(keys, t.id, r.Code)
		if err != nil {
			return "", err
		}
		h.Write(append(b, names[0]...))
	}
	f, err := keys.Print(keys.Epoch().Prints[0], credentials.Scope{Kind: "import", ID: t.id}, credentials.MarkMaterial(h.Sum(nil)))
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(f[:]), nil
}

func (t *Tab) sayImport(ctx context.Context, action audit.Action, p rec.Panel, rep ImportReport, rows int) error {
	_, err := t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		_, err := u.Say(action, audit.Success, []string{t.id, flow.Site(p.Site), rep.ID}, flow.F(audit.FieldImport, rep.ID), flow.F(audit.FieldPanel, t.id),
			flow.F(audit.FieldIdent, p.Ident), flow.F(audit.FieldRows, number(rows)), flow.F(audit.FieldAccepted, number(rep.Accepted)), flow.F(audit.FieldRefused, number(rep.Refused)))
		return err
	})
	return err
}

// dryRun judges every row without writing. Whether a code is taken is judged only for
// those who may know; others get the number of rows that the rules refuse.
func (t *Tab) dryRun(ctx context.Context, p rec.Panel, rows []ImportRow, rep ImportReport, o ImportOptions) (ImportReport, error) {
	knows := t.core().Allowed(ctx, t.op.actor, "roster.Collisions", p.Site) == nil
	inFile := map[string]bool{}
	for i, row := range rows {
		if ctx.Err() != nil {
			return rep, ctx.Err()
		}
		err := t.judgeRow(ctx, row, inFile, knows)
		if errors.Is(unsaid(err), credentials.ErrNotAvailable) {
			rep.NotAvailable++
			if !knows {
				err = nil
			}
		}
		rep.add(RowOutcome{Row: i + 1, Place: row.Place, Err: err})
		if o.Progress != nil {
			o.Progress(i+1, len(rows))
		}
	}
	return rep, nil
}

// judgeRow says what the single operation would say. Whether somebody else has the code
// is looked up only for those who may know: a dry run costs nothing, so for anybody else
// it would tell which codes work.
func (t *Tab) judgeRow(ctx context.Context, row ImportRow, inFile map[string]bool, knows bool) error {
	names, err := codeNames(t.core().Keys, t.id, row.Code)
	if err != nil {
		return err
	}
	if err := t.judgeWish(ctx, row.Place, row.CodeWish, wishOptions{blind: !knows}); err != nil {
		return err
	}
	if inFile[names[0]] {
		return credentials.ErrCodeTaken
	}
	inFile[names[0]] = true
	if !knows {
		return nil
	}
	held, err := t.core().Store.Holders(ctx, store.Name(names[0]))
	if err != nil {
		return err
	}
	id := rec.UserID(t.id, row.Place)
	if h := held[0]; h.Holder != "" && !slices.Contains(h.Uses, id) {
		return credentials.ErrCodeTaken
	}
	return nil
}

// errJudged ends a decision that was made only to be judged.
var errJudged = errors.New("roster: judged")

// judgeWish runs the decision of SetCode without committing it.
func (t *Tab) judgeWish(ctx context.Context, place panel.Place, w CodeWish, o wishOptions) error {
	_, err := t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		d, err := t.begin(u, "SetCode", place)
		if err != nil {
			return err
		}
		if err := d.setCode(w, o); err != nil {
			return err
		}
		if d.refused {
			return credentials.ErrNotAvailable
		}
		return errJudged
	})
	if errors.Is(err, errJudged) {
		return nil
	}
	return err
}
