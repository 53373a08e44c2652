package itv2

import (
	"encoding/binary"
	"errors"
)

// Errors of a frame.
var (
	ErrLength = errors.New("itv2: frame length does not fit its bytes")
	ErrCheck  = errors.New("itv2: frame check differs")
)

const (
	shortLength = 0x7F   // the longest that one length byte can say
	longLength  = 0x8000 // set in a length of two bytes
)

// CRC is CRC-16/CCITT-FALSE: polynomial 1021, start FFFF, nothing reflected. Of
// "123456789" it is 29B1.
func CRC(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

func appendLength(dst []byte, n int) []byte {
	if n <= shortLength {
		return append(dst, byte(n))
	}
	return binary.BigEndian.AppendUint16(dst, uint16(n)|longLength)
}

// cutLength reads a length of one or two bytes.
func cutLength(b []byte) (n int, rest []byte, err error) {
	switch {
	case len(b) == 0:
		return 0, nil, ErrLength
	case b[0] <= shortLength:
		return int(b[0]), b[1:], nil
	case len(b) == 1:
		return 0, nil, ErrLength
	}
	return int(binary.BigEndian.Uint16(b) &^ longLength), b[2:], nil
}

// AppendFrame puts length and CRC around a packet.
func AppendFrame(dst, packet []byte) []byte {
	start := len(dst)
	dst = appendLength(dst, len(packet)+2)
	dst = append(dst, packet...)
	return binary.BigEndian.AppendUint16(dst, CRC(dst[start:]))
}

// ParseFrame returns the packet of a frame, a part of b. Up to fifteen bytes behind the
// CRC are padding and mean nothing.
func ParseFrame(b []byte) (packet []byte, err error) {
	n, rest, err := cutLength(b)
	if err != nil {
		return nil, err
	}
	if n < 2 || n > len(rest) || len(rest)-n >= blockSize {
		return nil, ErrLength
	}
	end := len(b) - len(rest) + n
	if CRC(b[:end-2]) != binary.BigEndian.Uint16(b[end-2:]) {
		return nil, ErrCheck
	}
	return rest[:n-2], nil
}

// Seal makes the bytes of one packet for the wire. With a cipher the frame is padded
// with zeros and encrypted in place, so that no plain text of it stays behind.
func Seal(header []byte, p Packet, c *Cipher) []byte {
	packet := p.Append(nil)
	frame := make([]byte, 0, len(packet)+4+blockSize)
	frame = AppendFrame(frame, packet)
	clear(packet)
	if c != nil {
		for len(frame)%blockSize != 0 {
			frame = append(frame, 0)
		}
		c.Encrypt(frame)
	}
	return AppendTLink(make([]byte, 0, 2*len(frame)+2+MaxHeader), header, frame)
}

// Open reads the packet in a payload, which it decrypts in place when there is a
// cipher. The packet's body is a part of the payload.
func Open(payload []byte, c *Cipher) (Packet, error) {
	if c != nil {
		if len(payload) == 0 || len(payload)%blockSize != 0 {
			return Packet{}, ErrLength
		}
		c.Decrypt(payload)
	}
	packet, err := ParseFrame(payload)
	if err != nil {
		return Packet{}, err
	}
	return ParsePacket(packet)
}
