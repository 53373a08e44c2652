package dscsim

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// conn is one connection, from dialing to its end.
type conn struct {
	p       *Panel
	raw     net.Conn
	frames  chan []byte   // payloads as they came
	over    chan struct{} // closed when the connection has ended
	once    sync.Once
	out, in []byte       // session keys for what we send and receive; nil in clear
	cipher  *itv2.Cipher // of in
	seq     byte         // ours; 0 for the first message
	begun   bool         // the first message was sent
	peer    byte         // the server's last
	last    itv2.Packet  // the server's last transaction, to know it again
}

// converse runs a connection and returns when it has been read to its end. What a fault
// still holds back ends later, by itself.
func (p *Panel) converse(ctx context.Context, raw net.Conn, work *sync.WaitGroup) {
	c := &conn{p: p, raw: raw, frames: make(chan []byte, 256), over: make(chan struct{})}
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	p.mu.Lock()
	p.live = c
	p.mu.Unlock()
	work.Go(func() {
		defer c.close()
		if c.shake() {
			c.talk()
		}
	})
	c.read()
	c.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == c {
		p.live = nil
	}
	if p.mode.owner == c && !p.quirks[Outlives] {
		p.leaveMode()
	}
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.over)
		_ = c.raw.Close()
	})
}

// read takes frames apart until the connection ends.
func (c *conn) read() {
	var s itv2.Stream
	buf := make([]byte, 1024)
	for {
		n, err := c.raw.Read(buf)
		for b := buf[:n]; len(b) > 0; {
			frame, ok, rest, broken := s.Next(b)
			if broken != nil {
				return
			}
			if !ok {
				break
			}
			b = rest
			select {
			case c.frames <- append([]byte(nil), frame.Payload...):
			case <-c.over:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// open decrypts and parses a payload.
func (c *conn) open(payload []byte) (itv2.Packet, bool) {
	p, err := itv2.Open(payload, c.cipher)
	if err != nil {
		return itv2.Packet{}, false
	}
	c.peer = p.Sender
	c.p.mu.Lock()
	c.p.received[uint16(p.Command)]++
	c.p.mu.Unlock()
	return p, true
}

// send writes a packet: sequences, command, body. advance makes it a transaction of
// ours; the very first message has sequence 0.
func (c *conn) send(rest []byte, advance, answersWrite bool) bool {
	switch {
	case !c.begun:
		c.begun = true
	case advance && c.seq == 255:
		c.seq = 1
	case advance:
		c.seq++
	}
	peer := c.peer
	if c.p.quirk(ReceiverZero) {
		peer = 0
	}
	frame := framed(append([]byte{c.seq, peer}, rest...))
	if c.out != nil {
		fill := byte(0)
		if c.p.quirk(OddPadding) {
			fill = 0xA5
		}
		frame = encrypted(c.out, frame, fill)
	}
	header := c.p.opts.Ident
	if c.out != nil && c.p.quirk(EmptyHeader) {
		header = ""
	}
	return c.p.faults.Send(c.raw, onWire(header, frame), answersWrite) == nil
}

// ack acknowledges without an answer.
func (c *conn) ack() bool { return c.send(nil, false, false) }

// part is a command with its sequence, if it has one, and its body.
func part(command uint16, body ...[]byte) []byte {
	return join([]byte{byte(command >> 8), byte(command)}, join(body...))
}

// next waits for a packet of the server.
func (c *conn) next(deadline <-chan time.Time) (itv2.Packet, bool) {
	select {
	case payload := <-c.frames:
		return c.open(payload)
	case <-c.over:
	case <-deadline:
	}
	return itv2.Packet{}, false
}

// talk serves the session.
func (c *conn) talk() {
	for {
		select {
		case payload := <-c.frames:
			p, ok := c.open(payload)
			if !ok || !c.note(p) && !c.serve(p) {
				return
			}
		case <-c.p.wake:
			if !c.flush() {
				return
			}
		case <-c.over:
			return
		}
	}
}

// note counts a packet. It reports whether the panel is frozen and does not look at it.
func (c *conn) note(p itv2.Packet) (frozen bool) {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.highest = max(c.p.highest, p.Sender)
	if p.Sender == 0 {
		c.p.zeroes++
	}
	return c.p.frozen
}

// flush sends what is queued.
func (c *conn) flush() bool {
	for {
		c.p.mu.Lock()
		if len(c.p.queue) == 0 {
			c.p.mu.Unlock()
			return true
		}
		n := c.p.queue[0]
		c.p.queue = c.p.queue[1:]
		c.p.mu.Unlock()
		if !c.send(part(n.command, n.body), true, false) {
			return false
		}
	}
}
