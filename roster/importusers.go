package roster

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ImportRow is one user of a panel to set.
type ImportRow struct {
	Place panel.Place
	CodeWish
}

// ReadImport reads the rows of a CSV file with a header line: slot, code, and optionally
// label, role, partitions (numbers separated by spaces), from and until (RFC 3339; only on
// panels that know such times). Leading zeros of codes are kept, and of a label that an
// export guarded against spreadsheets the apostrophe is taken off, once. Errors:
// [ErrImportForm], [ErrImportSize]; they name the line, never a code.
func ReadImport(r io.Reader) ([]ImportRow, error) { return bounded(r, importColumns().csv) }

// ReadImportJSON reads the rows of a JSON file: an array of objects whose members are the
// columns of [ReadImport], all of them strings; slot may be a number too. Labels are taken
// as they are. Errors: [ErrImportForm], [ErrImportSize], [ErrImportNumber] for a code that
// is a number; they name the row, never a code.
func ReadImportJSON(r io.Reader) ([]ImportRow, error) { return bounded(r, importColumns().json) }

func importColumns() columns[ImportRow] {
	return columns[ImportRow]{
		{name: "slot", need: true, counted: true, read: func(r *ImportRow, cell string) (err error) {
			if r.Place.Slot, err = strconv.Atoi(cell); err != nil {
				err = panel.ErrSlotOutOfRange
			}
			return err
		}},
		{name: "code", need: true, read: func(r *ImportRow, cell string) (err error) {
			r.Code, err = credentials.ParseCode(cell)
			return err
		}},
		{name: "label", words: true, read: func(r *ImportRow, cell string) error { r.Label = cell; return nil }},
		{name: "role", read: func(r *ImportRow, cell string) error { r.Role = panel.Role(cell); return nil }},
		{name: "partitions", read: func(r *ImportRow, cell string) (err error) {
			r.Partitions, err = panel.ParsePartitions(cell)
			return err
		}},
		{name: "from", read: func(r *ImportRow, cell string) error {
			return instant(cell, &r.Window, func(w *panel.Window) *time.Time { return &w.From })
		}},
		{name: "until", read: func(r *ImportRow, cell string) error {
			return instant(cell, &r.Window, func(w *panel.Window) *time.Time { return &w.Until })
		}},
	}
}

// errInstant stands for a parser's own words, which would quote the cell.
var errInstant = errors.New("a time is written as 2026-05-01T08:00:00Z")

// instant reads one end of a window. Where both are empty there is none: it stays as it is.
func instant(cell string, w **credentials.Window, end func(*credentials.Window) *time.Time) error {
	if cell == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, cell)
	if err != nil {
		return errInstant
	}
	if *w == nil {
		*w = &credentials.Window{}
	}
	*end(*w) = at
	return nil
}

// Import sets many users at once, each judged as the single operation would judge it. A
// dry run changes nothing and gives the token with which the same rows are committed:
// within [ImportLife], and as long as neither the panel, nor the users of these places, nor
// the rules for codes, nor the keys have changed, else [ErrImportChanged]. So what a commit
// did not come to is tried again first.
//
// When ctx ends, what was done stays done and the report says how far it came. At the end
// of the budget of refusals it stops: [ErrImportStopped].
func (t *Tab) Import(ctx context.Context, rows []ImportRow, o ImportOptions) (ImportReport, error) {
	p, err := t.peek(ctx, "Import")
	if err != nil {
		return ImportReport{}, err
	}
	if len(rows) == 0 || len(rows) > MaxImportRows {
		return ImportReport{}, t.op.refused(ctx, "Import", []string{t.id}, ErrImportForm)
	}
	on, err := t.footing(ctx, rows)
	if err != nil {
		return ImportReport{}, err
	}
	inFile := map[string]bool{}
	m := &importing{op: t.op, name: "Import", site: p.Site, rows: len(rows), footing: on,
		targets: []string{t.id, flow.Site(p.Site)}, said: []flow.Field{flow.F(audit.FieldPanel, t.id), flow.F(audit.FieldIdent, p.Ident)},
		judge: func(ctx context.Context, i int, knows bool) RowOutcome {
			return RowOutcome{Row: i + 1, Place: rows[i].Place, Err: t.judgeRow(ctx, rows[i], inFile, knows)}
		},
		carry: func(ctx context.Context, i int) RowOutcome {
			r, err := t.SetCode(ctx, rows[i].Place, rows[i].CodeWish)
			return RowOutcome{Row: i + 1, Place: rows[i].Place, Receipt: r, Err: err}
		},
	}
	return m.run(ctx, o)
}

// footing is the rows, the panel, and the users of their places.
func (t *Tab) footing(ctx context.Context, rows []ImportRow) (footing, error) {
	b, err := t.op.desk.footing(t.id)
	if err != nil {
		return b, err
	}
	keys := []store.Key{rec.Panels.Key(t.id)}
	for _, r := range rows {
		names, err := codeNames(t.core().Keys, t.id, r.Code)
		if err != nil {
			return b, err
		}
		if err := b.add(r.Place, names, r.Label, r.Role, r.Partitions, r.Window); err != nil {
			return b, err
		}
		keys = append(keys, rec.Users.Key(rec.UserID(t.id, r.Place)))
	}
	return b, b.records(ctx, keys)
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
	return judged(err)
}
