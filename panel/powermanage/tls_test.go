package powermanage_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

// overTCP runs a simulated server with a certificate of its own on a TCP port.
func overTCP(t *testing.T) (sim *powermanagesim.Server, to panel.Target, cert *x509.Certificate) {
	t.Helper()
	own, err := powermanagesim.Certificate("127.0.0.1")
	require.NoError(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}})
	require.NoError(t, err)
	sim = powermanagesim.New(powermanagesim.Options{Latency: 1, Listen: func(context.Context) (net.Listener, error) { return l, nil }})
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { assert.ErrorIs(t, sim.Serve(ctx), context.Canceled) })
	t.Cleanup(func() { cancel(); work.Wait() })
	to = target()
	r := to.Routes[powermanage.Route]
	r.Addr = l.Addr().String()
	to.Routes[powermanage.Route] = r
	return sim, to, own.Leaf
}

// trusting is a transport with an authority of its own.
func trusting(c *x509.Certificate) *http.Transport {
	roots := x509.NewCertPool()
	roots.AddCert(c)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
}

// A server gets nothing secret before its certificate is trusted and is a pinned one.
//
// Rules: R248
func TestSecretsGoToTrustedAndPinnedServersOnly(t *testing.T) {
	sim, to, cert := overTCP(t)
	other, err := powermanagesim.Certificate("127.0.0.1")
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		o    powermanage.Options
		want error
	}{
		{"nobody vouches", powermanage.Options{AllowPrivate: true}, powermanage.ErrCertificate},
		{"somebody else is trusted", powermanage.Options{Transport: trusting(other.Leaf)}, powermanage.ErrCertificate},
		{"trusted, and another is pinned", powermanage.Options{Transport: trusting(cert), Pins: []powermanage.Pin{powermanage.PinOf(other.Leaf)}}, powermanage.ErrCertificate},
		{"pinned, and not trusted", powermanage.Options{AllowPrivate: true, Pins: []powermanage.Pin{powermanage.PinOf(cert)}}, powermanage.ErrCertificate},
		{"trusted", powermanage.Options{Transport: trusting(cert)}, nil},
		{"trusted and pinned", powermanage.Options{Transport: trusting(cert), Pins: []powermanage.Pin{powermanage.PinOf(other.Leaf), powermanage.PinOf(cert)}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := sim.Logins()
			s, err := powermanage.New(c.o).Open(t.Context(), to)
			if c.want != nil {
				told(t, err, panel.ErrIdentity, c.want, 0)
				assert.Equal(t, before, sim.Logins())
				return
			}
			require.NoError(t, err)
			require.NoError(t, s.Close())
		})
	}
}

// A dialer for TLS of the host's own does not get around the pins.
//
// Rules: R248
func TestPinsCannotBeGoneAround(t *testing.T) {
	sim, to, cert := overTCP(t)
	other, err := powermanagesim.Certificate("127.0.0.1")
	require.NoError(t, err)
	transport := trusting(cert)
	transport.DialTLSContext = (&tls.Dialer{Config: transport.TLSClientConfig}).DialContext
	d := powermanage.New(powermanage.Options{Transport: transport, Pins: []powermanage.Pin{powermanage.PinOf(other.Leaf)}})
	_, err = d.Open(t.Context(), to)
	told(t, err, panel.ErrIdentity, powermanage.ErrCertificate, 0)
	assert.Zero(t, sim.Logins())
}

// Routes that users enter do not reach into the host's own network unless it says so.
//
// Rules: R248
func TestPrivateAddressesNeedTheHostsWord(t *testing.T) {
	sim, to, _ := overTCP(t)
	d := powermanage.New(powermanage.Options{})
	for _, a := range []string{to.Routes[powermanage.Route].Addr, "10.0.0.1:443", "169.254.1.1:443", "192.168.1.1:443", "[::1]:443", "[fe80::1]:443", "[fd00::1]:443", "0.0.0.0:443", "[::ffff:127.0.0.1]:443"} {
		r := to.Routes[powermanage.Route]
		r.Addr = a
		to.Routes[powermanage.Route] = r
		_, err := d.Open(t.Context(), to)
		told(t, err, panel.ErrUnreachable, powermanage.ErrAddress, 0)
	}
	assert.Zero(t, sim.Logins())
}
