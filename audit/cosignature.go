package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// cosignatureV1 is the algorithm of a witness's Ed25519 key in a verifier key.
const cosignatureV1 = 0x04

// WitnessKey checks the cosignatures of a witness: https://c2sp.org/tlog-cosignature, with
// Ed25519. It is a [note.Verifier] and prints as its text.
type WitnessKey struct {
	name, text string
	hash       uint32
	key        ed25519.PublicKey
}

var _ note.Verifier = WitnessKey{}

// ParseWitnessKey reads the text of a witness's public key: "<name>+<hash>+<key>", the key
// of type 4. Other types are not supported: [ErrKey].
func ParseWitnessKey(text string) (WitnessKey, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 || parts[0] == "" || strings.ContainsAny(parts[0], " \t\r\n") {
		return WitnessKey{}, fmt.Errorf("%w: not the text of a witness's key", ErrKey)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != cosignatureV1 {
		return WitnessKey{}, fmt.Errorf("%w: not an Ed25519 key of a witness", ErrKey)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	k := WitnessKey{name: parts[0], text: text, hash: binary.BigEndian.Uint32(sum[:]), key: raw[1:]}
	if parts[1] != fmt.Sprintf("%08x", k.hash) {
		return WitnessKey{}, fmt.Errorf("%w: its hash does not fit", ErrKey)
	}
	return k, nil
}

// Name returns the name of the witness.
func (k WitnessKey) Name() string { return k.name }

// KeyHash returns the id of the key.
func (k WitnessKey) KeyHash() uint32 { return k.hash }

// Verify reports whether sig is the witness's timestamped signature of a checkpoint.
func (k WitnessKey) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize || len(k.key) != ed25519.PublicKeySize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at <= math.MaxInt64 && ed25519.Verify(k.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, msg), sig[8:])
}

// String returns the key's text.
func (k WitnessKey) String() string { return k.text }

// Cosigned returns a checkpoint together with those of the added signature lines that are
// cosignatures of a witness. There must be one, or it fails with [ErrCheckpoint].
func Cosigned(checkpoint, added []byte, k WitnessKey) ([]byte, error) {
	n, err := note.Open(append(append([]byte(nil), checkpoint...), added...), note.VerifierList(k))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCheckpoint, err)
	}
	out := append([]byte(nil), checkpoint...)
	for _, s := range n.Sigs {
		if line := fmt.Sprintf("— %s %s\n", s.Name, s.Base64); !strings.Contains(string(out), line) {
			out = append(out, line...)
		}
	}
	return out, nil
}
