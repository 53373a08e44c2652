package qolsys

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

type summaryVector struct {
	Name, Source, Line string
	OK, Armed          bool
}

func summaries(t testing.TB) []summaryVector {
	t.Helper()
	b, err := os.ReadFile("testdata/summary.json")
	require.NoError(t, err)
	var all []summaryVector
	require.NoError(t, json.Unmarshal(b, &all))
	return all
}

func TestSummaryVectors(t *testing.T) {
	for _, v := range summaries(t) {
		t.Run(v.Name, func(t *testing.T) {
			got, ok := decodeSummary([]byte(v.Line), "n-1")
			assert.Equal(t, v.OK, ok)
			assert.Equal(t, v.Armed, got.armed)
			assert.NotEmpty(t, v.Source)
		})
	}
}

// The question is the published one, and the only one: no code can be in it.
func TestQuestion(t *testing.T) {
	want := `{"action":"INFO","info_type":"SUMMARY","nonce":"qolsys","source":"C4","version":0,"token":"aB3x9Z"}` + "\n"
	assert.Equal(t, want, string(question("qolsys", panel.SecretOf("aB3x9Z"))))
}

func FuzzSummary(f *testing.F) {
	for _, v := range summaries(f) {
		f.Add([]byte(v.Line))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, ok := decodeSummary(b, "n-1"); !ok && s.armed {
			t.Fatal("a line that is no answer says something")
		}
	})
}

// pieces is a connection that delivers what it has in pieces of a given length.
type pieces struct {
	net.Conn
	b []byte
	n int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.n)], p.b)
	p.b = p.b[n:]
	return n, nil
}

func frame(length int) []byte {
	b := []byte{0x30}
	for n := length; ; n >>= 7 {
		if n < 0x80 {
			return append(append(b, byte(n)), make([]byte, length)...)
		}
		b = append(b, byte(n)|0x80)
	}
}

func TestFraming(t *testing.T) {
	ok := bytes.Join([][]byte{{0x20, 2, 0, 0}, {0x90, 4, 0, 1, 0, 0}, frame(2), frame(127), frame(128), {0xD0, 0}, frame(1000), {0x39, 2, 0, 0}}, nil)
	for _, n := range []int{1, 2, 7, 4096} {
		got, err := io.ReadAll(&framing{lost: func(error) {}, Conn: &pieces{b: ok, n: n}, limit: 1000, topics: 2})
		require.NoError(t, err)
		assert.Equal(t, ok, got)
		_, err = io.ReadAll(&framing{lost: func(error) {}, Conn: &pieces{b: append(bytes.Clone(ok), frame(1001)...), n: n}, limit: 1000, topics: 2})
		require.ErrorIs(t, err, ErrTooLong)
	}
	for _, head := range [][]byte{{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, {0x30, 0x80, 0x80, 0x80, 0x80, 0x80}} {
		_, err := io.ReadAll(&framing{lost: func(error) {}, Conn: &pieces{b: head, n: 1}, limit: 1 << 20})
		require.ErrorIs(t, err, ErrTooLong)
	}
}

// What a broker has no reason to send ends the connection before the client reads it.
func TestFramingKeepsForeignPacketsOut(t *testing.T) {
	for name, b := range map[string][]byte{
		"SUBACK with a result too many": {0x90, 5, 0, 1, 0, 0, 0},
		"SUBACK with a result too few":  {0x90, 3, 0, 1, 0},
		"CONNACK that is short":         {0x20, 1, 0},
		"CONNECT":                       {0x10, 2, 0, 0},
		"PUBLISH of quality 1":          {0x32, 4, 0, 0, 0, 1},
		"PUBLISH of quality 2":          {0x34, 4, 0, 0, 0, 1},
		"PUBLISH without a topic":       {0x30, 1, 0},
		"PUBREC":                        {0x50, 2, 0, 1},
		"PINGRESP with a body":          {0xD0, 1, 0},
		"nothing known":                 {0xF0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := io.ReadAll(&framing{lost: func(error) {}, Conn: &pieces{b: b, n: 3}, limit: 1000, topics: 2})
			require.ErrorIs(t, err, panel.ErrProtocol)
		})
	}
}

func FuzzFraming(f *testing.F) {
	f.Add(frame(200), 3)
	f.Add([]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		g := &framing{lost: func(error) {}, Conn: &pieces{b: b, n: max(1, n%64)}, limit: 500, topics: 2}
		got, err := io.ReadAll(g)
		if err != nil && !errors.Is(err, ErrTooLong) && !errors.Is(err, panel.ErrProtocol) || !bytes.HasPrefix(b, got) || g.body < 0 || g.body > 500 {
			t.Fatalf("%v, %d of %d bytes, body %d", err, len(got), len(b), g.body)
		}
	})
}

var keys = sync.OnceValues(func() ([2]*rsa.PrivateKey, error) {
	a, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return [2]*rsa.PrivateKey{}, err
	}
	b, err := rsa.GenerateKey(rand.Reader, 2048)
	return [2]*rsa.PrivateKey{a, b}, err
})

func certificate(t *testing.T, how x509.SignatureAlgorithm, key, by *rsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), SignatureAlgorithm: how}
	der, err := x509.CreateCertificate(rand.Reader, c, &x509.Certificate{}, &key.PublicKey, by)
	require.NoError(t, err)
	out, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return out
}

func TestTrust(t *testing.T) {
	k, err := keys()
	require.NoError(t, err)
	root, other := certificate(t, x509.SHA1WithRSA, k[0], k[0]), certificate(t, x509.SHA1WithRSA, k[1], k[1])
	show := func(c ...*x509.Certificate) tls.ConnectionState { return tls.ConnectionState{PeerCertificates: c} }
	for _, how := range []x509.SignatureAlgorithm{x509.SHA1WithRSA, x509.SHA256WithRSA} {
		leaf := certificate(t, how, k[1], k[0])
		assert.NoError(t, trust(root, nil)(show(leaf)))
		assert.NoError(t, trust(root, pin(leaf))(show(leaf)))
		assert.ErrorIs(t, trust(other, nil)(show(leaf)), panel.ErrIdentity, "another authority")
		assert.ErrorIs(t, trust(root, pin(root))(show(leaf)), panel.ErrIdentity, "another key than before")
		damaged := *leaf
		damaged.RawTBSCertificate = append(bytes.Clone(leaf.RawTBSCertificate), 0)
		assert.ErrorIs(t, trust(root, nil)(show(&damaged)), panel.ErrIdentity, "what is signed has changed")
	}
	assert.ErrorIs(t, trust(root, nil)(show(other)), panel.ErrIdentity)
	assert.ErrorIs(t, trust(root, nil)(show()), panel.ErrIdentity)
	assert.NoError(t, trust(nil, pin(other))(show(other)))
	assert.ErrorIs(t, trust(nil, pin(other))(show(root)), panel.ErrIdentity)
}

func TestLineErrors(t *testing.T) {
	for want, err := range map[error]error{
		panel.ErrUnreachable: io.ErrUnexpectedEOF,
		panel.ErrProtocol:    fmt.Errorf("read: %w", ErrTooLong),
		panel.ErrIdentity:    fmt.Errorf("tls: %w", panel.ErrIdentity),
	} {
		assert.ErrorIs(t, lineError(err), want)
	}
	assert.ErrorIs(t, lineError(tls.RecordHeaderError{Msg: "x"}), panel.ErrProtocol)
	assert.False(t, refusesKey(&net.OpError{Op: "remote error", Err: errors.New("text")}))
	assert.False(t, refusesKey(&net.OpError{Op: "remote error", Err: tls.AlertError(20)}), "a damaged record is no refusal")
	assert.True(t, refusesKey(fmt.Errorf("x: %w", &net.OpError{Op: "remote error", Err: tls.AlertError(42)})))
}

// gone is a peer that has hung up and left a reason, or none.
type gone struct {
	net.Conn
	reason error
}

func (g gone) Read([]byte) (int, error)        { return 0, g.reason }
func (g gone) Write([]byte) (int, error)       { return 0, io.ErrClosedPipe }
func (g gone) SetReadDeadline(time.Time) error { return nil }

// Why our certificate is refused may arrive before our first byte has left.
func TestLastWords(t *testing.T) {
	refusal := &net.OpError{Op: "remote error", Err: tls.AlertError(45)}
	_, err := (&framing{Conn: gone{reason: refusal}}).Write([]byte{1})
	assert.ErrorIs(t, lineError(err), panel.ErrSecret)
	_, err = (&framing{Conn: gone{reason: io.EOF}}).Write([]byte{1})
	assert.ErrorIs(t, err, io.ErrClosedPipe)
	assert.ErrorIs(t, lineError(err), panel.ErrUnreachable)
}

// Certificates that are for another key, or signed by another than they come with, make no
// pairing.
func TestPairingChecksItsCertificates(t *testing.T) {
	k, err := keys()
	require.NoError(t, err)
	h := &host{remote: "F2:16:3E:00:00:01", key: k[1]}
	root := certificate(t, x509.SHA1WithRSA, k[0], k[0])
	p, err := h.conclude(ident, certificate(t, x509.SHA1WithRSA, k[1], k[0]), root)
	require.NoError(t, err)
	back, err := openPairing(p.Secret)
	require.NoError(t, err)
	assert.Equal(t, h.remote, back.remote)
	assert.Equal(t, root.Raw, back.authority.Raw)
	assert.True(t, h.key.Equal(back.own.PrivateKey))

	_, err = h.conclude(ident, root, root)
	require.ErrorIs(t, err, errForeign, "not our key")
	_, err = h.conclude(ident, certificate(t, x509.SHA1WithRSA, k[1], k[1]), root)
	require.ErrorIs(t, err, errForeign, "not the authority's")
}

const ident = "AA:BB:CC:00:00:01"
