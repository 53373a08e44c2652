package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// idle is a database that does nothing and knows no statement.
type idle struct{}

var errStatement = errors.New("no such statement")

func (i idle) Open(string) (driver.Conn, error)             { return i, nil }
func (i idle) Connect(context.Context) (driver.Conn, error) { return i, nil }
func (i idle) Driver() driver.Driver                        { return i }
func (i idle) Prepare(string) (driver.Stmt, error)          { return nil, errStatement }
func (i idle) Begin() (driver.Tx, error)                    { return i, nil }
func (i idle) Close() error                                 { return nil }
func (i idle) Commit() error                                { return nil }
func (i idle) Rollback() error                              { return nil }

// A context that ends after the last statement ends the transaction, and that is what is
// said, whoever of the two is faster.
func TestAContextThatEndsBeforeTheCommitIsTold(t *testing.T) {
	db := sql.OpenDB(idle{})
	defer func() { require.NoError(t, db.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	p := &pools{dialect: &Dialect{NoWait: true}, writer: &pool{DB: db}}
	err := p.write(ctx, func(s *session) error {
		cancel()
		for !errors.Is(s.exec("SELECT 1"), sql.ErrTxDone) { // until it is rolled back
			runtime.Gosched()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
}
