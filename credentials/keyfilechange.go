package credentials

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// AddKey adds a key to a key file. Nothing uses it before a rotation does; every node
// needs it before the rotation can go on. [ErrKeyFile] if the file has one of that id.
func AddKey(ctx context.Context, path string, k Key) error {
	return changeKeyFile(ctx, path, func(f *keyFile) error {
		f.Keys = append(f.Keys, keyFileEntry{ID: k.id, Root: k.bytes()})
		return nil
	})
}

// DestroyKey takes a key out of a key file, which is of epoch e from then on: the epoch of
// a store that has dropped the key. What was sealed under it and is anywhere else, such as
// in a backup of the store, cannot be opened any more, for as long as no copy of the key
// file is left: backups of the file are not reached from here, and neither is what a disk
// keeps of a file that was replaced. Errors: [ErrRotation] if the epoch still names the
// key, [ErrKeyMissing] if the file does not have it.
func DestroyKey(ctx context.Context, path, id string, e Epoch) error {
	return changeKeyFile(ctx, path, func(f *keyFile) error {
		if e.Seal == id || slices.Contains(e.Prints, id) {
			return fmt.Errorf("%w: the key is in use", ErrRotation)
		}
		at := slices.IndexFunc(f.Keys, func(k keyFileEntry) bool { return k.ID == id })
		if at < 0 {
			return fmt.Errorf("%w: %q", ErrKeyMissing, id)
		}
		f.Keys, f.Epoch = slices.Delete(f.Keys, at, at+1), e
		return nil
	})
}

// changeKeyFile writes a file anew, unless what would be in it makes no keyring.
func changeKeyFile(ctx context.Context, path string, change func(*keyFile) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := readKeyFile(path)
	if err != nil {
		return err
	}
	if err := change(&f); err != nil {
		return err
	}
	if _, err := f.ring(""); err != nil {
		return err
	}
	return writeKeyFile(path, f, func(tmp string) error { return os.Rename(tmp, path) })
}
