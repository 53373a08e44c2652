package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Token is what a program shows to be let in again: of a session, a challenge, a
// remembered device, an API token. Its text is "khs_", "khc_", "khd_" or "kht_", an id, "_"
// and 130 random bits; only their hash is stored. Put it into a cookie that is Secure,
// HttpOnly and SameSite, or into the Authorization header, and never into a query. It
// cannot print. The zero value is none.
type Token struct {
	kind, id string
	secret   hidden.Text
}

// The kinds of tokens.
const (
	sessionToken   = "khs"
	challengeToken = "khc"
	deviceToken    = "khd"
	apiToken       = "kht"
)

func newToken(kind, id string) Token {
	if id == "" {
		id = flow.NewID()
	}
	return Token{kind: kind, id: id, secret: hidden.Of(rand.Text())}
}

// maxToken is longer than any token.
const maxToken = 128

// ParseToken reads a token's text. What is none is a token that opens nothing.
func ParseToken(text string) Token {
	parts := strings.SplitN(text, "_", 3)
	if len(parts) != 3 || len(text) > maxToken || len(parts[1]) != 36 || strings.Trim(parts[1], "0123456789abcdef-") != "" {
		return Token{}
	}
	return Token{kind: parts[0], id: parts[1], secret: hidden.Of(parts[2])}
}

// Reveal returns the text, for the program that is to show it again.
func (t Token) Reveal() string {
	if t.IsZero() {
		return ""
	}
	return t.kind + "_" + t.id + "_" + t.secret.Open()
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.id == "" }

// of returns the id if the token is of a kind, else an id that nothing has.
func (t Token) of(kind string) string {
	if t.kind != kind {
		return "none"
	}
	return t.id
}

// hash is what is kept of a token. It is long and random: it needs no salt and no key.
func (t Token) hash() []byte {
	sum := sha256.Sum256([]byte(t.kind + "_" + t.secret.Open()))
	return sum[:]
}

func (t Token) matches(hash []byte) bool { return subtle.ConstantTimeCompare(t.hash(), hash) == 1 }

// Format keeps the text out of every verb of fmt.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the text out of slog.
func (t Token) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the text out of JSON and every other text form.
func (t Token) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }
