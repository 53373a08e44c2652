package keys_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// The loops of the nodes carry a rotation to its end by themselves. A node that has gone
// without the new key is waited for until it no longer counts.
//
// Rules: G191
func TestLoopsCarryARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, nil, nil)
		require.NoError(t, w.set(t.Context(), w.nodes[0], 5, w.code("8604")))
		require.NoError(t, w.nodes[2].keys.Follow(t.Context())) // it lacks the new key, and goes
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for _, n := range w.nodes[:2] {
			w.give(n)
			all.Go(func() { engine.Run(ctx, nil, n.keys.Loops()...) })
		}
		require.NoError(t, w.nodes[0].keys.Begin(t.Context(), w.worker, w.new.ID()))
		time.Sleep(20 * time.Second)
		require.Equal(t, credentials.Announced, w.phase())
		time.Sleep(3 * time.Minute)
		require.Equal(t, credentials.Dropped, w.phase())
		require.Equal(t, []string{w.new.ID()}, w.nodes[1].ring.Epoch().Prints)
		cancel()
		all.Wait()
		require.ErrorIs(t, w.set(t.Context(), w.nodes[2], 6, w.code("8604")), flow.ErrKeyEpoch, "it comes back, and claims nothing")
	})
}
