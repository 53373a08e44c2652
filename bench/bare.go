package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// bare writes rows through database/sql and nothing else.
type bare struct {
	ctx context.Context //nolint:containedctx // it lives inside one call of run
	db  *sqlite.DB
	// rows lists what transaction n writes.
	rows       func(n int64) []row
	statements map[string]*sql.Stmt
	n          int64
}

// row is one row to write.
type row struct {
	statement string
	args      []any
}

// openBare makes a file with the pragmas and the tables of the store.
func openBare(ctx context.Context, path string) (*bare, error) {
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	return &bare{ctx: ctx, db: db, statements: map[string]*sql.Stmt{}}, nil
}

// prepare compiles a statement once.
func (b *bare) prepare(statement string) error {
	if b.statements[statement] != nil {
		return nil
	}
	s, err := b.db.SQL().PrepareContext(b.ctx, statement)
	b.statements[statement] = s
	return err
}

// write does one transaction.
func (b *bare) write() error {
	rows := b.rows(b.n)
	b.n++
	for _, r := range rows {
		if err := b.prepare(r.statement); err != nil {
			return err
		}
	}
	tx, err := b.db.SQL().BeginTx(b.ctx, nil)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := tx.StmtContext(b.ctx, b.statements[r.statement]).ExecContext(b.ctx, r.args...); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func (b *bare) close() error { return b.db.Close() }

// openPlain writes so many rows of 256 bytes into one table.
func openPlain(ctx context.Context, path string, count int) (*bare, error) {
	b, err := openBare(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := b.db.SQL().ExecContext(ctx, "CREATE TABLE plain (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"); err != nil {
		return nil, errors.Join(err, b.close())
	}
	body := make([]byte, 256)
	b.rows = func(int64) []row {
		rows := make([]row, count)
		for i := range rows {
			rows[i] = row{"INSERT INTO plain (body) VALUES (?)", []any{body}}
		}
		return rows
	}
	return b, nil
}

// The store writes the targets of so many entries together, and so many rows with one
// statement.
const (
	together   = 64
	rowsAtOnce = 16
)

// openSame writes what SetCode at an empty place writes, row by row, with the texts of
// one that was done in another file.
func openSame(ctx context.Context, path string, like *sqlite.DB) (*bare, error) {
	var terms, targets, line string
	var record, leaf []byte
	sample := func(query string, into ...any) error {
		return like.SQL().QueryRowContext(ctx, query).Scan(into...)
	}
	if err := errors.Join(
		sample("SELECT body, terms FROM kh_records WHERE kind = 'user' LIMIT 1", &record, &terms),
		sample("SELECT body, targets FROM kh_leaves WHERE action = 'user.code.set' LIMIT 1", &leaf, &targets),
		sample("SELECT line FROM kh_lines LIMIT 1", &line),
	); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	b, err := openBare(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := b.db.SQL().ExecContext(ctx, "INSERT INTO kh_lines (tenant, line, gen, due, owner, token, attempts, parked) VALUES ('main', ?, 1, 1, '', 0, 0, '')", line); err != nil {
		return nil, errors.Join(err, b.close())
	}
	panel := line[len("panel/"):]
	hash := make([]byte, 32)
	var listed [][]any // rows for kh_targets that are not written yet
	b.rows = func(n int64) []row {
		random := make([]byte, 36)
		_, _ = rand.Read(random) // never fails
		// The ids of entries and changes begin with the time.
		change, entry := fmt.Sprintf("%012x%x", n, random[:12]), fmt.Sprintf("%012x%x", n, random[12:24])
		user, name := fmt.Sprintf("%s.%04d", panel, n), fmt.Appendf(nil, "panel/%s|jgu5gixp|%x", panel, random[24:])
		rows := []row{
			{"INSERT INTO kh_records (tenant, kind, id, version, body, terms) VALUES ('main', 'user', ?, 1, ?, ?)", []any{user, string(record), terms}},
			{"INSERT INTO kh_terms (tenant, kind, name, value, id) VALUES ('main', 'user', 'open', ?, ?), ('main', 'user', 'panel', ?, ?), ('main', 'user', 'pending', ?, ?)",
				[]any{[]byte(panel), user, []byte(panel), user, []byte(panel), user}},
			{"INSERT INTO kh_names (tenant, name, holder, uses, reservers, rests_for, rest_until) VALUES ('main', ?, ?, ?, '', '', NULL)", []any{name, user, user}},
			{"UPDATE kh_lines SET gen = gen + 1, due = ? WHERE tenant = 'main' AND line = ?", []any{n, line}},
			{"INSERT INTO kh_leaves (tenant, id, at, action, targets, idx, hash, body) VALUES ('main', ?, ?, 'user.code.set', ?, ?, ?, ?)", []any{entry, n, targets, n, hash, leaf}},
			{"INSERT INTO kh_changes (tenant, id, at, counts, leaves) VALUES ('main', ?, ?, '', ?)", []any{change, n, entry}},
		}
		// A row of the tree has one hash more for each subtree that its leaf completes.
		nodes := bytes.Repeat(hash, 1+bits.TrailingZeros64(uint64(n+1)))
		rows = append(rows, row{"INSERT INTO kh_tree (tenant, idx, leaf, hashes) VALUES ('main', ?, ?, ?)", []any{n, n + 1, nodes}})
		for _, target := range []string{panel, user, site, "operator", ""} {
			listed = append(listed, []any{[]byte(target), n, entry, n + 1})
		}
		if (n+1)%together == 0 {
			// Side by side, as many in a statement as the store.
			slices.SortStableFunc(listed, func(a, b []any) int { return bytes.Compare(a[0].([]byte), b[0].([]byte)) })
			for part := range slices.Chunk(listed, rowsAtOnce) {
				rows = append(rows, row{"INSERT INTO kh_targets (tenant, target, at, id, leaf) VALUES ('main', ?, ?, ?, ?)" + strings.Repeat(", ('main', ?, ?, ?, ?)", len(part)-1), slices.Concat(part...)})
			}
			listed = nil
		}
		return rows
	}
	return b, nil
}
