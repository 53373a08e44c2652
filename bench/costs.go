package main

import (
	"cmp"
	"time"
)

// costs are measurements of two operations by what they take of the processor, and by the
// clock.
type costs struct{ processor, clock pairs }

// cost measures ours and a reference in turn by the processor time of this process, once
// each in a pair; who is first alternates. The clock of a busy machine says how often others
// were let in between, which for operations of a tenth of a second is most of what differs.
// Waiting costs nothing here: see the clock beside it.
func (m *meter) cost(ours, reference op) (costs, error) {
	var c costs
	for i := range 2 * m.count {
		do, processor, clock := ours, &c.processor.ours, &c.clock.ours
		if i%4 == 1 || i%4 == 2 { // ours is first in every other pair
			do, processor, clock = reference, &c.processor.reference, &c.clock.reference
		}
		before, err := spent()
		if err != nil {
			return c, err
		}
		began := time.Now()
		if err := cmp.Or(m.ctx.Err(), do()); err != nil {
			return c, err
		}
		took := time.Since(began)
		after, err := spent()
		if err != nil {
			return c, err
		}
		*processor, *clock = append(*processor, max(after-before, 1)), append(*clock, max(took, 1))
	}
	return c, nil
}
