package credentials_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func root(first byte) []byte { return append([]byte{first}, make([]byte, credentials.KeySize-1)...) }

func TestKeysFromTheEnvironment(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	keys, err := credentials.ParseKeys("new:" + b64(root(1)) + ", old:" + b64(root(2)) + "\n")
	require.NoError(t, err)
	ring, err := credentials.NewKeyring("", keys, credentials.KeyringOptions{})
	require.NoError(t, err)
	assert.Equal(t, credentials.Epoch{N: 1, Prints: []string{"new", "old"}, Seal: "new"}, ring.Epoch())
	for name, text := range map[string]string{
		"nothing": " , ", "no id": ":" + b64(root(1)), "not base64": "a:%%%secret%%%", "short": "a:" + b64(root(1)[:31]), "bare": "secret",
	} {
		_, err := credentials.ParseKeys(text)
		require.ErrorIs(t, err, credentials.ErrKeyForm, name)
		assert.NotContains(t, strings.ReplaceAll(err.Error(), "credentials", ""), "secret", name)
	}
}

// service wraps by turning the bytes round.
type service struct{ err error }

func (s service) Unwrap(_ context.Context, keyID string, wrapped []byte) ([]byte, error) {
	if keyID == "" {
		return nil, s.err
	}
	out := make([]byte, len(wrapped))
	for i, b := range wrapped {
		out[len(out)-1-i] = b
	}
	return out, s.err
}

func TestKeysFromAService(t *testing.T) {
	wrapped := []credentials.WrappedKey{{ID: "k1", Wrapped: root(1)}}
	keys, err := credentials.UnwrapKeys(t.Context(), service{}, wrapped)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	assert.Equal(t, "k1", keys[0].ID())
	same, err := credentials.NewKeyring("", keys, credentials.KeyringOptions{})
	require.NoError(t, err)
	back := make([]byte, credentials.KeySize)
	back[credentials.KeySize-1] = 1
	plain, err := credentials.KeyOf("k1", back)
	require.NoError(t, err)
	ring, err := credentials.NewKeyring("", []credentials.Key{plain}, credentials.KeyringOptions{})
	require.NoError(t, err)
	sealed, err := credentials.SealCode(ring, credentials.Binding{}, code("1357"))
	require.NoError(t, err)
	_, err = same.Open(credentials.Binding{}, sealed)
	require.NoError(t, err, "it is the key that was wrapped")

	_, err = credentials.UnwrapKeys(t.Context(), service{assert.AnError}, wrapped)
	require.ErrorIs(t, err, assert.AnError)
	_, err = credentials.UnwrapKeys(t.Context(), service{}, []credentials.WrappedKey{{ID: "k1", Wrapped: []byte{1}}})
	assert.ErrorIs(t, err, credentials.ErrKeyForm)
}
