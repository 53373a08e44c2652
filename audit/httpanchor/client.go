package httpanchor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of anchors that are reached by HTTP.
var (
	// ErrURL: not an https URL without a user and a fragment.
	ErrURL = fault.New(fault.Invalid, "httpanchor: not an https URL")
	// ErrAddress: the URL leads to an address that is not public.
	ErrAddress = fault.New(fault.Denied, "httpanchor: the address is not a public one").
			Hinted("Set Reach.Private if the anchor is on your own network.")
	// ErrRefused: the other side did not take the checkpoint.
	ErrRefused = fault.New(fault.Unavailable, "httpanchor: the checkpoint was not taken")
)

// Reach says how the other side is reached. The zero value: over TLS with the roots of
// the system, public addresses only, 10 s for a call.
type Reach struct {
	// Private allows loopback, link-local, private and reserved addresses.
	Private bool
	// Roots that sign the other side's certificate; nil: the system's.
	Roots *x509.CertPool
	// Timeout of a call; zero: 10 s.
	Timeout time.Duration
}

// client makes calls to one place.
type client struct {
	http    *http.Client
	timeout time.Duration
}

func (r Reach) client() client {
	if r.Timeout <= 0 {
		r.Timeout = 10 * time.Second
	}
	d := &net.Dialer{Timeout: r.Timeout, Control: func(_, address string, _ syscall.RawConn) error {
		// The address that is checked is the one that is called, after its name was resolved.
		to, err := netip.ParseAddrPort(address)
		if err != nil || !r.Private && !public(to.Addr()) {
			return ErrAddress
		}
		return nil
	}}
	return client{timeout: r.Timeout, http: &http.Client{
		Transport: &http.Transport{DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: r.Timeout, IdleConnTimeout: time.Minute,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.Roots}, MaxResponseHeaderBytes: maxAnswer},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// answer is what came back.
type answer struct {
	code int
	kind string // media type
	body []byte
}

func (c client) post(ctx context.Context, to *url.URL, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, ErrURL
	}
	q.Header = header
	r, err := c.http.Do(q)
	if err != nil {
		// A *url.Error quotes the URL, whose path may be a secret.
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if errors.Is(err, ErrAddress) {
			return answer{}, ErrAddress
		}
		return answer{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	defer func() { _ = r.Body.Close() }() // what matters was read
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return answer{code: r.StatusCode, kind: strings.TrimSpace(kind), body: text}, nil
}

// parse reads the URL of an anchor.
func parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, ErrURL
	}
	return u, nil
}

// public reports whether an address is one that anybody on the Internet can have: outside
// the blocks of IANA's special-purpose registries (RFC 6890).
func public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	if a = a.Unmap(); !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	reserved := []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"}
	within := func(block string) bool { return netip.MustParsePrefix(block).Contains(a) }
	return (a.Is4() || within("2000::/3")) && !slices.ContainsFunc(reserved, within)
}
