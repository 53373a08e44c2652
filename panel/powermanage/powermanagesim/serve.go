package powermanagesim

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxRequest bounds what a client may send.
const maxRequest = 64 << 10

// ServeHTTP answers one request, for a server of one's own. Faults of messages happen in
// [Server.Serve] only.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.answer(read(r))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.encode()) //nolint:gosec // JSON, typed as such, for clients that are no browsers
}

// Serve answers on the listener of [Options.Listen] until ctx ends, one request on each
// connection.
func (s *Server) Serve(ctx context.Context) error {
	l, err := s.listen(ctx)
	if err != nil {
		return err
	}
	var talks sync.WaitGroup
	defer talks.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		talks.Go(func() {
			defer func() { _ = conn.Close() }()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			s.talk(conn)
		})
	}
}

// talk answers one connection, and leaves it to the client to close it.
func (s *Server) talk(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	a := s.answer(read(r))
	if s.faults.Send(conn, wire(a), a.wrote) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(in, maxRequest))
}

// read takes a request apart.
func read(r *http.Request) call {
	defer func() { _ = r.Body.Close() }()
	c := call{
		method: r.Method, path: r.URL.Path, query: r.URL.Query().Get("process_tokens"),
		user: r.Header.Get("User-Token"), session: r.Header.Get("Session-Token"),
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil || json.Unmarshal(raw, &c.body) != nil {
		c.body = nil // a call that needs a body finds nothing in it
	}
	return c
}

// wire is an answer as bytes.
func wire(a reply) []byte {
	body := a.encode()
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		a.status, http.StatusText(a.status), len(body), body)
}

// Certificate makes a certificate that signs itself, for names or addresses of hosts. It
// is valid from 1999 to 2099, also for tests whose clock begins in 2000.
func Certificate(hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "powermanagesim"},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			about.IPAddresses = append(about.IPAddresses, ip)
		} else {
			about.DNSNames = append(about.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
