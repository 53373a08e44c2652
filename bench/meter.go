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
}

// pairs are measurements of two operations that ran in turn.
type pairs struct {
	ours, reference []time.Duration // one for each pair, of one operation
	allocs          int64           // of ours, in one operation
}

// pair measures ours and a reference in turn; who is first alternates.
func (m *meter) pair(ours, reference op) (pairs, error) {
	var p pairs
	for i := range m.count {
		first, second := ours, reference
		if i%2 == 1 {
			first, second = reference, ours
		}
		a, err := m.once(first)
		if err != nil {
			return p, err
		}
		b, err := m.once(second)
		if err != nil {
			return p, err
		}
		if i%2 == 1 {
			a, b = b, a
		}
		p.add(a)
		p.reference = append(p.reference, perOp(b))
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

func (p *pairs) add(ours testing.BenchmarkResult) {
	p.ours = append(p.ours, perOp(ours))
	p.allocs = ours.AllocsPerOp()
}

// once measures one operation for the time that the flag says.
func (m *meter) once(o op) (testing.BenchmarkResult, error) {
	var failed error
	r := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if failed = cmp.Or(m.ctx.Err(), o()); failed != nil {
				b.FailNow()
			}
		}
	})
	return r, failed
}

// perOp keeps fractions of a nanosecond out and never returns 0.
func perOp(r testing.BenchmarkResult) time.Duration {
	return max(r.T/time.Duration(max(r.N, 1)), 1)
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
