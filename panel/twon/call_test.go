package twon_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// A wrong password is presented exactly once, when a session is opened or in its midst,
// and never again by that session.
func TestAWrongPasswordIsPresentedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{Password: "another-password"})
		_, err := r.driver.Open(t.Context(), target())
		require.ErrorIs(t, err, panel.ErrSecret)
		assert.Equal(t, 1, r.sim.Presented())
		assert.NotContains(t, err.Error(), twonsim.DefaultPassword)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		s := r.open()
		before := r.sim.Presented()
		r.sim.Fault(paneltest.Fault{Do: paneltest.WrongSecret, Times: 9})
		for range 3 {
			outs, err := apply(t, s, edit(t, panel.Create, 1, "4871"))
			require.ErrorIs(t, err, panel.ErrSecret)
			require.Empty(t, outs, "nothing was carried out")
		}
		assert.Equal(t, before+1, r.sim.Presented())
	})
}

// The account is not presented to a device with another serial number.
//
// Rules: R248
func TestAnotherDeviceGetsNoAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{Serial: "54-9999-9999"})
		_, err := r.driver.Open(t.Context(), target())
		require.ErrorIs(t, err, panel.ErrIdentity)
		assert.Zero(t, r.sim.Presented())
	})
}

// behindTLS serves a simulator on a real port with a certificate of its own and returns
// its address and fingerprint.
func behindTLS(t *testing.T, sim func(func() (net.Listener, error)) *twonsim.Device) (d *twonsim.Device, at, pin string, roots *tls.Config) {
	t.Helper()
	unused := httptest.NewUnstartedServer(http.NotFoundHandler())
	unused.StartTLS()
	t.Cleanup(unused.Close)
	conf := &tls.Config{Certificates: unused.TLS.Certificates, MinVersion: tls.VersionTLS12}
	l, err := tls.Listen("tcp", "127.0.0.1:0", conf)
	require.NoError(t, err)
	d = sim(func() (net.Listener, error) { return l, nil })
	serve(t, d)
	sum := sha256.Sum256(unused.Certificate().Raw)
	trusting := unused.Client().Transport.(*http.Transport).TLSClientConfig
	return d, l.Addr().String(), hex.EncodeToString(sum[:]), trusting
}

// On a real port behind TLS: the pinned certificate is taken, unsigned as it is, and
// nothing is presented to another one, or to one that nobody vouches for.
//
// Rules: R248
func TestCertificates(t *testing.T) {
	sim, at, pin, roots := behindTLS(t, func(listen func() (net.Listener, error)) *twonsim.Device {
		return twonsim.New(twonsim.Options{Listen: listen})
	})
	colons := strings.ToUpper(pin[:2] + ":" + pin[2:])
	wrong := strings.Repeat("ab", sha256.Size)
	for name, c := range map[string]struct {
		pin  string
		conf *tls.Config
		want error
	}{
		"pinned":                 {pin: pin},
		"as browsers show it":    {pin: colons},
		"another one":            {pin: wrong, want: twon.ErrCertificate},
		"another one, vouched":   {pin: wrong, conf: roots, want: twon.ErrCertificate},
		"not a fingerprint":      {pin: "abcd", want: twon.ErrPin},
		"nobody vouches":         {want: panel.ErrIdentity},
		"somebody vouches":       {conf: roots},
		"pinned, nobody vouches": {pin: pin, conf: &tls.Config{MinVersion: tls.VersionTLS12}},
	} {
		t.Run(name, func(t *testing.T) {
			where := target()
			route := where.Routes[twon.Route]
			route.Addr = at
			if c.pin != "" {
				route.Secrets[twon.PinSecret] = panel.SecretOf(c.pin)
			}
			where.Routes[twon.Route] = route
			before := sim.Presented()
			s, err := twon.New(twon.Options{TLS: c.conf}).Open(t.Context(), where)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
				require.ErrorIs(t, err, panel.ErrIdentity)
				assert.Equal(t, before, sim.Presented())
				return
			}
			require.NoError(t, err)
			outs, err := apply(t, s, edit(t, panel.Replace, 1, "4871"))
			require.NoError(t, err)
			assert.Equal(t, both, outs[uuid(1)].Done)
			require.NoError(t, s.Close())
		})
	}
}

// tap keeps what goes over a network.
type tap struct {
	network *paneltest.Network
	mu      sync.Mutex
	heard   strings.Builder
}

type tapped struct {
	net.Conn
	tap *tap
}

func (c tapped) Write(b []byte) (int, error) {
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	c.tap.heard.Write(b)
	return c.Conn.Write(b)
}

func (p *tap) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := p.network.DialContext(ctx, network, addr)
	return tapped{conn, p}, err
}

// The password leaves as a digest only, and codes never without one: not in an address,
// not in a request that nobody has signed.
//
// Rules: R39
func TestWhatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		p := &tap{network: r.network}
		s, err := twon.New(twon.Options{Plain: true, Dial: p.dial}).Open(t.Context(), target())
		require.NoError(t, err)
		_, err = apply(t, s, edit(t, panel.Create, 1, "4871"), edit(t, panel.Replace, 2, "4872"))
		require.NoError(t, err)
		list(t, s, panel.Query{All: true})
		require.NoError(t, s.Close())
		heard := p.heard.String()
		assert.NotContains(t, heard, twonsim.DefaultPassword)
		signed := 0
		for q := range strings.SplitSeq(heard, " HTTP/1.1\r\n") {
			if strings.Contains(q, `"4871"`) || strings.Contains(q, `"4872"`) {
				signed++
				assert.Contains(t, q, "Authorization: Digest")
			}
		}
		assert.Equal(t, 2, signed)
		for line := range strings.SplitSeq(heard, "\r\n") {
			if strings.HasPrefix(line, "PUT ") || strings.HasPrefix(line, "POST ") {
				assert.NotContains(t, line, "487")
			}
		}
	})
}

// peer answers every request with one status, header and body.
func peer(t *testing.T, network *paneltest.Network, answer string) {
	l, err := network.Listen(addr)
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				buf := make([]byte, 4096)
				if _, err := conn.Read(buf); err == nil {
					_, _ = conn.Write([]byte(answer))
				}
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	synctest.Wait()
}

func TestEachAnswerHasItsLineError(t *testing.T) {
	head := func(status, header, body string) string {
		return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + header + "\r\n" + body
	}
	for name, c := range map[string]struct {
		answer string
		want   error
		also   error
		after  time.Duration
	}{
		"forbidden":          {head("403 Forbidden", "", ""), panel.ErrSecret, twon.ErrPrivileges, 0},
		"privileges":         {head("200 OK", "", `{"success":false,"error":{"code":10}}`), panel.ErrSecret, twon.ErrPrivileges, 0},
		"service off":        {head("200 OK", "", `{"success":false,"error":{"code":8}}`), panel.ErrProtocol, twon.ErrService, 0},
		"no such function":   {head("200 OK", "", `{"success":false,"error":{"code":1}}`), panel.ErrProtocol, twon.ErrService, 0},
		"not found":          {head("404 Not Found", "", ""), panel.ErrProtocol, twon.ErrService, 0},
		"busy":               {head("503 Service Unavailable", "Retry-After: 7\r\n", ""), panel.ErrBusy, nil, 7 * time.Second},
		"busy, no time":      {head("503 Service Unavailable", "", ""), panel.ErrBusy, nil, 0},
		"locked out":         {head("429 Too Many Requests", "Retry-After: 60\r\n", ""), panel.ErrBlocked, nil, time.Minute},
		"locked out for aye": {head("429 Too Many Requests", "Retry-After: 99999999999\r\n", ""), panel.ErrBlocked, nil, time.Hour},
		"basic":              {head("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""), panel.ErrProtocol, twon.ErrDigest, 0},
		"no challenge":       {head("401 Unauthorized", "", ""), panel.ErrProtocol, twon.ErrDigest, 0},
		"odd digest":         {head("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=ROT13\r\n", ""), panel.ErrProtocol, twon.ErrDigest, 0},
		"always stale":       {head("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\", stale=true\r\n", ""), panel.ErrSecret, nil, 0},
		"elsewhere":          {head("302 Found", "Location: http://10.0.0.99/\r\n", ""), panel.ErrProtocol, nil, 0},
		"server error":       {head("500 Internal Server Error", "", ""), panel.ErrProtocol, nil, 0},
		"no success":         {head("200 OK", "", `{}`), panel.ErrProtocol, nil, 0},
		"another result":     {head("200 OK", "", `{"success":true,"result":[1]}`), panel.ErrProtocol, nil, 0},
		"cut short":          {head("200 OK", "Content-Length: 900\r\n", `{"success":true`), panel.ErrUnreachable, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := new(paneltest.Network)
				peer(t, network, c.answer)
				_, err := twon.New(twon.Options{Plain: true, Dial: network.DialContext}).Open(t.Context(), target())
				require.ErrorIs(t, err, c.want)
				if c.also != nil {
					require.ErrorIs(t, err, c.also)
				}
				var later *panel.Later
				if c.after > 0 {
					require.ErrorAs(t, err, &later)
					require.Equal(t, c.after, later.After)
				} else {
					require.NotErrorAs(t, err, &later)
				}
			})
		})
	}
}

// A write that a device cannot finish in time is not begun.
func TestNoWriteIsBegunNearTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, twon.Options{}, twonsim.Options{})
		s := r.open()
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		for o, err := range s.Apply(ctx, []panel.Edit{edit(t, panel.Create, 1, "4871")}) {
			require.Zero(t, o.Unsure)
			require.ErrorIs(t, err, panel.ErrTimeout)
		}
		assert.Zero(t, r.sim.Asked("/api/dir/create"))
	})
}
