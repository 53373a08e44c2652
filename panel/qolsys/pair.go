package qolsys

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/internal/iqremote"
)

// Announcement is what a panel looks for on its network while somebody pairs it: a
// service of DNS-SD.
type Announcement struct {
	Instance string // "NsdPairService"
	Service  string // "_http._tcp"
	Domain   string // "local."
	Port     int
}

// PairOptions of [Pair].
type PairOptions struct {
	// Announce lets panels find us, until what it returns is closed; required. Package
	// panel/qolsys/announce has one over multicast DNS.
	Announce func(ctx context.Context, a Announcement) (io.Closer, error)
	// Listen opens the port that panels call; nil takes a free TCP port. The listener's
	// address must have a port.
	Listen func(ctx context.Context) (net.Listener, error)
	// Panel is the address of the only panel that may pair, as its settings show it; ""
	// takes the first that calls. Then somebody has to compare [Paired.Panel].
	Panel string
	// Remote is our own address from an earlier pairing, which keeps its place among the
	// few remotes that a panel takes; "" invents one.
	Remote string
	// Window is how long panels may call; zero: three minutes.
	Window time.Duration
}

// Paired is what pairing gave. Show Panel and Authority to somebody who can see the panel
// before the secret is stored.
type Paired struct {
	Panel     string       // the panel's address, its identity in panel.Target
	Remote    string       // our address
	Authority string       // SHA-256 of the authority's certificate, in hexadecimal digits
	Secret    panel.Secret // the route's [PairingSecret]
}

const (
	attempts  = 16               // strangers who may call in one window
	oneTalk   = 20 * time.Second // for one of them
	keyBits   = 2048
	validDays = 3650
)

// Pair opens a window in which one panel may take us as a remote: it announces, waits for
// the panel to call, gives it our signing request, and takes the certificates. Whoever
// calls and is not a panel, or another one than expected, is sent away; whoever calls
// second waits. Nothing is left open afterwards. Errors are [ErrNotPaired],
// [ErrAnnounce], [ErrPairing] for an address that is none, [panel.ErrUnreachable] where
// nobody could call, and what ended ctx.
func Pair(ctx context.Context, o PairOptions) (Paired, error) {
	if o.Announce == nil {
		return Paired{}, ErrAnnounce
	}
	if o.Window == 0 {
		o.Window = 3 * time.Minute
	}
	if o.Listen == nil {
		o.Listen = func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", ":0")
		}
	}
	h, err := newHost(o)
	if err != nil {
		return Paired{}, err
	}
	window, cancel := context.WithTimeoutCause(ctx, o.Window, ErrNotPaired)
	defer cancel()
	listener, err := o.Listen(window)
	if err != nil {
		return Paired{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	defer func() { _ = listener.Close() }()
	port, err := portOf(listener)
	if err != nil {
		return Paired{}, err
	}
	sign, err := o.Announce(window, Announcement{Instance: "NsdPairService", Service: "_http._tcp", Domain: "local.", Port: port})
	if err != nil {
		return Paired{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	defer func() { _ = sign.Close() }()
	stop := context.AfterFunc(window, func() { _ = listener.Close() })
	defer stop()
	return h.receive(window, listener)
}

func portOf(l net.Listener) (int, error) {
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("%w: the listener has no port", panel.ErrUnreachable)
	}
	return a.Port, nil
}

// receive takes callers one after the other until one of them is the panel.
func (h *host) receive(window context.Context, listener net.Listener) (Paired, error) {
	for range attempts {
		conn, err := listener.Accept()
		if err != nil {
			if window.Err() != nil {
				return Paired{}, context.Cause(window)
			}
			return Paired{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
		}
		talk, cancel := context.WithTimeout(window, oneTalk)
		p, err := h.talk(talk, conn)
		cancel()
		if err == nil {
			return p, nil
		}
	}
	return Paired{}, fmt.Errorf("%w: too many callers were no panel", ErrNotPaired)
}

// host is our side of a pairing.
type host struct {
	want   string // the only panel, "" any
	remote string
	key    *rsa.PrivateKey
	csr    []byte // PEM
	server tls.Certificate
}

func newHost(o PairOptions) (*host, error) {
	h := &host{remote: iqremote.NewMAC()}
	var err error
	if o.Remote != "" {
		if h.remote, err = iqremote.ParseMAC(o.Remote); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPairing, err)
		}
	}
	if o.Panel != "" {
		if h.want, err = iqremote.ParseMAC(o.Panel); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPairing, err)
		}
	}
	if h.key, err = rsa.GenerateKey(rand.Reader, keyBits); err != nil {
		return nil, err
	}
	name, err := subject()
	if err != nil {
		return nil, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: name, SignatureAlgorithm: x509.SHA256WithRSA}, h.key)
	if err != nil {
		return nil, err
	}
	h.csr = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})
	now := time.Now()
	self := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), RawSubject: name, SignatureAlgorithm: x509.SHA256WithRSA,
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, validDays), BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, self, self, &h.key.PublicKey, h.key)
	if err != nil {
		return nil, err
	}
	h.server = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: h.key}
	return h, nil
}

// subject is the name that panels were seen to take, in its order, the empty place and
// the space at the end included.
func subject() ([]byte, error) {
	var name pkix.RDNSequence
	for _, part := range []struct {
		id   int
		text string
	}{{6, "US"}, {8, "SanJose"}, {7, ""}, {10, "Qolsys Inc."}, {3, "www.qolsys.com "}} {
		name = append(name, pkix.RelativeDistinguishedNameSET{{Type: asn1.ObjectIdentifier{2, 5, 4, part.id}, Value: part.text}})
	}
	return asn1.Marshal(name)
}

// talk is the conversation with one caller.
func (h *host) talk(ctx context.Context, conn net.Conn) (Paired, error) {
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c := tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{h.server}})
	if err := c.HandshakeContext(ctx); err != nil {
		return Paired{}, err
	}
	mac, err := iqremote.ReadMAC(c)
	if err != nil {
		return Paired{}, err
	}
	if h.want != "" && mac != h.want {
		return Paired{}, panel.ErrIdentity
	}
	if _, err := c.Write(iqremote.Reply(h.remote, h.csr)); err != nil {
		return Paired{}, err
	}
	r := bufio.NewReader(c)
	own, err := h.certificate(r)
	if err != nil {
		return Paired{}, err
	}
	authority, err := h.certificate(r)
	if err != nil {
		return Paired{}, err
	}
	return h.conclude(mac, own, authority)
}

func (h *host) certificate(r *bufio.Reader) (*x509.Certificate, error) {
	text, err := iqremote.ReadCertificate(r)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, iqremote.ErrForm
	}
	return x509.ParseCertificate(block.Bytes)
}

var errForeign = errors.New("qolsys: the certificate is not for our key, or not the authority's")

// conclude checks that the certificates belong together and to our key.
func (h *host) conclude(mac string, own, authority *x509.Certificate) (Paired, error) {
	if !h.key.PublicKey.Equal(own.PublicKey) || signedBy(own, authority) != nil {
		return Paired{}, errForeign
	}
	key, err := x509.MarshalPKCS8PrivateKey(h.key)
	if err != nil {
		return Paired{}, err
	}
	defer clear(key)
	sum := sha256.Sum256(authority.Raw)
	return Paired{
		Panel: mac, Remote: h.remote, Authority: strings.ToUpper(hex.EncodeToString(sum[:])),
		Secret: sealPairing(h.remote, key, own.Raw, authority.Raw),
	}, nil
}
