package zapaudit_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/zapaudit"
)

const (
	plantedMail  = "planted@example.com"
	plantedPhone = "+15550100"
	plantedIP    = "192.0.2.77"
)

func entry() audit.Entry {
	salt := audit.NewSalt()
	return audit.Entry{
		Version: audit.Version, ID: "e-1", At: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
		Action: audit.AccountSuspended, Outcome: audit.Success,
		Targets: [][]byte{[]byte("account-7"), {0, 1, 0xff}},
		Fields: []audit.Field{
			audit.Public(audit.FieldActorID, "a-1", salt),
			audit.Personal(audit.FieldEmail, []byte("sealed mail"), "pk-7", salt).Opened(plantedMail),
			audit.Personal(audit.FieldPhone, []byte("sealed phone"), "pk-7", salt).Opened(plantedPhone),
			audit.Personal(audit.FieldSource, []byte("sealed source"), "pk-1", salt).Opened(plantedIP),
			audit.Personal(audit.FieldName, []byte("sealed name"), "pk-7", salt),
			audit.Secret(audit.FieldPassword),
			audit.Public(audit.FieldReason, "line\nbreak", salt).Withhold(),
		},
	}
}

// logTo returns a logger that writes JSON into b.
func logTo(b *bytes.Buffer, level zapcore.Level) *zap.Logger {
	enc := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(enc, zapcore.AddSync(b), level)).Named("audit").With(zap.String("node", "n1"))
}

// Rules: R193, R256
func TestPersonalValuesAreAbsentByDefault(t *testing.T) {
	var b bytes.Buffer
	r := zapaudit.New(logTo(&b, zap.InfoLevel), zapaudit.Options{})
	require.NoError(t, r.Record(t.Context(), []audit.Recorded{{Index: 41, Entry: entry()}}))
	for _, planted := range []string{plantedMail, plantedPhone, plantedIP, "sealed"} {
		require.NotContains(t, b.String(), planted)
		require.NotContains(t, b.String(), base64.StdEncoding.EncodeToString([]byte(planted)))
		require.NotContains(t, b.String(), hex.EncodeToString([]byte(planted)))
	}
	var line map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &line))
	require.Equal(t, map[string]any{
		"level": "warn", "ts": 1795255200.0, "logger": "audit", "msg": "An account was suspended.", "node": "n1",
		"index": 41.0, "id": "e-1", "action": "account.suspended", "outcome": "success", "ocsf.type": 300105.0, "severity": "medium",
		"targets": []any{"account-7", "0001ff"},
		"fields": map[string]any{
			"actor.id": "a-1", "email": "person:pk-7", "phone": "person:pk-7", "source": "person:pk-1", "name": "person:pk-7",
			"password": "[changed]", "reason": "[withheld]",
		},
	}, line)
}

// Rules: R256
func TestPersonalValuesAreShownWhereTheHostSaysSo(t *testing.T) {
	var b bytes.Buffer
	r := zapaudit.New(logTo(&b, zap.InfoLevel), zapaudit.Options{Personal: true, Sync: true})
	require.NoError(t, r.Record(t.Context(), []audit.Recorded{{Entry: entry()}}))
	require.Contains(t, b.String(), plantedMail)
	require.Contains(t, b.String(), `"name":"person:pk-7"`, "what was not opened stays a pseudonym")
	require.Contains(t, b.String(), `"password":"[changed]"`)
}

// Whatever is planted in personal fields of any action does not come out.
// Rules: R193, R256
func TestNothingPlantedComesOut(t *testing.T) {
	catalogue := audit.Catalogue()
	rapid.Check(t, func(t *rapid.T) {
		planted := rapid.StringMatching(`[a-z]{8,12}@[a-z]{8,12}`).Draw(t, "planted")
		spec := rapid.SampledFrom(catalogue).Draw(t, "action")
		e := audit.Entry{Version: audit.Version, ID: "e", At: time.Unix(1, 0), Action: spec.Action, Outcome: audit.Success}
		for _, f := range spec.Fields {
			switch f.Class {
			case audit.ClassPersonal:
				e.Fields = append(e.Fields, audit.Personal(f.Name, []byte{1}, "k", audit.NewSalt()).Opened(planted))
			case audit.ClassSecret:
				e.Fields = append(e.Fields, audit.Secret(f.Name))
			}
		}
		require.NoError(t, audit.Check(e))
		var b bytes.Buffer
		require.NoError(t, zapaudit.New(logTo(&b, zap.InfoLevel), zapaudit.Options{}).Record(t.Context(), []audit.Recorded{{Entry: e}}))
		require.NotContains(t, b.String(), planted)
		require.Equal(t, 1, strings.Count(b.String(), "\n"))
	})
}

// Neither a level nor a sampler drops an entry of the log.
// Rules: R256
func TestNoEntryIsDropped(t *testing.T) {
	var b bytes.Buffer
	sampled := logTo(&b, zap.ErrorLevel).WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(c, time.Hour, 1, 0)
	}))
	many := make([]audit.Recorded, 500)
	for i := range many {
		many[i] = audit.Recorded{Index: int64(i), Entry: entry()}
	}
	require.NoError(t, zapaudit.New(sampled, zapaudit.Options{}).Record(t.Context(), many))
	require.Equal(t, 500, strings.Count(b.String(), "\n"))
}

// A value cannot forge a line.
func TestOneEntryIsOneLine(t *testing.T) {
	for _, enc := range []zapcore.Encoder{
		zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
		zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()),
	} {
		var b bytes.Buffer
		e := entry()
		e.Fields[0] = audit.Public(audit.FieldReason, "x\n2026 INFO forged \u2028\r", audit.NewSalt())
		e.Action = "log.forged"
		logger := zap.New(zapcore.NewCore(enc, zapcore.AddSync(&b), zap.InfoLevel))
		require.NoError(t, zapaudit.New(logger, zapaudit.Options{}).Record(t.Context(), []audit.Recorded{{Entry: e}}))
		require.Equal(t, 1, strings.Count(b.String(), "\n"))
		require.Contains(t, b.String(), "log.forged", "an action that this release does not know")
	}
}

// failing is a sink that is full.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Sync() error               { return f.err }

// Rules: R194
func TestFailureOfTheSinkIsReturned(t *testing.T) {
	full := errors.New("disk full")
	core := func(ws zapcore.WriteSyncer) *zap.Logger {
		return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), ws, zap.InfoLevel))
	}
	one := []audit.Recorded{{Entry: entry()}}
	require.ErrorIs(t, zapaudit.New(core(failing{full}), zapaudit.Options{}).Record(t.Context(), one), full)
	require.ErrorIs(t, zapaudit.New(core(failing{full}), zapaudit.Options{Sync: true}).Record(t.Context(), nil), full)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, zapaudit.New(core(failing{full}), zapaudit.Options{}).Record(ctx, one), context.Canceled)
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		action  audit.Action
		outcome audit.Outcome
		want    string
	}{
		{audit.UserCodeSet, audit.Success, "info"},
		{audit.UserCodeSet, audit.Denied, "warn"},
		{audit.UserCodeSet, audit.Failure, "warn"},
		{audit.KeysRotated, audit.Success, "warn"},
		{audit.LogRead, audit.Success, "info"},
	} {
		var b bytes.Buffer
		e := entry()
		e.Action, e.Outcome = c.action, c.outcome
		require.NoError(t, zapaudit.New(logTo(&b, zap.InfoLevel), zapaudit.Options{}).Record(t.Context(), []audit.Recorded{{Entry: e}}))
		require.Contains(t, b.String(), fmt.Sprintf(`"level":%q`, c.want))
	}
}
