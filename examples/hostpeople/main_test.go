package main

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// open opens the file that a run has left.
func open(t *testing.T, dir string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "host.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestTheHostsRowsAndOursCommitOrFallTogether(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), dir, &out))
	require.Equal(t, `committed: slot 2, code not set and pending, account tenant@example.com (Active)
rolled back: slot 3, code not set and settled, account - (Unknown)
the panel opens for: Master, Tenant
`, out.String())

	db := open(t, dir)
	var emails string
	require.NoError(t, db.SQL().QueryRow("SELECT group_concat(email) FROM people").Scan(&emails))
	require.Equal(t, "tenant@example.com", emails)
	entries, err := db.Main().Entries(t.Context(), store.EntryQuery{ByIndex: true})
	require.NoError(t, err)
	count := map[string]int{}
	for _, e := range entries {
		count[e.Action]++
	}
	require.Equal(t, 1, count["user.code.set"], "what was rolled back has no entry: it never happened")
	require.Equal(t, 1, count["account.assigned"])
	rs, err := db.Main().List(t.Context(), store.Query{Kind: "user"})
	require.NoError(t, err)
	require.Len(t, rs, 2, "the Master and the tenant")
}

func TestTheTableIsADirectory(t *testing.T) {
	db := open(t, t.TempDir())
	p, ctx := people{db.SQL()}, t.Context()
	require.NoError(t, p.create(ctx))
	add := func(tx *sql.Tx, id, email, site string) {
		t.Helper()
		require.NoError(t, people{tx}.add(ctx, person{ID: id, Email: email, Name: id, Site: site, Created: time.Unix(1, 0)}))
	}
	tx, err := db.SQL().BeginTx(ctx, nil)
	require.NoError(t, err)
	add(tx, "1", "Owner@example.com", "a")
	add(tx, "2", "owned@example.com", "b")
	add(tx, "3", "own%@example.com", "a")
	add(tx, "4", "owner.two@example.com", "a")
	_, err = tx.Exec("UPDATE people SET suspended = 1 WHERE id = '4'")
	require.NoError(t, err)
	found, err := people{tx}.Person(ctx, "1")
	require.NoError(t, err, "seen from within")
	require.Equal(t, accounts.TheseSites("a"), found.Sites)
	require.NoError(t, tx.Commit())

	suggest := func(sites accounts.Sites, prefix string, limit int) (ids []accounts.ID) {
		t.Helper()
		found, err := p.Suggest(ctx, sites, prefix, limit)
		require.NoError(t, err)
		for _, v := range found {
			ids = append(ids, v.ID)
		}
		return ids
	}
	require.Equal(t, []accounts.ID{"3", "2", "1"}, suggest(accounts.AllSites(), "OWN", 9), "neither suspended nor by its case")
	require.Equal(t, []accounts.ID{"3", "1"}, suggest(accounts.TheseSites("a"), "own", 9))
	require.Equal(t, []accounts.ID{"3"}, suggest(accounts.AllSites(), "own%", 9))
	require.Len(t, suggest(accounts.AllSites(), "own", 1), 1)
	require.Empty(t, suggest(accounts.Sites{}, "own", 9))

	suspended, err := p.Person(ctx, "4")
	require.NoError(t, err)
	require.Equal(t, accounts.StatusSuspended, suspended.Status)
	_, err = p.Person(ctx, "5")
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
}
