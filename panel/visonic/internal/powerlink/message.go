package powerlink

import (
	"encoding/binary"
	"fmt"
)

// Types of a PowerMaster message.
const (
	TypeRequest = 0x01
	TypePage    = 0x02 // of a reply, more follow
	TypeReply   = 0x03 // or the last page of one
)

// PowerMaster messages. Message 22, the limits of a family, is not asked for: a
// PowerMaster-10 answers it with those of the largest panel, not with its own.
const (
	MsgInvalid  = 0x06 // the panel does not take a message
	MsgPoll     = 0x17 // asks for messages by their numbers
	MsgEnrolled = 0x1D // which places of each kind of device are taken
	MsgStatus   = 0x24 // arming state and clock
	MsgSettings = 0x35 // settings by id
	MsgRanges   = 0x42 // settings by id, item by item
)

// Indexes say what a chunk is about.
const (
	IndexTag = 10
	IndexAny = 0xFF
)

// Reasons of [MsgInvalid].
const (
	ReasonUnknown = 0x02 // no such message here
	ReasonLater   = 0x0D // most likely: ask again later
)

// Message is one PowerMaster message. Its chunks are parts of the payload.
type Message struct {
	Type, Cmd byte
	Chunks    []Chunk
	// Pairs is what a [MsgInvalid] says instead of chunks: reasons, each with the message
	// that it is about.
	Pairs [][2]byte
}

// Chunk is a part of a message.
type Chunk struct {
	Page  byte // 1 and up, 0xFF for the last or only one
	Bits  byte // size of one item
	Index byte // what it is about; [IndexAny] if it is not by kind
	Data  []byte
}

// ParseMessage reads a payload that begins with [OpMessage].
func ParseMessage(p []byte) (Message, error) {
	if len(p) < 5 || p[0] != OpMessage || p[len(p)-1] != Marker || int(p[3]) != len(p)-5 {
		return Message{}, fmt.Errorf("%w: message", ErrMalformed)
	}
	m := Message{Type: p[1], Cmd: p[2]}
	rest := p[4 : len(p)-1]
	if m.Cmd == MsgInvalid {
		for ; len(rest) >= 2; rest = rest[2:] {
			m.Pairs = append(m.Pairs, [2]byte{rest[0], rest[1]})
		}
		return m, nil
	}
	if m.Type == TypeRequest && len(rest) > 0 {
		rest = rest[1:] // how many bytes one id has
	}
	for len(rest) >= 4 {
		n := int(rest[3])
		if 4+n > len(rest) {
			return Message{}, fmt.Errorf("%w: chunk", ErrMalformed)
		}
		m.Chunks = append(m.Chunks, Chunk{Page: rest[0], Bits: rest[1], Index: rest[2], Data: rest[4 : 4+n]})
		rest = rest[4+n:]
	}
	if len(rest) > 1 { // a reply ends in a counter
		return Message{}, fmt.Errorf("%w: behind the chunks", ErrMalformed)
	}
	return m, nil
}

// Last reports whether no further page follows.
func (m Message) Last() bool { return m.Type != TypePage }

func request(cmd byte, data ...byte) []byte {
	p := append([]byte{OpMessage, TypeRequest, cmd, byte(len(data))}, data...)
	return append(p, Marker)
}

// AskSettings asks for settings as [MsgSettings].
func AskSettings(ids ...uint16) []byte {
	data := []byte{2, 0xFF, 8, IndexAny, byte(2 * len(ids))}
	for _, id := range ids {
		data = binary.LittleEndian.AppendUint16(data, id)
	}
	return request(MsgSettings, data...)
}

// AskRange asks for every item of a setting as [MsgRanges].
func AskRange(id uint16) []byte {
	data := []byte{2, 0xFF, 8, 0x0C, 6}
	data = binary.LittleEndian.AppendUint16(data, id)
	return request(MsgRanges, append(data, 0, 0, 0xFF, 0xFF)...)
}

// Poll asks for messages by their numbers.
func Poll(cmds ...byte) []byte {
	return request(MsgPoll, append([]byte{1, 0xFF, 8, IndexAny, byte(len(cmds))}, cmds...)...)
}
