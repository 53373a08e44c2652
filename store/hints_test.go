package store

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hints
		h.Ring() // nobody waits
		ctx, cancel := context.WithCancel(t.Context())
		a, b := h.Wake(ctx), h.Wake(t.Context())
		h.Ring()
		h.Ring() // two unread hints are one
		<-a
		<-b
		require.Empty(t, a)
		cancel()
		synctest.Wait()
		_, more := <-a
		require.False(t, more, "it ends with its context")
		h.Ring()
		<-b
		require.Len(t, h.waiting, 1)
	})
}

func TestHintsOfAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var h Hints
	_, more := <-h.Wake(ctx)
	require.False(t, more)
}
