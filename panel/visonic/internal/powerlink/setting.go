package powerlink

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Settings by their ids.
const (
	SetCodes      = 0x0008 // of users: 2 bytes each, always 48 of them
	SetPanel      = 0x0024 // EPROM version and panel type
	SetPartitions = 0x0030 // whether partitions are on
	SetAccess     = 0x00E2 // partitions of users: one byte each
)

// Setting reads a chunk of [MsgSettings].
func Setting(c Chunk) (id uint16, value []byte, err error) {
	if len(c.Data) < 3 {
		return 0, nil, fmt.Errorf("%w: setting", ErrMalformed)
	}
	return binary.LittleEndian.Uint16(c.Data), c.Data[3:], nil
}

// Range is a chunk of [MsgRanges]: some items of one setting.
type Range struct {
	ID    uint16
	Max   int // how many items there are
	Start int
	Items []byte // Count items of Size bytes
	Size  int
}

// ParseRange reads a chunk of [MsgRanges].
func ParseRange(c Chunk) (Range, error) {
	const header = 14
	if len(c.Data) < header {
		return Range{}, fmt.Errorf("%w: range", ErrMalformed)
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(c.Data[at:])) }
	r := Range{ID: uint16(word(0)), Max: word(2), Size: word(4) / 8, Start: word(10), Items: c.Data[header:]}
	if count := word(12); r.Size == 0 || word(4)%8 != 0 || count*r.Size != len(r.Items) || r.Start+count > r.Max {
		return Range{}, fmt.Errorf("%w: range", ErrMalformed)
	}
	return r, nil
}

// Code is what stands at the place of one user's code.
type Code struct {
	Set    bool       // other than 00 00, which means that there is none
	Digits panel.Code // zero if what is set is not four decimal digits
}

// Codes reads codes of two bytes each, four digits in four nibbles, and clears them.
func Codes(b []byte) []Code {
	out := make([]Code, len(b)/2)
	for i := range out {
		two := b[2*i : 2*i+2]
		digits := [4]byte{two[0]>>4 + '0', two[0]&15 + '0', two[1]>>4 + '0', two[1]&15 + '0'}
		out[i].Set = two[0]|two[1] != 0
		if out[i].Set {
			out[i].Digits, _ = panel.ParseCode(string(digits[:])) // else set, and no digits are known
		}
	}
	clear(b)
	return out
}

// Enrolled returns which places of one kind are taken, the first at bit 0.
func Enrolled(m Message, index byte) (bits uint64, ok bool) {
	for _, c := range m.Chunks {
		if c.Index != index || len(c.Data) > 8 {
			continue
		}
		var b [8]byte
		copy(b[:], c.Data)
		return binary.LittleEndian.Uint64(b[:]), true
	}
	return 0, false
}

// Clock reads the panel's wall clock from a [MsgStatus], as if its zone were zone: the
// wire names none. The layout (second, minute, hour, day, month, year, century from the
// ninth byte on) is read off two captures and confirmed nowhere.
func Clock(m Message, zone *time.Location) (time.Time, error) {
	if m.Cmd != MsgStatus || len(m.Chunks) == 0 || len(m.Chunks[0].Data) < 15 {
		return time.Time{}, fmt.Errorf("%w: status", ErrMalformed)
	}
	d := m.Chunks[0].Data[8:15]
	at := time.Date(int(d[6])*100+int(d[5]), time.Month(d[4]), int(d[3]), int(d[2]), int(d[1]), int(d[0]), 0, zone)
	if d[0] > 59 || d[1] > 59 || d[2] > 23 || d[3] == 0 || at.Day() != int(d[3]) || d[4] == 0 || d[4] > 12 || d[5] > 99 {
		return time.Time{}, fmt.Errorf("%w: clock", ErrMalformed)
	}
	return at, nil
}
