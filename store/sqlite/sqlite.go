// Package sqlite keeps keyholder's data in one SQLite file, without cgo.
//
// It is for hosts that run on one machine: one call opens the file, makes it if need be,
// and brings its schema up to date.
//
//	db, err := sqlite.Open(ctx, "/var/lib/panels/keyholder.db", sqlite.Options{})
//	if err != nil { … }
//	defer db.Close()
//	desk := db.Main() // the store of a program with one tenant
//
// A commit that returned is on the disk (WAL, synchronous=FULL). While there is no room on it
// commits are refused with store.ErrFull, and reading goes on. Several processes may
// have the file open; one of them writes at a time. What is deleted is overwritten
// (secure_delete); [DB.Checkpoint] also empties the write-ahead log of it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	driver "modernc.org/sqlite" // "sqlite" of database/sql
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/store/sqlstore"
)

// ErrPath: not a path of a file.
var ErrPath = fault.New(fault.Invalid, "sqlite: not a file").
	Hinted("Give the path of a file; for a store in memory use store/memstore.")

// ErrBusy: readers of the file kept a checkpoint from finishing.
var ErrBusy = fault.New(fault.Busy, "sqlite: database is being read").
	Hinted("Try again when no long reading or backup is under way.")

// Options change how a file is opened. The zero value is right for almost everybody.
type Options struct {
	// Readers is how many connections read at the same time; 0 means GOMAXPROCS.
	Readers int
	// Now is the store's clock; nil means time.Now.
	Now func() time.Time
}

// DB is an open file: a fleet of tenants. It is safe for concurrent use.
type DB struct {
	*sqlstore.Fleet
	path          string
	writer, reads *sql.DB
}

// Open opens or makes the file at path, with mode 0600 if it makes it, and brings its
// schema up to date. The errors are [ErrPath], store.ErrSchema for a file of a newer
// release, store.ErrFull, and what the system says.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return nil, fmt.Errorf("%w: %q", ErrPath, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if o.Readers <= 0 {
		o.Readers = runtime.GOMAXPROCS(0)
	}
	// One writer: SQLite lets no more write, and waiting for a connection is fair where
	// waiting for its lock is not.
	writer, err := open(path, 1, "immediate", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)")
	if err != nil {
		return nil, err
	}
	reads, err := open(path, o.Readers, "deferred", "query_only(ON)")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	dialect := sqlstore.SQLite()
	dialect.Full = full
	db := &DB{sqlstore.New(writer, reads, dialect, sqlstore.Options{Now: o.Now}), path, writer, reads}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// full reports errors that say that no file here can grow, among them the shared memory's.
func full(err error) bool {
	e, ok := errors.AsType[*driver.Error](err)
	return ok && (e.Code() == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE)
}

// create makes an empty file that only its owner can read. SQLite gives the log and the
// shared memory beside it the same mode.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// open returns a pool of connections. It does no I/O.
func open(path string, size int, lock string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_txlock": {lock}, "_pragma": append([]string{"busy_timeout(10000)", "foreign_keys(ON)"}, pragmas...)}
	path = "/" + strings.TrimPrefix(filepath.ToSlash(path), "/") // also before a drive letter
	name := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// SQL returns the one connection that writes, so that a host can keep tables of its own
// in the same file and bind a store to a transaction (see Within). While such a
// transaction is open nothing else can commit: keep it short, and reach the stores of
// this file only through Within until it has ended.
func (db *DB) SQL() *sql.DB { return db.writer }

// Migrations are the numbered SQL files of the schema, for review and for documentation.
func Migrations() fs.FS { return sqlstore.SQLite().Migrations }

// Checkpoint moves everything from the write-ahead log into the file and empties the log,
// so that nothing deleted is left in it. Long readings refuse it with [ErrBusy].
func (db *DB) Checkpoint(ctx context.Context) error {
	var busy, frames, moved int
	if err := db.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		return fmt.Errorf("sqlite: checkpoint: %w", err)
	}
	if busy != 0 {
		return ErrBusy
	}
	return nil
}

// Backup writes a whole and compact copy of the file, as of one moment, to a path where
// nothing is yet, with mode 0600. It does not hold up commits. The copy is on the disk
// when Backup returns.
func (db *DB) Backup(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: backup: %w", err)
	}
	defer func() { _ = f.Close() }() // whatever was written is synced before
	// A connection of its own: the readers may not write, not even another file.
	source, err := open(db.path, 1, "deferred")
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	defer func() { _ = source.Close() }() // it was only read
	_, err = source.ExecContext(ctx, "VACUUM INTO ?", path)
	if err == nil {
		err = f.Sync() // SQLite itself does not wait for the disk here
	}
	if err != nil {
		return errors.Join(fmt.Errorf("sqlite: backup: %w", err), os.Remove(path))
	}
	return nil
}

// Close ends all connections.
func (db *DB) Close() error {
	return errors.Join(db.Fleet.Close(), db.reads.Close(), db.writer.Close())
}
