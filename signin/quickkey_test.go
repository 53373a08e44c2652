package signin_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// What browsers and phones sign with: Ed25519, ECDSA P-256 in both forms of a signature and
// both forms of a key.
//
// Rules: G184
func TestDevicesSignInTheirOwnForms(t *testing.T) {
	w := newWorld(t, quick)
	a := w.owner("tower")
	w.pin(a.ID, rec.PIN, rightPIN)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	point, err := key.PublicKey.Bytes()
	require.NoError(t, err)
	apple, err := signin.ParseDeviceKey(point)
	require.NoError(t, err)
	o := w.hands(w.in("tower").Token)
	for name, k := range map[string]signin.DeviceKey{"spki": public(t, key), "point": apple} {
		e, err := o.Enrol(t.Context(), signin.NewEnrolment{Key: k})
		require.NoError(t, err, name)
		p := phone{w: w, id: e.ID}
		for form, raw := range map[string]bool{"der": false, "numbers": true} {
			text := p.challenge()
			sum := sha256.Sum256([]byte(text))
			signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
			require.NoError(t, err)
			if raw {
				var n struct{ R, S *big.Int }
				_, err := asn1.Unmarshal(signature, &n)
				require.NoError(t, err)
				signature = append(n.R.FillBytes(make([]byte, 32)), n.S.FillBytes(make([]byte, 32))...)
			}
			at := signin.QuickAttempt{Challenge: text, Signature: signature, PIN: digits(t, rightPIN), From: home}
			at.Signature[40] ^= 1
			_, err = w.signin.QuickSignIn(t.Context(), at)
			require.ErrorIs(t, err, signin.ErrNotEnrolled, "%s, %s", name, form)
			at.Signature[40] ^= 1
			_, err = w.signin.QuickSignIn(t.Context(), at)
			require.NoError(t, err, "%s, %s", name, form)
		}
	}
}

func TestOtherKeysAreNoDevices(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(p384.Public())
	require.NoError(t, err)
	for _, b := range [][]byte{nil, {4}, make([]byte, 65), der} {
		_, err := signin.ParseDeviceKey(b)
		require.ErrorIs(t, err, signin.ErrDeviceKey)
	}
	w := newWorld(t, quick)
	w.owner("tower")
	_, err = w.hands(w.in("tower").Token).Enrol(t.Context(), signin.NewEnrolment{})
	require.ErrorIs(t, err, signin.ErrDeviceKey)
}
