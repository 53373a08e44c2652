package password

import (
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Password is a password as somebody typed it, byte for byte: nothing is trimmed, folded
// or normalised. The zero value is no password.
//
// A Password cannot print: every verb of fmt, JSON, text encoding and slog give
// [credentials.Redacted].
type Password struct{ text hidden.Text }

// Of is the password with this text.
func Of(text string) Password { return Password{text: hidden.Of(text)} }

// IsZero reports whether there is no password.
func (p Password) IsZero() bool { return p.text.IsZero() }

// Len returns the number of characters.
func (p Password) Len() int { return utf8.RuneCountInString(p.text.Open()) }

// Bytes returns the number of bytes, which is what bcrypt limits.
func (p Password) Bytes() int { return len(p.text.Open()) }

// Format keeps the text out of every verb of fmt.
func (p Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the text out of slog.
func (p Password) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the text out of JSON and every other text form.
func (p Password) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }

// UnmarshalText reads the text: a password can be received, never sent back.
func (p *Password) UnmarshalText(b []byte) error {
	*p = Of(string(b))
	return nil
}

// Hash is a stored hash with its algorithm, cost and salt: bcrypt's own form ("$2a$12$…")
// or the PHC string of argon2id ("$argon2id$v=19$m=19456,t=2,p=1$…"). Its JSON form is
// that text, for the store; it prints as [credentials.Redacted].
type Hash string

// Format keeps the hash out of every verb of fmt.
func (h Hash) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the hash out of slog.
func (h Hash) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }
