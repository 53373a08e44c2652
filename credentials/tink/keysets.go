package tink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Generate makes keysets with one key each: HMAC-SHA256 and AES-256-GCM.
func Generate() (Keysets, error) { return Rotate(Keysets{}) }

// Rotate adds a key to each keyset and makes it primary. What the keyring does with it is
// said by the epoch: begin a rotation to its [ID] when every node has the new keysets.
func Rotate(k Keysets) (Keysets, error) {
	prints, err := more(k.Prints, prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return Keysets{}, err
	}
	seals, err := more(k.Seals, aead.AES256GCMKeyTemplate())
	return Keysets{Prints: prints, Seals: seals}, err
}

func more(h *keyset.Handle, template *tinkpb.KeyTemplate) (*keyset.Handle, error) {
	m := keyset.NewManager()
	if h != nil {
		m = keyset.NewManagerFromHandle(h)
	}
	id, err := m.Add(template)
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		return nil, fmt.Errorf("tink: another key: %w", err)
	}
	h, err = m.Handle()
	if err != nil {
		return nil, fmt.Errorf("tink: another key: %w", err)
	}
	return h, nil
}

// Drop takes a key, by its id in keyholder, out of both keysets: when a rotation has
// dropped it. The primary key cannot be taken out. [credentials.ErrKeyMissing] if there is
// none with that id.
func Drop(k Keysets, id string) (Keysets, error) {
	prints, err := entries(k.Prints)
	if err != nil {
		return Keysets{}, err
	}
	seals, err := entries(k.Seals)
	if err != nil {
		return Keysets{}, err
	}
	for i, e := range prints {
		if ID(e.KeyID()) != id || i >= len(seals) {
			continue
		}
		var out Keysets
		if out.Prints, err = without(k.Prints, e.KeyID()); err != nil {
			return Keysets{}, err
		}
		out.Seals, err = without(k.Seals, seals[i].KeyID())
		return out, err
	}
	return Keysets{}, fmt.Errorf("%w: %q", credentials.ErrKeyMissing, id)
}

func without(h *keyset.Handle, id uint32) (*keyset.Handle, error) {
	m := keyset.NewManagerFromHandle(h)
	if err := m.Delete(id); err != nil {
		return nil, fmt.Errorf("tink: drop a key: %w", err)
	}
	h, err := m.Handle()
	if err != nil {
		return nil, fmt.Errorf("tink: drop a key: %w", err)
	}
	return h, nil
}

// What each keyset is bound to when it is encrypted: a line of the file, in this order.
const (
	printsAD = "keyholder/tink/prints"
	sealsAD  = "keyholder/tink/seals"
)

// Write writes keysets, each encrypted under a key of a key management service: one line
// of JSON each.
func Write(w io.Writer, kms registry.KMSClient, keyURI string, k Keysets) error {
	kek, err := wrapping(kms, keyURI)
	if err != nil {
		return err
	}
	for _, one := range []struct {
		h  *keyset.Handle
		ad string
	}{{k.Prints, printsAD}, {k.Seals, sealsAD}} {
		var b bytes.Buffer
		if err := one.h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), kek, []byte(one.ad)); err != nil {
			return fmt.Errorf("tink: write: %w", err)
		}
		if err := json.NewEncoder(w).Encode(map[string][]byte{one.ad: b.Bytes()}); err != nil {
			return fmt.Errorf("tink: write: %w", err)
		}
	}
	return nil
}

// Read reads what [Write] wrote. The service is asked once for each keyset, and not again:
// from then on the keys are in the memory of the process.
func Read(r io.Reader, kms registry.KMSClient, keyURI string) (Keysets, error) {
	kek, err := wrapping(kms, keyURI)
	if err != nil {
		return Keysets{}, err
	}
	var out Keysets
	in := json.NewDecoder(r)
	for _, one := range []struct {
		into **keyset.Handle
		ad   string
	}{{&out.Prints, printsAD}, {&out.Seals, sealsAD}} {
		var line map[string][]byte
		if err := in.Decode(&line); err != nil {
			return Keysets{}, fmt.Errorf("tink: read: %w", err)
		}
		b := bytes.NewReader(line[one.ad])
		if *one.into, err = keyset.ReadWithAssociatedData(keyset.NewBinaryReader(b), kek, []byte(one.ad)); err != nil {
			return Keysets{}, fmt.Errorf("tink: read: %w", err)
		}
	}
	return out, nil
}

func wrapping(kms registry.KMSClient, keyURI string) (tink.AEAD, error) {
	if !kms.Supported(keyURI) {
		return nil, fmt.Errorf("%w: the service does not know the key of the keysets", credentials.ErrKeyMissing)
	}
	kek, err := kms.GetAEAD(keyURI)
	if err != nil {
		return nil, fmt.Errorf("tink: key management service: %w", err)
	}
	return kek, nil
}
