package storetest_test

import (
	"context"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// A service must survive that the first commit happens and its answer is lost.
func ExampleFaulty() {
	s := storetest.Faulty(memstore.Open(), func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit && c.N == 1 {
			return storetest.Lose
		}
		return storetest.Pass
	})
	change := store.Change{ID: "c1", Ops: []store.Op{store.Count{Counter: "guess/1", By: 1, Max: 3}}}
	for range 2 {
		result, err := s.Commit(context.Background(), change)
		fmt.Println(result.Counts["guess/1"], err)
	}
	// Output:
	// 0 storetest: injected fault
	// 1 <nil>
}
