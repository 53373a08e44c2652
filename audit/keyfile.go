package audit

import (
	"context"
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

// Errors of files that hold a signing key.
var (
	// ErrKeyFileMissing: there is no such file.
	ErrKeyFileMissing = fault.New(fault.Precondition, "audit: no file with the log's key").
				Hinted("Name the right file. A new installation makes one with the option Create; a log that was signed before needs its old key.")
	// ErrKeyFileMode: others than the owner may read the file.
	ErrKeyFileMode = fault.New(fault.Precondition, "audit: the log's key is open to others").
			Hinted("Run chmod 600 on the file. If others may have read it, change the key.")
)

// KeyFileOptions say how [OpenKeyFile] opens.
type KeyFileOptions struct {
	// Name is the log's name, see [GenerateKey]. Required where the file is made; else it
	// must be the name of the key in the file, unless it is "".
	Name string
	// Create makes the file, with a new key, if there is none. Two processes that do so at
	// once get the same key.
	Create bool
}

// OpenKeyFile reads a log's signing key from a file that only its owner may read (mode
// 0600 or less; not checked on Windows). Errors: [ErrKeyFileMissing], [ErrKeyFileMode],
// [ErrKey].
//
// Keep the file away from the database and from the anchors: who has all three can
// rewrite the log.
func OpenKeyFile(ctx context.Context, path string, o KeyFileOptions) (SigningKey, error) {
	if err := ctx.Err(); err != nil {
		return SigningKey{}, err
	}
	text, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) && o.Create {
		if err = createKeyFile(path, o.Name); err == nil {
			text, err = readKeyFile(path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return SigningKey{}, ErrKeyFileMissing
	case err != nil:
		return SigningKey{}, err
	}
	k, err := ParseSigningKey(strings.TrimSpace(text))
	if err == nil && o.Name != "" && k.Name() != o.Name {
		return SigningKey{}, fmt.Errorf("%w of %q: the file's is named %q", ErrKey, o.Name, k.Name())
	}
	return k, err
}

// readKeyFile looks at the mode of the file that it reads, not of the name.
func readKeyFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%w: mode %04o", ErrKeyFileMode, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 4<<10))
	return string(text), err
}

// createKeyFile writes the whole file under another name and links it into place, so
// that nobody ever reads half a key and the first of two writers wins.
func createKeyFile(path, name string) error {
	k, err := GenerateKey(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(k.text + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	return errors.Join(err, os.Remove(f.Name()), syncDir(filepath.Dir(path)))
}
