package credentials_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

func TestAKeyFileIsMadeOnceAndReadAgain(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "keys.json")
	_, err := credentials.OpenKeyFile(ctx, path, credentials.KeyFileOptions{})
	require.ErrorIs(t, err, credentials.ErrKeyFileMissing)
	assert.NotEmpty(t, fault.Hint(err))

	first, err := credentials.OpenKeyFile(ctx, path, credentials.KeyFileOptions{Tenant: "acme", Create: true})
	require.NoError(t, err)
	sealed, err := first.Seal(binding, []byte("0042"))
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}

	again, err := credentials.OpenKeyFile(ctx, path, credentials.KeyFileOptions{Tenant: "acme", Create: true})
	require.NoError(t, err)
	got, err := again.Open(binding, sealed)
	require.NoError(t, err)
	assert.Equal(t, "0042", string(got))
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, files, 1, "nothing else is left behind")
}

func TestProcessesThatMakeTheKeyFileAtOnceGetOneKey(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "keys.json")
		var wg sync.WaitGroup
		seals := make([]string, 8)
		for i := range seals {
			wg.Go(func() {
				r, err := credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{Create: true})
				if assert.NoError(t, err) {
					seals[i] = r.Epoch().Seal
				}
			})
		}
		wg.Wait()
		for _, s := range seals {
			require.Equal(t, seals[0], s)
		}
	}
}

func TestAKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the mode says nothing there")
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	_, err := credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{Create: true})
	require.NoError(t, err)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o620, 0o644} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{})
		assert.ErrorIs(t, err, credentials.ErrKeyFileMode, "%o", mode)
		assert.Contains(t, fault.Hint(err), "chmod 600")
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{})
	assert.NoError(t, err)
}

func TestADamagedKeyFileIsNotReplaced(t *testing.T) {
	const root = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	good := `{"epoch":{"n":2,"prints":["k1"],"seal":"k1"},"keys":[{"id":"k1","root":"` + root + `"}],"schema":1}`
	path := filepath.Join(t.TempDir(), "keys.json")
	open := func(body string) (*credentials.Ring, error) {
		require.NoError(t, os.WriteFile(path, []byte(body), 0o600))
		return credentials.OpenKeyFile(t.Context(), path, credentials.KeyFileOptions{Tenant: "acme", Create: true})
	}
	r, err := open(good)
	require.NoError(t, err)
	assert.Equal(t, credentials.Epoch{N: 2, Prints: []string{"k1"}, Seal: "k1"}, r.Epoch())
	for _, bad := range []string{
		"", "{", good[:len(good)/2],
		`{"epoch":{"n":2,"prints":["k1"],"seal":"k1"},"keys":[{"id":"k1","root":"` + root + `"}],"schema":2}`,
		`{"epoch":{"n":2,"prints":["k2"],"seal":"k1"},"keys":[{"id":"k1","root":"` + root + `"}],"schema":1}`,
		`{"epoch":{},"keys":[],"schema":1}`,
		`{"epoch":{},"keys":[{"id":"k1","root":"AAEC"}],"schema":1}`,
		`{"epoch":{},"keys":[{"id":"k1","root":"` + root + `","more":1}],"schema":1}`,
	} {
		_, err := open(bad)
		assert.ErrorIs(t, err, credentials.ErrKeyFile, bad)
		assert.NotContains(t, err.Error(), root)
		still, readErr := os.ReadFile(path)
		require.NoError(t, readErr)
		assert.Equal(t, bad, string(still))
	}
}

func TestOpeningAKeyFileEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "keys.json")
	_, err := credentials.OpenKeyFile(ctx, path, credentials.KeyFileOptions{Create: true})
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoFileExists(t, path)
}
