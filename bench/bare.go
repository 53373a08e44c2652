package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"

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
	b.rows = func(n int64) []row {
		random := make([]byte, 48)
		_, _ = rand.Read(random) // never fails
		user, change, entry := fmt.Sprintf("%s.%04d", panel, n), hex.EncodeToString(random[:18]), hex.EncodeToString(random[18:36])
		name := append([]byte("panel/"+panel+"|jgu5gixp|"), hex.EncodeToString(random[36:])...)
		rows := []row{
			{"INSERT INTO kh_records (tenant, kind, id, version, body, terms) VALUES ('main', 'user', ?, 1, ?, ?)", []any{user, string(record), terms}},
			{"INSERT INTO kh_names (tenant, name, holder, uses, reservers, rests_for, rest_until) VALUES ('main', ?, ?, ?, '', '', NULL)", []any{name, user, user}},
			{"UPDATE kh_lines SET gen = gen + 1, due = ? WHERE tenant = 'main' AND line = ?", []any{n, line}},
			{"INSERT INTO kh_leaves (tenant, id, at, action, targets, body, hash, idx) VALUES ('main', ?, ?, 'user.code.set', ?, ?, ?, ?)", []any{entry, n, targets, leaf, hash, n}},
			{"INSERT INTO kh_changes (tenant, id, at, counts, leaves) VALUES ('main', ?, ?, '', ?)", []any{change, n, entry}},
		}
		for _, term := range []string{"open", "panel", "pending"} {
			rows = append(rows, row{"INSERT INTO kh_terms (tenant, kind, name, value, id) VALUES ('main', 'user', ?, ?, ?)", []any{term, []byte(panel), user}})
		}
		for _, target := range []string{panel, user, site, "operator"} {
			rows = append(rows, row{"INSERT INTO kh_targets (tenant, target, at, leaf) VALUES ('main', ?, ?, ?)", []any{[]byte(target), n, entry}})
		}
		// A tree has one node more for each subtree that its new leaf completes.
		nodes := bits.TrailingZeros64(uint64(n + 1))
		position := 2*n - int64(bits.OnesCount64(uint64(n)))
		for i := range int64(nodes + 1) {
			rows = append(rows, row{"INSERT INTO kh_tree (tenant, position, hash) VALUES ('main', ?, ?)", []any{position + i, hash}})
		}
		return rows
	}
	return b, nil
}
