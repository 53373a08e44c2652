package sqlstore

import (
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Dialect is what differs between databases. Statements are written with ? and use only
// what SQLite and PostgreSQL share.
type Dialect struct {
	// Migrations are the numbered files NNNN_name.sql, from 0001 without gap.
	Migrations fs.FS
	// Placeholder names the n-th argument of a statement, from 1. Nil: "?".
	Placeholder func(n int) string
	// Text makes of a string of any bytes what the driver stores unchanged. Nil: the string.
	Text func(s string) any
	// Conflict reports errors after which the same transaction may succeed: a lost race
	// for a row that two made at once, a failed serialization. Nil: there are none.
	Conflict func(error) bool
	// Full reports errors that mean that there is no room on the disk: they are
	// [store.ErrFull] too. Nil: none is known.
	Full func(error) bool
	// Isolation is the isolation of transactions. A record that is still absent must stay
	// so until the commit, which takes serializable transactions or a single writer.
	Isolation sql.IsolationLevel
	// NoWait says that a statement of a writing transaction waits for nobody. Then none is
	// interrupted: a context that ends, ends the transaction between two of them.
	NoWait bool
	// Lock ends a SELECT of rows that are about to change, such as " FOR UPDATE".
	Lock string
	// LateIndex leaves new entries without an index until a sequencer gives them one,
	// for databases with several writers.
	LateIndex bool
}

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// SQLite is the dialect of SQLite 3.37 and later, for any driver. Writes must go through
// one connection whose transactions begin IMMEDIATE.
func SQLite() Dialect {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		panic(err) // the path is a constant that fs.Sub accepts
	}
	return Dialect{Migrations: files, NoWait: true}
}

// said is an error of the database as callers get it.
func (d *Dialect) said(err error) error {
	if err == nil || d.Full == nil || !d.Full(err) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrFull, err)
}

// rebind writes a statement with the dialect's placeholders.
func (d *Dialect) rebind(statement string) string {
	if d.Placeholder == nil {
		return statement
	}
	var b strings.Builder
	parts := strings.Split(statement, "?")
	for i, part := range parts {
		if i > 0 {
			b.WriteString(d.Placeholder(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// text makes a string an argument.
func (d *Dialect) text(s string) any {
	if d.Text == nil {
		return s
	}
	return d.Text(s)
}
