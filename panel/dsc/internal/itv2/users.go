package itv2

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Mode is what a programming session may do.
type Mode byte

// ModeCodes is access-code programming; with 0, installer programming, the user
// commands are refused.
const ModeCodes Mode = 1

// Enter (0704) starts programming. Code is BCD.
type Enter struct {
	Partition int
	Mode      Mode
	Code      []byte
	Write     bool
}

// Command implements [Message].
func (Enter) Command() Command { return CmdEnter }

// Append implements [Message].
func (m Enter) Append(dst []byte) []byte {
	dst = appendInt(dst, m.Partition)
	dst = append(dst, byte(m.Mode), byte(len(m.Code)))
	dst = append(dst, m.Code...)
	if m.Write {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// Format keeps the code out of every verb of fmt.
func (Enter) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "0704 [redacted]") }

// Exit (0701) ends programming.
type Exit struct{ Partition int }

// Command implements [Message].
func (Exit) Command() Command { return CmdExit }

// Append implements [Message].
func (m Exit) Append(dst []byte) []byte { return appendInt(dst, m.Partition) }

// Accessor is who programs.
type Accessor byte

// Who programs: a session like ours, a keypad, DLS, C24.
const (
	ByInteractive Accessor = 0
	ByKeypad      Accessor = 2
	ByDLS         Accessor = 3
	ByC24         Accessor = 4
)

// Lead (0702) says that programming has begun or ended.
type Lead struct {
	Partition int
	Out       bool
	User      int
	By        Accessor
	Mode      Mode
	At        DateTime
}

// Command implements [Message].
func (Lead) Command() Command { return CmdLead }

// Append implements [Message].
func (m Lead) Append(dst []byte) []byte {
	dst = appendInt(dst, m.Partition)
	var out byte
	if m.Out {
		out = 1
	}
	dst = append(dst, out)
	dst = appendInt(dst, m.User)
	dst = append(dst, byte(m.By), byte(m.Mode))
	return binary.BigEndian.AppendUint32(dst, uint32(m.At))
}

func parseLead(r *reader) Message {
	m := Lead{Partition: r.int(), Out: r.byte() == 1, User: r.int(), By: Accessor(r.byte()), Mode: Mode(r.byte())}
	if b := r.bytes(4); b != nil {
		m.At = DateTime(binary.BigEndian.Uint32(b))
	}
	return m
}

// Range asks for the codes (0736), attributes (0737), partition masks (0738) or kinds
// (073C) of Count users from Start on.
type Range struct {
	Of           Command
	Start, Count int
}

// Command implements [Message].
func (m Range) Command() Command { return m.Of }

// Append implements [Message].
func (m Range) Append(dst []byte) []byte { return appendInt(appendInt(dst, m.Start), m.Count) }

// Codes are codes in BCD, read (4736) or to be written (0746), each Width bytes.
type Codes struct {
	Of    Command
	Start int
	Width int
	Data  []byte
}

// Command implements [Message].
func (m Codes) Command() Command { return m.Of }

// Count is the number of codes.
func (m Codes) Count() int { return len(m.Data) / max(m.Width, 1) }

// At returns code i in BCD.
func (m Codes) At(i int) []byte { return m.Data[i*m.Width : (i+1)*m.Width] }

// Append implements [Message].
func (m Codes) Append(dst []byte) []byte {
	dst = appendInt(appendInt(dst, m.Start), m.Count())
	return append(append(dst, byte(m.Width)), m.Data...)
}

// Format keeps the codes out of every verb of fmt.
func (m Codes) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%v [redacted]", m.Of) }

func parseCodes(c Command, r *reader) Message {
	m := Codes{Of: c, Start: r.int()}
	count := r.int()
	m.Width = int(r.byte())
	if m.Width == 0 {
		r.bad = true
	}
	m.Data = r.bytes(count * m.Width)
	return m
}

// Octets are one byte for each user: attributes read (4737) or to be written (0747), or
// kinds (473C).
type Octets struct {
	Of     Command
	Start  int
	Values []byte
}

// Command implements [Message].
func (m Octets) Command() Command { return m.Of }

// Append implements [Message].
func (m Octets) Append(dst []byte) []byte {
	dst = appendInt(appendInt(dst, m.Start), len(m.Values))
	return append(append(dst, 1), m.Values...)
}

func parseOctets(c Command, r *reader) Message {
	m := Octets{Of: c, Start: r.int()}
	count := r.int()
	if r.byte() != 1 {
		r.bad = true
	}
	m.Values = r.bytes(count)
	return m
}

// Masks are sets of partitions, lowest bit partition 1, read (4738), to be written
// (0748) or announced (0775), each Width bytes (1 to 8).
type Masks struct {
	Of    Command
	Start int
	Width int
	Sets  []uint64
}

// Command implements [Message].
func (m Masks) Command() Command { return m.Of }

// Append implements [Message].
func (m Masks) Append(dst []byte) []byte {
	dst = appendInt(appendInt(dst, m.Start), len(m.Sets))
	dst = append(dst, byte(m.Width))
	for _, set := range m.Sets {
		var le [8]byte
		binary.LittleEndian.PutUint64(le[:], set)
		dst = append(dst, le[:m.Width]...)
	}
	return dst
}

func parseMasks(c Command, r *reader) Message {
	m := Masks{Of: c, Start: r.int()}
	count := r.int()
	m.Width = int(r.byte())
	if m.Width < 1 || m.Width > 8 {
		r.bad = true
	}
	data := r.bytes(count * m.Width)
	for ; len(data) > 0; data = data[m.Width:] {
		var le [8]byte
		copy(le[:], data[:m.Width])
		m.Sets = append(m.Sets, binary.LittleEndian.Uint64(le[:]))
	}
	return m
}

// Attributes of a user (4737, 0747). Bits 10 and 20 have no public meaning.
const (
	FlagSupervisor byte = 0x01
	FlagDuress     byte = 0x02
	FlagBypass     byte = 0x04
	FlagRemote     byte = 0x08
	FlagSquawk     byte = 0x40
	FlagOneTime    byte = 0x80
)

// Kinds of a slot (473C). Whether a slot with a PIN and a tag says 2, or 3, is unknown.
const (
	KindNone byte = 0
	KindPIN  byte = 1
	KindTag  byte = 2
)

// What has changed, in [UsersChanged].
const (
	ChangedCode       byte = 1
	ChangedAttributes byte = 2
	ChangedPartitions byte = 4
	ChangedLabel      byte = 8
)

// UsersChanged (0250) says which users have changed.
type UsersChanged struct {
	What              byte
	Count, Start, End int
}

// Command implements [Message].
func (UsersChanged) Command() Command { return CmdUsersChanged }

// Append implements [Message].
func (m UsersChanged) Append(dst []byte) []byte {
	return appendInt(appendInt(appendInt(append(dst, m.What), m.Count), m.Start), m.End)
}

// Arming (0232) says that a partition was armed or, with mode 0, disarmed.
type Arming struct {
	Partition    int
	Mode, Method byte
	User         int
}

// Command implements [Message].
func (Arming) Command() Command { return CmdArming }

// Append implements [Message].
func (m Arming) Append(dst []byte) []byte {
	dst = append(appendInt(dst, m.Partition), m.Mode, m.Method)
	return appendInt(dst, m.User)
}
