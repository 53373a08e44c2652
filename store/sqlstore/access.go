package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// access is the way to the database: connections of the fleet's own, or a transaction
// of the host.
type access interface {
	// look runs a reading of one statement, which sees one state by itself.
	look(ctx context.Context, work func(*session) error) error
	// read runs a reading of several statements that see one state of the database.
	read(ctx context.Context, work func(*session) error) error
	// write runs work, all or nothing.
	write(ctx context.Context, work func(*session) error) error
	// close gives back what is kept of the connections, and not these.
	close() error
}

// session runs statements: in one transaction, or one of them by itself.
type session struct {
	ctx     context.Context //nolint:containedctx // a session lives inside one call of look, read or write
	dialect *Dialect
	on      interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	kept *statements // nil in a host's transaction
}

// compiled returns a statement as the session runs it, nil if it is not kept.
func (s *session) compiled(statement string) *sql.Stmt {
	if s.kept == nil {
		return nil
	}
	kept := s.kept.find(statement)
	if tx, ok := s.on.(*sql.Tx); ok && kept != nil {
		return tx.StmtContext(s.ctx, kept)
	}
	return kept
}

// exec runs a statement.
func (s *session) exec(statement string, args ...any) error {
	var err error
	if kept := s.compiled(statement); kept != nil {
		_, err = kept.ExecContext(s.ctx, args...)
	} else {
		_, err = s.on.ExecContext(s.ctx, s.dialect.rebind(statement), args...)
	}
	return err
}

// query runs a statement that returns rows.
func (s *session) query(statement string, args []any) (*sql.Rows, error) {
	if kept := s.compiled(statement); kept != nil {
		return kept.QueryContext(s.ctx, args...)
	}
	return s.on.QueryContext(s.ctx, s.dialect.rebind(statement), args...)
}

// one scans the only row into values and reports whether there was one.
func (s *session) one(statement string, args []any, values ...any) (found bool, err error) {
	err = s.each(statement, args, func(scan func(...any) error) error {
		found = true
		return scan(values...)
	})
	return found && err == nil, err
}

// rowsAtOnce is how many rows one statement inserts: so few that the statement for each
// smaller number stays compiled too.
const rowsAtOnce = 16

// insert writes rows of so many values each, many with one statement; end follows them.
func (s *session) insert(into string, width int, values []any, end string) error {
	row := list(width)
	for part := range slices.Chunk(values, width*rowsAtOnce) {
		if err := s.exec("INSERT INTO "+into+" VALUES "+row+strings.Repeat(", "+row, len(part)/width-1)+end, part...); err != nil {
			return err
		}
	}
	return nil
}

// each calls row for every row of a statement.
func (s *session) each(statement string, args []any, row func(scan func(...any) error) error) error {
	rows, err := s.query(statement, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// pools are the fleet's own connections.
type pools struct {
	dialect       *Dialect
	writer, reads *pool
}

// pool is connections with the statements that were compiled for them.
type pool struct {
	*sql.DB
	statements
}

func (p *pools) look(ctx context.Context, work func(*session) error) error {
	p.reads.compile(ctx, p.reads.DB, p.dialect)
	return p.dialect.said(work(&session{ctx, p.dialect, p.reads.DB, &p.reads.statements}))
}

func (p *pools) read(ctx context.Context, work func(*session) error) error {
	return p.dialect.said(p.try(ctx, p.reads, &sql.TxOptions{ReadOnly: true, Isolation: p.dialect.Isolation}, work))
}

// attempts is how often a transaction is begun again after a conflict.
const attempts = 8

func (p *pools) write(ctx context.Context, work func(*session) error) error {
	for n := 1; ; n++ {
		err := p.try(ctx, p.writer, &sql.TxOptions{Isolation: p.dialect.Isolation}, work)
		if err == nil || n == attempts || p.dialect.Conflict == nil || !p.dialect.Conflict(err) {
			return p.dialect.said(err)
		}
		pause := time.NewTimer(rand.N(time.Duration(n) * 5 * time.Millisecond))
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
	}
}

func (p *pools) close() error { return errors.Join(p.writer.close(), p.reads.close()) }

// try runs work in one transaction.
func (p *pools) try(ctx context.Context, db *pool, o *sql.TxOptions, work func(*session) error) error {
	db.compile(ctx, db.DB, p.dialect)
	tx, err := db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	inside := ctx
	if p.dialect.NoWait && !o.ReadOnly {
		inside = context.WithoutCancel(ctx) // saves a watcher for each statement
	}
	if err := work(&session{inside, p.dialect, tx, &db.statements}); err != nil {
		// A rollback that fails changes nothing: the connection is given up and the
		// database rolls back by itself.
		_ = tx.Rollback()
		return cmp.Or(ctx.Err(), err)
	}
	err = tx.Commit()
	if errors.Is(err, sql.ErrTxDone) {
		return ctx.Err() // which has ended it between the last statement and this
	}
	return err
}

// bound is a host's transaction, in which a commit is a savepoint.
type bound struct {
	dialect *Dialect
	tx      *sql.Tx
	mu      sync.Mutex // a transaction is one connection: one thing at a time
}

func (b *bound) look(ctx context.Context, work func(*session) error) error { return b.read(ctx, work) }

func (b *bound) read(ctx context.Context, work func(*session) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.dialect.said(work(&session{ctx, b.dialect, b.tx, nil}))
}

func (b *bound) write(ctx context.Context, work func(*session) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	// A statement that is interrupted may end the whole transaction of the host, so
	// nothing is interrupted once it has begun.
	s := &session{context.WithoutCancel(ctx), b.dialect, b.tx, nil}
	return b.dialect.said(inside(s, work))
}

// inside runs work in a savepoint.
func inside(s *session, work func(*session) error) error {
	if err := s.exec("SAVEPOINT kh_commit"); err != nil {
		return err
	}
	if err := work(s); err != nil {
		for _, undo := range []string{"ROLLBACK TO SAVEPOINT kh_commit", "RELEASE SAVEPOINT kh_commit"} {
			if failed := s.exec(undo); failed != nil {
				return errors.Join(err, failed)
			}
		}
		return err
	}
	return s.exec("RELEASE SAVEPOINT kh_commit")
}

// close does nothing: the host's transaction keeps nothing.
func (b *bound) close() error { return nil }
