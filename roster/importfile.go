package roster

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// Limits of an import.
const (
	MaxImportRows  = 10_000
	MaxImportCell  = 256     // bytes
	MaxImportBytes = 4 << 20 // of a file: no more of it is read
)

// Errors of files.
var (
	// ErrImportForm: the file is not what an import takes.
	ErrImportForm = fault.New(fault.Invalid, "roster: not an import file").
			Hinted("Give a CSV file with a header line, or a JSON array of objects, with the columns that the import names and no others.")
	// ErrImportSize: the file has too many rows or bytes.
	ErrImportSize = fault.New(fault.Invalid, "roster: the import file is too large").
			Hinted("Give at most 10,000 rows and 4 MiB; cut a larger file in several.")
	// ErrImportNumber: a JSON file has a number where digits are meant.
	ErrImportNumber = fault.New(fault.Invalid, "roster: a code is text, not a number").
			Hinted("Put codes between quotation marks: a number loses its leading zeros.")
)

// column is one that a file may have.
type column[R any] struct {
	name    string
	need    bool // every file has it
	counted bool // JSON may give a number: there are no zeros to lose
	words   bool // free text, which CSV guards against spreadsheets
	read    func(row *R, cell string) error
}

func (c column[R]) take(row *R, cell string) error {
	if len(cell) > MaxImportCell || strings.ContainsFunc(cell, unicode.IsControl) {
		return ErrImportForm
	}
	if err := c.read(row, cell); err != nil {
		return fmt.Errorf("%w: %w", ErrImportForm, err)
	}
	return nil
}

// columns are those that a file may have.
type columns[R any] []column[R]

func (cs columns[R]) at(name string) int {
	return slices.IndexFunc(cs, func(c column[R]) bool { return c.name == name })
}

// pick finds a column that the file does not have yet.
func (cs columns[R]) pick(name string, has columns[R]) (column[R], error) {
	at := cs.at(name)
	if at < 0 || has.at(name) >= 0 {
		return column[R]{}, ErrImportForm
	}
	return cs[at], nil
}

// complete reports whether the file has all that it needs.
func (cs columns[R]) complete(has columns[R]) error {
	for _, c := range cs {
		if c.need && has.at(c.name) < 0 {
			return fmt.Errorf("%w: %s is missing", ErrImportForm, c.name)
		}
	}
	return nil
}

// bounded reads a file, and no more of it than [MaxImportBytes].
func bounded[R any](r io.Reader, read func(io.Reader) ([]R, error)) ([]R, error) {
	file := &io.LimitedReader{R: r, N: MaxImportBytes + 1}
	rows, err := read(file)
	if file.N == 0 {
		return nil, ErrImportSize
	}
	return rows, err
}

// csv reads a file with a header line. Space around a cell does not count, and of text that
// an export guarded against spreadsheets the apostrophe is taken off, once.
func (cs columns[R]) csv(r io.Reader) ([]R, error) {
	file := csv.NewReader(r)
	file.TrimLeadingSpace = true
	names, err := file.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: no header", ErrImportForm)
	}
	var head columns[R]
	for i, name := range names {
		c, err := cs.pick(strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))), head)
		if err != nil {
			return nil, fmt.Errorf("%w: column %d", err, i+1)
		}
		head = append(head, c)
	}
	if err := cs.complete(head); err != nil {
		return nil, err
	}
	var rows []R
	for {
		cells, err := file.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, fmt.Errorf("line %d: %w", bad.StartLine, ErrImportForm)
		}
		if err != nil {
			return nil, err
		}
		if len(rows) == MaxImportRows {
			return nil, ErrImportSize
		}
		line, _ := file.FieldPos(0)
		var row R
		for i, cell := range cells {
			cell = strings.TrimSpace(cell)
			if head[i].words {
				cell = flow.FromCell(cell)
			}
			if err := head[i].take(&row, cell); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
		}
		rows = append(rows, row)
	}
}

// json reads an array of objects, whose members are the columns. What the file says is in
// no error: a decoder's own would quote it.
func (cs columns[R]) json(r io.Reader) ([]R, error) {
	file := json.NewDecoder(r)
	file.UseNumber()
	if !delimiter(file, '[') {
		return nil, fmt.Errorf("%w: no array", ErrImportForm)
	}
	var rows []R
	for file.More() {
		if len(rows) == MaxImportRows {
			return nil, ErrImportSize
		}
		row, err := cs.object(file)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	if !delimiter(file, ']') {
		return nil, fmt.Errorf("%w: after row %d", ErrImportForm, len(rows))
	}
	if _, err := file.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the array", ErrImportForm)
	}
	return rows, nil
}

func (cs columns[R]) object(file *json.Decoder) (row R, err error) {
	if !delimiter(file, '{') {
		return row, ErrImportForm
	}
	var members columns[R]
	for file.More() {
		name, _ := file.Token()
		text, _ := name.(string)
		c, err := cs.pick(text, members)
		if err != nil {
			return row, err
		}
		members = append(members, c)
		value, _ := file.Token()
		switch value := value.(type) {
		case string:
			err = c.take(&row, value)
		case json.Number:
			if err = ErrImportNumber; c.counted {
				err = c.take(&row, value.String())
			}
		default:
			err = ErrImportForm
		}
		if err != nil {
			return row, err
		}
	}
	if !delimiter(file, '}') {
		return row, ErrImportForm
	}
	return row, cs.complete(members)
}

// delimiter reports whether this one comes next, and reads it.
func delimiter(file *json.Decoder, want json.Delim) bool {
	token, err := file.Token()
	return err == nil && token == want
}
