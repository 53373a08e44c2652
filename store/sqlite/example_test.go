package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// A host keeps its own table in the same file and writes to both in one transaction.
func ExampleOpen() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "keyholder")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, err := sqlite.Open(ctx, filepath.Join(folder, "keyholder.db"), sqlite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()

	tx, err := db.SQL().BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(ctx, "CREATE TABLE invoices (id TEXT PRIMARY KEY)")
	fmt.Println(err)
	result, err := db.Main().Within(tx).Commit(ctx, store.Change{
		ID:      "a random id",
		Entries: []store.Leaf{{ID: "another one", At: time.Now(), Action: "user.named", Body: []byte("{}")}},
		Ops:     []store.Op{store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: "u1"}, Body: []byte(`{"panel":"p1"}`)}}},
	})
	fmt.Println(result.Index, err)
	fmt.Println(tx.Commit())

	var panel string
	err = db.SQL().QueryRowContext(ctx, "SELECT panel FROM kh_users WHERE id = 'u1'").Scan(&panel)
	fmt.Println(panel, err)
	// Output:
	// <nil>
	// [0] <nil>
	// <nil>
	// p1 <nil>
}
