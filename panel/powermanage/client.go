package powermanage

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

const (
	maxBody   = 1 << 20  // bytes of an answer; a set of features takes about 25 KB
	maxHeader = 64 << 10 // bytes of an answer's header
)

// client sends requests, each over a connection of its own.
type client struct {
	wire   *http.Transport
	answer time.Duration
}

// transport is the host's, or one of our own, with what this driver relies on.
func transport(o Options) *http.Transport {
	t := &http.Transport{DialContext: dialer(o.AllowPrivate).DialContext}
	if o.Transport != nil {
		t = o.Transport.Clone()
	}
	t.DisableKeepAlives = true
	t.DisableCompression = true
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.MaxResponseHeaderBytes = maxHeader
	t.TLSHandshakeTimeout = o.Answer
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if len(o.Pins) > 0 {
		t.DialTLSContext = nil
		t.TLSClientConfig.VerifyConnection = pinned(slices.Clone(o.Pins), t.TLSClientConfig.VerifyConnection)
	}
	return t
}

// pinned adds a check of the server's key to what the host checks.
func pinned(pins []Pin, also func(tls.ConnectionState) error) func(tls.ConnectionState) error {
	return func(c tls.ConnectionState) error {
		if len(c.PeerCertificates) == 0 || !slices.Contains(pins, PinOf(c.PeerCertificates[0])) {
			return ErrCertificate
		}
		if also != nil {
			return also(c)
		}
		return nil
	}
}

// dialer calls public addresses only, unless others are allowed. The address that is
// checked is the one that is called, after its name was resolved.
func dialer(private bool) *net.Dialer {
	return &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if ip := a.Addr().Unmap(); err != nil || !private && (!ip.IsGlobalUnicast() || ip.IsPrivate()) {
			return ErrAddress
		}
		return nil
	}}
}

// base is the beginning of every URL of a server.
func base(addr string) (*url.URL, error) {
	u, err := url.Parse("https://" + addr + "/rest_api/")
	if err != nil || u.Host != addr || u.Hostname() == "" {
		return nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrAddress)
	}
	return u, nil
}

// request is one call, with the tokens that it needs.
type request struct {
	method string
	url    *url.URL
	body   any // nil: none
	tokens *tokens
}

// do sends a request and reads its answer. A no of the server is a *refusalError; other
// errors wrap a line error and leave open whether the request arrived.
func (c client) do(ctx context.Context, q request) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.answer, errSlow)
	defer cancel()
	var body io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return nil, err // bodies are plain values
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, q.url.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrAddress)
	}
	r.Header.Set("Accept", "application/json")
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.tokens != nil {
		q.tokens.put(r.Header)
	}
	a, err := c.wire.RoundTrip(r)
	if err != nil {
		return nil, broken(ctx, err)
	}
	defer func() { _ = a.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(a.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, broken(ctx, err)
	case len(raw) > maxBody:
		return nil, errAnswer()
	case a.StatusCode < 200 || a.StatusCode > 299:
		return nil, judge(a.StatusCode, a.Header, raw)
	}
	return raw, nil
}

// errSlow is the cause of a context that ended because an answer did not come.
var errSlow = fmt.Errorf("%w: no answer of the server", panel.ErrTimeout)

// broken is the error of a connection. Of its words only those are kept that cannot hold
// what a server said.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w: %w: %w", panel.ErrIdentity, ErrCertificate, bad)
	}
	if errors.Is(err, ErrCertificate) {
		return fmt.Errorf("%w: %w", panel.ErrIdentity, ErrCertificate)
	}
	if errors.Is(err, ErrAddress) {
		return fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrAddress)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%w: %w", panel.ErrUnreachable, op)
	}
	return fmt.Errorf("%w: the connection to the server broke", panel.ErrUnreachable)
}

// ended is the error of a context that is over.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, panel.ErrTimeout): // an answer did not come
		return cause
	case errors.Is(cause, ErrClosed):
		return fmt.Errorf("%w: %w", panel.ErrUnreachable, cause)
	}
	return fmt.Errorf("%w: %w", panel.ErrTimeout, cause)
}
