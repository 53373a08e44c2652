package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxCheckpoint bounds the text of a checkpoint: a note with up to 100 signatures.
const maxCheckpoint = 64 << 10

// Checkpoint is a log's signed statement about itself: so many entries, this root. Its
// text is the C2SP format https://c2sp.org/tlog-checkpoint.
type Checkpoint struct {
	Origin string   // the log's name
	Size   int64    // entries
	Root   [32]byte // root of the tree over them
	Text   []byte   // as it was signed
	Keys   []string // names of the trusted keys whose signatures were checked
}

// SignCheckpoint returns the signed text of a checkpoint. One of the signers must bear
// the log's name; others are, for example, the key that it replaces.
func SignCheckpoint(origin string, size int64, root [32]byte, signers ...note.Signer) ([]byte, error) {
	if size < 0 || !slices.ContainsFunc(signers, func(s note.Signer) bool { return s.Name() == origin }) {
		return nil, fmt.Errorf("%w: no key named %q, or a negative size", ErrCheckpoint, origin)
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, tlog.Hash(root))
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCheckpoint, err)
	}
	return signed, nil
}

// OpenCheckpoint reads the text of a checkpoint of the log of that name. At least one
// signature by a trusted key of that name must hold, and none by a trusted key may fail;
// signatures by others are ignored.
func OpenCheckpoint(text []byte, origin string, trusted ...note.Verifier) (Checkpoint, error) {
	if len(text) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("%w: %d bytes", ErrCheckpoint, len(text))
	}
	n, err := note.Open(text, note.VerifierList(trusted...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %v", ErrCheckpoint, err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != origin {
		return Checkpoint{}, fmt.Errorf("%w: it is of another log", ErrCheckpoint)
	}
	for _, s := range n.Sigs {
		// Package note ignores stray bits at the end of base64; a signature has one form here.
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("%w: signature by %q", ErrCheckpoint, s.Name)
		}
		c.Keys = append(c.Keys, s.Name)
	}
	if !slices.Contains(c.Keys, origin) {
		return Checkpoint{}, fmt.Errorf("%w: not signed by a trusted key of the log itself", ErrCheckpoint)
	}
	c.Text = slices.Clone(text)
	return c, nil
}

// readCheckpoint reads a checkpoint without checking a signature.
func readCheckpoint(text []byte) (Checkpoint, error) {
	if len(text) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("%w: %d bytes", ErrCheckpoint, len(text))
	}
	_, err := note.Open(text, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return Checkpoint{}, fmt.Errorf("%w: %v", ErrCheckpoint, err)
	}
	c, err := parseCheckpoint(unverified.Note.Text)
	c.Text = slices.Clone(text)
	return c, err
}

// parseCheckpoint reads the signed part. Lines after the third are extensions that
// nobody here understands; they are signed and kept.
func parseCheckpoint(text string) (Checkpoint, error) {
	bad := fmt.Errorf("%w: not the text of a checkpoint", ErrCheckpoint)
	body, ended := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	if !ended || len(lines) < 3 || slices.Contains(lines, "") {
		return Checkpoint{}, bad
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, bad
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, bad
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// parseHash takes the one base64 form of a hash.
func parseHash(s string) ([32]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != 32 || base64.StdEncoding.EncodeToString(raw) != s {
		return [32]byte{}, ErrMalformed
	}
	return [32]byte(raw), nil
}

// CheckpointSize reads how many entries the text of a checkpoint speaks of. It checks no
// signature.
func CheckpointSize(text []byte) (int64, error) {
	c, err := readCheckpoint(text)
	return c.Size, err
}
