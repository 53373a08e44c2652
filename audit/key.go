package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// SigningKey signs checkpoints: an Ed25519 key with a name, as package note knows it. It
// is a [note.Signer].
//
// It cannot print; [SigningKey.Reveal] is the only way to its text.
type SigningKey struct {
	note.Signer
	text   string
	public PublicKey
}

// PublicKey checks the signatures of a [SigningKey]. It is a [note.Verifier] and prints
// as its text, which [ParsePublicKey] reads.
type PublicKey struct {
	note.Verifier
	text string
}

// GenerateKey makes a key for the log of that name. The name is a checkpoint's origin:
// not empty, without spaces and '+', by custom a URL without scheme ("example.com/log").
func GenerateKey(name string) (SigningKey, error) {
	if name == "" {
		return SigningKey{}, ErrKey
	}
	text, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return SigningKey{}, fmt.Errorf("%w: cannot be made", ErrKey)
	}
	return ParseSigningKey(text)
}

// ParseSigningKey reads what [SigningKey.Reveal] gave.
func ParseSigningKey(text string) (SigningKey, error) {
	signer, err := note.NewSigner(text)
	if err != nil {
		return SigningKey{}, ErrKey // its cause could quote the key
	}
	// NewSigner has checked that there are five parts and that the last one holds the
	// algorithm and the private key. The last part is base64 and may hold '+' itself.
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(text, "+", 5)[4])
	if err != nil {
		return SigningKey{}, ErrKey
	}
	private := ed25519.NewKeyFromSeed(raw[1:])
	public, err := note.NewEd25519VerifierKey(signer.Name(), private.Public().(ed25519.PublicKey))
	if err != nil {
		return SigningKey{}, ErrKey
	}
	p, err := ParsePublicKey(public)
	return SigningKey{Signer: signer, text: text, public: p}, err
}

// ParsePublicKey reads the text of a public key: "<name>+<hash>+<key>".
func ParsePublicKey(text string) (PublicKey, error) {
	v, err := note.NewVerifier(text)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %v", ErrKey, err)
	}
	return PublicKey{Verifier: v, text: text}, nil
}

// Public returns the key that checks what k signs.
func (k SigningKey) Public() PublicKey { return k.public }

// Reveal returns the secret text of the key, to be kept where secrets are kept.
func (k SigningKey) Reveal() string { return k.text }

// redacted is what the key prints as.
const redacted = "[redacted]"

// Format keeps the key out of every verb of fmt.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the key out of slog.
func (k SigningKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the key out of JSON and every other text form.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String returns the key's text.
func (k PublicKey) String() string { return k.text }

// MarshalText returns the key's text.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.text), nil }
