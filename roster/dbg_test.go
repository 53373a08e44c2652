package roster_test

import (
	"encoding/json"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

func (w *world) dbg(c storetest.Call) {
	for _, op := range c.Change.Ops {
		s := fmt.Sprintf("%+v", op)
		_ = s
	}
	for n, u := range w.records() {
		if n == dbgSlot {
			b, _ := json.Marshal(u.Slot)
			if string(b) != dbgLast {
				dbgLast = string(b)
				fmt.Println(w.now().Format("15:04:05.000"), string(b), w.sim.Users())
			}
		}
	}
}

var dbgSlot = 6
var dbgLast string
