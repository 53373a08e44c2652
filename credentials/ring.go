package credentials

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// The strings that keep the derived keys and their uses apart. They are part of the
// stored format: changing one makes every stored value unreadable.
const (
	printPurpose = "keyholder/fingerprint/1"
	sealPurpose  = "keyholder/seal/1"
)

// Ring is a [Keyring] in memory: HMAC-SHA256 for fingerprints and AES-256-GCM with
// random nonces for sealing, under keys that HKDF-SHA256 derives from each root key.
// A root key may seal 2^32 values; start a rotation long before. A Ring is safe for
// use by many goroutines and cannot print.
type Ring struct {
	tenant string
	epoch  Epoch
	keys   map[string]derived
}

type derived struct {
	print []byte
	seal  cipher.AEAD
}

// KeyringOptions say how a [Ring] uses its keys.
type KeyringOptions struct {
	// Epoch says which keys are current. The zero value is epoch 1 in which every key
	// makes fingerprints, in the given order, and the first one seals.
	Epoch Epoch
}

// NewKeyring makes a keyring for one tenant ("" if there is only one). It fails with
// [ErrKeyForm] without keys or if two keys have one id, and with [ErrKeyMissing] if the
// epoch names a key that is not given.
func NewKeyring(tenant string, keys []Key, o KeyringOptions) (*Ring, error) {
	r := &Ring{tenant: tenant, epoch: o.Epoch, keys: make(map[string]derived, len(keys))}
	r.epoch.Prints = slices.Clone(o.Epoch.Prints)
	for _, k := range keys {
		if _, twice := r.keys[k.id]; twice || k.id == "" {
			return nil, fmt.Errorf("%w: two keys with the id %q", ErrKeyForm, k.id)
		}
		d, err := derive(k)
		if err != nil {
			return nil, err
		}
		r.keys[k.id] = d
		if o.Epoch.N == 0 {
			r.epoch.Prints = append(r.epoch.Prints, k.id)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no key at all", ErrKeyForm)
	}
	if o.Epoch.N == 0 {
		r.epoch.N, r.epoch.Seal = 1, keys[0].id
	}
	for _, id := range append(slices.Clone(r.epoch.Prints), r.epoch.Seal) {
		if _, ok := r.keys[id]; !ok {
			return nil, fmt.Errorf("%w: %q", ErrKeyMissing, id)
		}
	}
	return r, nil
}

func derive(k Key) (derived, error) {
	printKey, err := hkdf.Key(sha256.New, k.bytes(), nil, printPurpose, sha256.Size)
	if err != nil {
		return derived{}, fmt.Errorf("credentials: derive: %w", err)
	}
	sealKey, err := hkdf.Key(sha256.New, k.bytes(), nil, sealPurpose, 32)
	if err != nil {
		return derived{}, fmt.Errorf("credentials: derive: %w", err)
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return derived{}, fmt.Errorf("credentials: derive: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return derived{}, fmt.Errorf("credentials: derive: %w", err)
	}
	return derived{print: printKey, seal: gcm}, nil
}

// Tenant is the same keyring for another tenant: fingerprints and sealed values of one
// tenant mean nothing to another.
func (r *Ring) Tenant(id string) *Ring { return &Ring{tenant: id, epoch: r.epoch, keys: r.keys} }

// Epoch implements [Sealer].
func (r *Ring) Epoch() Epoch {
	e := r.epoch
	e.Prints = slices.Clone(e.Prints)
	return e
}

// Print implements [Sealer].
func (r *Ring) Print(keyID string, s Scope, m Material) (Fingerprint, error) {
	d, ok := r.keys[keyID]
	if !ok {
		return Fingerprint{}, fmt.Errorf("%w: %q", ErrKeyMissing, keyID)
	}
	mac := hmac.New(sha256.New, d.print)
	mac.Write(framed(r.tenant, string(s.Kind), s.ID, m.form))
	return Fingerprint(mac.Sum(nil)), nil
}

// Seal implements [Sealer].
func (r *Ring) Seal(b Binding, plain []byte) (Sealed, error) {
	id := r.epoch.Seal
	return Sealed{KeyID: id, Bytes: r.keys[id].seal.Seal(nil, nil, plain, r.bound(b, id))}, nil
}

// Open implements [Opener].
func (r *Ring) Open(b Binding, s Sealed) ([]byte, error) {
	d, ok := r.keys[s.KeyID]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrKeyMissing, s.KeyID)
	}
	plain, err := d.seal.Open(nil, nil, s.Bytes, r.bound(b, s.KeyID))
	if err != nil {
		return nil, ErrDecrypt
	}
	return plain, nil
}

func (r *Ring) bound(b Binding, keyID string) []byte {
	if b.Tenant == "" {
		b.Tenant = r.tenant
	}
	out := make([]byte, 0, 24+len(b.Tenant)+len(b.Owner)+len(b.Kind)+len(keyID))
	out = appendFramed(out, b.Tenant, b.Owner, b.Kind)
	out = binary.BigEndian.AppendUint64(out, b.Generation)
	return appendFramed(out, keyID)
}

// framed puts the length before each part, so that no two lists of parts give the same
// bytes.
func framed(parts ...string) []byte { return appendFramed(nil, parts...) }

func appendFramed(out []byte, parts ...string) []byte {
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

// Format keeps the keys out of every verb of fmt.
func (r Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue keeps the keys out of slog.
func (r Ring) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText keeps the keys out of JSON and every other text form.
func (r Ring) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// SealOnly is the face of a keyring for nodes that do not deliver codes: it cannot be
// turned back into an [Opener]. The keys are still in the memory of the process; a node
// that must not be able to open even when it is broken into needs a keyring of which it
// never gets the opening half, such as a key management service.
func SealOnly(s Sealer) Sealer { return sealOnly{s} }

type sealOnly struct{ s Sealer }

func (o sealOnly) Epoch() Epoch { return o.s.Epoch() }

func (o sealOnly) Print(keyID string, s Scope, m Material) (Fingerprint, error) {
	return o.s.Print(keyID, s, m)
}

func (o sealOnly) Seal(b Binding, plain []byte) (Sealed, error) { return o.s.Seal(b, plain) }

// Format keeps the keys out of every verb of fmt.
func (o sealOnly) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }
