package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// access is the way to the database: connections of the fleet's own, or a transaction
// of the host.
type access interface {
	// read runs a reading that sees one state of the database.
	read(ctx context.Context, work func(*session) error) error
	// write runs work, all or nothing.
	write(ctx context.Context, work func(*session) error) error
}

// session runs statements in one transaction.
type session struct {
	ctx     context.Context
	dialect *Dialect
	tx      *sql.Tx
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(statement string, args ...any) (int64, error) {
	r, err := s.tx.ExecContext(s.ctx, s.dialect.rebind(statement), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// one scans the first row into values and reports whether there was one.
func (s *session) one(statement string, args []any, values ...any) (bool, error) {
	err := s.tx.QueryRowContext(s.ctx, s.dialect.rebind(statement), args...).Scan(values...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls row for every row of a statement.
func (s *session) each(statement string, args []any, row func(scan func(...any) error) error) error {
	rows, err := s.tx.QueryContext(s.ctx, s.dialect.rebind(statement), args...)
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
	writer, reads *sql.DB
}

func (p *pools) read(ctx context.Context, work func(*session) error) error {
	return p.try(ctx, p.reads, &sql.TxOptions{ReadOnly: true, Isolation: p.dialect.Isolation}, work)
}

// attempts is how often a transaction is begun again after a conflict.
const attempts = 8

func (p *pools) write(ctx context.Context, work func(*session) error) error {
	for n := 1; ; n++ {
		err := p.try(ctx, p.writer, &sql.TxOptions{Isolation: p.dialect.Isolation}, work)
		if err == nil || n == attempts || p.dialect.Conflict == nil || !p.dialect.Conflict(err) {
			return err
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

// try runs work in one transaction.
func (p *pools) try(ctx context.Context, db *sql.DB, o *sql.TxOptions, work func(*session) error) error {
	tx, err := db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	if err := work(&session{ctx, p.dialect, tx}); err != nil {
		// A rollback that fails changes nothing: the connection is given up and the
		// database rolls back by itself.
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// bound is a host's transaction, in which a commit is a savepoint.
type bound struct {
	dialect *Dialect
	tx      *sql.Tx
	mu      sync.Mutex // a transaction is one connection: one thing at a time
}

func (b *bound) read(ctx context.Context, work func(*session) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return work(&session{ctx, b.dialect, b.tx})
}

func (b *bound) write(ctx context.Context, work func(*session) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	// A statement that is interrupted may end the whole transaction of the host, so
	// nothing is interrupted once it has begun.
	s := &session{context.WithoutCancel(ctx), b.dialect, b.tx}
	if _, err := s.exec("SAVEPOINT kh_commit"); err != nil {
		return err
	}
	if err := work(s); err != nil {
		for _, undo := range []string{"ROLLBACK TO SAVEPOINT kh_commit", "RELEASE SAVEPOINT kh_commit"} {
			if _, failed := s.exec(undo); failed != nil {
				return errors.Join(err, failed)
			}
		}
		return err
	}
	_, err := s.exec("RELEASE SAVEPOINT kh_commit")
	return err
}
