package credentials

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// ErrKeyForm: an id or the bytes of a key have the wrong form.
var ErrKeyForm = fault.New(fault.Invalid, "credentials: not a key").
	Hinted("A key is 32 random bytes; its id is 1 to 16 lower-case letters, digits, dots or dashes.")

// KeySize is the number of bytes of a root key.
const KeySize = 32

// Key is a root key with its id. Everything that a keyring does under this id is
// derived from it: one key for fingerprints, another for sealing. Like a [Code] it
// cannot print. The zero value is no key.
type Key struct {
	id   string
	root hidden.Text
}

// GenerateKey makes a key from the system's randomness, with a random id of 8
// characters.
func GenerateKey() Key {
	var root [KeySize]byte
	_, _ = rand.Read(root[:]) // never fails: crypto/rand ends the program instead
	return Key{id: strings.ToLower(rand.Text()[:8]), root: hidden.Of(root[:])}
}

// KeyOf makes a key from bytes that the host keeps elsewhere, such as in a key
// management service: [KeySize] bytes, not all equal, and an id of 1 to 16 lower-case
// letters, digits, dots or dashes; else [ErrKeyForm].
func KeyOf(id string, root []byte) (Key, error) {
	if len(id) == 0 || len(id) > 16 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return Key{}, fmt.Errorf("%w: the id", ErrKeyForm)
	}
	if len(root) != KeySize {
		return Key{}, fmt.Errorf("%w: %d bytes", ErrKeyForm, len(root))
	}
	k := Key{id: id, root: hidden.Of(root)}
	var same [KeySize]byte
	for i := range same {
		same[i] = root[0]
	}
	if subtle.ConstantTimeCompare(same[:], root) == 1 {
		return Key{}, fmt.Errorf("%w: all bytes are equal", ErrKeyForm)
	}
	return k, nil
}

func (k Key) bytes() []byte { return []byte(k.root.Open()) }

// ID names the key; it is no secret.
func (k Key) ID() string { return k.id }

// Format keeps the bytes out of every verb of fmt.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue keeps the bytes out of slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText keeps the bytes out of JSON and every other text form.
func (k Key) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
