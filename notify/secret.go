package notify

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Secret is a password or key of a transport. It cannot print.
type Secret struct{ text hidden.Text }

// NewSecret wraps a password or key.
func NewSecret(text string) Secret { return Secret{text: hidden.Of(text)} }

// Reveal returns the text; it is for the transport that sends or signs with it.
func (s Secret) Reveal() string { return s.text.Open() }

// IsZero reports whether there is none.
func (s Secret) IsZero() bool { return s.text.IsZero() }

// Format keeps the text out of every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the text out of slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the text out of JSON and every other text form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }
