package iqremote

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// macLen is the length of an address as text.
const macLen = len("AA:BB:CC:DD:EE:FF")

// ParseMAC reads an address of six pairs of hexadecimal digits with colons between, and
// returns it in upper case. Anything else is [ErrForm].
func ParseMAC(s string) (string, error) {
	s = strings.ToUpper(s)
	if len(s) != macLen {
		return "", ErrForm
	}
	for i := range len(s) {
		if i%3 == 2 {
			if s[i] != ':' {
				return "", ErrForm
			}
		} else if !strings.ContainsRune("0123456789ABCDEF", rune(s[i])) {
			return "", ErrForm
		}
	}
	return s, nil
}

// NewMAC invents the address by which a remote is known: the prefix that other programs
// use, F2:16:3E (locally administered), then a byte below 80h and two more.
func NewMAC() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("F2:16:3E:%02X:%02X:%02X", b[0]&0x7F, b[1], b[2])
}
