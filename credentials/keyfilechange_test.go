package credentials_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// A key is added for a rotation and destroyed after it; one that is in use stays.
func TestAKeyFileGetsAndLosesKeys(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	ring, err := credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{Create: true})
	require.NoError(t, err)
	before := ring.Epoch()
	bind := credentials.Binding{Owner: "user/1", Kind: "code"}
	sealed, err := ring.Seal(bind, []byte("x"))
	require.NoError(t, err)
	root := []byte("the root key of this test, no 2!")
	k, err := credentials.KeyOf("next", root)
	require.NoError(t, err)
	require.NoError(t, credentials.AddKey(t.Context(), path, k))
	require.ErrorIs(t, credentials.AddKey(t.Context(), path, k), credentials.ErrKeyFile)
	ring, err = credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{})
	require.NoError(t, err)
	require.Equal(t, before, ring.Epoch(), "nothing uses it")
	require.Contains(t, ring.Keys(), "next")

	after := credentials.Epoch{N: 3, Prints: []string{"next"}, Seal: "next"}
	require.ErrorIs(t, credentials.DestroyKey(t.Context(), path, before.Seal, before), credentials.ErrRotation)
	require.ErrorIs(t, credentials.DestroyKey(t.Context(), path, "none", after), credentials.ErrKeyMissing)
	require.NoError(t, credentials.DestroyKey(t.Context(), path, before.Seal, after))
	ring, err = credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{})
	require.NoError(t, err)
	require.Equal(t, after, ring.Epoch())
	require.Equal(t, []string{"next"}, ring.Keys())
	_, err = ring.Open(bind, sealed)
	require.ErrorIs(t, err, credentials.ErrKeyMissing)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "no copy is left beside it")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), base64.StdEncoding.EncodeToString(root))
	require.ErrorIs(t, credentials.AddKey(t.Context(), filepath.Join(dir, "none"), k), credentials.ErrKeyFileMissing)
}
