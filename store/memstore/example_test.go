package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

func ExampleOpen() {
	ctx := context.Background()
	s := memstore.Open()
	change := store.Change{
		ID:      "a random id",
		Entries: []store.Leaf{{ID: "another one", At: time.Now(), Action: "user.named", Body: []byte("{}")}},
		Ops:     []store.Op{store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: "u1"}, Body: []byte(`{"label":"Front"}`)}}},
	}
	for range 2 { // the second time as if the first answer had been lost
		result, err := s.Commit(ctx, change)
		fmt.Println(result.Index, result.Again, err)
	}
	_, err := s.Commit(ctx, store.Change{ID: "a third one", Ops: change.Ops})
	fmt.Println(err)
	// Output:
	// [0] false <nil>
	// [0] true <nil>
	// store: change without an entry
}

func ExampleNew() {
	fleet := memstore.New()
	for _, id := range []string{"north", "South"} {
		_, err := fleet.Tenant(id)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// store: not a tenant id: only a-z, 0-9, '-' and '_'
}

func ExampleNewWith() {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s, err := memstore.NewWith(memstore.Options{Now: func() time.Time { return noon }}).Tenant("main")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Beat(context.Background(), "node-1", time.Minute))
	// Output: 2026-03-01 12:00:00 +0000 UTC <nil>
}
