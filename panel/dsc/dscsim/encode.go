package dscsim

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf16"
)

// This file is the simulator's own encoder, written from the layouts alone.

// number writes a compact integer.
func number(n int) []byte {
	switch {
	case n < 1<<8:
		return []byte{1, byte(n)}
	case n < 1<<16:
		return []byte{2, byte(n >> 8), byte(n)}
	}
	return []byte{3, byte(n >> 16), byte(n >> 8), byte(n)}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// packed writes digits two to a byte; letters A to F are legal.
func packed(digits string) []byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic("dscsim: codes have an even number of digits")
	}
	return b
}

// wide writes text in UTF-16, most significant byte first, filled with spaces.
func wide(text string, units int) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u>>8), byte(u))
	}
	for len(out) < 2*units {
		out = append(out, 0, ' ')
	}
	return out[:2*units]
}

// mask writes a set of partitions, partition 1 in the lowest bit of the first byte.
func mask(set uint64, width int) []byte {
	out := make([]byte, width)
	for i := range out {
		out[i] = byte(set >> (8 * i))
	}
	return out
}

// moment packs a local time into four bytes.
func moment(t time.Time) []byte {
	v := uint32(t.Hour())<<27 | uint32(t.Minute())<<21 | uint32(t.Second())<<15 |
		uint32(t.Year()-2000)<<9 | uint32(t.Month())<<5 | uint32(t.Day())
	return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
}

// check is the frame's CRC, a byte at a time.
func check(b []byte) uint16 {
	crc := ^uint16(0)
	for _, c := range b {
		x := byte(crc>>8) ^ c
		x ^= x >> 4
		crc = crc<<8 ^ uint16(x)<<12 ^ uint16(x)<<5 ^ uint16(x)
	}
	return crc
}

// framed puts length and check around a packet.
func framed(packet []byte) []byte {
	n := len(packet) + 2
	out := []byte{byte(n)}
	if n > 127 {
		out = []byte{byte(n>>8) | 0x80, byte(n)}
	}
	out = append(out, packet...)
	crc := check(out)
	return append(out, byte(crc>>8), byte(crc))
}

// encrypted encrypts block by block; what is missing to a whole block is filled with
// the byte fill.
func encrypted(key, plain []byte, fill byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // keys are made here
	}
	out := append([]byte(nil), plain...)
	for len(out)%16 != 0 {
		out = append(out, fill)
	}
	for at := 0; at < len(out); at += 16 {
		block.Encrypt(out[at:at+16], out[at:at+16])
	}
	return out
}

func decrypted(key, secret []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := append([]byte(nil), secret...)
	for at := 0; at+16 <= len(out); at += 16 {
		block.Decrypt(out[at:at+16], out[at:at+16])
	}
	return out
}

// onWire is the outer frame.
func onWire(header string, payload []byte) []byte {
	stuffing := strings.NewReplacer("\x7D", "\x7D\x00", "\x7E", "\x7D\x01", "\x7F", "\x7D\x02")
	return []byte(stuffing.Replace(header) + "\x7E" + stuffing.Replace(string(payload)) + "\x7F")
}
