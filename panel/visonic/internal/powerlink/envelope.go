package powerlink

import (
	"bytes"
	"fmt"
	"strconv"
)

// Types of an [Envelope].
const (
	EnvelopeData = "VIS-BBA"  // a frame
	EnvelopeAck  = "VIS-ACK"  // a frame has arrived
	EnvelopeCID  = "*ADM-CID" // an alarm or another report for the central station
)

// Envelope is what PowerLink 3.1 hardware wraps frames in on their way over IP:
//
//	LF CRC16 LEN "TYPE" id L account # panel [ frame ] CR
//
// with the CRC (polynomial 0xA001, over everything from the first quote to the bracket)
// in four upper-case and the length of the same in four lower-case hexadecimal digits.
type Envelope struct {
	Type    string
	ID      int    // 0 to 9999; an acknowledgement has that of its message
	Account string // of the panel at its server
	Panel   string // six hexadecimal digits by which the panel names itself
	Body    []byte // a whole frame, with head and tail
}

const (
	envelopeHead = 1 + 4 + 4 // LF, CRC, length
	// MaxEnvelope is the longest text between the head and the CR that is taken: more
	// than the longest frame needs.
	MaxEnvelope = MaxFrame + 64
)

// Bytes is the envelope as it is sent.
func (e Envelope) Bytes() []byte {
	text := fmt.Appendf(nil, "%q%04dL%s#%s[", e.Type, e.ID, e.Account, e.Panel)
	text = append(append(text, e.Body...), ']')
	out := fmt.Appendf(make([]byte, 0, envelopeHead+len(text)+1), "\n%04X%04x", CRC16(text), len(text))
	return append(append(out, text...), '\r')
}

// CRC16 is CRC-16/ARC.
func CRC16(b []byte) uint16 {
	crc := uint16(0)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

// EnvelopeSplitter cuts a stream into envelopes. What is none is passed over.
type EnvelopeSplitter struct {
	buf []byte
}

// Push adds bytes that were read.
func (s *EnvelopeSplitter) Push(b []byte) { s.buf = append(s.buf, b...) }

// Next returns the next envelope: a copy. It returns false when more bytes are needed.
func (s *EnvelopeSplitter) Next() (Envelope, bool) {
	for {
		at := bytes.IndexByte(s.buf, '\n')
		if at < 0 {
			at = len(s.buf)
		}
		s.drop(at)
		if len(s.buf) < envelopeHead {
			return Envelope{}, false
		}
		crc, bad := strconv.ParseUint(string(s.buf[1:5]), 16, 16)
		size, worse := strconv.ParseUint(string(s.buf[5:9]), 16, 16)
		if bad != nil || worse != nil || size > MaxEnvelope {
			s.drop(1)
			continue
		}
		end := envelopeHead + int(size)
		if len(s.buf) <= end {
			return Envelope{}, false
		}
		text := s.buf[envelopeHead:end]
		e, ok := parseText(text)
		if !ok || s.buf[end] != '\r' || CRC16(text) != uint16(crc) {
			s.drop(1)
			continue
		}
		s.drop(end + 1)
		return e, true
	}
}

func (s *EnvelopeSplitter) drop(n int) {
	clear(s.buf[:n])
	if s.buf = s.buf[n:]; len(s.buf) == 0 {
		s.buf = nil
	}
}

// parseText reads what the CRC is over. Some acknowledgements lack the closing bracket.
func parseText(text []byte) (e Envelope, ok bool) {
	head, body, ok := bytes.Cut(text, []byte{'['})
	if !ok || len(head) == 0 || head[0] != '"' {
		return e, false
	}
	kind, rest, ok := bytes.Cut(head[1:], []byte{'"'})
	if !ok || len(rest) < 5 || rest[4] != 'L' {
		return e, false
	}
	id, err := strconv.ParseUint(string(rest[:4]), 10, 16)
	account, panel, ok := bytes.Cut(rest[5:], []byte{'#'})
	if err != nil || !ok || !plain(kind) || !plain(account) || !plain(panel) {
		return e, false
	}
	return Envelope{
		Type: string(kind), ID: int(id), Account: string(account), Panel: string(panel),
		Body: bytes.Clone(bytes.TrimSuffix(body, []byte{']'})),
	}, true
}

// plain reports whether a name is letters, digits and the few signs that types have.
func plain(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '*' {
			return false
		}
	}
	return len(b) > 0
}
