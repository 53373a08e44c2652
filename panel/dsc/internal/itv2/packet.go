package itv2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Errors of a packet and of its body.
var (
	ErrPacket  = errors.New("itv2: packet is cut short")
	ErrBody    = errors.New("itv2: body does not fit its command")
	ErrCommand = errors.New("itv2: command is not known here")
)

// Command is the number of a message.
type Command uint16

// The commands that concern users, and what carries them.
const (
	Ack             Command = 0 // no command at all: a simple acknowledgement
	CmdArming       Command = 0x0232
	CmdCodeLength   Command = 0x0236
	CmdUsersChanged Command = 0x0250
	CmdNack         Command = 0x0501
	CmdResponse     Command = 0x0502
	CmdPoll         Command = 0x0600
	CmdOpenSession  Command = 0x060A
	CmdEndSession   Command = 0x060B
	CmdAccess       Command = 0x060E
	CmdCapabilities Command = 0x0613
	CmdSeveral      Command = 0x0623
	CmdExit         Command = 0x0701
	CmdLead         Command = 0x0702
	CmdEnter        Command = 0x0704
	CmdReadCodes    Command = 0x0736
	CmdReadFlags    Command = 0x0737
	CmdReadMasks    Command = 0x0738
	CmdReadKinds    Command = 0x073C
	CmdWriteCodes   Command = 0x0746
	CmdWriteFlags   Command = 0x0747
	CmdWriteMasks   Command = 0x0748
	CmdWriteLabels  Command = 0x0750
	CmdLabels       Command = 0x0771
	CmdMasksChanged Command = 0x0775
	CmdRequest      Command = 0x0800
	CmdCodes        Command = 0x4736
	CmdFlags        Command = 0x4737
	CmdMasks        Command = 0x4738
	CmdKinds        Command = 0x473C
)

// String returns the number in hexadecimal.
func (c Command) String() string { return fmt.Sprintf("0x%04X", uint16(c)) }

var sequenced = []Command{
	CmdResponse, CmdOpenSession, CmdEndSession, CmdAccess, CmdExit, CmdEnter,
	CmdReadCodes, CmdReadFlags, CmdReadMasks, CmdReadKinds,
	CmdWriteCodes, CmdWriteFlags, CmdWriteMasks, CmdWriteLabels, CmdRequest,
}

// Sequenced reports whether a command sequence follows the command: requests, the
// handshake and 0502 carry one, notifications, 0501 and 4xxx do not. In 0502 it is the
// sequence of the request that is answered.
func (c Command) Sequenced() bool { return slices.Contains(sequenced, c) }

// Packet is one turn of the conversation.
type Packet struct {
	Sender   byte // counts the sender's transactions
	Receiver byte // the last sequence that the sender received
	Command  Command
	Seq      byte // command sequence, where Command.Sequenced
	Body     []byte
}

// Append writes the packet; a packet with [Ack] is two bytes.
func (p Packet) Append(dst []byte) []byte {
	dst = append(dst, p.Sender, p.Receiver)
	if p.Command == Ack {
		return dst
	}
	return Part{p.Command, p.Seq, p.Body}.append(dst)
}

// ParsePacket reads a packet whose body is a part of b.
func ParsePacket(b []byte) (Packet, error) {
	if len(b) < 2 {
		return Packet{}, ErrPacket
	}
	p := Packet{Sender: b[0], Receiver: b[1]}
	if len(b) == 2 {
		return p, nil
	}
	part, err := parsePart(b[2:])
	if err != nil {
		return Packet{}, err
	}
	p.Command, p.Seq, p.Body = part.Command, part.Seq, part.Body
	return p, nil
}

// Part is a command with its body: a packet's, or one of several in a 0623.
type Part struct {
	Command Command
	Seq     byte
	Body    []byte
}

func (p Part) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(p.Command))
	if p.Command.Sequenced() {
		dst = append(dst, p.Seq)
	}
	return append(dst, p.Body...)
}

func parsePart(b []byte) (Part, error) {
	if len(b) < 2 {
		return Part{}, ErrPacket
	}
	p := Part{Command: Command(binary.BigEndian.Uint16(b)), Body: b[2:]}
	if p.Command == Ack {
		return Part{}, ErrPacket
	}
	if p.Command.Sequenced() {
		if len(p.Body) == 0 {
			return Part{}, ErrPacket
		}
		p.Seq, p.Body = p.Body[0], p.Body[1:]
	}
	return p, nil
}

// Next is the sequence after n: 0 is kept for the first message, so 1 follows 255.
func Next(n byte) byte {
	if n == 255 {
		return 1
	}
	return n + 1
}
