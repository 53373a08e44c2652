package signin_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// Whatever is shown as a device's key, challenge or signature is refused as such.
func FuzzQuickSignIn(f *testing.F) {
	w := newWorld(f, quick)
	_, p, _ := w.holder("tower")
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(f, err)
	spki, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(f, err)
	f.Add(spki, p.challenge(), []byte("signature"))
	f.Add(make([]byte, 65), "khq_"+p.id+"_9999999999_A_A", make([]byte, 64))
	f.Add([]byte{}, "____", []byte{})
	f.Fuzz(func(t *testing.T, key []byte, challenge string, signature []byte) {
		if k, err := signin.ParseDeviceKey(key); err == nil {
			require.NotZero(t, k)
		} else {
			require.ErrorIs(t, err, signin.ErrDeviceKey)
		}
		_, err := w.signin.QuickSignIn(t.Context(), signin.QuickAttempt{Challenge: challenge, Signature: signature, PIN: credentials.Code{}})
		require.ErrorIs(t, err, signin.ErrNotEnrolled)
	})
}
