package tink

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// The strings that keep the uses of keys apart. They are part of the stored format.
const (
	printPurpose = "keyholder/tink/fingerprint/1"
	sealPurpose  = "keyholder/tink/seal/1"
)

// Keysets are the keys of a keyring: the n-th of one goes with the n-th of the other, and
// both are one key of keyholder, named after the id of the first. [Generate] and [Rotate]
// keep them so. Its keys are those that are enabled.
type Keysets struct {
	Prints *keyset.Handle // of a PRF
	Seals  *keyset.Handle // of an AEAD
}

// Keyring implements [credentials.Turnable] with tink's primitives. It is safe for use by
// many goroutines and cannot print.
type Keyring struct {
	tenant string
	epoch  credentials.Epoch
	keys   map[string]pair
}

type pair struct {
	print prf.PRF
	seal  tink.AEAD
}

// Options say how a [Keyring] uses its keys.
type Options struct {
	// Tenant keeps the fingerprints and sealed values of tenants apart; "" if there is one.
	Tenant string
	// Epoch says which keys are current. The zero value is epoch 1 with the primary key of
	// the fingerprints alone: what a store without a rotation has.
	Epoch credentials.Epoch
}

// New makes a keyring. It fails with [credentials.ErrKeyForm] if the keysets do not go
// together, and with [credentials.ErrKeyMissing] if the epoch names a key that is not there.
func New(k Keysets, o Options) (*Keyring, error) {
	prints, err := entries(k.Prints)
	if err != nil {
		return nil, err
	}
	seals, err := entries(k.Seals)
	if err != nil {
		return nil, err
	}
	if len(prints) != len(seals) {
		return nil, fmt.Errorf("%w: %d keys for fingerprints and %d for sealing", credentials.ErrKeyForm, len(prints), len(seals))
	}
	fs, err := prf.NewPRFSet(k.Prints)
	if err != nil {
		return nil, fmt.Errorf("tink: fingerprints: %w", err)
	}
	r := &Keyring{tenant: o.Tenant, epoch: o.Epoch, keys: map[string]pair{}}
	for i, e := range prints {
		f, ok := fs.PRFs[e.KeyID()]
		if !ok {
			return nil, fmt.Errorf("%w: key %d makes no fingerprints", credentials.ErrKeyForm, e.KeyID())
		}
		a, err := alone(seals[i])
		if err != nil {
			return nil, err
		}
		r.keys[ID(e.KeyID())] = pair{print: f, seal: a}
	}
	if o.Epoch.N == 0 {
		id := ID(fs.PrimaryID)
		r.epoch = credentials.Epoch{N: 1, Prints: []string{id}, Seal: id}
	}
	return r.at(r.epoch)
}

// ID is what keyholder calls a key of tink.
func ID(keyID uint32) string { return fmt.Sprintf("tink-%08x", keyID) }

// entries are the keys of a keyset that are enabled.
func entries(h *keyset.Handle) ([]*keyset.Entry, error) {
	if h == nil {
		return nil, fmt.Errorf("%w: no keyset", credentials.ErrKeyForm)
	}
	var all []*keyset.Entry
	for i := range h.Len() {
		e, err := h.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("tink: %w", err)
		}
		if e.KeyStatus() == keyset.Enabled {
			all = append(all, e)
		}
	}
	return all, nil
}

// alone is the AEAD of one key, whichever is primary.
func alone(e *keyset.Entry) (tink.AEAD, error) {
	m := keyset.NewManager()
	id, err := m.AddKey(e.Key())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		return nil, fmt.Errorf("tink: sealing: %w", err)
	}
	h, err := m.Handle()
	if err != nil {
		return nil, fmt.Errorf("tink: sealing: %w", err)
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("%w: key %d does not seal", credentials.ErrKeyForm, e.KeyID())
	}
	return a, nil
}

// At implements [credentials.Turnable].
func (r *Keyring) At(e credentials.Epoch) (credentials.Turnable, error) { return r.at(e) }

func (r *Keyring) at(e credentials.Epoch) (*Keyring, error) {
	for _, id := range append(slices.Clone(e.Prints), e.Seal) {
		if _, ok := r.keys[id]; !ok {
			return nil, fmt.Errorf("%w: %q", credentials.ErrKeyMissing, id)
		}
	}
	next := *r
	next.epoch = e
	next.epoch.Prints = slices.Clone(e.Prints)
	return &next, nil
}

// Keys implements [credentials.Turnable].
func (r *Keyring) Keys() []string { return slices.Sorted(maps.Keys(r.keys)) }

// Epoch implements [credentials.Sealer].
func (r *Keyring) Epoch() credentials.Epoch {
	e := r.epoch
	e.Prints = slices.Clone(e.Prints)
	return e
}

// Print implements [credentials.Sealer].
func (r *Keyring) Print(keyID string, s credentials.Scope, m credentials.Material) (credentials.Fingerprint, error) {
	var f credentials.Fingerprint
	k, ok := r.keys[keyID]
	if !ok {
		return f, fmt.Errorf("%w: %q", credentials.ErrKeyMissing, keyID)
	}
	out, err := k.print.ComputePRF(framed(printPurpose, r.tenant, string(s.Kind), s.ID, m.Reveal()), uint32(len(f)))
	if err != nil {
		return f, fmt.Errorf("tink: fingerprint: %w", err)
	}
	copy(f[:], out)
	return f, nil
}

// Seal implements [credentials.Sealer].
func (r *Keyring) Seal(b credentials.Binding, plain []byte) (credentials.Sealed, error) {
	id := r.epoch.Seal
	out, err := r.keys[id].seal.Encrypt(plain, r.bound(b, id))
	if err != nil {
		return credentials.Sealed{}, fmt.Errorf("tink: seal: %w", err)
	}
	return credentials.Sealed{KeyID: id, Bytes: out}, nil
}

// Open implements [credentials.Opener].
func (r *Keyring) Open(b credentials.Binding, s credentials.Sealed) ([]byte, error) {
	k, ok := r.keys[s.KeyID]
	if !ok {
		return nil, fmt.Errorf("%w: %q", credentials.ErrKeyMissing, s.KeyID)
	}
	plain, err := k.seal.Decrypt(s.Bytes, r.bound(b, s.KeyID))
	if err != nil {
		return nil, credentials.ErrDecrypt
	}
	return plain, nil
}

func (r *Keyring) bound(b credentials.Binding, keyID string) []byte {
	if b.Tenant == "" {
		b.Tenant = r.tenant
	}
	return binary.BigEndian.AppendUint64(framed(sealPurpose, keyID, b.Tenant, b.Owner, b.Kind), b.Generation)
}

// framed puts the length before each part, so that no two lists of parts give the same
// bytes.
func framed(parts ...string) (out []byte) {
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

// Format keeps the keys out of every verb of fmt.
func (r Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the keys out of slog.
func (r Keyring) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the keys out of JSON and every other text form.
func (r Keyring) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }
