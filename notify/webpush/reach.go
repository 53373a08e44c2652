package webpush

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Reach is where endpoints may lie. An app chooses its endpoint, so without bounds it could
// have this program talk to the host's own network.
type Reach struct {
	// Private lets endpoints lie on any address and port: for a push service of the host's
	// own.
	Private bool
	// Roots sign the push services' certificates; nil: the system's.
	Roots *x509.CertPool
}

var errPrivate = fault.New(fault.Denied, "webpush: not a public address")

// client makes connections to where they may go. The address is judged when the connection
// is made, after the name was looked up for it: a name that says something else the next
// time gains nothing. Redirections are not followed, and no proxy is asked.
func (r Reach) client() *http.Client {
	d := &net.Dialer{Timeout: 10 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !r.Private && !Public(to.Addr()) {
			return errPrivate
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.Roots},
			IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// reserved are the blocks of addresses that no public service has, and those behind which
// another address hides (IANA's special-purpose registries, RFC 6890).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"),
}

// global is where the public addresses of IPv6 are.
var global = netip.MustParsePrefix("2000::/3")

// Public reports whether an address is one that anybody on the internet can have.
func Public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !global.Contains(a) {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
