package itv2

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func seedVectors(f *testing.F, pick func(vector) string) {
	for _, name := range []string{"hardware.json", "transcript_type2.json", "derived_type1.json", "derived.json"} {
		for _, v := range load(f, name).Vectors {
			if s := pick(v); s != "" {
				f.Add(unhex(f, s))
			}
		}
	}
}

// FuzzTLink: no bytes make the stream panic, grow or see other frames when they come in
// other portions, and a frame that is read is written back to itself.
func FuzzTLink(f *testing.F) {
	seedVectors(f, func(v vector) string { return v.TLink })
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(portion int) (out [][]byte) {
			var s Stream
			for ; len(b) > 0 && portion > 0; b = b[min(portion, len(b)):] {
				for p := b[:min(portion, len(b))]; len(p) > 0; {
					fr, ok, rest, err := s.Next(p)
					if err != nil {
						return out
					}
					if !ok {
						break
					}
					require.LessOrEqual(t, len(fr.Payload), MaxPayload)
					out, p = append(out, AppendTLink(nil, fr.Header, fr.Payload)), rest
				}
			}
			return out
		}
		all := b
		whole := read(len(b))
		b = all
		require.Equal(t, whole, read(1))
	})
}

// FuzzFrame: what is accepted is written back to the same packet.
func FuzzFrame(f *testing.F) {
	seedVectors(f, func(v vector) string { return v.Frame })
	f.Fuzz(func(t *testing.T, b []byte) {
		packet, err := ParseFrame(b)
		if err != nil {
			return
		}
		again, err := ParseFrame(AppendFrame(nil, packet))
		require.NoError(t, err)
		require.True(t, bytes.Equal(packet, again))
	})
}

// FuzzPacket: what is accepted is written back byte for byte.
func FuzzPacket(f *testing.F) {
	seedVectors(f, func(v vector) string { return v.Packet })
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePacket(b)
		if err != nil {
			return
		}
		require.Equal(t, b, p.Append(nil))
	})
}

// FuzzMessage: every command's body, chosen by its number; what is accepted has one
// canonical form that means the same.
func FuzzMessage(f *testing.F) {
	for _, name := range []string{"transcript_type2.json", "derived_type1.json", "derived.json"} {
		for _, v := range load(f, name).Vectors {
			if p, err := ParsePacket(unhex(f, v.Packet)); err == nil {
				f.Add(uint16(p.Command), p.Body)
			}
		}
	}
	f.Add(uint16(CmdUsersChanged), UsersChanged{What: 1, Count: 2, Start: 4, End: 5}.Append(nil))
	f.Add(uint16(CmdArming), Arming{Partition: 1, Mode: 1, Method: 1, User: 5}.Append(nil))
	f.Add(uint16(CmdMasksChanged), Masks{Of: CmdMasksChanged, Start: 3, Width: 1, Sets: []uint64{3}}.Append(nil))
	f.Add(uint16(CmdWriteLabels), WriteLabels{Start: 5, Texts: []string{"Cleaner"}}.Append(nil))
	f.Add(uint16(CmdCodeLength), CodeLength{Digits: 6}.Append(nil))
	f.Add(uint16(CmdSeveral), Several{Parts: []Part{{CmdResponse, 1, []byte{0}}}}.Append(nil))
	f.Fuzz(func(t *testing.T, command uint16, body []byte) {
		m, err := Parse(Command(command), body)
		if err != nil {
			return
		}
		require.Equal(t, Command(command), m.Command())
		canonical := m.Append(nil)
		again, err := Parse(Command(command), canonical)
		require.NoError(t, err)
		require.Equal(t, canonical, again.Append(nil))
	})
}
