package qolsys

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // panels sign with nothing better; see the package comment
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"reflect"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// pin is what a route keeps of the panel's key: the digest of its public half.
func pin(c *x509.Certificate) []byte {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return sum[:]
}

// signedBy verifies a certificate's signature with the authority's key, SHA-1 included.
func signedBy(leaf, authority *x509.Certificate) error {
	if key, ok := authority.PublicKey.(*rsa.PublicKey); ok && leaf.SignatureAlgorithm == x509.SHA1WithRSA {
		sum := sha1.Sum(leaf.RawTBSCertificate) //nolint:gosec // as above
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], leaf.Signature)
	}
	return authority.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature)
}

// trust judges the certificate that a panel shows: signed by authority unless that is
// nil, and with the key that was seen first unless none is pinned yet.
func trust(authority *x509.Certificate, pinned []byte) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		if len(cs.PeerCertificates) == 0 {
			return panel.ErrIdentity
		}
		leaf := cs.PeerCertificates[0]
		if authority != nil {
			if err := signedBy(leaf, authority); err != nil {
				return fmt.Errorf("%w: not signed by the authority of the pairing", panel.ErrIdentity)
			}
		}
		if len(pinned) > 0 && !bytes.Equal(pinned, pin(leaf)) {
			return fmt.Errorf("%w: another key than in the first session", panel.ErrIdentity)
		}
		return nil
	}
}

// shake makes TLS out of a connection. The config must have a VerifyConnection.
func shake(conn net.Conn, config *tls.Config) *tls.Conn {
	config.MinVersion = tls.VersionTLS12
	config.InsecureSkipVerify = true // VerifyConnection does it, with the pinned authority and key
	return tls.Client(conn, config)
}

// lineError gives a failure of the connection its meaning.
func lineError(err error) error {
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case errors.Is(err, panel.ErrIdentity), errors.Is(err, panel.ErrSecret), errors.Is(err, panel.ErrProtocol):
		return err
	case refusesKey(err):
		return fmt.Errorf("%w: %w", panel.ErrSecret, err)
	case noTLS, errors.Is(err, ErrTooLong):
		return fmt.Errorf("%w: %w", panel.ErrProtocol, err)
	}
	return fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
}

// refusesKey reports whether the peer ended TLS with an alert about our certificate
// (RFC 8446, section 6.2). crypto/tls gives alerts over TCP a type of its own that cannot
// be named: it is a byte, which is the alert's number.
func refusesKey(err error) bool {
	remote, ok := errors.AsType[*net.OpError](err)
	if !ok || remote.Op != "remote error" {
		return false
	}
	alert := reflect.ValueOf(remote.Err)
	if alert.Kind() != reflect.Uint8 {
		return false
	}
	switch alert.Uint() {
	case 42, 43, 44, 45, 46, 48, 49, 116: // bad, unsupported, revoked, expired, unknown certificate; unknown authority; access denied; certificate required
		return true
	}
	return false
}
