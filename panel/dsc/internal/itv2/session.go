package itv2

import (
	"encoding/binary"
	"fmt"
)

// OpenSession (060A) starts a session; the server answers with an equal one.
type OpenSession struct {
	Device     byte // 02 DSC communicator, 80 iControl, 81 keypad, 8F third party
	DeviceID   uint16
	Software   [2]byte // BCD
	Protocol   [2]byte // BCD
	Transmit   uint16  // the longest frame that the sender sends
	Receive    uint16  // the longest frame that it takes
	Unknown    uint16
	Encryption Encryption
}

// Command implements [Message].
func (OpenSession) Command() Command { return CmdOpenSession }

// Append implements [Message].
func (m OpenSession) Append(dst []byte) []byte {
	dst = append(dst, m.Device)
	dst = binary.BigEndian.AppendUint16(dst, m.DeviceID)
	dst = append(dst, m.Software[0], m.Software[1], m.Protocol[0], m.Protocol[1])
	dst = binary.BigEndian.AppendUint16(dst, m.Transmit)
	dst = binary.BigEndian.AppendUint16(dst, m.Receive)
	dst = binary.BigEndian.AppendUint16(dst, m.Unknown)
	return append(dst, byte(m.Encryption))
}

func parseOpenSession(r *reader) Message {
	return OpenSession{
		Device: r.byte(), DeviceID: r.uint16(),
		Software: [2]byte{r.byte(), r.byte()}, Protocol: [2]byte{r.byte(), r.byte()},
		Transmit: r.uint16(), Receive: r.uint16(), Unknown: r.uint16(),
		Encryption: Encryption(r.byte()),
	}
}

// Version returns the software version as "05.61".
func (m OpenSession) Version() string {
	return Digits(m.Software[:1]) + "." + Digits(m.Software[1:])
}

// Access (060E) brings the initializer from which one direction's key is made.
type Access struct{ Init []byte }

// Command implements [Message].
func (Access) Command() Command { return CmdAccess }

// Append implements [Message].
func (m Access) Append(dst []byte) []byte { return append(append(dst, byte(len(m.Init))), m.Init...) }

// Bare is a message without a body: 0600 asks whether the peer is there, 060B ends the
// session.
type Bare struct{ Of Command }

// Command implements [Message].
func (m Bare) Command() Command { return m.Of }

// Append implements [Message].
func (Bare) Append(dst []byte) []byte { return dst }

// Result is what came of a command, in 0502 and 0501.
type Result byte

// The results of 0502 whose meaning does not depend on the command.
const (
	OK               Result = 0x00
	NotInProgramming Result = 0x10
	InvalidCode      Result = 0x11
	CodeRequired     Result = 0x12
	SystemBusy       Result = 0x13
	InvalidPartition Result = 0x14
	NotAvailable     Result = 0x17
	InternalError    Result = 0x18
	TimedOut         Result = 0x19
)

// The results of 0501 that lie below 10; above they mean the same as in 0502.
const (
	NackLength      Result = 0x01
	NackUnknown     Result = 0x02
	NackSequence    Result = 0x03
	NackNoAnswer    Result = 0x04
	NackPassThrough Result = 0x05
	NackDestination Result = 0x06
	NackSession     Result = 0x07
	NackBuffer      Result = 0x08
	NackLockout     Result = 0x09
	NackSubCommand  Result = 0x0A
	NackPowerUp     Result = 0x0B
)

// String returns the number in hexadecimal.
func (r Result) String() string { return fmt.Sprintf("0x%02X", byte(r)) }

// Response (0502) answers the command whose sequence its packet carries.
type Response struct{ Result Result }

// Command implements [Message].
func (Response) Command() Command { return CmdResponse }

// Append implements [Message].
func (m Response) Append(dst []byte) []byte { return append(dst, byte(m.Result)) }

// Nack (0501) says that a command was not carried out.
type Nack struct {
	Of     Command
	Result Result
}

// Command implements [Message].
func (Nack) Command() Command { return CmdNack }

// Append implements [Message].
func (m Nack) Append(dst []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(m.Of)), byte(m.Result))
}

// parseNack takes both readings of the public sources: without and with a command
// sequence in front.
func parseNack(r *reader) Message {
	if len(r.b) == 4 {
		r.byte()
	}
	return Nack{Of: Command(r.uint16()), Result: Result(r.byte())}
}

// Several (0623) holds messages that came together.
type Several struct{ Parts []Part }

// Command implements [Message].
func (Several) Command() Command { return CmdSeveral }

// Append implements [Message].
func (m Several) Append(dst []byte) []byte {
	for _, p := range m.Parts {
		b := p.append(nil)
		dst = append(appendLength(dst, len(b)), b...)
	}
	return dst
}

func parseSeveral(r *reader) Message {
	var m Several
	for len(r.b) > 0 && !r.bad {
		n, rest, err := cutLength(r.b)
		if err != nil || n > len(rest) {
			r.bad = true
			break
		}
		p, err := parsePart(rest[:n])
		if err != nil || p.Command == CmdSeveral {
			r.bad = true
			break
		}
		m.Parts = append(m.Parts, p)
		r.b = rest[n:]
	}
	return m
}

// Request (0800) asks for another message, given by its number and a body whose values
// mean nothing.
type Request struct {
	Of   Command
	Body []byte
}

// Command implements [Message].
func (Request) Command() Command { return CmdRequest }

// Append implements [Message].
func (m Request) Append(dst []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(m.Of)), m.Body...)
}

// Ask makes the request for a message.
func Ask(m Message) Request { return Request{Of: m.Command(), Body: m.Append(nil)} }

// Capabilities (0613) are the panel's limits.
type Capabilities struct{ Zones, Users, Partitions, Fobs, Tags, Outputs int }

// Command implements [Message].
func (Capabilities) Command() Command { return CmdCapabilities }

// Append implements [Message].
func (m Capabilities) Append(dst []byte) []byte {
	for _, n := range []int{m.Zones, m.Users, m.Partitions, m.Fobs, m.Tags, m.Outputs} {
		dst = appendInt(dst, n)
	}
	return dst
}

// CodeLength (0236) is the number of digits of every code of the panel.
type CodeLength struct{ Digits int }

// Command implements [Message].
func (CodeLength) Command() Command { return CmdCodeLength }

// Append implements [Message].
func (m CodeLength) Append(dst []byte) []byte { return append(dst, byte(m.Digits)) }
