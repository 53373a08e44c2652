package credentials

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of key files.
var (
	// ErrKeyFileMissing: there is no key file.
	ErrKeyFileMissing = fault.New(fault.Precondition, "credentials: no key file").
				Hinted("Name the right file. A new installation makes one with the option Create; without the old file stored codes cannot be read again.")
	// ErrKeyFileMode: others than the owner may read the key file.
	ErrKeyFileMode = fault.New(fault.Precondition, "credentials: key file is open to others").
			Hinted("Run chmod 600 on the key file. If others may have read it, change the keys.")
	// ErrKeyFile: the key file does not hold keys.
	ErrKeyFile = fault.New(fault.Precondition, "credentials: key file is damaged").
			Hinted("Restore the key file from its own backup. Do not make a new one: stored codes could not be read again.")
)

// KeyFileOptions say how [OpenKeyFile] opens. The zero value opens an existing file for
// the only tenant.
type KeyFileOptions struct {
	// Tenant is the keyring's tenant.
	Tenant string
	// Create makes the file, with one new key, if there is none. Two processes that do so
	// at once get the same key.
	Create bool
}

// keyFile is the file's form: keys as base64.
type keyFile struct {
	Epoch  Epoch          `json:"epoch"`
	Keys   []keyFileEntry `json:"keys"`
	Schema int            `json:"schema"`
}

type keyFileEntry struct {
	ID   string `json:"id"`
	Root []byte `json:"root"`
}

// OpenKeyFile reads a keyring from a JSON file that only its owner may read (mode 0600
// or less; not checked on Windows). Errors: [ErrKeyFileMissing], [ErrKeyFileMode],
// [ErrKeyFile].
//
// Keep a backup of the file, and keep it away from the backups of the store: who has
// both has every code.
func OpenKeyFile(ctx context.Context, path string, o KeyFileOptions) (*Ring, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := readKeyFile(path)
	if errors.Is(err, ErrKeyFileMissing) && o.Create {
		if err = createKeyFile(path); err == nil {
			f, err = readKeyFile(path)
		}
	}
	if err != nil {
		return nil, err
	}
	return f.ring(o.Tenant)
}

func readKeyFile(path string) (f keyFile, err error) {
	b, err := readPrivate(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, ErrKeyFileMissing
	case err != nil:
		return f, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil || f.Schema != 1 {
		return f, ErrKeyFile // what json says could quote the file
	}
	return f, nil
}

// ring makes the keyring that a file describes.
func (f keyFile) ring(tenant string) (*Ring, error) {
	keys := make([]Key, len(f.Keys))
	for i, e := range f.Keys {
		var err error
		if keys[i], err = KeyOf(e.ID, e.Root); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
		}
	}
	r, err := NewKeyring(tenant, keys, KeyringOptions{Epoch: f.Epoch})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return r, nil
}

// readPrivate looks at the mode of the file that it reads, not of the name.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: mode %04o", ErrKeyFileMode, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

// createKeyFile makes a file with one new key. The first of two writers wins.
func createKeyFile(path string) error {
	k := GenerateKey()
	f := keyFile{
		Epoch:  Epoch{N: 1, Prints: []string{k.id}, Seal: k.id},
		Keys:   []keyFileEntry{{ID: k.id, Root: k.bytes()}},
		Schema: 1,
	}
	return writeKeyFile(path, f, func(tmp string) error {
		if err := os.Link(tmp, path); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// writeKeyFile writes the whole file under another name and lets it take its place, so
// that nobody ever reads half a file.
func writeKeyFile(path string, content keyFile, place func(tmp string) error) error {
	b, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	tmp := path + "." + strings.ToLower(rand.Text()[:8])
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = place(tmp)
	}
	if rerr := os.Remove(tmp); !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return errors.Join(err, syncDir(filepath.Dir(path)))
}

// syncDir makes the new name durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be opened for syncing there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
