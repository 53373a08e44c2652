package webpush

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"net/mail"
	"net/url"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/notify"
)

// NewKey makes a host's key. Keep it: apps register with its public half.
func NewKey() (notify.Secret, error) {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return notify.Secret{}, err
	}
	return notify.NewSecret(base64.RawURLEncoding.EncodeToString(k.Bytes())), nil
}

// publicOf returns the public half of a key.
func publicOf(s notify.Secret) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s.Reveal())
	if err != nil {
		return "", err
	}
	k, err := ecdh.P256().NewPrivateKey(raw)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes()), nil
}

// contact reports whether s is a bare mail address or an https URL.
func contact(s string) bool {
	if strings.HasPrefix(s, "https:") {
		u, err := url.Parse(s)
		return err == nil && u.Host != ""
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}
