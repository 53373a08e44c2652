package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// mutant is a store with one fault that the kit must find. Nil functions are right.
type mutant struct {
	store.Store
	commit  func(s store.Store, ctx context.Context, c store.Change) (store.Result, error)
	load    func(s store.Store, ctx context.Context, keys []store.Key) ([]store.Record, error)
	list    func(s store.Store, ctx context.Context, q store.Query) ([]store.Record, error)
	entries func(s store.Store, ctx context.Context, q store.EntryQuery) ([]store.Entry, error)
	own     func(s store.Store, ctx context.Context, node, line string) (store.Line, error)
	tree    func(s store.Store, ctx context.Context, positions []int64) (int64, [][32]byte, error)
}

func (m mutant) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	if m.commit == nil {
		return m.Store.Commit(ctx, c)
	}
	return m.commit(m.Store, ctx, c)
}

func (m mutant) Load(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	if m.load == nil {
		return m.Store.Load(ctx, keys...)
	}
	return m.load(m.Store, ctx, keys)
}

func (m mutant) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if m.list == nil {
		return m.Store.List(ctx, q)
	}
	return m.list(m.Store, ctx, q)
}

func (m mutant) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	if m.entries == nil {
		return m.Store.Entries(ctx, q)
	}
	return m.entries(m.Store, ctx, q)
}

func (m mutant) Own(ctx context.Context, node, line string) (store.Line, error) {
	if m.own == nil {
		return m.Store.Own(ctx, node, line)
	}
	return m.own(m.Store, ctx, node, line)
}

func (m mutant) Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error) {
	if m.tree == nil {
		return m.Store.Tree(ctx, positions...)
	}
	return m.tree(m.Store, ctx, positions)
}

// fresh numbers ids that nobody sent.
var fresh atomic.Int64

// mutants are faults that stores have had, or are likely to have.
var mutants = map[string]mutant{
	"forgets what it committed": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		if c.Validate() == nil {
			c.ID = fmt.Sprint("fresh", fresh.Add(1))
		}
		return s.Commit(ctx, c)
	}},
	"forgets the counts of a second commit": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		r, err := s.Commit(ctx, c)
		if r.Again {
			r.Counts = nil
		}
		return r, err
	}},
	"commits one operation at a time": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		if len(c.Ops) < 2 || c.Validate() != nil {
			return s.Commit(ctx, c)
		}
		last := len(c.Ops) - 1
		first := store.Change{ID: c.ID + "!", Ops: c.Ops[:last]}
		first.Entries = []store.Leaf{{ID: c.ID + "!", At: time.Unix(1, 0), Action: "a", Body: []byte("b")}}
		if r, err := s.Commit(ctx, first); err != nil {
			return r, err
		}
		c.Ops = c.Ops[last:]
		r, err := s.Commit(ctx, c)
		if op, ok := errors.AsType[*store.OpError](err); ok {
			op.Index = last
		}
		return r, err
	}},
	"lets changes pass without an entry": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		if errors.Is(c.Validate(), store.ErrNoEntry) {
			c.Entries = []store.Leaf{{ID: c.ID, At: time.Unix(1, 0), Action: "a", Body: []byte("b")}}
		}
		return s.Commit(ctx, c)
	}},
	"ignores checks": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		ops := slices.Clone(c.Ops)
		ops = slices.DeleteFunc(ops, func(o store.Op) bool { _, is := o.(store.Check); return is })
		if len(ops) > 0 || len(c.Entries) > 0 {
			c.Ops = ops
		}
		return s.Commit(ctx, c)
	}},
	"ignores fences": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		r, err := s.Commit(ctx, c)
		if errors.Is(err, store.ErrFenced) {
			return store.Result{}, nil
		}
		return r, err
	}},
	"shares a hold": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		r, err := s.Commit(ctx, c)
		if errors.Is(err, store.ErrTaken) {
			return store.Result{}, nil
		}
		return r, err
	}},
	"ignores the context": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		return s.Commit(context.WithoutCancel(ctx), c)
	}},
	"hides the operation that was refused": {commit: func(s store.Store, ctx context.Context, c store.Change) (store.Result, error) {
		r, err := s.Commit(ctx, c)
		if op, ok := errors.AsType[*store.OpError](err); ok {
			return r, op.Err
		}
		return r, err
	}},
	"loads the wrong order": {load: func(s store.Store, ctx context.Context, keys []store.Key) ([]store.Record, error) {
		keys = slices.Clone(keys)
		slices.Reverse(keys)
		return s.Load(ctx, keys...)
	}},
	"pages by value alone": {list: func(s store.Store, ctx context.Context, q store.Query) ([]store.Record, error) {
		if q.After != nil && q.Term != "" {
			q.After = &store.Position{Value: q.After.Value, ID: "\xff\xff"}
		}
		return s.List(ctx, q)
	}},
	"has an inclusive end": {list: func(s store.Store, ctx context.Context, q store.Query) ([]store.Record, error) {
		if len(q.To) > 0 {
			q.To = append(slices.Clone(q.To), 0)
		}
		return s.List(ctx, q)
	}},
	"finds all for any of none": {entries: func(s store.Store, ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
		if len(q.AnyTarget) == 0 {
			q.AnyTarget = nil
		}
		return s.Entries(ctx, q)
	}},
	"pages entries by time alone": {entries: func(s store.Store, ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
		if q.AfterID != "" && !q.OldestLast {
			q.AfterID = "\xff\xff"
		}
		return s.Entries(ctx, q)
	}},
	"lets a line be taken from the living": {own: func(s store.Store, ctx context.Context, node, line string) (store.Line, error) {
		l, err := s.Own(ctx, node, line)
		if errors.Is(err, store.ErrOwned) {
			return store.Line{Name: line, Owner: node, Token: 1}, nil
		}
		return l, err
	}},
	"has another tree": {tree: func(s store.Store, ctx context.Context, positions []int64) (int64, [][32]byte, error) {
		n, hashes, err := s.Tree(ctx, positions...)
		if len(hashes) > 2 {
			hashes[2][0] ^= 1
		}
		return n, hashes, err
	}},
}

// flawed is a fleet of mutants.
type flawed struct {
	*memstore.Fleet
	mutant mutant
}

func (f flawed) Tenant(id string) (store.Store, error) {
	s, err := f.Fleet.Tenant(id)
	m := f.mutant
	m.Store = s
	return m, err
}

// leaky is a fleet whose tenants are one.
type leaky struct{ *memstore.Fleet }

func (f leaky) Tenant(id string) (store.Store, error) {
	if err := store.CheckTenant(id); err != nil {
		return nil, err
	}
	return f.Fleet.Tenant("main")
}

const mutantEnv = "KEYHOLDER_TEST_MUTANT"

// TestMutant runs the kit on one mutant, in a process of its own, where it must fail. In a
// normal run it runs the kit on a store without a fault.
func TestMutant(t *testing.T) {
	name := os.Getenv(mutantEnv)
	storetest.Run(t, func(*testing.T) store.Fleet {
		if name == "leaky" {
			return leaky{memstore.New()}
		}
		return flawed{memstore.New(), mutants[name]}
	})
}

// A kit that accepts everything proves nothing.
func TestKitFindsEveryMutant(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	run := func(name string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestMutant$")
		cmd.Env = append(os.Environ(), mutantEnv+"="+name)
		return cmd.CombinedOutput()
	}
	for name := range mutants {
		out, err := run(name)
		require.Error(t, err, "%s was not found", name)
		require.Contains(t, string(out), "--- FAIL: TestMutant/", name)
	}
	out, err := run("leaky")
	require.Error(t, err)
	require.Contains(t, string(out), "--- FAIL: TestMutant/tenants")
}

func TestFaultyDoesWhatItsPlanSays(t *testing.T) {
	s := memstore.Open()
	change := func(id string) store.Change {
		return store.Change{ID: id, Ops: []store.Op{store.Count{Counter: "c", By: 1, Max: 99}}}
	}
	faults := map[int]storetest.Fault{2: storetest.Fail, 3: storetest.Lose, 4: storetest.Stale}
	var seen []storetest.Call
	faulty := storetest.Faulty(s, func(c storetest.Call) storetest.Fault {
		seen = append(seen, c)
		return faults[c.N]
	})
	value := func() int64 {
		v, err := s.Counters(t.Context(), "c")
		require.NoError(t, err)
		return v[0]
	}
	_, err := faulty.Commit(t.Context(), change("passes"))
	require.NoError(t, err)
	require.EqualValues(t, 1, value())
	_, err = faulty.Commit(t.Context(), change("fails"))
	require.ErrorIs(t, err, storetest.ErrInjected)
	require.EqualValues(t, 1, value(), "what failed was not done")
	_, err = faulty.Commit(t.Context(), change("is lost"))
	require.ErrorIs(t, err, storetest.ErrInjected)
	require.EqualValues(t, 2, value(), "what was lost was done")
	_, err = faulty.Commit(t.Context(), change("is stale"))
	require.ErrorIs(t, err, store.ErrStale)
	require.EqualValues(t, 2, value())
	require.Len(t, seen, 4)
	require.Equal(t, "is stale", seen[3].Change.ID)
	require.Equal(t, 4, seen[3].N)

	_, err = faulty.Load(t.Context(), store.Key{Kind: "user", ID: "u"})
	require.NoError(t, err)
	_, err = faulty.Load(t.Context(), store.Key{Kind: "user", ID: "u"})
	require.ErrorIs(t, err, storetest.ErrInjected)
	require.Equal(t, storetest.Load, seen[5].Verb)
	require.Equal(t, store.Contract, faulty.Contract())
}

// Every call of a faulty store reaches its plan and can fail.
func TestFaultyCoversEveryCall(t *testing.T) {
	var last storetest.Call
	s := storetest.Faulty(memstore.Open(), func(c storetest.Call) storetest.Fault { last = c; return storetest.Fail })
	ctx := t.Context()
	for verb, call := range map[storetest.Verb]func() error{
		storetest.Commit:      func() error { _, err := s.Commit(ctx, store.Change{}); return err },
		storetest.Load:        func() error { _, err := s.Load(ctx); return err },
		storetest.List:        func() error { _, err := s.List(ctx, store.Query{}); return err },
		storetest.Tally:       func() error { _, err := s.Tally(ctx, store.Query{}); return err },
		storetest.Holders:     func() error { _, err := s.Holders(ctx); return err },
		storetest.Counters:    func() error { _, err := s.Counters(ctx); return err },
		storetest.Entries:     func() error { _, err := s.Entries(ctx, store.EntryQuery{}); return err },
		storetest.Tree:        func() error { _, _, err := s.Tree(ctx); return err },
		storetest.Lines:       func() error { _, err := s.Lines(ctx, "", "", 0); return err },
		storetest.Due:         func() error { _, err := s.Due(ctx, "", 0); return err },
		storetest.Own:         func() error { _, err := s.Own(ctx, "n", "l"); return err },
		storetest.Beat:        func() error { _, err := s.Beat(ctx, "n", time.Second); return err },
		storetest.Unsequenced: func() error { _, err := s.Unsequenced(ctx, 0); return err },
		storetest.Sequence:    func() error { return s.Sequence(ctx, nil) },
	} {
		require.ErrorIs(t, call(), storetest.ErrInjected, verb)
		require.Equal(t, verb, last.Verb)
	}
}
