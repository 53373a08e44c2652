package main

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// people is the host's own table, as it was before keyholder came. It is an
// [accounts.Directory]: keyholder asks it and never writes to it.
type people struct{ db querier }

// querier is a database, or a transaction: only within one can somebody be found who was
// just added.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// person is a row of the table.
type person struct {
	ID, Email, Name, Site string
	Created               time.Time
}

// create makes the table.
func (p people) create(ctx context.Context) error {
	_, err := p.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS people (
		id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,
		site TEXT NOT NULL, created INTEGER NOT NULL, suspended INTEGER NOT NULL DEFAULT 0)`)
	return err
}

// add is the host's own statement.
func (p people) add(ctx context.Context, v person) error {
	_, err := p.db.ExecContext(ctx, "INSERT INTO people (id, email, name, site, created) VALUES (?, ?, ?, ?, ?)",
		v.ID, v.Email, v.Name, v.Site, v.Created.Unix())
	return err
}

// rows asks the table.
func (p people) rows(ctx context.Context, where string, args ...any) ([]accounts.Person, error) {
	rows, err := p.db.QueryContext(ctx, "SELECT id, email, name, site, created, suspended FROM people WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []accounts.Person
	for rows.Next() {
		var email, site string
		var created int64
		var suspended bool
		v := accounts.Person{Status: accounts.StatusActive}
		if err := rows.Scan(&v.ID, &email, &v.Name, &site, &created, &suspended); err != nil {
			return nil, err
		}
		if v.Email, err = accounts.ParseEmail(email); err != nil {
			return nil, err
		}
		if suspended {
			v.Status = accounts.StatusSuspended
		}
		v.Created, v.Sites = time.Unix(created, 0).UTC(), accounts.TheseSites(site)
		all = append(all, v)
	}
	return all, rows.Err()
}

// Person implements [accounts.Directory].
func (p people) Person(ctx context.Context, id accounts.ID) (accounts.Person, error) {
	found, err := p.rows(ctx, "id = ?", string(id))
	switch {
	case err != nil:
		return accounts.Person{}, err
	case len(found) == 0:
		return accounts.Person{}, accounts.ErrAccountNotFound
	}
	return found[0], nil
}

// Suggest implements [accounts.Directory].
func (p people) Suggest(ctx context.Context, sites accounts.Sites, prefix string, limit int) ([]accounts.Person, error) {
	found, err := p.rows(ctx, "NOT suspended AND substr(lower(email), 1, length(?1)) = lower(?1) ORDER BY lower(email)", prefix)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(v accounts.Person) bool { return !v.Sites.Overlaps(sites) })
	return found[:min(limit, len(found))], nil
}
