package webpush_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/webpush"
)

// service is a push service on loopback with the app behind it: it checks who sends
// (RFC 8292) and reads what was written for the app (RFC 8291, RFC 8188), with the standard
// library alone.
type service struct {
	t      *testing.T
	http   *httptest.Server
	app    *ecdh.PrivateKey
	auth   []byte
	public string // the host's
	door   *door

	mu     sync.Mutex
	status int
	mute   bool
	wait   chan struct{} // nil: no waiting
	texts  []string
	topics []string
}

// door is a listener that can be shut: who comes is sent away at once.
type door struct {
	net.Listener
	closed atomic.Bool
}

func (d *door) shut(closed bool) { d.closed.Store(closed) }

func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil || !d.closed.Load() {
			return c, err
		}
		_ = c.Close()
	}
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, status: http.StatusCreated, auth: make([]byte, 16)}
	_, _ = rand.Read(s.auth)
	var err error
	s.app, err = ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.take))
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // broken lines are what is tested
	s.door = &door{Listener: s.http.Listener}
	s.http.Listener = s.door
	s.http.EnableHTTP2 = true // as push services do
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	return s
}

func (s *service) pusher(private bool) *webpush.Pusher {
	s.t.Helper()
	key, err := webpush.NewKey()
	require.NoError(s.t, err)
	roots := s.http.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	p, err := webpush.New(webpush.Options{Key: key, Contact: "push@example.com", Timeout: 3 * time.Second,
		Reach: webpush.Reach{Private: private, Roots: roots}})
	require.NoError(s.t, err)
	s.public = p.PublicKey()
	return p
}

// token is what only the app and its push service know of an endpoint.
const token = "planted-registration-token"

func (s *service) subscription() string {
	enc := base64.RawURLEncoding
	return fmt.Sprintf(`{"endpoint":%q,"expirationTime":null,"keys":{"auth":%q,"p256dh":%q}}`, s.http.URL+"/send/"+token,
		enc.EncodeToString(s.auth), enc.EncodeToString(s.app.PublicKey().Bytes()))
}

func (s *service) set(status int, mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.mute = status, mute
}

func (s *service) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.texts...)
}

func (s *service) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(s.t, err)
	s.mu.Lock()
	status, mute, wait := s.status, s.mute, s.wait
	s.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-r.Context().Done():
		}
		return
	}
	if status/100 == 2 || mute {
		s.vouched(r)
		s.mu.Lock()
		s.texts = append(s.texts, s.open(body))
		s.topics = append(s.topics, r.Header.Get("Topic"))
		s.mu.Unlock()
	}
	if mute {
		panic(http.ErrAbortHandler)
	}
	if status == http.StatusTemporaryRedirect {
		w.Header().Set("Location", s.http.URL+"/elsewhere")
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "no: %s %s", r.URL, body)
}

// vouched checks the host's signature.
func (s *service) vouched(r *http.Request) {
	head, ok := strings.CutPrefix(r.Header.Get("Authorization"), "vapid t=")
	assert.True(s.t, ok)
	jwt, key, _ := strings.Cut(head, ", k=")
	assert.Equal(s.t, s.public, key)
	part := strings.Split(jwt, ".")
	if !assert.Len(s.t, part, 3) {
		return
	}
	raw := decoded(s.t, key)
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	assert.NoError(s.t, err)
	sum, sig := sha256.Sum256([]byte(part[0]+"."+part[1])), decoded(s.t, part[2])
	assert.True(s.t, ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])))
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	assert.NoError(s.t, json.Unmarshal(decoded(s.t, part[1]), &claims))
	u, err := url.Parse(s.http.URL)
	assert.NoError(s.t, err)
	assert.Equal(s.t, "https://"+u.Host, claims.Aud)
	assert.Equal(s.t, "mailto:push@example.com", claims.Sub)
	assert.LessOrEqual(s.t, time.Until(time.Unix(claims.Exp, 0)), 24*time.Hour)
	assert.Equal(s.t, "3600", r.Header.Get("TTL"))
}

// open reads a record as the app does.
func (s *service) open(body []byte) string {
	salt, size, n := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	assert.EqualValues(s.t, 4096, size)
	sender, sealed := body[21:21+n], body[21+n:]
	assert.Len(s.t, body, 4096, "every message is as long as the others")
	from, err := ecdh.P256().NewPublicKey(sender)
	assert.NoError(s.t, err)
	shared, err := s.app.ECDH(from)
	assert.NoError(s.t, err)
	info := "WebPush: info\x00" + string(s.app.PublicKey().Bytes()) + string(sender)
	ikm, err := hkdf.Key(sha256.New, shared, s.auth, info, 32)
	assert.NoError(s.t, err)
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	assert.NoError(s.t, err)
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	assert.NoError(s.t, err)
	block, err := aes.NewCipher(key)
	assert.NoError(s.t, err)
	gcm, err := cipher.NewGCM(block)
	assert.NoError(s.t, err)
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	assert.NoError(s.t, err)
	text, ok := strings.CutSuffix(strings.TrimRight(string(plain), "\x00"), "\x02")
	assert.True(s.t, ok)
	return text
}

func decoded(t *testing.T, s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	assert.NoError(t, err)
	return b
}

func notice(s *service) notify.Notice {
	return notify.Notice{ID: "n-1", Endpoint: s.subscription(), Title: "Front door", Body: "Opened at 9:00."}
}
