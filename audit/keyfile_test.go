package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

func TestAKeyFileIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.key")
	_, err := audit.OpenKeyFile(t.Context(), path, audit.KeyFileOptions{Name: "example.com/log"})
	require.ErrorIs(t, err, audit.ErrKeyFileMissing)

	var all sync.WaitGroup
	public := make([]string, 8)
	for i := range public {
		all.Go(func() {
			k, err := audit.OpenKeyFile(t.Context(), path, audit.KeyFileOptions{Name: "example.com/log", Create: true})
			if err == nil {
				public[i] = k.Public().String()
			}
		})
	}
	all.Wait()
	k, err := audit.OpenKeyFile(t.Context(), path, audit.KeyFileOptions{})
	require.NoError(t, err)
	require.Equal(t, "example.com/log", k.Name())
	for _, p := range public {
		require.Equal(t, k.Public().String(), p, "whoever came at the same time has the same key")
	}
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing else is left")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAKeyFileThatIsNotRightIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log.key")
	k, err := audit.OpenKeyFile(t.Context(), path, audit.KeyFileOptions{Name: "example.com/log", Create: true})
	require.NoError(t, err)
	_, err = audit.OpenKeyFile(t.Context(), path, audit.KeyFileOptions{Name: "example.com/other"})
	require.ErrorIs(t, err, audit.ErrKey)

	require.NoError(t, os.Chmod(path, 0o640))
	_, err = audit.OpenKeyFile(t.Context(), path, audit.KeyFileOptions{})
	require.ErrorIs(t, err, audit.ErrKeyFileMode)

	torn := filepath.Join(dir, "torn.key")
	require.NoError(t, os.WriteFile(torn, []byte(k.Reveal()[:40]), 0o600))
	_, err = audit.OpenKeyFile(t.Context(), torn, audit.KeyFileOptions{})
	require.ErrorIs(t, err, audit.ErrKey)
	require.NotContains(t, fmt.Sprintf("%+v", err), k.Reveal()[30:40])

	_, err = audit.OpenKeyFile(t.Context(), filepath.Join(dir, "new.key"), audit.KeyFileOptions{Create: true})
	require.ErrorIs(t, err, audit.ErrKey, "a log without a name")
}
