package paneltest_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// pair is a dialer's end and a listener's end.
func pair(t *testing.T, n *paneltest.Network) (near, far net.Conn) {
	t.Helper()
	l, err := n.Listen("10.0.0.1:9000")
	require.NoError(t, err)
	near, err = n.DialContext(t.Context(), "tcp", "10.0.0.1:9000")
	require.NoError(t, err)
	far, err = l.Accept()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return near, far
}

func TestNetworkNamesBothEnds(t *testing.T) {
	var n paneltest.Network
	near, far := pair(t, &n)
	assert.Equal(t, "10.0.0.7:40001", near.LocalAddr().String())
	assert.Equal(t, near.LocalAddr(), far.RemoteAddr())
	assert.Equal(t, far.LocalAddr(), near.RemoteAddr())
	assert.IsType(t, &net.TCPAddr{}, far.RemoteAddr())

	l, err := n.Listen(":0")
	require.NoError(t, err)
	assert.Equal(t, []string{l.Addr().String()}, n.Listening())
	for _, addr := range []string{l.Addr().String(), "panel.example:" + port(t, l)} {
		c, err := n.From("gateway.example:5").DialContext(t.Context(), "tcp", addr)
		require.NoError(t, err, addr)
		assert.Equal(t, "gateway.example:5", c.LocalAddr().String())
		assert.Equal(t, "tcp", c.LocalAddr().Network())
	}
	_, err = n.Listen(l.Addr().String()[len("10.0.0.1"):])
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	_, err = n.Listen("nonsense")
	require.Error(t, err)
}

func port(t *testing.T, l net.Listener) string {
	t.Helper()
	_, p, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return p
}

func TestNetworkRefusesWhereNobodyListens(t *testing.T) {
	var n paneltest.Network
	for _, addr := range []string{"10.0.0.1:9000", "nonsense"} {
		_, err := n.DialContext(t.Context(), "tcp", addr)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	l, err := n.Listen("10.0.0.1:9000")
	require.NoError(t, err)
	waiting, err := n.DialContext(t.Context(), "tcp", "10.0.0.1:9000")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = waiting.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET, "nobody will accept it any more")
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = n.DialContext(ctx, "tcp", "10.0.0.1:9000")
	require.ErrorIs(t, err, context.Canceled)
}

// Whatever is written arrives, whole and in order, however it is cut into writes and reads.
func TestNetworkKeepsBytesInOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := &paneltest.Network{OneByte: rapid.Bool().Draw(r, "one byte")}
		near, far := pair(t, n)
		writes := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 20).Draw(r, "writes")
		want := bytes.Join(writes, nil)
		for _, w := range writes {
			_, err := near.Write(w) // buffered: nobody reads yet
			require.NoError(r, err)
		}
		require.NoError(r, near.(interface{ CloseWrite() error }).CloseWrite())
		_, err := near.Write([]byte{1})
		require.ErrorIs(r, err, net.ErrClosed)
		var got []byte
		b := make([]byte, rapid.IntRange(1, 64).Draw(r, "read size"))
		for {
			k, err := far.Read(b)
			got = append(got, b[:k]...)
			if n.OneByte {
				require.LessOrEqual(r, k, 1)
			}
			if err != nil {
				require.Equal(r, io.EOF, err)
				break
			}
		}
		require.True(r, bytes.Equal(want, got))
		_, err = far.Write([]byte("answer")) // half closed: this way still works
		require.NoError(r, err)
		answer := make([]byte, 6)
		_, err = io.ReadFull(near, answer)
		require.NoError(r, err)
		require.Equal(r, "answer", string(answer))
		require.EqualValues(r, len(want)+6, n.Sent())
	})
}

func TestNetworkTakesTheTimeOfTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &paneltest.Network{Up: 30 * time.Millisecond, Down: 50 * time.Millisecond}
		start := time.Now()
		near, far := pair(t, n)
		assert.Equal(t, 80*time.Millisecond, time.Since(start), "dialing goes there and back")
		start = time.Now()
		_, _ = near.Write([]byte("a"))
		_, err := far.Read(make([]byte, 9))
		require.NoError(t, err)
		assert.Equal(t, 30*time.Millisecond, time.Since(start))
		_, _ = far.Write([]byte("b"))
		_ = far.Close()
		got, err := io.ReadAll(near)
		require.NoError(t, err)
		assert.Equal(t, "b", string(got))
		assert.Equal(t, 80*time.Millisecond, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err = n.DialContext(ctx, "tcp", "10.0.0.1:9000")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestNetworkObeysDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pair(t, &paneltest.Network{})
		start := time.Now()
		require.NoError(t, near.SetReadDeadline(start.Add(time.Second)))
		_, err := near.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())

		require.NoError(t, near.SetWriteDeadline(start.Add(2*time.Second)))
		sent, err := near.Write(make([]byte, 1<<20)) // more than fits: nobody reads
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Less(t, sent, 1<<20)
		assert.Equal(t, 2*time.Second, time.Since(start))

		require.NoError(t, near.SetDeadline(time.Time{}))
		done := make(chan error)
		go func() { _, err := near.Read(make([]byte, 1)); done <- err }()
		synctest.Wait()
		require.NoError(t, near.SetDeadline(time.Now()), "a deadline reaches who waits already")
		require.ErrorIs(t, <-done, os.ErrDeadlineExceeded)

		go func() { _, err := io.CopyN(io.Discard, far, int64(sent)); done <- err }()
		require.NoError(t, <-done)
	})
}

func TestNetworkCloseEndsBothSides(t *testing.T) {
	near, far := pair(t, &paneltest.Network{})
	_, _ = near.Write([]byte("last words"))
	require.NoError(t, near.Close())
	_, err := near.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = near.Write([]byte{1})
	require.ErrorIs(t, err, net.ErrClosed)
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	assert.Equal(t, "last words", string(got))
	_, err = far.Write([]byte{1})
	require.ErrorIs(t, err, syscall.EPIPE)
}

func TestNetworkCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n paneltest.Network
		near, far := pair(t, &n)
		_, _ = near.Write([]byte("before"))
		n.Cut()
		for _, c := range []net.Conn{near, far} {
			_, err := c.Write([]byte{1})
			require.ErrorIs(t, err, syscall.ECONNRESET)
		}
		got, err := io.ReadAll(far)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Equal(t, "before", string(got), "what was sent before can be read")

		near, far = pair(t, &n)
		n.CutAfter(4)
		_, err = near.Write([]byte("ab"))
		require.NoError(t, err)
		sent, err := near.Write([]byte("cdef"))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Equal(t, 2, sent)
		got, err = io.ReadAll(far)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Equal(t, "abcd", string(got), "the cut falls within a message")

		near, _ = pair(t, &n)
		n.CutAfter(0)
		_, err = near.Write([]byte{1})
		require.ErrorIs(t, err, syscall.ECONNRESET)
	})
}
