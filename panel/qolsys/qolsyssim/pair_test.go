package qolsyssim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

// Rules: R266
func TestPairing(t *testing.T) {
	k := paired(t)
	assert.Equal(t, ident, k.paired.Panel)
	assert.Regexp(t, `^F2:16:3E:`, k.paired.Remote)
	assert.Regexp(t, `^[0-9A-F]{64}$`, k.paired.Authority)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, k.paired), "PRIVATE KEY")
	}
	again, err := pairWith(t.Context(), k.identity, qolsys.PairOptions{Panel: strings.ToLower(ident), Remote: k.paired.Remote})
	require.NoError(t, err)
	assert.Equal(t, k.paired.Remote, again.Remote, "an address that was paired before keeps its place")
	assert.Equal(t, k.paired.Authority, again.Authority)
}

// window is a pairing window on a network in memory at which others than a panel call.
type window struct {
	network   *paneltest.Network
	announced chan qolsys.Announcement
	closed    chan struct{}
	result    chan error
}

func openWindow(t *testing.T, o qolsys.PairOptions) window {
	t.Helper()
	w := window{new(paneltest.Network), make(chan qolsys.Announcement, 1), make(chan struct{}), make(chan error, 1)}
	o.Listen = func(context.Context) (net.Listener, error) { return w.network.Listen(":51234") }
	o.Announce = func(_ context.Context, a qolsys.Announcement) (io.Closer, error) {
		w.announced <- a
		return closer(func() error { close(w.closed); return nil }), nil
	}
	go func() {
		_, err := qolsys.Pair(t.Context(), o)
		w.result <- err
	}()
	synctest.Wait()
	return w
}

func (w window) call(t *testing.T) net.Conn {
	t.Helper()
	c, err := w.network.DialContext(t.Context(), "tcp", "10.0.0.1:51234")
	require.NoError(t, err)
	return c
}

// Rules: R266
func TestPairingWindowCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWindow(t, qolsys.PairOptions{})
		assert.Equal(t, qolsys.Announcement{Instance: "NsdPairService", Service: "_http._tcp", Domain: "local.", Port: 51234}, <-w.announced)
		start := time.Now()
		require.ErrorIs(t, <-w.result, qolsys.ErrNotPaired)
		assert.Equal(t, 3*time.Minute, time.Since(start))
		<-w.closed
		assert.Empty(t, w.network.Listening(), "nothing is left open")
	})
}

// Whoever is no panel is sent away, and the panel is taken afterwards.
//
// Rules: R266
func TestStrangersDoNotPair(t *testing.T) {
	k := paired(t)
	synctest.Test(t, func(t *testing.T) {
		w := openWindow(t, qolsys.PairOptions{Panel: ident})
		for _, noise := range []string{"", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 70_000)} {
			c := w.call(t)
			_, _ = io.WriteString(c, noise)
			_ = c.Close()
		}
		silent := w.call(t) // says nothing and is cut off in time
		defer func() { _ = silent.Close() }()
		_, err := k.identity.As("AA:BB:CC:00:00:02").Pair(t.Context(), w.call(t))
		require.Error(t, err, "another panel than the expected one gets no signing request")
		_, err = k.identity.Pair(t.Context(), w.call(t))
		require.NoError(t, err)
		require.NoError(t, <-w.result)
		<-w.closed
		assert.Empty(t, w.network.Listening())
	})
}

func TestStrangersCannotHoldTheWindowForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWindow(t, qolsys.PairOptions{Window: time.Hour})
		for range 16 {
			_ = w.call(t).Close()
		}
		require.ErrorIs(t, <-w.result, qolsys.ErrNotPaired)
	})
}

func TestPairingFailsWhereNobodyCanCall(t *testing.T) {
	broken := errors.New("broken")
	mute := func(context.Context, qolsys.Announcement) (io.Closer, error) { return nil, broken }
	_, err := qolsys.Pair(t.Context(), qolsys.PairOptions{})
	require.ErrorIs(t, err, qolsys.ErrAnnounce)
	_, err = qolsys.Pair(t.Context(), qolsys.PairOptions{
		Announce: mute,
		Listen:   func(context.Context) (net.Listener, error) { return nil, broken },
	})
	require.ErrorIs(t, err, panel.ErrUnreachable)
	network := new(paneltest.Network)
	_, err = qolsys.Pair(t.Context(), qolsys.PairOptions{
		Listen:   func(context.Context) (net.Listener, error) { return network.Listen(":51234") },
		Announce: mute,
	})
	require.ErrorIs(t, err, panel.ErrUnreachable)
	assert.Empty(t, network.Listening())
	_, err = qolsys.Pair(t.Context(), qolsys.PairOptions{Announce: mute, Panel: "not an address"})
	require.ErrorIs(t, err, qolsys.ErrPairing)
}

// A panel on real ports: pairing, the broker and the list, over loopback.
func TestRealPorts(t *testing.T) {
	k := paired(t)
	var addr string
	var once sync.Once
	up := make(chan struct{})
	p := qolsyssim.New(qolsyssim.Options{Identity: k.identity, Listen: func(port string) (net.Listener, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil && port == qolsyssim.BrokerAddr {
			once.Do(func() { addr = l.Addr().String(); close(up) })
		}
		return l, err
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { _ = p.Serve(ctx) })
	defer serving.Wait()
	defer cancel()
	<-up
	s, err := qolsys.NewIQRemote(qolsys.Options{}).Open(t.Context(), target(k, addr, nil))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	users, _ := list(t, s)
	assert.Len(t, users, 1)
}
