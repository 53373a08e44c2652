package credentials

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
)

// ParseKeys reads keys from one line of text, as a host finds it in its environment:
// id:base64, with commas or blanks between. The first one is the current one unless
// [KeyringOptions] says otherwise. [ErrKeyForm] tells nothing of the text.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		id, encoded, _ := strings.Cut(field, ":")
		root, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("%w: key %d is not base64", ErrKeyForm, len(keys)+1)
		}
		k, err := KeyOf(id, root)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no key at all", ErrKeyForm)
	}
	return keys, nil
}

// Unwrapper is the part of a key management service that a keyring needs: it decrypts a
// root key that the service has wrapped. Errors are the service's own.
type Unwrapper interface {
	Unwrap(ctx context.Context, keyID string, wrapped []byte) (root []byte, err error)
}

// WrappedKey is a root key as it may be stored beside anything: only the service opens
// it.
type WrappedKey struct {
	ID      string `json:"id"`
	Wrapped []byte `json:"wrapped"`
}

// UnwrapKeys asks a service for the root keys, once; fingerprints and sealing then need
// no call. Errors: [ErrKeyForm], or the service's with the key's id.
func UnwrapKeys(ctx context.Context, u Unwrapper, wrapped []WrappedKey) ([]Key, error) {
	keys := make([]Key, 0, len(wrapped))
	for _, w := range wrapped {
		root, err := u.Unwrap(ctx, w.ID, w.Wrapped)
		if err != nil {
			return nil, fmt.Errorf("credentials: unwrap key %q: %w", w.ID, err)
		}
		k, err := KeyOf(w.ID, root)
		clear(root)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}
