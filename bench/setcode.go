package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// office is a desk over a SQLite file, with panels that have empty places.
type office struct {
	ctx   context.Context //nolint:containedctx // an office lives inside one call of run
	db    *sqlite.DB
	count *counting
	op    *roster.Operator
	tab   *roster.Tab
	codes int
	// panels is how many there are, slot the last place in which a code was set.
	panels, slot int
}

// counting counts the commits of a store.
type counting struct {
	store.Store
	commits int64
}

// Commit implements [store.Store].
func (c *counting) Commit(ctx context.Context, change store.Change) (store.Result, error) {
	c.commits++
	return c.Store.Commit(ctx, change)
}

const site = "site-1"

func ring() (*credentials.Ring, error) {
	return credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
}

// staff is one operator who may do everything.
func staff() accounts.StaticAuthority {
	return accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
}

// openOffice makes a file with a desk over it.
func openOffice(ctx context.Context, path string) (*office, error) {
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	o := &office{ctx: ctx, db: db, count: &counting{Store: db.Main()}}
	keys, err := ring()
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	desk, err := roster.New(roster.Options{
		Store: o.count, Keys: keys, Drivers: map[string]panel.Driver{"dsc": dsc.New(dsc.Options{})},
		Authority: staff(),
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	o.op = desk.As(accounts.HostActor("operator", "The operator", "bench").Vouched(time.Now()))
	return o, nil
}

// set sets a new code at the next empty place, on a new panel when one is full.
func (o *office) set() error {
	if o.tab == nil || o.slot == 1000 {
		p, err := o.op.Register(o.ctx, roster.Registration{Site: site, Driver: "dsc", Ident: fmt.Sprintf("%012d", o.panels)})
		if err != nil {
			return err
		}
		o.tab, o.slot = o.op.Panel(p.ID), 1 // the master's
		o.panels++
	}
	o.slot++
	o.codes++
	code, err := panel.ParseCode(fmt.Sprintf("%08d", 31415927+o.codes*7919%60_000_000))
	if err != nil {
		return err
	}
	_, err = o.tab.SetCode(o.ctx, panel.Place{Slot: o.slot}, roster.CodeWish{Code: code})
	if errors.Is(err, credentials.ErrWeak) {
		return o.set()
	}
	return err
}

// changes is how many rows the writing connection of a file has written so far.
func changes(ctx context.Context, db *sqlite.DB) (n int64, err error) {
	err = db.SQL().QueryRowContext(ctx, "SELECT total_changes()").Scan(&n)
	return n, err
}

// sample is how many operations are counted to know what one of them writes: as many as
// make the tree's nodes come out even.
const sample = 256

// rowsOf is how many rows an operation on a file writes.
func rowsOf(ctx context.Context, db *sqlite.DB, o op) (float64, error) {
	was, err := changes(ctx, db)
	if err != nil {
		return 0, err
	}
	for range sample {
		if err := o(); err != nil {
			return 0, err
		}
	}
	now, err := changes(ctx, db)
	return float64(now-was) / sample, err
}

// setCode compares SetCode with bare transactions that write as much.
func setCode(m *meter, t *table) error {
	o, err := openOffice(m.ctx, filepath.Join(m.dir, "office.db"))
	if err != nil {
		return err
	}
	defer func() { _ = o.db.Close() }()
	if err := o.set(); err != nil {
		return err
	}
	before := o.count.commits
	rows, err := rowsOf(m.ctx, o.db, o.set)
	if err != nil {
		return err
	}
	commits := float64(o.count.commits-before) / sample
	same, err := openSame(m.ctx, filepath.Join(m.dir, "same.db"), o.db)
	if err != nil {
		return err
	}
	defer func() { _ = same.close() }()
	plain, err := openPlain(m.ctx, filepath.Join(m.dir, "plain.db"), int(math.Round(rows)))
	if err != nil {
		return err
	}
	defer func() { _ = plain.close() }()
	bare, err := rowsOf(m.ctx, same.db, same.write)
	if err != nil {
		return err
	}
	if math.Abs(bare-rows) > 0.1 || math.Abs(commits-1) > 0.1 {
		return fmt.Errorf("SetCode writes %.2f rows in %.2f commits, the reference %.2f in one: bring the reference up to date", rows, commits, bare)
	}
	p, err := m.pair(o.set, same.write)
	if err != nil {
		return err
	}
	t.ratio("SetCode, audited, SQLite file [1]", p, "bare, the same rows", 3)
	if p, err = m.pair(o.set, plain.write); err != nil {
		return err
	}
	t.ratio("SetCode, audited, SQLite file [1]", p, "bare, one plain table", 0)
	t.note("[1] A code wished for at an empty place: rights, rules of the panel, policy, sealing, claim, entry, tree. Counted: %.2f commits and, by total_changes(), %.1f rows each. "+
		"The references are database/sql transactions with prepared statements on one connection with the same pragmas (WAL, synchronous=FULL, secure_delete), which read and check nothing. "+
		"The first writes %.1f rows of the same size into the same tables with the same indexes. The second, which has no goal, writes %.0f rows of 256 bytes into one table without any index: what the disk alone takes.", commits, rows, bare, math.Round(rows))
	return nil
}
