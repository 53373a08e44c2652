package httpanchor_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/httpanchor"
)

// witness is a witness by the letter of https://c2sp.org/tlog-witness.
type witness struct {
	t       *testing.T
	name    string
	key     ed25519.PrivateKey
	trusted note.Verifier

	mu   sync.Mutex
	last audit.Checkpoint
	asks int
	lies bool // it signs something else
	fail int  // it answers with this code
}

func (w *witness) vkey() string {
	raw := append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
	return fmt.Sprintf("%s+%08x+%s", w.name, w.id(), base64.StdEncoding.EncodeToString(raw))
}

func (w *witness) id() uint32 {
	raw := append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte(w.name+"\n"), raw...))
	return binary.BigEndian.Uint32(sum[:])
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asks++
	if w.fail != 0 {
		out.WriteHeader(w.fail)
		return
	}
	body, err := io.ReadAll(r.Body)
	assert.NoError(w.t, err)
	assert.Equal(w.t, "/add-checkpoint", r.URL.Path)
	head, text, ok := strings.Cut(string(body), "\n\n")
	assert.True(w.t, ok)
	lines := strings.Split(head, "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	assert.NoError(w.t, err)
	c, err := audit.OpenCheckpoint([]byte(text), origin, w.trusted)
	switch {
	case err != nil:
		out.WriteHeader(http.StatusForbidden)
		return
	case old > c.Size:
		out.WriteHeader(http.StatusBadRequest)
		return
	case old != w.last.Size:
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintln(out, w.last.Size)
		return
	case old == c.Size && old > 0 && c.Root != w.last.Root:
		out.WriteHeader(http.StatusConflict)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		assert.NoError(w.t, err)
		proof = append(proof, h)
	}
	if old > 0 && old < c.Size && tlog.CheckTree(proof, c.Size, c.Root, old, w.last.Root) != nil || old == 0 && len(proof) > 0 {
		out.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	w.last = c
	signed, _, _ := strings.Cut(text, "\n\n")
	if w.lies {
		signed = "something else"
	}
	at := uint64(began.Unix())
	sig := ed25519.Sign(w.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at, signed))
	payload := binary.BigEndian.AppendUint32(nil, w.id())
	payload = append(binary.BigEndian.AppendUint64(payload, at), sig...)
	_, _ = fmt.Fprintf(out, "— %s %s\n— stranger.example %s\n", w.name, base64.StdEncoding.EncodeToString(payload), base64.StdEncoding.EncodeToString(payload))
}

// tree is a log of leaves as bytes.
type tree struct{ nodes []tlog.Hash }

func (l *tree) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(positions))
	for i, p := range positions {
		out[i] = l.nodes[p]
	}
	return out, nil
}

func (l *tree) hashes(positions []int64) ([][32]byte, error) {
	found, err := l.ReadHashes(positions)
	out := make([][32]byte, len(found))
	for i, h := range found {
		out[i] = h
	}
	return out, err
}

func newTree(t *testing.T, leaves ...string) *tree {
	t.Helper()
	l := &tree{}
	for i, leaf := range leaves {
		made, err := tlog.StoredHashes(int64(i), []byte(leaf), l)
		require.NoError(t, err)
		l.nodes = append(l.nodes, made...)
	}
	return l
}

// checkpoint is the signed checkpoint over the first size leaves, and what proves that it
// continues an older one.
func (l *tree) checkpoint(t *testing.T, k audit.SigningKey, size int64) (text []byte, prove func(int64) ([][32]byte, error)) {
	t.Helper()
	root, err := audit.Root(size, l.hashes)
	require.NoError(t, err)
	return sign(t, k, size, root), func(older int64) ([][32]byte, error) { return audit.ProveConsistency(older, size, l.hashes) }
}

func newWitness(t *testing.T, k audit.SigningKey) (*witness, func(keep audit.Anchor) *httpanchor.Witness) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	w := &witness{t: t, name: "witness.example/w1", key: key, trusted: k.Public()}
	server, reach := serve(t, w.ServeHTTP)
	public, err := audit.ParseWitnessKey(w.vkey())
	require.NoError(t, err)
	return w, func(keep audit.Anchor) *httpanchor.Witness {
		a, err := httpanchor.NewWitness(httpanchor.WitnessOptions{URL: server.URL, Key: public, Reach: reach, Keep: keep})
		require.NoError(t, err)
		return a
	}
}

// A witness cosigns a log that only grows, also after this process has forgotten or the
// log was quiet.
//
// Rules: R254
func TestAWitnessCosignsAGrowingLog(t *testing.T) {
	k := logKey(t)
	w, open := newWitness(t, k)
	file, err := audit.OpenFileAnchor(t.Context(), filepath.Join(t.TempDir(), "cosigned"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	a := open(file)
	l := newTree(t, "a", "b", "c", "d", "e", "f", "g")
	for i, size := range []int64{0, 1, 1, 2, 5} {
		text, prove := l.checkpoint(t, k, size)
		require.NoError(t, a.PutProven(t.Context(), text, began.Add(time.Duration(i)*time.Minute), prove))
	}
	require.Equal(t, 5, w.asks)
	last, err := a.Latest(t.Context())
	require.NoError(t, err)
	public, err := audit.ParseWitnessKey(w.vkey())
	require.NoError(t, err)
	n, err := note.Open(last.Text, note.VerifierList(k.Public(), public))
	require.NoError(t, err)
	require.Len(t, n.Sigs, 2, "the log's and the witness's")
	require.Empty(t, n.UnverifiedSigs)
	c, err := audit.OpenCheckpoint(last.Text, origin, k.Public())
	require.NoError(t, err)
	require.EqualValues(t, 5, c.Size)

	// Another process, that remembers nothing, learns from the witness where it stands.
	text, prove := l.checkpoint(t, k, 7)
	require.NoError(t, open(nil).PutProven(t.Context(), text, began, prove))
	require.EqualValues(t, 7, w.last.Size)

	// And so does this one, whose memory is behind.
	require.NoError(t, a.PutProven(t.Context(), text, began, prove))
	require.NoError(t, a.Put(t.Context(), text, began), "the same again needs no proof")
	text, _ = newTree(t, "a", "b", "c", "d", "e", "f", "g", "h").checkpoint(t, k, 8)
	require.ErrorIs(t, a.Put(t.Context(), text, began), audit.ErrProof)
}

// A log that was restored from a backup, or rewritten with its own key, is not cosigned.
//
// Rules: R254
func TestAWitnessRefusesARewrittenLog(t *testing.T) {
	k := logKey(t)
	w, open := newWitness(t, k)
	l := newTree(t, "a", "b", "c", "d", "e")
	text, prove := l.checkpoint(t, k, 4)
	require.NoError(t, open(nil).PutProven(t.Context(), text, began, prove))
	other := newTree(t, "a", "b", "X", "d", "e", "f")
	for _, c := range []struct {
		tree *tree
		size int64
	}{{l, 3}, {other, 4}, {other, 5}} {
		text, prove := c.tree.checkpoint(t, k, c.size)
		require.ErrorIs(t, open(nil).PutProven(t.Context(), text, began, prove), audit.ErrAnchorFork)
		require.EqualValues(t, 4, w.last.Size)
	}

	text, prove = l.checkpoint(t, logKey(t), 5)
	require.ErrorIs(t, open(nil).PutProven(t.Context(), text, began, prove), httpanchor.ErrUnknownLog)
	w.lies = true
	text, prove = l.checkpoint(t, k, 5)
	a := open(nil)
	require.ErrorIs(t, a.PutProven(t.Context(), text, began, prove), audit.ErrCheckpoint)
	_, err := a.Latest(t.Context())
	require.ErrorIs(t, err, audit.ErrNoAnchor)
	w.fail = http.StatusServiceUnavailable
	require.ErrorIs(t, a.PutProven(t.Context(), text, began, prove), httpanchor.ErrRefused)
	require.ErrorIs(t, a.PutProven(t.Context(), []byte("nonsense"), began, prove), audit.ErrCheckpoint)
}
