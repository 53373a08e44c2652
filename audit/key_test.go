package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// Keys are made many times because the text of one in two holds a '+' of base64.
func TestKeysComeBackFromTheirText(t *testing.T) {
	for range 50 {
		key := newKey(t)
		again, err := audit.ParseSigningKey(key.Reveal())
		require.NoError(t, err)
		require.Equal(t, key.Public().String(), again.Public().String())
		public, err := audit.ParsePublicKey(key.Public().String())
		require.NoError(t, err)
		sig, err := again.Sign([]byte("text"))
		require.NoError(t, err)
		require.True(t, public.Verify([]byte("text"), sig))
		require.False(t, public.Verify([]byte("other"), sig))
	}
	_, err := audit.GenerateKey("")
	require.ErrorIs(t, err, audit.ErrKey)
	_, err = audit.GenerateKey("two words")
	require.ErrorIs(t, err, audit.ErrKey)
	for _, text := range []string{"", "PRIVATE+KEY", newKey(t).Public().String()} {
		_, err := audit.ParseSigningKey(text)
		require.ErrorIs(t, err, audit.ErrKey)
	}
	_, err = audit.ParsePublicKey(newKey(t).Reveal())
	require.ErrorIs(t, err, audit.ErrKey)
}

// Rules: R193
func TestSigningKeyDoesNotPrint(t *testing.T) {
	key := newKey(t)
	secret := key.Reveal()[strings.LastIndex(key.Reveal(), "+AQ")+1:]
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "key", key)
	for _, v := range []any{key, &key, []audit.SigningKey{key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			require.NotContains(t, fmt.Sprintf(verb, v), secret)
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(b), secret)
	}
	require.NotContains(t, logged.String(), secret)
	b, err := json.Marshal(key.Public())
	require.NoError(t, err)
	require.Contains(t, string(b), origin)

	broken := strings.Replace(key.Reveal(), "PRIVATE", "PRIVATES", 1)
	_, err = audit.ParseSigningKey(broken)
	require.NotContains(t, err.Error(), secret)
}
