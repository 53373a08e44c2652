package panel

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// Part is one route to a panel, with the driver that speaks over it.
type Part struct {
	Route  string // its name in Target.Routes, which is the only one that the driver gets
	Driver Driver
}

// RouteError is a line error of one route of a panel that [Combine] reaches over several.
type RouteError struct {
	Route string
	Err   error
}

// Error names the route.
func (e *RouteError) Error() string { return "route " + e.Route + ": " + e.Err.Error() }

// Unwrap returns the line error.
func (e *RouteError) Unwrap() error { return e.Err }

// Combine makes one driver of several routes to the same panel; the order is the order
// of preference. The route that writes codes creates and removes users; every other
// field goes to the first route that can write it. Of each field one route is the
// witness, whose reports count: the first that reads it; of the code the first of those
// that see most.
//
// A route that is down takes its fields with it and no others. Its error is a
// [RouteError], yielded after everything that the other routes did; several are joined.
// Open fails only if every route does.
//
// Before the first write over a second route its list must agree with that of the route
// that writes codes, in places, roles and labels as far as both read them. Where it does
// not, or cannot be compared, nothing is written over the second route; if it differs,
// the route's error is [ErrRoutesDisagree].
//
// What a route leaves in [Event.State] comes with the name of that route.
//
// The first part that reads a field is believed for it, also while a later part could say
// more: put the route that sees a field best before the others, unless it must not write.
func Combine(parts ...Part) Driver { return combined(parts) }

type combined []Part

func (c combined) models() []Model {
	out := make([]Model, len(c))
	for i, p := range c {
		out[i] = p.Driver.Model()
	}
	return out
}

func (c combined) Model() Model { return mergeModels(c.models()) }

func (c combined) Open(ctx context.Context, t Target) (Session, error) {
	s := &combinedSession{parts: c, models: c.models(), sessions: make([]Session, len(c)), down: make([]error, len(c)), agreed: make([]bool, len(c))}
	open := 0
	for i, p := range c {
		one := t
		one.Routes = map[string]Route{p.Route: t.Routes[p.Route]}
		session, err := p.Driver.Open(ctx, one)
		if err != nil {
			s.down[i] = &RouteError{Route: p.Route, Err: err}
			continue
		}
		open++
		s.sessions[i], s.models[i] = session, session.Model()
	}
	if open == 0 {
		return nil, errors.Join(s.down...)
	}
	return s, nil
}

// Arrivals yields the arrivals of every route; an error names its route.
func (c combined) Arrivals(ctx context.Context) iter.Seq2[Arrival, error] {
	return merge(ctx, len(c), func(ctx context.Context, i int) iter.Seq2[Arrival, error] {
		return func(yield func(Arrival, error) bool) {
			for a, err := range c[i].Driver.Arrivals(ctx) {
				if err != nil {
					err = &RouteError{Route: c[i].Route, Err: err}
				}
				if !yield(a, err) {
					return
				}
			}
		}
	})
}

// merge runs n sequences beside each other and yields what they yield. It returns when
// all have ended.
func merge[T any](ctx context.Context, n int, of func(ctx context.Context, i int) iter.Seq2[T, error]) iter.Seq2[T, error] {
	type pair struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		said := make(chan pair)
		var running sync.WaitGroup
		for i := range n {
			running.Go(func() {
				for v, err := range of(ctx, i) {
					select {
					case said <- pair{v, err}:
					case <-ctx.Done():
						return
					}
				}
			})
		}
		go func() { running.Wait(); close(said) }()
		defer func() {
			cancel()
			for open := true; open; {
				_, open = <-said // until every sequence has ended
			}
		}()
		for p := range said {
			if !yield(p.value, p.err) {
				return
			}
		}
	}
}
