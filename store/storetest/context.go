package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// testContext proves that a context that has ended leaves nothing behind.
func testContext(t *testing.T, open opener) {
	t.Run("cancelled before commit", func(t *testing.T) {
		b := open(t)
		poisonable(b)
		before := b.snapshot()
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		c := b.change(good()...)
		if _, err := b.Commit(ctx, c); !errors.Is(err, context.Canceled) {
			b.Fatalf("Commit: %v, want context.Canceled", err)
		}
		b.equal("state", b.snapshot(), before)
		if b.send(c).Again {
			b.Fatal("the change had been committed")
		}
	})
	t.Run("cancelled before any other call", func(t *testing.T) {
		b := open(t)
		b.mark("l", epoch)
		before := b.snapshot()
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		for name, call := range map[string]func() error{
			"Load":        func() error { _, err := b.Load(ctx, store.Key{Kind: "user", ID: "u"}); return err },
			"List":        func() error { _, err := b.List(ctx, store.Query{Kind: "user"}); return err },
			"Tally":       func() error { _, err := b.Tally(ctx, store.Query{Kind: "user"}); return err },
			"Holders":     func() error { _, err := b.Holders(ctx, "n"); return err },
			"Counters":    func() error { _, err := b.Counters(ctx, "c"); return err },
			"Entries":     func() error { _, err := b.Entries(ctx, store.EntryQuery{}); return err },
			"Tree":        func() error { _, _, err := b.Tree(ctx); return err },
			"Lines":       func() error { _, err := b.Lines(ctx, "", "", 0); return err },
			"Due":         func() error { _, err := b.Due(ctx, "", 0); return err },
			"Own":         func() error { _, err := b.Own(ctx, "n", "l"); return err },
			"Beat":        func() error { _, err := b.Beat(ctx, "n", long); return err },
			"Unsequenced": func() error { _, err := b.Unsequenced(ctx, 0); return err },
			"Sequence":    func() error { return b.Sequence(ctx, nil) },
			"Tenants":     func() error { _, err := b.fleet.Tenants(ctx); return err },
		} {
			if err := call(); !errors.Is(err, context.Canceled) {
				b.Fatalf("%s: %v, want context.Canceled", name, err)
			}
		}
		b.equal("state", b.snapshot(), before)
		if _, open := <-b.Wake(ctx); open {
			b.Fatal("Wake gave a hint after its context ended")
		}
	})
}
