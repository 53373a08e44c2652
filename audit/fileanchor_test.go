package audit_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// anchorFile makes a log of 200 entries whose four checkpoints are in a file.
func anchorFile(t *testing.T) (path string, m *memLog, key audit.SigningKey) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "anchor")
	a := openAnchor(t, path)
	key, m = newKey(t), &memLog{}
	m.grow(t, 200, key, a)
	require.NoError(t, a.Close())
	return path, m, key
}

func openAnchor(t *testing.T, path string) *audit.FileAnchor {
	t.Helper()
	a, err := audit.OpenFileAnchor(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// Rules: R254
func TestFileAnchorKeepsEveryCheckpoint(t *testing.T) {
	path, m, key := anchorFile(t)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	a := openAnchor(t, path)
	latest, err := a.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, m.checkpoints[3], latest.Text)
	require.True(t, latest.At.Equal(began.Add(199*time.Second)))
	var all [][]byte
	for c, err := range a.All(t.Context()) {
		require.NoError(t, err)
		all = append(all, c.Text)
	}
	require.Equal(t, m.checkpoints, all)
	for range a.All(t.Context()) {
		break
	}
	r := check(t, m, key.Public(), a)
	require.True(t, r.OK(), r)
	require.Equal(t, "up to 200 by file "+path+" at 2026-11-21T10:03:19Z", r.Anchored)

	// The same again is a sign of life.
	require.NoError(t, a.Put(t.Context(), m.checkpoints[3], began.Add(time.Hour)))
	require.Contains(t, check(t, m, key.Public(), a).Anchored, "11:00:00Z")
}

// Rules: R252, R254
func TestFileAnchorRefusesAFork(t *testing.T) {
	path, m, key := anchorFile(t)
	a := openAnchor(t, path)
	require.ErrorIs(t, a.Put(t.Context(), m.checkpoints[2], began), audit.ErrAnchorFork, "fewer entries: a restored backup")
	other, err := audit.SignCheckpoint(origin, 200, [32]byte{1}, key)
	require.NoError(t, err)
	require.ErrorIs(t, a.Put(t.Context(), other, began), audit.ErrAnchorFork, "as many, with another root")
	stranger, err := audit.GenerateKey("example.com/other")
	require.NoError(t, err)
	other, err = audit.SignCheckpoint("example.com/other", 300, [32]byte{1}, stranger)
	require.NoError(t, err)
	require.ErrorIs(t, a.Put(t.Context(), other, began), audit.ErrAnchorFork, "another log")
	require.ErrorIs(t, a.Put(t.Context(), []byte("text"), began), audit.ErrCheckpoint)
	latest, err := a.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, m.checkpoints[3], latest.Text)
}

// Rules: R254
func TestFileAnchorNoticesWhileOpen(t *testing.T) {
	next := func(t *testing.T, m *memLog, key audit.SigningKey) []byte {
		e, _ := entryAt(200)
		m.add(t, leafOf(t, e, 200))
		return m.sign(t, key)
	}
	for name, c := range map[string]struct {
		tamper func(t *testing.T, path string)
		want   error
	}{
		"deleted": {func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, audit.ErrAnchorReplaced},
		"replaced by a copy": {func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.Rename(path, path+".old"))
			require.NoError(t, os.WriteFile(path, b, 0o600))
		}, audit.ErrAnchorReplaced},
		"cut":     {func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 100)) }, audit.ErrAnchorCut},
		"emptied": {func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) }, audit.ErrAnchorCut},
		"edited at its end": {func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			b[len(b)-10] ^= 1
			require.NoError(t, os.WriteFile(path, b, 0o600))
		}, audit.ErrAnchorCut},
		"written by another": {func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			require.NoError(t, err)
			_, err = f.WriteString("x\n")
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}, audit.ErrAnchorCut},
	} {
		t.Run(name, func(t *testing.T) {
			path, m, key := anchorFile(t)
			a := openAnchor(t, path)
			c.tamper(t, path)
			_, err := a.Latest(t.Context())
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, a.Put(t.Context(), next(t, m, key), began), c.want)
			r := check(t, m, key.Public(), a)
			require.Contains(t, r.Completeness.First().What, "cannot be read")
			require.Contains(t, r.Anchored, "unanchored")
		})
	}
}

// Anything but the end of the file that is changed while nobody has it open.
// Rules: R254
func TestFileAnchorNoticesOnOpen(t *testing.T) {
	path, _, _ := anchorFile(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	signature := bytes.Index(whole, []byte(`\n","prev`)) - 20
	for name, content := range map[string][]byte{
		"first line gone":   bytes.Join(lines[1:], nil),
		"middle line gone":  bytes.Join([][]byte{lines[0], lines[2], lines[3]}, nil),
		"lines exchanged":   bytes.Join([][]byte{lines[1], lines[0], lines[2], lines[3]}, nil),
		"line repeated":     bytes.Join([][]byte{lines[0], lines[0], lines[1]}, nil),
		"time changed":      bytes.Replace(whole, []byte("10:00:49"), []byte("10:00:48"), 1),
		"signature changed": slices.Concat(whole[:signature], []byte{whole[signature] ^ 1}, whole[signature+1:]),
		"not a checkpoint":  []byte("{}\n"),
	} {
		require.NotEqual(t, whole, content, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		_, err := audit.OpenFileAnchor(t.Context(), path)
		require.ErrorIs(t, err, audit.ErrAnchorCut, name)
	}
}

// A crash in the middle of a write costs that checkpoint and nothing else, wherever it
// happens.
// Rules: R254
func TestFileAnchorSurvivesATornWrite(t *testing.T) {
	path, m, key := anchorFile(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	e, _ := entryAt(200)
	m.add(t, leafOf(t, e, 200))
	text := m.sign(t, key)
	for cut := last; cut <= len(whole); cut++ {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		a, err := audit.OpenFileAnchor(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, a.Put(t.Context(), text, began))
		require.NoError(t, a.Put(t.Context(), text, began))
		held := 0
		for _, err := range a.All(t.Context()) {
			require.NoError(t, err)
			held++
		}
		want := 5
		if cut >= len(whole)-1 {
			want = 6
		}
		require.Equal(t, want, held, "cut at %d of %d", cut, len(whole))
		require.NoError(t, a.Close())
		again, err := audit.OpenFileAnchor(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, again.Close())
	}
}

func TestFileAnchorErrors(t *testing.T) {
	_, err := audit.OpenFileAnchor(t.Context(), filepath.Join(t.TempDir(), "none", "anchor"))
	require.ErrorIs(t, err, os.ErrNotExist)
	a := openAnchor(t, filepath.Join(t.TempDir(), "anchor"))
	_, err = a.Latest(t.Context())
	require.ErrorIs(t, err, audit.ErrNoAnchor)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, a.Put(ctx, nil, began), context.Canceled)
	_, err = a.Latest(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, a.Close())
	require.Error(t, a.Put(t.Context(), nil, began))
}
