package paneltest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is how many bytes one direction holds before writing blocks.
const window = 64 << 10

// conn is one end of a connection.
type conn struct {
	network       *Network
	local, remote net.Addr
	in, out       *half
}

// pair makes both ends of a connection.
func (n *Network) pair(dialer, listener net.Addr) (near, far *conn) {
	up, down := newHalf(n.Up, n.OneByte), newHalf(n.Down, n.OneByte)
	near = &conn{network: n, local: dialer, remote: listener, in: down, out: up}
	far = &conn{network: n, local: listener, remote: dialer, in: up, out: down}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns == nil {
		n.conns = map[*conn]struct{}{}
	}
	n.conns[near], n.conns[far] = struct{}{}, struct{}{}
	return near, far
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

func (c *conn) Write(p []byte) (int, error) {
	pass, cut := c.network.spend(len(p))
	n, err := c.out.write(p[:pass])
	c.network.refund(pass - n)
	if cut {
		c.network.Cut()
		if err == nil && n < len(p) {
			err = syscall.ECONNRESET
		}
	}
	return n, c.wrap("write", err)
}

// Close ends both directions: the peer reads what was sent before, then io.EOF.
func (c *conn) Close() error {
	c.network.forget(c)
	c.in.leave()
	c.out.finish(io.EOF)
	return nil
}

// CloseWrite ends this end's direction only.
func (c *conn) CloseWrite() error {
	c.out.finish(io.EOF)
	return nil
}

func (c *conn) reset() {
	c.in.finish(syscall.ECONNRESET)
	c.out.finish(syscall.ECONNRESET)
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.setReadBy(t)
	c.out.setWriteBy(t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.setReadBy(t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.setWriteBy(t)
	return nil
}

func (c *conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// half is one direction of a connection: what one end wrote and the other has not read.
type half struct {
	latency time.Duration
	oneByte bool

	mu      sync.Mutex
	wake    sync.Cond
	queue   []segment
	size    int       // bytes in queue
	end     error     // what the reader gets behind the queue; nil while the writer goes on
	endAt   time.Time // when the end reaches the reader
	left    bool      // the reader has closed
	readBy  time.Time
	writeBy time.Time
}

// segment is what one Write brought, and when it arrives.
type segment struct {
	at    time.Time
	bytes []byte
}

func newHalf(latency time.Duration, oneByte bool) *half {
	h := &half{latency: latency, oneByte: oneByte}
	h.wake.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		now := time.Now()
		if h.left {
			return 0, net.ErrClosed
		}
		if passed(h.readBy, now) {
			return 0, os.ErrDeadlineExceeded
		}
		if len(p) == 0 {
			return 0, nil
		}
		next := h.endAt
		if len(h.queue) > 0 {
			next = h.queue[0].at
			if !next.After(now) {
				return h.take(p), nil
			}
		} else if h.end != nil && !next.After(now) {
			return 0, h.end
		}
		h.wait(now, next, h.readBy)
	}
}

// take moves bytes that have arrived to p.
func (h *half) take(p []byte) int {
	if h.oneByte {
		p = p[:1]
	}
	s := &h.queue[0]
	n := copy(p, s.bytes)
	if s.bytes = s.bytes[n:]; len(s.bytes) == 0 {
		h.queue = h.queue[1:]
	}
	h.size -= n
	h.wake.Broadcast()
	return n
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case errors.Is(h.end, io.EOF):
			return n, net.ErrClosed
		case h.end != nil:
			return n, h.end
		case h.left:
			return n, syscall.EPIPE
		case passed(h.writeBy, now):
			return n, os.ErrDeadlineExceeded
		case n == len(p):
			return n, nil
		}
		if room := window - h.size; room > 0 {
			part := p[n:min(len(p), n+room)]
			h.queue = append(h.queue, segment{at: now.Add(h.latency), bytes: append([]byte(nil), part...)})
			h.size += len(part)
			n += len(part)
			h.wake.Broadcast()
			continue
		}
		h.wait(now, h.writeBy)
	}
}

// wait sleeps until something changes or the first of the instants that is set. The
// caller holds h.mu.
func (h *half) wait(now time.Time, instants ...time.Time) {
	var first time.Time
	for _, t := range instants {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if !first.IsZero() {
		timer := time.AfterFunc(first.Sub(now), h.nudge)
		defer timer.Stop()
	}
	h.wake.Wait()
}

func (h *half) nudge() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake.Broadcast()
}

// finish says what the reader gets behind what was sent. Only the first call counts.
func (h *half) finish(end error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end == nil {
		h.end, h.endAt = end, time.Now().Add(h.latency)
	}
	h.wake.Broadcast()
}

// leave is the reader closing.
func (h *half) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = true
	h.wake.Broadcast()
}

func (h *half) setReadBy(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readBy = t
	h.wake.Broadcast()
}

func (h *half) setWriteBy(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writeBy = t
	h.wake.Broadcast()
}

// passed reports whether a deadline that is set is over.
func passed(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
