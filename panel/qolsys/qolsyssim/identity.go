package qolsyssim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what panels sign with
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// Identity is what stays of a panel over restarts: its address, its authority, the key of
// its broker, and the remotes that it has paired. Making one costs about a second, so that
// tests share one among many panels.
type Identity struct {
	MAC       string
	authority *rsa.PrivateKey
	root      []byte // the authority's own certificate
	broker    *rsa.PrivateKey
	leaf      tls.Certificate // signed with SHA-1, as panels do
	modern    tls.Certificate // the same key, signed with SHA-256

	mu      sync.Mutex
	serial  int64
	deleted bool // every remote was deleted
}

// NewIdentity makes a panel's keys. mac is the panel's address, "AA:BB:CC:DD:EE:FF".
func NewIdentity(mac string) (*Identity, error) {
	id := &Identity{MAC: mac, serial: 1}
	var err error
	if id.authority, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	if id.broker, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	// Panels' authorities lack the constraint that would name them one.
	if id.root, err = id.sign("Qolsys CA", x509.SHA1WithRSA, &id.authority.PublicKey); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		to  *tls.Certificate
		how x509.SignatureAlgorithm
	}{{&id.leaf, x509.SHA1WithRSA}, {&id.modern, x509.SHA256WithRSA}} {
		der, err := id.sign("www.qolsys.com", c.how, &id.broker.PublicKey)
		if err != nil {
			return nil, err
		}
		*c.to = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: id.broker}
	}
	return id, nil
}

// As is a panel with the same keys under another address.
func (id *Identity) As(mac string) *Identity {
	return &Identity{MAC: mac, authority: id.authority, root: id.root, broker: id.broker, leaf: id.leaf, modern: id.modern}
}

// sign makes a certificate.
func (id *Identity) sign(name string, how x509.SignatureAlgorithm, key *rsa.PublicKey) ([]byte, error) {
	id.mu.Lock()
	id.serial++
	serial := id.serial
	id.mu.Unlock()
	subject := func(cn string) pkix.Name {
		return pkix.Name{Country: []string{"US"}, Organization: []string{"Qolsys Inc."}, CommonName: cn}
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), SignatureAlgorithm: how, Subject: subject(name),
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	parent := &x509.Certificate{Subject: subject("Qolsys CA"), SignatureAlgorithm: how}
	return x509.CreateCertificate(rand.Reader, c, parent, key, id.authority)
}

// certify answers a signing request in PEM with a certificate and the authority's, in PEM.
func (id *Identity) certify(request []byte) (own, authority []byte, err error) {
	block, _ := pem.Decode(request)
	if block == nil {
		return nil, nil, fmt.Errorf("%w: no signing request", errPairing)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, ok := csr.PublicKey.(*rsa.PublicKey)
	if err := csr.CheckSignature(); err != nil || !ok {
		return nil, nil, fmt.Errorf("%w: bad signing request", errPairing)
	}
	der, err := id.sign("remote", x509.SHA1WithRSA, key)
	if err != nil {
		return nil, nil, err
	}
	text := func(der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return text(der), text(id.root), nil
}

// signed judges a remote's certificate.
func (id *Identity) signed(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return errUnpaired
	}
	c := cs.PeerCertificates[0]
	sum := sha1.Sum(c.RawTBSCertificate) //nolint:gosec // what panels sign with
	if err := rsa.VerifyPKCS1v15(&id.authority.PublicKey, crypto.SHA1, sum[:], c.Signature); err != nil {
		return errUnpaired
	}
	return nil
}

// unpaired reports whether every remote was deleted.
func (id *Identity) unpaired() bool {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.deleted
}

// DeleteRemotes is somebody at the panel who deletes every paired remote; with false it
// takes that back.
func (id *Identity) DeleteRemotes(deleted bool) {
	id.mu.Lock()
	defer id.mu.Unlock()
	id.deleted = deleted
}
