package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// planted are secrets to hunt for, by what they are.
type planted map[string]string

// forms are the ways in which a secret could lie about, by name.
func forms(secret string) map[string][]byte {
	out := map[string][]byte{"ascii": []byte(secret)}
	for _, u := range utf16.Encode([]rune(secret)) {
		out["utf-16le"] = append(out["utf-16le"], byte(u), byte(u>>8))
		out["utf-16be"] = append(out["utf-16be"], byte(u>>8), byte(u))
	}
	// What is hexadecimal, and so also what has an even number of digits, as its bytes: of
	// digits they are the BCD.
	binary := map[string][]byte{"": []byte(secret)}
	if raw, err := hex.DecodeString(secret); err == nil {
		out["bcd or key bytes"], binary[" of bytes"] = raw, raw
		for _, b := range raw {
			out["swapped bcd"] = append(out["swapped bcd"], b<<4|b>>4)
		}
	}
	for of, raw := range binary {
		out["hex"+of] = []byte(hex.EncodeToString(raw))
		out["upper hex"+of] = bytes.ToUpper(out["hex"+of])
		for shift := range 3 {
			name := "base64" + of + " shifted by " + string(rune('0'+shift))
			out[name] = inBase64(base64.StdEncoding, raw, shift)
			out["url "+name] = inBase64(base64.URLEncoding, raw, shift)
		}
	}
	return out
}

// inBase64 is what is always the same in the encoding of raw behind shift other bytes.
func inBase64(enc *base64.Encoding, raw []byte, shift int) []byte {
	text := enc.EncodeToString(append(make([]byte, shift), raw...))
	return []byte(text[(shift*8+5)/6 : (shift+len(raw))*8/6])
}

// finds names every secret in a text with the form in which it is there.
func (p planted) finds(text []byte) (found []string) {
	for what, secret := range p {
		for form, b := range forms(secret) {
			if bytes.Contains(text, b) {
				found = append(found, what+" as "+form)
			}
		}
	}
	return found
}

// nowhere fails if a secret is in what somebody can see.
func (p planted) nowhere(t *testing.T, where string, text []byte) {
	t.Helper()
	require.NotEmpty(t, text, "%s: there is nothing to search", where)
	require.Empty(t, p.finds(text), where)
}

// notInFiles fails if a secret is in a file of the folder; it returns their names.
func (p planted) notInFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range list {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		require.Empty(t, p.finds(b), f.Name())
		if len(b) > 0 {
			names = append(names, f.Name())
		}
	}
	return names
}

// The search finds a secret in every form in which it is planted, wherever it begins.
func TestTheHuntFindsWhatIsPlanted(t *testing.T) {
	for _, secret := range []string{"60718293", "9182736450", "c41d8e0f2b3a495867d6e5f4a3b2c1d0"} {
		p := planted{"it": secret}
		for form, b := range forms(secret) {
			dir := t.TempDir()
			scratch := filepath.Join(dir, "scratch")
			require.NoError(t, os.WriteFile(scratch, bytes.Join([][]byte{[]byte("before"), b, []byte("after")}, nil), 0o600))
			text, err := os.ReadFile(scratch)
			require.NoError(t, err)
			require.Contains(t, p.finds(text), "it as "+form)
		}
		for shift := range 7 {
			text := []byte(strings.Repeat("x", shift) + secret + "y")
			require.NotEmpty(t, p.finds([]byte(base64.StdEncoding.EncodeToString(text))), "shift %d", shift)
			require.NotEmpty(t, p.finds([]byte(base64.RawURLEncoding.EncodeToString(text))), "shift %d", shift)
			require.NotEmpty(t, p.finds([]byte(hex.EncodeToString(text))), "shift %d", shift)
		}
	}
	require.Empty(t, planted{"it": "60718293"}.finds([]byte("6071829 60718294 [redacted]")))
}
