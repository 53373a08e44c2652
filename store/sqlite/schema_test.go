package sqlite_test

import (
	"io/fs"
	"maps"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
	"github.com/seed-a2d3eaca/keyholder/store/sqlstore"
)

// schema is the steps of this release with others added or in their place.
func schema(t *testing.T, more map[string]string) sqlstore.Dialect {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(sqlite.Migrations(), "*")
	require.NoError(t, err)
	for _, name := range names {
		text, err := fs.ReadFile(sqlite.Migrations(), name)
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	for name, text := range maps.All(more) {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return sqlstore.Dialect{Migrations: files}
}

func migrate(t *testing.T, db *sqlite.DB, d sqlstore.Dialect) error {
	t.Helper()
	return sqlstore.New(db.SQL(), db.SQL(), d, sqlstore.Options{}).Migrate(t.Context())
}

func TestNewStepsAreAppliedOnce(t *testing.T) {
	db := open(t, sqlite.Options{})
	next := schema(t, map[string]string{"0003_more.sql": "CREATE TABLE kh_more (n INTEGER)"})
	require.NoError(t, migrate(t, db, next))
	require.NoError(t, migrate(t, db, next))
	_, err := db.SQL().Exec("INSERT INTO kh_more VALUES (1)")
	require.NoError(t, err)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	require.NoError(t, migrate(t, db, schema(t, map[string]string{"0003_more.sql": "CREATE TABLE kh_more (n INTEGER)"})))
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.ErrorIs(t, err, store.ErrSchema)
}

func TestChangedStepIsRefused(t *testing.T) {
	db := open(t, sqlite.Options{})
	require.ErrorIs(t, migrate(t, db, schema(t, map[string]string{"0001_init.sql": "-- changed"})), store.ErrSchema)
}

func TestFailedStepLeavesNothing(t *testing.T) {
	db := open(t, sqlite.Options{})
	broken := schema(t, map[string]string{"0003_good.sql": "CREATE TABLE kh_more (n INTEGER)", "0004_bad.sql": "CREATE NONSENSE"})
	require.Error(t, migrate(t, db, broken))
	_, err := db.SQL().Exec("SELECT * FROM kh_more")
	require.ErrorContains(t, err, "no such table")
}

func TestStepsAreNumberedWithoutGap(t *testing.T) {
	db := open(t, sqlite.Options{})
	for _, name := range []string{"0004_gap.sql", "x_word.sql"} {
		require.ErrorContains(t, migrate(t, db, schema(t, map[string]string{name: "SELECT 1"})), "is not number 3")
	}
}

// People can read the main kinds, whatever a body is.
func TestViews(t *testing.T) {
	db := open(t, sqlite.Options{})
	ops := []store.Op{}
	for kind, body := range map[store.Kind]string{"user": `{"panel":"p1","site":"s1"}`, "panel": `{"name":"Front","site":"s1"}`, "account": `{"username":"op","suspended":{"at":"2026-03-01"}}`} {
		ops = append(ops,
			store.Put{Record: store.Record{Key: store.Key{Kind: kind, ID: "1"}, Body: []byte(body)}},
			store.Put{Record: store.Record{Key: store.Key{Kind: kind, ID: "2"}, Body: []byte("\x00 no JSON \xff")}})
	}
	l := leaf("l1")
	l.Targets = [][]byte{{0x00, 0xff}, []byte("a")}
	before := leaf("l0")
	before.At = before.At.AddDate(-100, 0, 0).Add(7)
	_, err := db.Main().Commit(t.Context(), store.Change{ID: "c1", Entries: []store.Leaf{l, before}, Ops: ops})
	require.NoError(t, err)

	one := func(query string) string {
		var text string
		require.NoError(t, db.SQL().QueryRow(query).Scan(&text), query)
		return text
	}
	require.Equal(t, "p1 s1 1", one("SELECT panel || ' ' || site || ' ' || version FROM kh_users WHERE tenant = 'main' AND id = '1'"))
	require.Equal(t, "Front s1", one("SELECT name || ' ' || site FROM kh_panels WHERE id = '1'"))
	require.Equal(t, "op 2026-03-01 null", one("SELECT username || ' ' || suspended || ' ' || coalesce(removed, 'null') FROM kh_accounts WHERE id = '1'"))
	for _, view := range []string{"kh_users", "kh_panels", "kh_accounts"} {
		require.Equal(t, "2", one("SELECT count(*) FROM "+view))
		require.Equal(t, "1", one("SELECT count(*) FROM "+view+" WHERE id = '2' AND body IS NOT NULL"))
	}
	require.Equal(t, `2027-01-15T08:00:00.000000000Z test.done 0 l1 ["00ff","61"]`,
		one(`SELECT time || ' ' || action || ' ' || "index" || ' ' || id || ' ' || targets FROM kh_log WHERE id = 'l1'`))
	require.Equal(t, "1927-01-15T08:00:00.000000007Z", one("SELECT time FROM kh_log WHERE id = 'l0'"))
}
