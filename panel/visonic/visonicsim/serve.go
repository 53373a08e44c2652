package visonicsim

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// Serve answers on the panel's wire, which Options.Listen makes reachable, or
// calls again and again, until ctx ends.
func (p *Panel) Serve(ctx context.Context) error {
	if p.o.Wire == PowerLink {
		return p.call(ctx)
	}
	l, err := p.o.Listen(ctx)
	if err != nil {
		return err
	}
	var talks sync.WaitGroup
	defer talks.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			return ctx.Err()
		}
		talks.Go(func() {
			defer func() { _ = conn.Close() }()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			if p.o.Wire == RPC {
				p.talkRPC(conn)
				return
			}
			p.talk(func(payload ...byte) bool { return p.faults.Send(conn, p.frame(payload...), false) == nil }, conn)
		})
	}
}

// talk answers whatever comes until the connection ends, which ends download mode.
func (p *Panel) talk(send func(payload ...byte) bool, conn net.Conn) {
	defer p.download(false)
	c := &caller{Panel: p, send: send}
	var in intake
	for buf := make([]byte, 512); ; {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		in.buf = append(in.buf, buf[:n]...)
		for q := in.next(); q != nil; q = in.next() {
			if p.faults.Strikes(paneltest.Away) || !c.answer(q) {
				return
			}
		}
	}
}

// caller is the host at the other end of one connection.
type caller struct {
	*Panel
	send    func(payload ...byte) bool
	counter byte // of messages
}

// accessDenied is the control message of a panel that refuses a code or an enrolment.
const accessDenied = 0x08

// control sends a control message.
func (c *caller) control(op byte) bool {
	if op == accessDenied {
		c.deny()
	}
	if c.quirk(Marked) {
		return c.send(op, 0x43)
	}
	return c.send(op)
}

// answer says what the panel says to one payload; false ends the connection.
func (c *caller) answer(q []byte) bool {
	switch q[0] {
	case 0x0B, 0x0F:
		c.download(false)
		return c.quirk(SilentControl) || c.control(0x02)
	case 0x24:
		return c.chatter() && c.start(q)
	case 0x3E:
		return c.chatter() && c.block(q)
	case 0xB0:
		return c.chatter() && c.message(q)
	}
	return true
}

// chatter is what the panel says unasked.
func (c *caller) chatter() bool {
	return !c.quirk(Chatter) || c.send(0xA5, 0, 4, 0, 1, 0x0F, 0, 0, 0x16, 0, 0, 0x43) &&
		c.send(0xB0, 3, 0x51, 8, 0xFF, 8, 0xFF, 3, 0x18, 0x24, 0x4B, 0x47, 0x43)
}

func (c *caller) start(q []byte) bool {
	c.present()
	right := packed(c.o.Download)
	later := func(seconds byte) bool { return c.send(0x25, 0, 0, seconds, 0, 0, 0, 0, 0, 0, 0) }
	switch {
	case c.faults.Strikes(paneltest.WrongSecret), q[3] != right[0], q[4] != right[1]:
		return c.control(accessDenied)
	case c.faults.Strikes(paneltest.Busy):
		return later(byte(min(255, c.faults.Left(paneltest.Busy)/time.Second)))
	case c.faults.Strikes(paneltest.Armed) && c.quirk(ArmedDenies):
		return c.control(accessDenied)
	case c.faults.Strikes(paneltest.Armed):
		return later(60)
	}
	c.download(true)
	return c.send(0x3C, 0xFD, 0x0A, 0, 0, 0xAE, c.o.Type, 1, 0, 0, 0)
}

func (c *caller) block(q []byte) bool {
	if !c.Downloading() {
		return c.control(accessDenied)
	}
	addr, n := int(q[1])+int(q[2])<<8, int(q[3])+int(q[4])<<8
	if c.quirk(ShortBlocks) {
		n = min(n, 4)
	}
	out := []byte{0x3F, q[1], q[2], byte(n)}
	for i := range n {
		out = append(out, c.eprom(addr+i))
	}
	return c.send(out...)
}

// eprom is one byte of the memory: what is not known to be anything is FF.
func (c *caller) eprom(addr int) byte {
	at := func(base int, b []byte) (byte, bool) {
		if addr < base || addr >= base+len(b) {
			return 0, false
		}
		return b[addr-base], true
	}
	codes := 0x01FA
	if c.master() {
		codes = 0x0A98
	}
	for base, b := range map[int][]byte{
		codes:  c.codes(len(c.slots)),
		0x0111: packed(duress),
		0x0430: packed(c.o.Serial),
		0x0436: {0xAE, c.o.Type},
	} {
		if v, ok := at(base, b); ok {
			return v
		}
	}
	return 0xFF
}
