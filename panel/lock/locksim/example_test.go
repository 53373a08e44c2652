package locksim_test

import (
	"context"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
)

// A lock that takes a duplicate and drops it in silence.
func Example() {
	ctx := context.Background()
	sim := locksim.New(locksim.Options{})
	sim.Quirk(locksim.Silent, true)
	code, err := panel.ParseCode("4871")
	if err != nil {
		fmt.Println(err)
		return
	}
	for slot := 1; slot <= 2; slot++ {
		result, err := sim.SetUserCode(ctx, "7", slot, code)
		fmt.Println(result == lock.Confirmed, err)
	}
	fmt.Println("slots in use:", len(sim.Users()))
	// Output:
	// true <nil>
	// false <nil>
	// slots in use: 1
}
