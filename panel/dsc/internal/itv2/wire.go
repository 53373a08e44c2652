package itv2

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf16"
)

// appendInt writes a compact integer: the number of bytes, then the fewest bytes, at
// least one, big endian.
func appendInt(dst []byte, n int) []byte {
	var be [4]byte
	binary.BigEndian.PutUint32(be[:], uint32(n))
	b := be[:]
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return append(append(dst, byte(len(b))), b...)
}

// MaxInt is the largest number that this package reads from a compact integer.
const MaxInt = 1<<24 - 1

// reader takes a body apart. The first thing that does not fit sticks.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) int() int {
	n := int(r.byte())
	if n < 1 || n > 4 {
		r.bad = true
		return 0
	}
	v := 0
	for _, c := range r.bytes(n) {
		v = v<<8 | int(c)
	}
	if v > MaxInt {
		r.bad = true
		return 0
	}
	return v
}

// end reports a body that was too short or that goes on.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return ErrBody
	}
	return nil
}

// BCD packs digits, high nibble first. The letters A to F are legal: a code of A's is
// an empty slot. An odd number of digits is filled with 0.
func BCD(digits string) ([]byte, error) {
	if len(digits)%2 == 1 {
		digits += "0"
	}
	return hex.DecodeString(digits)
}

// Digits unpacks BCD; nibbles above 9 come out as A to F.
func Digits(bcd []byte) string { return strings.ToUpper(hex.EncodeToString(bcd)) }

// appendText writes text as UTF-16, big endian, filled up with spaces or cut to a
// number of units.
func appendText(dst []byte, text string, units int) []byte {
	u := utf16.Encode([]rune(text))
	for i := range units {
		c := uint16(' ')
		if i < len(u) {
			c = u[i]
		}
		dst = binary.BigEndian.AppendUint16(dst, c)
	}
	return dst
}

// parseText reads UTF-16 and takes the filling spaces and zeros off its end.
func parseText(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return strings.TrimRight(string(utf16.Decode(u)), " \x00")
}

// DateTime is the panel's packed local time.
type DateTime uint32

// DateTimeOf packs the wall clock of t: years 2000 to 2063.
func DateTimeOf(t time.Time) DateTime {
	return DateTime(t.Hour()<<27 | t.Minute()<<21 | t.Second()<<15 | (t.Year()-2000)&63<<9 | int(t.Month())<<5 | t.Day())
}

// Time returns the wall clock in a zone that the panel does not name.
func (d DateTime) Time(zone *time.Location) time.Time {
	return time.Date(2000+int(d>>9&63), time.Month(d>>5&15), int(d&31), int(d>>27), int(d>>21&63), int(d>>15&63), 0, zone)
}
