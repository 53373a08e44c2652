package powerlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Commands: the first byte of a payload.
const (
	OpAck     = 0x02 // a message has arrived
	OpTimeout = 0x06 // the panel has waited too long, or says hello
	OpDenied  = 0x08 // access denied
	OpStop    = 0x0B // ends what is going on
	OpExit    = 0x0F // ends download mode
	OpStart   = 0x24 // asks for download mode
	OpLater   = 0x25 // no download mode now
	OpType    = 0x33
	OpPanel   = 0x3C // download mode is on; says which panel this is
	OpRead    = 0x3E // asks for a block of the EPROM
	OpBlock   = 0x3F
	OpMessage = 0xB0 // a PowerMaster message

	// Marker is the last byte of a payload of a session that is enrolled as PowerLink.
	Marker = 0x43
)

// Addresses in the EPROM, and how much there is to read.
const (
	CodesPowerMax    = 0x01FA // 8 codes of 2 bytes
	CodesPowerMaster = 0x0A98 // 48 codes of 2 bytes
	Serial           = 0x0430 // 6 digits in 3 bytes
	MaxBlock         = 0xB0   // the most that may be asked for at once
)

// ErrMalformed: a payload does not have the layout of its command.
var ErrMalformed = errors.New("powerlink: malformed payload")

// Start asks for download mode with the download code: two bytes, four hexadecimal digits.
func Start(code [2]byte) []byte {
	return []byte{OpStart, 0, 0, code[0], code[1], 0, 0, 0, 0, 0, 0}
}

// Read asks for n bytes, at most [MaxBlock], of the EPROM.
func Read(addr, n int) []byte {
	p := []byte{OpRead, 0, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0}
	binary.LittleEndian.PutUint16(p[1:], uint16(addr))
	binary.LittleEndian.PutUint16(p[3:], uint16(n))
	return p
}

// Block reads the panel's answer to [Read]; data is a part of p.
func Block(p []byte) (addr int, data []byte, err error) {
	if len(p) < 4 || p[0] != OpBlock || int(p[3]) != len(p)-4 {
		return 0, nil, fmt.Errorf("%w: block", ErrMalformed)
	}
	return int(binary.LittleEndian.Uint16(p[1:])), p[4:], nil
}

// Panel reads which panel has entered download mode: the type byte.
func Panel(p []byte) (kind byte, err error) {
	if len(p) != 11 || p[0] != OpPanel {
		return 0, fmt.Errorf("%w: panel type", ErrMalformed)
	}
	return p[6], nil
}

// Later reads how long the panel wants to be left alone: its fourth byte, in seconds.
func Later(p []byte) (time.Duration, error) {
	if len(p) != 11 || p[0] != OpLater {
		return 0, fmt.Errorf("%w: busy", ErrMalformed)
	}
	return time.Duration(p[3]) * time.Second, nil
}

// Ack is the answer to a message: with the marker for those of the upper half.
func Ack(p []byte) []byte {
	if p[0] >= 0x40 {
		return []byte{OpAck, Marker}
	}
	return []byte{OpAck}
}
