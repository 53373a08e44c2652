package qolsys

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/internal/iqremote"
)

// Names of the blocks and of the header that [PairingSecret] holds.
const (
	blockKey         = "PRIVATE KEY"
	blockCertificate = "CERTIFICATE"
	headerRemote     = "Remote"
)

// pairing is [PairingSecret] taken apart: the remote's address, its key with its
// certificate, and the panel's authority.
type pairing struct {
	remote    string
	own       tls.Certificate
	authority *x509.Certificate
}

// sealPairing makes the secret: the key (PKCS 8, with the address as a header), the
// remote's certificate, the authority's. They are one secret because they are worth
// something only together, and because the authority must not be exchangeable by whoever
// can write to the store.
func sealPairing(remote string, key, own, authority []byte) panel.Secret {
	var b []byte
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: blockKey, Headers: map[string]string{headerRemote: remote}, Bytes: key})...)
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: own})...)
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: authority})...)
	return panel.SecretOf(b)
}

// openPairing reads the secret. Whatever is wrong with it is [ErrPairing]; no part of it is
// in the error.
func openPairing(s panel.Secret) (pairing, error) {
	bad := func() (pairing, error) { return pairing{}, fmt.Errorf("%w: %w", panel.ErrSecret, ErrPairing) }
	rest := []byte(s.Reveal())
	defer clear(rest)
	var blocks [3]*pem.Block
	for i, kind := range []string{blockKey, blockCertificate, blockCertificate} {
		if blocks[i], rest = pem.Decode(rest); blocks[i] == nil || blocks[i].Type != kind {
			return bad()
		}
	}
	remote, err := iqremote.ParseMAC(blocks[0].Headers[headerRemote])
	if err != nil {
		return bad()
	}
	key, err := x509.ParsePKCS8PrivateKey(blocks[0].Bytes)
	if err != nil {
		return bad()
	}
	authority, err := x509.ParseCertificate(blocks[2].Bytes)
	if err != nil {
		return bad()
	}
	return pairing{
		remote:    remote,
		own:       tls.Certificate{Certificate: [][]byte{blocks[1].Bytes}, PrivateKey: key},
		authority: authority,
	}, nil
}
