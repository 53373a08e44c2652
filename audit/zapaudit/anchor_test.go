package zapaudit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/zapaudit"
)

// A checkpoint is written whatever the logger's level, and can be checked as it stands there.
//
// Rules: R254
func TestAnchorWritesCheckpoints(t *testing.T) {
	key, err := audit.GenerateKey("example.com/log")
	require.NoError(t, err)
	text, err := audit.SignCheckpoint("example.com/log", 7, [32]byte{7}, key)
	require.NoError(t, err)
	var out bytes.Buffer
	a := zapaudit.NewAnchor(logTo(&out, zap.ErrorLevel), nil)
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	require.NoError(t, a.Put(t.Context(), text, at))
	var line struct{ Checkpoint, Logger string }
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "audit", line.Logger)
	_, err = audit.OpenCheckpoint([]byte(line.Checkpoint), "example.com/log", key.Public())
	require.NoError(t, err)
	last, err := a.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, audit.Anchored{At: at, Text: text}, last)

	full := errors.New("disk full")
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), failing{full}, zap.InfoLevel)
	broken := zapaudit.NewAnchor(zap.New(core), nil)
	require.ErrorIs(t, broken.Put(t.Context(), text, at), full)
	_, err = broken.Latest(t.Context())
	require.ErrorIs(t, err, audit.ErrNoAnchor)
}
