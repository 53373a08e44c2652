package qolsyssim_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

const (
	idleBytes      = 96 << 10
	idleGoroutines = 12
)

// An idle session over loopback costs no more than it may. The broker runs in the same
// process: what it holds is told apart by who allocated it, and its stacks by clients that
// have none.
func TestIdleSessionIsSmall(t *testing.T) {
	k := paired(t)
	rate := runtime.MemProfileRate
	runtime.MemProfileRate = 1
	defer func() { runtime.MemProfileRate = rate }()

	ports := make(chan string, 2)
	p := qolsyssim.New(qolsyssim.Options{Identity: k.identity, Listen: func(port string) (net.Listener, error) {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0") //nolint:usetesting // a listener outlives its context
		if err == nil {
			ports <- l.Addr().String()
		}
		return l, err
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { _ = p.Serve(ctx) })
	defer serving.Wait()
	defer cancel()
	addr := <-ports

	const sessions = 20
	var all []panel.Session
	begin := func() {
		s, err := qolsys.NewIQRemote(qolsys.Options{}).Open(t.Context(), target(k, addr, nil))
		require.NoError(t, err)
		_, _ = list(t, s)
		all = append(all, s)
	}
	begin() // what is made once is not counted
	start := stacks()
	for range sessions {
		bare(t, k, addr)
	}
	theirs := stacks() - start
	bytes, routines := ours(t)
	for range sessions {
		begin()
	}
	mine := (stacks() - start - 2*theirs) / sessions
	more, now := ours(t)
	each, routine := (more-bytes)/sessions, (now-routines)/sessions
	t.Logf("an idle session: %d goroutines, %d KiB on the heap, %d KiB of stacks", routine, each>>10, mine>>10)
	assert.LessOrEqual(t, routine, idleGoroutines)
	assert.LessOrEqual(t, each+mine, int64(idleBytes))
	for _, s := range all {
		require.NoError(t, s.Close())
	}
	require.Eventually(t, func() bool { _, left := ours(t); return left == 0 }, 5*time.Second, 10*time.Millisecond, "goroutines are left behind")
}

// stacks is how many bytes the stacks of all goroutines take.
func stacks() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.StackInuse)
}

// bare is a client of the broker without a goroutine.
func bare(t *testing.T, k known, addr string) {
	t.Helper()
	secret := []byte(k.paired.Secret.Reveal())
	own, err := tls.X509KeyPair(secret, secret)
	require.NoError(t, err)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	c := tls.Client(conn, &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil },
	})
	id := conn.LocalAddr().String()
	hello := append([]byte{0x10, byte(12 + len(id)), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, byte(len(id))}, id...)
	_, err = c.Write(hello)
	require.NoError(t, err)
	welcome := make([]byte, 4)
	_, err = io.ReadFull(c, welcome)
	require.NoError(t, err)
	require.Equal(t, []byte{0x20, 2, 0, 0}, welcome)
}

// ours is what the driver holds: bytes on the heap, and goroutines.
func ours(t *testing.T) (bytes int64, goroutines int) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 1<<16)
	n, ok := runtime.MemProfile(records, false)
	require.True(t, ok)
	for _, r := range records[:n] {
		if driver(names(r.Stack())) {
			bytes += r.InUseBytes()
		}
	}
	dump := make([]byte, 8<<20)
	for stack := range strings.SplitSeq(string(dump[:runtime.Stack(dump, true)]), "\n\n") {
		if driver(stack) && !strings.Contains(stack, "qolsyssim_test.") {
			goroutines++
		}
	}
	return bytes, goroutines
}

func names(stack []uintptr) string {
	var b strings.Builder
	for frames := runtime.CallersFrames(stack); ; {
		f, more := frames.Next()
		b.WriteString(f.Function + "\n")
		if !more {
			return b.String()
		}
	}
}

// driver reports whether a stack is the driver's or its client's.
func driver(stack string) bool {
	return !strings.Contains(stack, "mochi-mqtt") && !strings.Contains(stack, "qolsyssim.(") &&
		(strings.Contains(stack, "eclipse/paho") || strings.Contains(stack, "panel/qolsys.") || strings.Contains(stack, "crypto/tls"))
}
