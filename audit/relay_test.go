package audit_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// Every checkpoint is a line that can be checked as it stands there.
//
// Rules: R254
func TestALogLineAnchors(t *testing.T) {
	key := newKey(t)
	var out bytes.Buffer
	a := audit.NewLogAnchor(slog.New(slog.NewJSONHandler(&out, nil)), nil)
	_, err := a.Latest(t.Context())
	require.ErrorIs(t, err, audit.ErrNoAnchor)
	sign := func(size int64, root byte) []byte {
		text, err := audit.SignCheckpoint(origin, size, [32]byte{root}, key)
		require.NoError(t, err)
		return text
	}
	require.NoError(t, a.Put(t.Context(), sign(3, 3), began))
	require.NoError(t, a.Put(t.Context(), sign(5, 5), began.Add(time.Hour)))
	require.ErrorIs(t, a.Put(t.Context(), sign(4, 4), began), audit.ErrAnchorFork)
	require.ErrorIs(t, a.Put(t.Context(), sign(5, 6), began), audit.ErrAnchorFork)
	require.ErrorIs(t, audit.NewLogAnchor(slog.Default(), nil).Put(t.Context(), []byte("nonsense"), began), audit.ErrCheckpoint)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	for i, line := range lines {
		var read struct{ Checkpoint string }
		require.NoError(t, json.Unmarshal([]byte(line), &read))
		c, err := audit.OpenCheckpoint([]byte(read.Checkpoint), origin, key.Public())
		require.NoError(t, err)
		require.EqualValues(t, 3+2*i, c.Size)
	}
	last, err := a.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, audit.Anchored{At: began.Add(time.Hour), Text: sign(5, 5)}, last)
}

// What did not arrive is not remembered, and what is remembered outlives the relay where
// its memory does.
//
// Rules: R254
func TestARelayRemembersWhatArrived(t *testing.T) {
	key := newKey(t)
	text, err := audit.SignCheckpoint(origin, 3, [32]byte{}, key)
	require.NoError(t, err)
	keep := &audit.Memory{}
	broken := errors.New("broken")
	arrived := broken
	relay := func() *audit.Relay {
		return audit.NewRelay("mail", keep, func(context.Context, []byte, time.Time) error { return arrived })
	}
	require.ErrorIs(t, relay().Put(t.Context(), text, began), broken)
	_, err = relay().Latest(t.Context())
	require.ErrorIs(t, err, audit.ErrNoAnchor)
	arrived = nil
	require.NoError(t, relay().Put(t.Context(), text, began))
	shorter, err := audit.SignCheckpoint(origin, 2, [32]byte{}, key)
	require.NoError(t, err)
	require.ErrorIs(t, relay().Put(t.Context(), shorter, began), audit.ErrAnchorFork)
	require.ErrorIs(t, keep.Put(t.Context(), shorter, began), audit.ErrAnchorFork)
	require.Equal(t, "mail memory", relay().Name()+" "+keep.Name())
}

// Rules: R254
func TestWitnessKeysHaveOneForm(t *testing.T) {
	raw := append([]byte{4}, make([]byte, 32)...)
	key := base64.StdEncoding.EncodeToString(raw)
	for _, text := range []string{"", "w", "w+1+2", "w+00000000+" + key, "w+0000000g+" + key, "+00000000+" + key,
		"w+00000000+" + base64.StdEncoding.EncodeToString(append([]byte{1}, make([]byte, 32)...)), newKey(t).Public().String()} {
		_, err := audit.ParseWitnessKey(text)
		require.ErrorIs(t, err, audit.ErrKey, text)
	}
	require.False(t, audit.WitnessKey{}.Verify(nil, make([]byte, 72)))
}
