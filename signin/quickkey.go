package signin

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"math/big"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// ErrDeviceKey: not a public key of a kind that a device signs with.
var ErrDeviceKey = fault.New(fault.Invalid, "signin: not a device's public key").
	Hinted("Give an Ed25519 or ECDSA P-256 public key as SubjectPublicKeyInfo, or an uncompressed P-256 point.")

// DeviceKey is the public half of a key that never leaves a device: of WebCrypto, of
// Android's key store or of Apple's Secure Enclave.
type DeviceKey struct {
	pkix []byte
	key  any
}

// ParseDeviceKey reads an Ed25519 or ECDSA P-256 public key: a DER SubjectPublicKeyInfo
// (WebCrypto's "spki", Android's getEncoded), or 65 bytes, the uncompressed point that
// Apple's SecKeyCopyExternalRepresentation gives. Errors: [ErrDeviceKey].
func ParseDeviceKey(b []byte) (DeviceKey, error) {
	key, err := x509.ParsePKIXPublicKey(b)
	if err != nil {
		if key, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b); err != nil {
			return DeviceKey{}, ErrDeviceKey
		}
	}
	switch k := key.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return DeviceKey{}, ErrDeviceKey
		}
	default:
		return DeviceKey{}, ErrDeviceKey
	}
	pkix, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return DeviceKey{}, ErrDeviceKey
	}
	return DeviceKey{pkix: pkix, key: key}, nil
}

// rawSignature is the length of an ECDSA P-256 signature as WebCrypto writes it: two
// numbers of 32 bytes.
const rawSignature = 64

// signed reports whether the key has signed a message: Ed25519 over the message, ECDSA
// over its SHA-256, in DER or as two numbers.
func (k DeviceKey) signed(message, signature []byte) bool {
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		if len(signature) == rawSignature {
			r, s := new(big.Int).SetBytes(signature[:rawSignature/2]), new(big.Int).SetBytes(signature[rawSignature/2:])
			return ecdsa.Verify(key, sum[:], r, s)
		}
		return ecdsa.VerifyASN1(key, sum[:], signature)
	}
	return false
}
