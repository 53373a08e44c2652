package paneltest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Network is a network in memory: what listens on it is reached by what dials on it,
// and by nothing else. The zero value is ready; a Network must not be copied.
//
// Connections behave like TCP: bytes are buffered, arrive in order, may be half closed,
// obey deadlines, and end in [syscall.ECONNRESET] when they are cut. Inside a bubble of
// testing/synctest every wait is durable, so that fake time passes.
//
// Set the exported fields before the first connection: each keeps what held at its start.
type Network struct {
	// Up and Down are how long bytes are under way from the dialer to the listener and
	// back. Dialing takes both.
	Up, Down time.Duration
	// OneByte makes every Read return a single byte.
	OneByte bool

	mu        sync.Mutex
	listeners map[string]*listener
	conns     map[*conn]struct{}
	ports     int   // ephemeral ports given out
	sent      int64 // bytes written on all connections
	cutAt     int64 // value of sent at which everything is cut, 0 never
}

const (
	dialerHost   = "10.0.0.7" // of dialers that name no source
	listenerHost = "10.0.0.1" // of listeners that name no host
	firstPort    = 40001
)

// Listen announces on addr, "host:port". Without a host the listener answers to every
// host; with port 0 it gets a port of its own.
func (n *Network) Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == "0" {
		port = n.port()
	}
	key := net.JoinHostPort(host, port)
	if _, taken := n.listeners[key]; taken {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: address(key), Err: syscall.EADDRINUSE}
	}
	if host == "" {
		host = listenerHost
	}
	l := &listener{network: n, key: key, addr: address(net.JoinHostPort(host, port))}
	l.wake.L = &l.mu
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	n.listeners[key] = l
	return l, nil
}

// DialContext connects to the listener at addr from an address of its own. Without a
// listener the error wraps [syscall.ECONNREFUSED].
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	source := net.JoinHostPort(dialerHost, n.port())
	n.mu.Unlock()
	return n.From(source).DialContext(ctx, network, addr)
}

// From returns a dialer whose connections come from the address source, "host:port".
func (n *Network) From(source string) Dialer { return Dialer{network: n, source: source} }

// Dialer dials on a [Network] from one address; see [Network.From].
type Dialer struct {
	network *Network
	source  string
}

// DialContext is [Network.DialContext] from the dialer's address.
func (d Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	n := d.network
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Source: address(d.source), Addr: address(addr), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	if trip := n.Up + n.Down; trip > 0 {
		timer := time.NewTimer(trip)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return fail(ctx.Err())
		}
	}
	n.mu.Lock()
	l := n.find(addr)
	n.mu.Unlock()
	if l == nil {
		return fail(syscall.ECONNREFUSED)
	}
	near, far := n.pair(address(d.source), l.addr)
	if !l.deliver(far) {
		near.reset()
		return fail(syscall.ECONNREFUSED)
	}
	return near, nil
}

// Cut ends every connection: what was sent before can still be read, then both ends get
// [syscall.ECONNRESET]. Listeners stay.
func (n *Network) Cut() {
	n.mu.Lock()
	live := n.conns
	n.conns = nil
	n.cutAt = 0
	n.mu.Unlock()
	for c := range live {
		c.reset()
	}
}

// CutAfter lets so many further bytes pass, counted over all connections, then does
// what [Network.Cut] does, in the middle of a message if it falls there.
func (n *Network) CutAfter(bytes int64) {
	n.mu.Lock()
	n.cutAt = n.sent + bytes
	n.mu.Unlock()
	if bytes <= 0 {
		n.Cut()
	}
}

// Sent is the number of bytes that were written on all connections so far.
func (n *Network) Sent() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent
}

// Listening lists the addresses that are listened on, in order.
func (n *Network) Listening() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, l := range n.listeners {
		out = append(out, l.addr.String())
	}
	slices.Sort(out)
	return out
}

// port gives out the next ephemeral port. The caller holds n.mu.
func (n *Network) port() string {
	n.ports++
	return fmt.Sprint(firstPort + n.ports - 1)
}

// find looks up who listens at addr, by exact name first. The caller holds n.mu.
func (n *Network) find(addr string) *listener {
	if l := n.listeners[addr]; l != nil {
		return l
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	if l := n.listeners[net.JoinHostPort("", port)]; l != nil {
		return l
	}
	return n.listeners[net.JoinHostPort(listenerHost, port)]
}

// spend counts up to want bytes that are about to be written and returns how many may
// pass, and whether the network is cut behind them.
func (n *Network) spend(want int) (pass int, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	pass = want
	if n.cutAt > 0 && n.sent+int64(want) >= n.cutAt {
		pass, cut = int(n.cutAt-n.sent), true
	}
	n.sent += int64(pass)
	return pass, cut
}

// refund takes back bytes that were counted and could not be written.
func (n *Network) refund(bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent -= int64(bytes)
}

func (n *Network) forget(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// listener is one address that is listened on.
type listener struct {
	network *Network
	key     string
	addr    net.Addr

	mu      sync.Mutex
	wake    sync.Cond
	waiting []*conn
	closed  bool
}

func (l *listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.wake.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	return c, nil
}

// Close ends Accept and resets the connections that nobody accepted.
func (l *listener) Close() error {
	l.network.mu.Lock()
	if l.network.listeners[l.key] == l {
		delete(l.network.listeners, l.key)
	}
	l.network.mu.Unlock()

	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.waiting {
		c.reset()
	}
	l.waiting, l.closed = nil, true
	l.wake.Broadcast()
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) deliver(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.waiting = append(l.waiting, c)
	l.wake.Signal()
	return true
}

// name is the address of a host that has a name instead of a number.
type name string

func (name) Network() string  { return "tcp" }
func (n name) String() string { return string(n) }

// address is a *net.TCPAddr where the host is a number, as on a real network.
func address(s string) net.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return name(s)
}
