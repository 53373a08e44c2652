package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrInjected is what a [Faulty] store answers when a plan says that it fails. It is
// none of the store's sentinels: the caller knows nothing of the outcome.
var ErrInjected = errors.New("storetest: injected fault")

// Verb names a method of a store in a [Call].
type Verb string

// The methods that can fail.
const (
	Commit      Verb = "Commit"
	Load        Verb = "Load"
	List        Verb = "List"
	Tally       Verb = "Tally"
	Holders     Verb = "Holders"
	Counters    Verb = "Counters"
	Entries     Verb = "Entries"
	Tree        Verb = "Tree"
	Lines       Verb = "Lines"
	Due         Verb = "Due"
	Own         Verb = "Own"
	Beat        Verb = "Beat"
	Unsequenced Verb = "Unsequenced"
	Sequence    Verb = "Sequence"
)

// Call is a call of a faulty store, told to its plan.
type Call struct {
	Verb   Verb
	N      int          // how many calls of this verb there were, this one included
	Change store.Change // of a Commit
}

// Fault is what a plan makes of a call.
type Fault uint8

// The faults.
const (
	Pass  Fault = iota // nothing happens to it
	Fail               // it is not done and answers [ErrInjected]
	Lose               // it is done, but answers [ErrInjected]
	Stale              // a Commit is not done and answers [store.ErrStale]; other calls pass
)

// Faulty returns a store that asks plan before every call. Plan is called by one
// goroutine at a time and must not call the store. Wake and Contract never fail.
func Faulty(s store.Store, plan func(Call) Fault) store.Store {
	return &faulty{Store: s, plan: plan, calls: map[Verb]int{}}
}

type faulty struct {
	store.Store // Wake and Contract
	plan        func(Call) Fault
	mu          sync.Mutex
	calls       map[Verb]int
}

// ask counts a call and asks the plan.
func (f *faulty) ask(v Verb, c store.Change) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[v]++
	return f.plan(Call{Verb: v, N: f.calls[v], Change: c})
}

// through makes a call as the plan wants it.
func through[T any](f *faulty, v Verb, call func() (T, error)) (T, error) {
	var none T
	switch f.ask(v, store.Change{}) {
	case Fail:
		return none, ErrInjected
	case Lose:
		if _, err := call(); err != nil {
			return none, err
		}
		return none, ErrInjected
	}
	return call()
}

// Commit implements [store.Store].
func (f *faulty) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	switch f.ask(Commit, c) {
	case Fail:
		return store.Result{}, ErrInjected
	case Lose:
		if _, err := f.Store.Commit(ctx, c); err != nil {
			return store.Result{}, err
		}
		return store.Result{}, ErrInjected
	case Stale:
		if len(c.Ops) == 0 {
			return store.Result{}, store.ErrStale
		}
		return store.Result{}, &store.OpError{Op: c.Ops[0], Err: store.ErrStale}
	}
	return f.Store.Commit(ctx, c)
}

func (f *faulty) Load(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	return through(f, Load, func() ([]store.Record, error) { return f.Store.Load(ctx, keys...) })
}

func (f *faulty) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	return through(f, List, func() ([]store.Record, error) { return f.Store.List(ctx, q) })
}

func (f *faulty) Tally(ctx context.Context, q store.Query) (int64, error) {
	return through(f, Tally, func() (int64, error) { return f.Store.Tally(ctx, q) })
}

func (f *faulty) Holders(ctx context.Context, names ...store.Name) ([]store.Held, error) {
	return through(f, Holders, func() ([]store.Held, error) { return f.Store.Holders(ctx, names...) })
}

func (f *faulty) Counters(ctx context.Context, counters ...string) ([]int64, error) {
	return through(f, Counters, func() ([]int64, error) { return f.Store.Counters(ctx, counters...) })
}

func (f *faulty) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	return through(f, Entries, func() ([]store.Entry, error) { return f.Store.Entries(ctx, q) })
}

func (f *faulty) Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error) {
	type tree struct {
		size   int64
		hashes [][32]byte
	}
	t, err := through(f, Tree, func() (tree, error) {
		size, hashes, err := f.Store.Tree(ctx, positions...)
		return tree{size, hashes}, err
	})
	return t.size, t.hashes, err
}

func (f *faulty) Lines(ctx context.Context, prefix, after string, limit int) ([]store.Line, error) {
	return through(f, Lines, func() ([]store.Line, error) { return f.Store.Lines(ctx, prefix, after, limit) })
}

func (f *faulty) Due(ctx context.Context, prefix string, limit int) ([]store.Line, error) {
	return through(f, Due, func() ([]store.Line, error) { return f.Store.Due(ctx, prefix, limit) })
}

func (f *faulty) Own(ctx context.Context, node, line string) (store.Line, error) {
	return through(f, Own, func() (store.Line, error) { return f.Store.Own(ctx, node, line) })
}

func (f *faulty) Beat(ctx context.Context, node string, ttl time.Duration) (time.Time, error) {
	return through(f, Beat, func() (time.Time, error) { return f.Store.Beat(ctx, node, ttl) })
}

func (f *faulty) Unsequenced(ctx context.Context, limit int) ([]store.Entry, error) {
	return through(f, Unsequenced, func() ([]store.Entry, error) { return f.Store.Unsequenced(ctx, limit) })
}

func (f *faulty) Sequence(ctx context.Context, ids []string) error {
	_, err := through(f, Sequence, func() (struct{}, error) { return struct{}{}, f.Store.Sequence(ctx, ids) })
	return err
}
