package otp

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Answer is what somebody typed as a code, or a code that is to be sent or shown. Spaces
// and dashes are left out and letters are upper case, so that it compares however it was
// typed. It cannot print. The zero value is none.
type Answer struct{ text hidden.Text }

// maxAnswer bounds what is kept of something typed.
const maxAnswer = 64

// AnswerOf is what somebody typed.
func AnswerOf(typed string) Answer {
	if len(typed) > maxAnswer {
		return Answer{text: hidden.Of("?")} // too long for any code
	}
	return Answer{text: hidden.Of(strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, typed)))}
}

// Reveal returns the code without spaces and dashes, to be fingerprinted or sent.
func (a Answer) Reveal() string { return a.text.Open() }

// IsZero reports whether nothing was typed.
func (a Answer) IsZero() bool { return a.text.IsZero() }

// Text is the code as a person reads it: letters in groups of four, and short codes as
// they are. It is for the message or page that shows the code to its owner.
func (a Answer) Text() string {
	rest := a.text.Open()
	if len(rest) <= 8 {
		return rest
	}
	var groups []string
	for ; rest != ""; rest = rest[min(4, len(rest)):] {
		groups = append(groups, rest[:min(4, len(rest))])
	}
	return strings.Join(groups, "-")
}

// Format keeps the text out of every verb of fmt.
func (a Answer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the text out of slog.
func (a Answer) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the text out of JSON and every other text form.
func (a Answer) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }

// UnmarshalText reads what was typed: an answer can be received, never sent back.
func (a *Answer) UnmarshalText(b []byte) error {
	*a = AnswerOf(string(b))
	return nil
}

// letters are the signs of recovery codes: letters and digits that nobody takes for one
// another.
const letters = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"

// recoverySigns gives a recovery code 118 bits, so that a plain keyed fingerprint of it is
// enough (OWASP ASVS 6.5.2 asks for 112).
const recoverySigns = 24

// NewRecovery makes n recovery codes. Each stands in for a second factor that is lost, and
// works once.
func NewRecovery(n int) []Answer {
	codes := make([]Answer, n)
	for i := range codes {
		codes[i] = draw()
	}
	return codes
}

// draw takes signs from the system's randomness; bytes beyond the last multiple of the
// number of signs are thrown away, because they would favour some.
func draw() Answer {
	const fair = 256 - 256%len(letters)
	text := make([]byte, 0, recoverySigns)
	var pool [64]byte
	for len(text) < recoverySigns {
		_, _ = rand.Read(pool[:]) // never fails and never reads short
		for _, b := range pool {
			if int(b) < fair && len(text) < recoverySigns {
				text = append(text, letters[int(b)%len(letters)])
			}
		}
	}
	return Answer{text: hidden.Of(text)}
}
