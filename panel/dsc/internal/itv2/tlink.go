package itv2

import "errors"

// The bytes that TLink gives a meaning, and the bounds of a frame.
const (
	escape    = 0x7D
	headerEnd = 0x7E
	frameEnd  = 0x7F

	// MaxHeader is the length of an integration id.
	MaxHeader = 12
	// MaxPayload bounds what one frame may hold before anything is known of the peer.
	// Sessions offer buffers of 1,024 bytes.
	MaxPayload = 4096
)

// Errors of TLink framing. After one of them the stream is lost.
var (
	ErrStuffing = errors.New("itv2: byte after the escape has no meaning")
	ErrTooLong  = errors.New("itv2: frame longer than allowed")
	ErrOrder    = errors.New("itv2: end of header or frame at the wrong place")
)

// TLink is one frame of the outer layer, unstuffed.
type TLink struct {
	Header  []byte // the integration id; empty is legal
	Payload []byte
}

// AppendTLink stuffs header and payload into one frame.
func AppendTLink(dst, header, payload []byte) []byte {
	dst = appendStuffed(dst, header)
	dst = append(dst, headerEnd)
	dst = appendStuffed(dst, payload)
	return append(dst, frameEnd)
}

func appendStuffed(dst, b []byte) []byte {
	for _, c := range b {
		if c >= escape && c <= frameEnd {
			dst = append(dst, escape, c-escape)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// Stream finds frames in bytes that arrive in any portions. The zero value is ready.
// It never holds more than one header and one payload of the allowed lengths.
type Stream struct {
	frame     TLink
	inPayload bool
	escaped   bool
	complete  bool
}

// Next takes bytes of p up to the end of a frame. With ok the frame is whole and valid
// until the next call; rest is what follows it. Without ok everything was taken and
// more is needed.
func (s *Stream) Next(p []byte) (frame TLink, ok bool, rest []byte, err error) {
	if s.complete {
		s.frame.Header, s.frame.Payload = s.frame.Header[:0], s.frame.Payload[:0]
		s.inPayload, s.complete = false, false
	}
	for i, c := range p {
		if err := s.take(c); err != nil {
			return TLink{}, false, nil, err
		}
		if s.complete {
			return s.frame, true, p[i+1:], nil
		}
	}
	return TLink{}, false, nil, nil
}

func (s *Stream) take(c byte) error {
	switch {
	case s.escaped:
		if c > frameEnd-escape {
			return ErrStuffing
		}
		s.escaped = false
		return s.keep(c + escape)
	case c == escape:
		s.escaped = true
		return nil
	case c == headerEnd && !s.inPayload:
		s.inPayload = true
		return nil
	case c == frameEnd && s.inPayload:
		s.complete = true
		return nil
	case c == headerEnd || c == frameEnd:
		return ErrOrder
	}
	return s.keep(c)
}

func (s *Stream) keep(c byte) error {
	part, limit := &s.frame.Header, MaxHeader
	if s.inPayload {
		part, limit = &s.frame.Payload, MaxPayload
	}
	if len(*part) == limit {
		return ErrTooLong
	}
	*part = append(*part, c)
	return nil
}
