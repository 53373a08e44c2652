package visonic_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
)

// heap is what lives after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A peer that is no panel, or a panel gone mad, is given up in bounded time and costs no
// memory; what it says is never taken for users.
func TestHostilePeersAreContained(t *testing.T) {
	panelType := []byte{0x0D, 0x3C, 0xFD, 0x0A, 0, 0, 0xAE, 7, 1, 0, 0, 0, 5, 0x0A}
	for name, flood := range map[string][]byte{
		"nonsense":         bytes.Repeat([]byte("no panel says this\n"), 1<<12),
		"bad checksums":    bytes.Repeat([]byte{0x0D, 0x02, 0xFF, 0x0A}, 1<<14),
		"endless frame":    append([]byte{0x0D, 0xA7}, bytes.Repeat([]byte{0x0D, 0x0A}, 1<<15)...),
		"oversize message": bytes.Repeat(append([]byte{0x0D, 0xB0, 3, 0x35, 0xFF}, make([]byte, 600)...), 100),
		"only hello":       bytes.Repeat([]byte{0x0D, 0x06, 0xF9, 0x0A}, 1<<14),
		"types for ever":   bytes.Repeat(panelType, 1<<12),
		"silence":          nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := heap()
				o := answering(func(peer net.Conn) {
					go func() { _, _ = io.Copy(io.Discard, peer) }()
					for range 4 {
						if _, err := peer.Write(flood); err != nil {
							return
						}
					}
					<-t.Context().Done()
				})
				start := time.Now()
				_, err := visonic.NewFrames(o).Open(t.Context(), panel.Target{Routes: map[string]panel.Route{visonic.FramesRoute: {
					Secrets: map[string]panel.Secret{visonic.DownloadSecret: panel.SecretOf(download)},
				}}})
				require.Error(t, err)
				require.Less(t, time.Since(start), time.Minute)
				require.Less(t, heap(), before+16<<20)
				require.NoError(t, context.Cause(t.Context()))
			})
		})
	}
}

// A peer that takes nothing off the line holds nobody up.
func TestPeerThatReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := answering(func(net.Conn) { <-t.Context().Done() })
		start := time.Now()
		_, err := visonic.NewFrames(o).Open(t.Context(), panel.Target{Routes: map[string]panel.Route{visonic.FramesRoute: {
			Secrets: map[string]panel.Secret{visonic.DownloadSecret: panel.SecretOf(download)},
		}}})
		require.ErrorIs(t, err, panel.ErrUnreachable)
		require.Less(t, time.Since(start), 5*time.Second)
	})
}
