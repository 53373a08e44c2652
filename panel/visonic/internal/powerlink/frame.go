package powerlink

import "bytes"

const (
	head = 0x0D
	tail = 0x0A

	// MaxFrame is the longest frame that the length bytes of the wire can name: a
	// PowerMaster message of 255 bytes of data.
	MaxFrame = 5 + 255 + 3

	minFrame   = 4  // head, one byte, checksum, tail
	maxControl = 5  // of link control: its byte, and the marker
	maxOther   = 64 // of commands that users do not need, most of which have 15
)

// Sum is the usual checksum of a payload: 0xFF less the sum of its bytes modulo 0xFF. The
// largest value is written as 0. Some panels use the value one higher; see [Splitter].
func Sum(payload []byte) byte { return fold(total(payload)) }

func total(payload []byte) (s int) {
	for _, b := range payload {
		s += int(b)
	}
	return s
}

func fold(s int) byte {
	if s %= 0xFF; s == 0 {
		return 0
	}
	return byte(0xFF - s)
}

// fits reports whether a checksum is right for bytes of this total. It may be one higher
// than usual, as PowerLink 3.1 hardware sends it.
func fits(sum byte, s int) bool { return sum == fold(s) || sum == fold(s)+1 }

// Frame wraps a payload for sending, with the usual checksum.
func Frame(payload []byte) []byte {
	f := make([]byte, 0, len(payload)+3)
	f = append(f, head)
	f = append(f, payload...)
	return append(f, Sum(payload), tail)
}

// length is how long the frame at the start of b has to be: 0 if more bytes are needed to
// say, -1 if its command has no length of its own.
func length(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case OpBlock, OpMessage:
		if len(b) < 5 {
			return 0
		}
		if b[1] == OpBlock {
			return int(b[4]) + 7 // command, address, length, data
		}
		return int(b[4]) + 8 // command, type, message, length, data, marker
	case OpStart, OpLater, OpType, OpPanel, OpRead:
		return 14
	}
	return -1
}

// Splitter cuts a stream into frames. A tail byte may also occur inside a payload, so a
// frame ends where its command's length says, or, without one, at the first tail behind
// which the checksum is right. What is no frame is passed over byte by byte; it never
// holds more than one frame and what came behind it in the same piece.
type Splitter struct {
	buf []byte
}

// Push adds bytes that were read.
func (s *Splitter) Push(b []byte) { s.buf = append(s.buf, b...) }

// Next returns the payload of the next frame: a copy, without head, checksum and tail. It
// returns false when more bytes are needed.
func (s *Splitter) Next() ([]byte, bool) {
	for {
		at := bytes.IndexByte(s.buf, head)
		if at < 0 {
			s.drop(len(s.buf))
			return nil, false
		}
		s.drop(at)
		n, known := whole(s.buf)
		switch {
		case n > 0:
			payload := bytes.Clone(s.buf[1 : n-2])
			s.drop(n)
			return payload, true
		case known:
			s.drop(1) // no frame begins here
		default:
			return nil, false
		}
	}
}

// whole returns the length of the frame at the start of b, 0 if there is none; known says
// whether more bytes could still make one.
func whole(b []byte) (n int, known bool) {
	switch want := length(b); {
	case want == 0:
		return 0, false
	case want > len(b):
		return 0, false
	case want > 0:
		if valid(b[:want]) {
			return want, true
		}
		return 0, true
	}
	limit := maxOther
	if b[1] < 0x10 {
		limit = maxControl
	}
	s := int(b[1])
	for n := minFrame; n <= min(len(b), limit); n++ {
		if b[n-1] == tail && fits(b[n-2], s) {
			return n, true
		}
		s += int(b[n-2])
	}
	return 0, len(b) >= limit
}

// valid reports whether tail and checksum are right.
func valid(f []byte) bool {
	n := len(f)
	return f[n-1] == tail && fits(f[n-2], total(f[1:n-2]))
}

func (s *Splitter) drop(n int) {
	clear(s.buf[:n])
	s.buf = s.buf[n:]
	if len(s.buf) == 0 {
		s.buf = nil
	}
}
