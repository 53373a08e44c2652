package journal

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// Format is the form of a report.
type Format string

// The forms.
const (
	// CSV has one line of heads and one for each row. Cells are guarded as [Cell] says; a
	// line break within a cell may come back in another form.
	CSV Format = "csv"
	// JSON is the lossless form: one object a line, the last an [ExportedCheckpoint].
	JSON Format = "json"
	// HTML is a page to be printed, with the signed checkpoint, without scripts.
	HTML Format = "html"
)

// ReportOptions say what a report looks like.
type ReportOptions struct {
	Format Format
	// Personal shows personal values in clear, as far as they can be opened; otherwise
	// pseudonyms stand for them.
	Personal bool
}

func (o ReportOptions) check() error {
	switch o.Format {
	case CSV, JSON, HTML:
		return nil
	}
	return ErrFormat
}

// sheet is a report before it has a form.
type sheet struct {
	title      string
	asked      string // what was asked for, in words
	made       time.Time
	heads      []string
	page       []int // the columns of a page
	checkpoint audit.Checkpoint
	count      int64
	rows       iter.Seq2[sheetRow, error]
}

// sheetRow is a row for people and for programs.
type sheetRow struct {
	cells []string
	value any
}

// write writes a sheet. Before anything of it leaves, an entry says what is exported and
// how many rows it has.
func (r *Reader) write(ctx context.Context, w io.Writer, format Format, s sheet) error {
	if err := r.exports(ctx, s.asked, s.count, s.checkpoint); err != nil {
		return err
	}
	switch format {
	case JSON:
		return s.json(w)
	case HTML:
		return s.html(w)
	}
	return s.csv(w)
}

// exports records an export.
func (r *Reader) exports(ctx context.Context, asked string, rows int64, c audit.Checkpoint) error {
	_, err := r.journal.core.Act(ctx, r.actor, func(u *flow.Unit) error {
		_, err := u.Say(audit.LogExported, audit.Success, nil, flow.F(audit.FieldFilter, cut(asked)),
			flow.F(audit.FieldCount, strconv.FormatInt(rows, 10)), flow.F(audit.FieldSize, strconv.FormatInt(c.Size, 10)))
		return err
	})
	return err
}

func (s sheet) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(s.heads); err != nil {
		return err
	}
	for row, err := range s.rows {
		if err != nil {
			return err
		}
		for i, c := range row.cells {
			row.cells[i] = Cell(c)
		}
		if err := out.Write(row.cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (s sheet) json(w io.Writer) error {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for row, err := range s.rows {
		if err != nil {
			return err
		}
		if err := lines.Encode(row.value); err != nil {
			return err
		}
	}
	return lines.Encode(ExportedCheckpoint{Checkpoint: string(s.checkpoint.Text), Entries: s.count})
}

const page = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Title}}</title>
<style>
body { font: 10pt sans-serif; margin: 1.5cm }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #999; padding: .2em .4em; text-align: left; vertical-align: top; overflow-wrap: anywhere }
thead { display: table-header-group }
tr { break-inside: avoid }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #999; padding: .5em }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Asked}}</p>
<p>{{.Count}} rows, made {{.Made}}.</p>
<table>
<thead><tr>{{range .Heads}}<th>{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody>
</table>
<h2>Checkpoint</h2>
<p>The log as it was signed when this was made. Whoever has the public key of the log can check it.</p>
<pre>{{.Checkpoint}}</pre>
</body>
</html>
`

func (s sheet) html(w io.Writer) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	chosen := func(cells []string) []string {
		out := make([]string, len(s.page))
		for i, column := range s.page {
			out[i] = cells[column]
		}
		return out
	}
	var failed error
	rows := func(yield func([]string) bool) {
		for row, err := range s.rows {
			if failed = err; err != nil || !yield(chosen(row.cells)) {
				return
			}
		}
	}
	err = t.Execute(w, map[string]any{"Title": s.title, "Asked": s.asked, "Count": s.count, "Made": s.made.UTC().Format(time.RFC1123),
		"Heads": chosen(s.heads), "Rows": iter.Seq[[]string](rows), "Checkpoint": string(s.checkpoint.Text)})
	if failed != nil {
		return failed
	}
	return err
}

// signedNow is the checkpoint over the log as it is: what is reported rests on it.
func (j *Journal) signedNow(ctx context.Context) (audit.Checkpoint, error) {
	size, _, err := j.core.Store.Tree(ctx)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	return j.covering(ctx, size-1)
}

// asked is a filter as a report and the log say it.
func asked(what string, f Filter) string {
	if words := f.String(); words != "" {
		return fmt.Sprintf("%s: %s", what, words)
	}
	return what
}
