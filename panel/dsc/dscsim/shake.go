package dscsim

import (
	"bytes"
	"crypto/rand"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// shake is the calling side of the handshake.
func (c *conn) shake() bool {
	timer := time.NewTimer(c.p.opts.Patience)
	defer timer.Stop()
	// expect passes over acknowledgements unless one is wanted.
	expect := func(command itv2.Command) (itv2.Packet, bool) {
		for {
			p, ok := c.next(timer.C)
			if !ok || p.Command == command {
				return p, ok
			}
			if p.Command != itv2.Ack {
				return p, false
			}
		}
	}
	encryption := byte(2)
	if c.p.opts.Type1 {
		encryption = 1
	}
	const cseq = 0x91
	params := []byte{2, 0, 1, 5, 0x61, 2, 0x23, 4, 0, 4, 0, 0, 0, encryption}
	if !c.send(part(0x060A, []byte{cseq}, params), true, false) {
		return false
	}
	if p, ok := expect(itv2.CmdResponse); !ok || !bytes.Equal(p.Body, []byte{0}) || !c.ack() {
		return false
	}
	theirs, ok := expect(itv2.CmdOpenSession)
	if !ok || !bytes.Equal(theirs.Body, params) || !c.send(part(0x0502, []byte{theirs.Seq, 0}), true, false) {
		return false
	}
	if _, ok := expect(itv2.Ack); !ok {
		return false
	}
	init, in := c.offer()
	if !c.send(part(0x060E, []byte{cseq + 1, byte(len(init))}, init), true, false) {
		return false
	}
	c.in, c.cipher = in, itv2.NewCipher(itv2.Key(in))
	if p, ok := expect(itv2.CmdResponse); !ok || !bytes.Equal(p.Body, []byte{0}) || !c.ack() {
		return false
	}
	request, ok := expect(itv2.CmdAccess)
	if !ok || len(request.Body) < 1 {
		return false
	}
	if c.out, ok = c.take(request.Body[1:]); !ok {
		return false
	}
	if !c.send(part(0x0502, []byte{request.Seq, 0}), true, false) {
		return false
	}
	if _, ok := expect(itv2.Ack); !ok {
		return false
	}
	c.p.mu.Lock()
	c.p.connected++
	c.p.mu.Unlock()
	return c.flush()
}

// offer makes our initializer and the key with which the server then sends.
func (c *conn) offer() (init, key []byte) {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	if !c.p.opts.Type1 {
		init = random[:16]
		return init, encrypted(packed(c.p.opts.Key), init, 0)
	}
	check, key := random[:16], random[16:]
	var mixed []byte
	for i := range check {
		mixed = append(mixed, check[i], key[i])
	}
	public := packed(strings.Repeat(c.p.opts.Ident[:8], 4))
	return append(append([]byte(nil), check...), encrypted(public, mixed, 0)...), key
}

// take makes the key for what we send from the server's initializer.
func (c *conn) take(init []byte) ([]byte, bool) {
	if !c.p.opts.Type1 {
		return encrypted(packed(c.p.opts.Key), init, 0), len(init) == 16
	}
	if len(init) != 48 {
		return nil, false
	}
	mixed := decrypted(packed(strings.Repeat(c.p.opts.Key, 4)), init[16:])
	var check, key []byte
	for i := 0; i < 32; i += 2 {
		check, key = append(check, mixed[i]), append(key, mixed[i+1])
	}
	return key, bytes.Equal(check, init[:16])
}
