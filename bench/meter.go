package main

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"
)

// op is one operation to be measured.
type op func() error

// meter measures operations.
type meter struct {
	ctx   context.Context //nolint:containedctx // a meter lives inside one call of run
	dir   string
	count int
	each  time.Duration // of a measurement
}

// pairs are measurements of two operations that ran in turn.
type pairs struct {
	ours, reference []time.Duration // one for each pair, of one operation
	allocs          int64           // of ours, in one operation
}

// measured is what one measurement found, of one operation.
type measured struct {
	took   time.Duration
	allocs int64
}

// pair measures ours and a reference in turn; who is first alternates.
func (m *meter) pair(ours, reference op) (pairs, error) {
	return m.turns(func() (measured, error) { return m.once(ours) }, func() (measured, error) { return m.once(reference) })
}

// pairWith does so with operations whose input is laid ready outside of the time, for so
// many of them at once.
func (m *meter) pairWith(ready func(), batch int, ours, reference op) (pairs, error) {
	return m.turns(func() (measured, error) { return m.onceWith(ready, batch, ours) },
		func() (measured, error) { return m.onceWith(ready, batch, reference) })
}

func (m *meter) turns(ours, reference func() (measured, error)) (pairs, error) {
	var p pairs
	for i := range m.count {
		first, second := ours, reference
		if i%2 == 1 {
			first, second = reference, ours
		}
		a, err := first()
		if err != nil {
			return p, err
		}
		b, err := second()
		if err != nil {
			return p, err
		}
		if i%2 == 1 {
			a, b = b, a
		}
		p.add(a)
		p.reference = append(p.reference, b.took)
	}
	return p, nil
}

// alone measures an operation that is compared with nothing.
func (m *meter) alone(ours op) (pairs, error) {
	var p pairs
	for range m.count {
		r, err := m.once(ours)
		if err != nil {
			return p, err
		}
		p.add(r)
	}
	return p, nil
}

func (p *pairs) add(ours measured) {
	p.ours = append(p.ours, ours.took)
	p.allocs = ours.allocs
}

// once measures one operation for the time that the flag says.
func (m *meter) once(o op) (measured, error) {
	var failed error
	r := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if failed = cmp.Or(m.ctx.Err(), o()); failed != nil {
				b.FailNow()
			}
		}
	})
	return measured{perOp(r.T, r.N), r.AllocsPerOp()}, failed
}

// onceWith measures batches of an operation for the time that the flag says, or as many
// operations. What makes an input ready is not measured.
func (m *meter) onceWith(ready func(), batch int, o op) (measured, error) {
	var took time.Duration
	done := 0
	for done == 0 || took < m.each && m.ctx.Err() == nil {
		ready()
		began := time.Now()
		for range batch {
			if err := o(); err != nil {
				return measured{}, err
			}
		}
		took += time.Since(began)
		done += batch
	}
	return measured{took: perOp(took, done)}, m.ctx.Err()
}

// perOp keeps fractions of a nanosecond out and never returns 0.
func perOp(took time.Duration, n int) time.Duration {
	return max(took/time.Duration(max(n, 1)), 1)
}

// ratios returns the smallest, the median and the largest of the pairs' ratios.
func (p pairs) ratios() (low, middle, high float64) {
	var all []float64
	for i, ours := range p.ours {
		all = append(all, float64(ours)/float64(p.reference[i]))
	}
	return slices.Min(all), median(all), slices.Max(all)
}

// median returns the middle one of an odd number, the mean of the two in the middle of
// an even one.
func median[T ~int64 | ~float64](list []T) T {
	s := slices.Sorted(slices.Values(list))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}
