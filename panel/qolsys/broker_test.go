package qolsys

import (
	"crypto/tls"
	"crypto/x509"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// broker answers CONNECT and SUBSCRIBE with the given bytes, each with one piece, and
// then waits for the other side to hang up.
func broker(l net.Listener, leaf tls.Certificate, answers [][]byte) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	c := tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{leaf}})
	b := make([]byte, 4096)
	for i := 0; ; i++ {
		if _, err := c.Read(b); err != nil {
			return
		}
		if i < len(answers) {
			if _, err := c.Write(answers[i]); err != nil {
				return
			}
		}
	}
}

// meet dials a broker that answers so, and returns what came of it.
func meet(t *testing.T, answers ...[]byte) error {
	t.Helper()
	k, err := keys()
	require.NoError(t, err)
	root, leaf := certificate(t, x509.SHA1WithRSA, k[0], k[0]), certificate(t, x509.SHA1WithRSA, k[1], k[0])
	synctest.Test(t, func(t *testing.T) {
		network := new(paneltest.Network)
		l, e := network.Listen(":8883")
		require.NoError(t, e)
		defer func() { _ = l.Close() }()
		go broker(l, tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: k[1]}, answers)
		own := tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: k[1]}
		var n *link
		n, err = dial(t.Context(), Options{Dialer: network}.withDefaults(), "10.0.0.1:8883", pairing{remote: "F2:16:3E:00:00:01", own: own, authority: root}, nil)
		if n != nil {
			n.end(errClosed)
		}
	})
	return err
}

// A broker that holds the panel's key and means harm ends the session, not the process.
func TestHostileBroker(t *testing.T) {
	welcome, granted := []byte{0x20, 2, 0, 0}, []byte{0x90, 4, 0, 1, 0, 0}
	require.NoError(t, meet(t, welcome, granted))
	for name, v := range map[string]struct {
		answers [][]byte
		want    error
	}{
		"says nothing":           {nil, panel.ErrTimeout},
		"results without topics": {[][]byte{welcome, {0x90, 6, 0, 1, 0, 0, 0, 0}}, panel.ErrProtocol},
		"refuses a topic":        {[][]byte{welcome, {0x90, 4, 0, 1, 0, 0x80}}, panel.ErrSecret},
		"refuses us":             {[][]byte{{0x20, 2, 0, 5}}, panel.ErrSecret},
		"refuses our name":       {[][]byte{{0x20, 2, 0, 2}}, panel.ErrUnreachable},
		"asks instead":           {[][]byte{{0x10, 2, 0, 0}}, panel.ErrProtocol},
		"a huge message":         {[][]byte{welcome, {0x30, 0xFF, 0xFF, 0xFF, 0x7F}}, panel.ErrProtocol},
		"a topic beyond its end": {[][]byte{welcome, append([]byte{0x30, 4}, 0xFF, 0xFF, 0, 0)}, panel.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) { assert.ErrorIs(t, meet(t, v.answers...), v.want) })
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		noise := make([]byte, 1+chance.IntN(60))
		for i := range noise {
			noise[i] = byte(chance.UintN(256))
		}
		noise[0] = []byte{connack, publish, suback, pingresp, noise[0]}[chance.IntN(5)]
		if len(noise) > 1 && chance.IntN(4) > 0 {
			noise[1] = byte(len(noise) - 2)
		}
		_ = meet(t, welcome, noise) // it comes back
	}
}
