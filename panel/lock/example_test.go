package lock_test

import (
	"context"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
)

// A host's controller, here a simulated one, carries a code to a lock.
func Example() {
	ctx := context.Background()
	controller := locksim.New(locksim.Options{})
	driver := lock.New(controller, lock.ZWave(), lock.Options{})
	session, err := driver.Open(ctx, panel.Target{Routes: map[string]panel.Route{lock.Route: {Addr: "7"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	fmt.Println("slots:", session.Model().Slots.Len())
	code, err := panel.ParseCode("482615")
	if err != nil {
		fmt.Println(err)
		return
	}
	for outcome, err := range session.Apply(ctx, []panel.Edit{{
		Place: panel.Place{Slot: 5}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code},
	}}) {
		fmt.Println(outcome.Place, "done:", outcome.Done, err)
	}
	// Output:
	// slots: 30
	// # 5 done: code <nil>
}
