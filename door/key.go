package door

import (
	"crypto/hmac"
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

// ReaderKey is what a reader shows with every question. Its text is "khr_", the reader's
// id, "_" and 130 random bits; only their hash is stored. It cannot print. The zero value
// is none.
type ReaderKey struct {
	id     string
	secret hidden.Text
}

func newReaderKey() ReaderKey { return ReaderKey{id: flow.NewID(), secret: hidden.Of(rand.Text())} }

// ParseReaderKey reads a key's text. What is none is a key that asks nothing.
func ParseReaderKey(text string) ReaderKey {
	parts := strings.SplitN(text, "_", 3)
	if len(parts) != 3 || parts[0] != "khr" || len(text) > 128 || len(parts[1]) != 36 || strings.Trim(parts[1], "0123456789abcdef-") != "" {
		return ReaderKey{}
	}
	return ReaderKey{id: parts[1], secret: hidden.Of(parts[2])}
}

// Reveal returns the text, for the reader that is to show it.
func (k ReaderKey) Reveal() string {
	if k.id == "" {
		return ""
	}
	return "khr_" + k.id + "_" + k.secret.Open()
}

// Reader is the id of the key's reader; it is no secret.
func (k ReaderKey) Reader() string { return k.id }

// hash is what is kept of a key. It is long and random: it needs no salt.
func (k ReaderKey) hash() []byte {
	sum := sha256.Sum256([]byte("khr_" + k.secret.Open()))
	return sum[:]
}

// journal derives the key of the reader's journal.
func (k ReaderKey) journal() []byte {
	mac := hmac.New(sha256.New, []byte(k.secret.Open()))
	mac.Write([]byte("keyholder/door/journal/v1/" + k.id))
	return mac.Sum(nil)
}

// Format keeps the text out of every verb of fmt.
func (k ReaderKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the text out of slog.
func (k ReaderKey) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the text out of JSON and every other text form.
func (k ReaderKey) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }

// Proof says which reader asks.
type Proof struct {
	reader string
	hash   []byte
}

// ByKey is the proof of a reader that shows its key.
func ByKey(k ReaderKey) Proof { return Proof{reader: k.id, hash: k.hash()} }

// ByCertificate is the proof of a reader that was authenticated with mutual TLS: der is
// the raw certificate of the verified connection.
func ByCertificate(reader string, der []byte) Proof {
	sum := sha256.Sum256(der)
	return Proof{reader: reader, hash: sum[:]}
}

func (p Proof) matches(hash []byte) bool { return subtle.ConstantTimeCompare(p.hash, hash) == 1 }

// id is the reader's id, never "".
func (p Proof) id() string {
	if p.reader == "" || len(p.reader) > 64 {
		return "none"
	}
	return p.reader
}
