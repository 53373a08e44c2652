package qolsys

import (
	"fmt"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// framing lets only those MQTT packets through that a broker has reason to send us, and
// none that is longer than limit, before the client makes room for it. The client trusts
// its broker: a SUBACK with more results than we have topics would end the process. It
// follows the heads only: a byte of kind and flags, then a length of up to four bytes of
// seven bits.
type framing struct {
	net.Conn
	limit  int
	topics int         // that we subscribe to
	lost   func(error) // told why reading ends: the client itself has other words for it

	body   int // bytes of the packet under way that are still to come
	inHead bool
	kind   byte
	length int
	shift  int
}

// Kinds of packets with their flags.
const (
	connack  = 0x20
	publish  = 0x30
	suback   = 0x90
	pingresp = 0xD0
	// loose are the flags of a PUBLISH that do not matter: sent again, and retained.
	loose = 0x09
)

// fits reports whether a packet of this kind and length is one that we expect. We ask for
// quality 0 alone, so that messages of another are none.
func (f *framing) fits() bool {
	switch f.kind {
	case connack:
		return f.length == 2
	case suback:
		return f.length == 2+f.topics
	case pingresp:
		return f.length == 0
	}
	return f.kind&^loose == publish && f.length >= 2
}

// Read reads, and ends the connection's use at a packet that must not pass. It is called
// by one goroutine at a time.
func (f *framing) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if err != nil {
		f.lost(err)
	}
	for b := p[:n]; len(b) > 0; {
		if f.body > 0 {
			skip := min(f.body, len(b))
			f.body -= skip
			b = b[skip:]
			continue
		}
		if err := f.head(b[0]); err != nil {
			f.lost(err)
			return 0, err
		}
		b = b[1:]
	}
	return n, err
}

// head takes one byte of a packet's head.
func (f *framing) head(b byte) error {
	if !f.inHead {
		f.inHead, f.kind, f.length, f.shift = true, b, 0, 0
		return nil
	}
	f.length |= int(b&0x7F) << f.shift
	f.shift += 7
	if f.length > f.limit || f.shift > 28 {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLong, f.limit)
	}
	if b&0x80 == 0 {
		if f.inHead, f.body = false, f.length; !f.fits() {
			return fmt.Errorf("%w: an MQTT packet that is not for us", panel.ErrProtocol)
		}
	}
	return nil
}

// lastWords is how long the reason of a peer that has hung up may take.
const lastWords = time.Second

// Write writes. A peer that refuses our certificate in TLS 1.3 may have hung up before
// our first byte is on its way: then its reason is what has to be told, and it is waiting
// to be read. Nothing but the reason is lost with what is read here, as the connection
// is over.
func (f *framing) Write(p []byte) (int, error) {
	n, err := f.Conn.Write(p)
	if err == nil {
		return n, nil
	}
	_ = f.SetReadDeadline(time.Now().Add(lastWords))
	if _, reason := f.Conn.Read(make([]byte, 1)); refusesKey(reason) {
		err = reason
	}
	return n, err
}
