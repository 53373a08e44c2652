package twon

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

const (
	// maxHead bounds the head of an answer.
	maxHead = 64 << 10
	// maxBody bounds an answer: 10,000 entries with everything in them are a third of it.
	maxBody = 32 << 20
	// maxWait bounds how long a device may ask us to stay away.
	maxWait = time.Hour
)

// caller sends requests to one device and signs in. Each request has a connection of its
// own: what comes too late, or twice, can then be taken for no other's answer.
type caller struct {
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	tls      *tls.Config // nil: none
	host     string
	user     panel.Secret
	password panel.Secret
	patience time.Duration

	mu        sync.Mutex
	challenge *digest.Challenge // of the last 401
	uses      int
	refused   bool // our account was refused: it is not presented again
}

func newCaller(o Options, r panel.Route) (*caller, error) {
	c := &caller{
		dial: o.Dial, host: r.Addr, user: r.Secrets[UserSecret],
		password: r.Secrets[PasswordSecret], patience: o.Patience,
	}
	port := "443"
	if o.Plain {
		port = "80"
	}
	if _, _, err := net.SplitHostPort(c.host); err != nil {
		c.host = net.JoinHostPort(strings.Trim(c.host, "[]"), port)
	}
	conf := o.TLS.Clone()
	if pin := r.Secrets[PinSecret]; !pin.IsZero() {
		want, err := hex.DecodeString(strings.ReplaceAll(pin.Reveal(), ":", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, fmt.Errorf("%w: %w", panel.ErrIdentity, ErrPin)
		}
		conf.InsecureSkipVerify = true // the certificate is compared with the pinned one instead
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return ErrCertificate
			}
			if got := sha256.Sum256(s.PeerCertificates[0].Raw); !bytes.Equal(got[:], want) {
				return ErrCertificate
			}
			return nil
		}
	}
	if name, _, err := net.SplitHostPort(c.host); err == nil && !o.Plain {
		conf.ServerName = name
		c.tls = conf
	}
	return c, nil
}

// request is one call of the API.
type request struct {
	method string
	path   string
	query  string
	body   any // sent as JSON; nil: none
}

// reply is an answer with a status other than 401.
type reply struct {
	status int
	after  time.Duration // how long the device asks us to wait
	body   []byte
}

// call sends a request and returns its result. An account that is refused is presented
// once. left says that the request may have arrived whole and been carried out, although
// there is an error.
func (c *caller) call(ctx context.Context, q request) (result []byte, left bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, panel.ErrTimeout)
	defer cancel()
	var body []byte
	if q.body != nil {
		if body, err = json.Marshal(q.body); err != nil {
			return nil, false, fmt.Errorf("%w: a request has no JSON", panel.ErrProtocol)
		}
	}
	for stale := false; ; stale = true {
		sign, err := c.sign(q)
		if err != nil {
			return nil, false, err
		}
		r, challenge, left, err := c.send(ctx, q, body, sign)
		switch {
		case err != nil:
			return nil, left, failure(ctx, err)
		case r != nil:
			result, left, err = r.result()
			return result, left, err
		}
		if err := c.challenged(challenge, sign != "", stale); err != nil {
			return nil, false, err
		}
	}
}

// send makes one attempt on a connection of its own. It returns a reply, or the challenge
// of a 401.
func (c *caller) send(ctx context.Context, q request, body []byte, sign string) (_ *reply, _ *digest.Challenge, left bool, err error) {
	uri := q.path
	if q.query != "" {
		uri += "?" + q.query
	}
	hr, err := http.NewRequestWithContext(ctx, q.method, "http://"+c.host+uri, bytes.NewReader(body))
	if err != nil {
		return nil, nil, false, err
	}
	hr.Close = true
	if q.body != nil {
		hr.Header.Set("Content-Type", "application/json")
	}
	if sign != "" {
		hr.Header.Set("Authorization", sign)
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := hr.Write(conn); err != nil {
		return nil, nil, true, err
	}
	in := &io.LimitedReader{R: conn, N: maxHead}
	resp, err := http.ReadResponse(bufio.NewReader(in), hr)
	if err != nil {
		return nil, nil, true, endless(in, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusUnauthorized {
		challenge, err := digest.FindChallenge(resp.Header)
		if err != nil || !digest.CanDigest(challenge) {
			return nil, nil, false, fmt.Errorf("%w: %w", panel.ErrProtocol, ErrDigest)
		}
		return nil, challenge, false, nil
	}
	r := &reply{status: resp.StatusCode}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		r.after = min(time.Duration(min(s, 1<<20))*time.Second, maxWait)
	}
	if r.status == http.StatusOK {
		in.N = maxBody
		if r.body, err = io.ReadAll(resp.Body); err != nil {
			return nil, nil, true, endless(in, err)
		}
	}
	return r, nil, false, nil
}

// endless says that an answer ended because it was longer than any.
func endless(in *io.LimitedReader, err error) error {
	if in.N > 0 {
		return err
	}
	return fmt.Errorf("%w: an endless answer", panel.ErrProtocol)
}

// connect dials and, unless the line is plain, shakes hands.
func (c *caller) connect(ctx context.Context) (net.Conn, error) {
	conn, err := c.dial(ctx, "tcp", c.host)
	if err != nil || c.tls == nil {
		return conn, err
	}
	secured := tls.Client(conn, c.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

// sign is the Authorization of a request, "" as long as nobody has asked for one.
func (c *caller) sign(q request) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.refused:
		return "", panel.ErrSecret
	case c.challenge == nil:
		return "", nil
	}
	c.uses++
	uri := q.path
	if q.query != "" {
		uri += "?" + q.query
	}
	cred, err := digest.Digest(c.challenge, digest.Options{
		Method: q.method, URI: uri, Count: c.uses, Username: c.user.Reveal(), Password: c.password.Reveal(),
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", panel.ErrProtocol, ErrDigest)
	}
	return cred.String(), nil
}

// challenged takes a 401 in. A signed request is repeated only where the device says that
// nothing but its nonce was stale, and that once.
func (c *caller) challenged(challenge *digest.Challenge, signed, again bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if signed && (again || !challenge.Stale) {
		c.refused = true
		return panel.ErrSecret
	}
	c.challenge, c.uses = challenge, 0
	return nil
}

// result reads what a device answered.
func (r *reply) result() (result []byte, left bool, err error) {
	wait := func(err error) error {
		if r.after > 0 {
			return &panel.Later{After: r.after, Err: err}
		}
		return err
	}
	switch r.status {
	case http.StatusOK:
	case http.StatusServiceUnavailable:
		return nil, false, wait(panel.ErrBusy)
	case http.StatusTooManyRequests:
		return nil, false, wait(panel.ErrBlocked)
	case http.StatusForbidden:
		return nil, false, fmt.Errorf("%w: %w", panel.ErrSecret, ErrPrivileges)
	case http.StatusNotFound:
		return nil, false, fmt.Errorf("%w: %w", panel.ErrProtocol, ErrService)
	default:
		return nil, true, fmt.Errorf("%w: status %d", panel.ErrProtocol, r.status)
	}
	var e envelope
	if json.Unmarshal(r.body, &e) != nil || !e.Success && e.Error.Code == 0 {
		return nil, true, fmt.Errorf("%w: no answer of the API", panel.ErrProtocol)
	}
	if e.Success {
		return e.Result, true, nil
	}
	switch e.Error.Code {
	case codeForbidden, codePrivileges:
		return nil, false, fmt.Errorf("%w: %w", panel.ErrSecret, ErrPrivileges)
	case codeUnsupported, codeDisabled:
		return nil, false, fmt.Errorf("%w: %w", panel.ErrProtocol, ErrService)
	}
	return nil, false, fmt.Errorf("%w: error %d", panel.ErrProtocol, e.Error.Code)
}

// failure is the line error of a request that got no answer. A peer's words are not
// repeated: they may be anybody's.
func failure(ctx context.Context, err error) error {
	var op *net.OpError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return cause
	case errors.Is(err, panel.ErrProtocol):
		return err
	case errors.Is(err, ErrCertificate):
		return fmt.Errorf("%w: %w", panel.ErrIdentity, ErrCertificate)
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid):
		return fmt.Errorf("%w: the certificate is not trusted", panel.ErrIdentity)
	case errors.As(err, &op):
		return fmt.Errorf("%w: %w", panel.ErrUnreachable, op)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the connection ended", panel.ErrUnreachable)
	}
	return fmt.Errorf("%w: no HTTP", panel.ErrProtocol)
}
