package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// newQolsys is an IQ panel that somebody has paired.
func newQolsys(ctx context.Context) (*part, error) {
	var mac []string
	for range 6 {
		mac = append(mac, random(2, hexa))
	}
	mac[0] = "02" // an address that no maker has
	identity, err := qolsyssim.NewIdentity(strings.Join(mac, ":"))
	if err != nil {
		return nil, err
	}
	var line cable
	l, err := line.listen(ctx)
	if err != nil {
		return nil, err
	}
	sim := qolsyssim.New(qolsyssim.Options{
		Identity: identity, Master: master,
		Listen: func(port string) (net.Listener, error) {
			if port == qolsyssim.BrokerAddr {
				return l, nil
			}
			return line.listen(ctx)
		},
	})
	paired, err := pair(ctx, identity)
	if err != nil {
		return nil, err
	}
	return &part{
		wall: sim, name: "qolsys", driver: "qolsys", drive: qolsys.NewIQRemote(qolsys.Options{}), ident: paired.Panel, over: "IQ Remote",
		routes: map[string]roster.Route{qolsys.Route: {
			Addr:    l.Addr().String(),
			Secrets: map[string]panel.Secret{qolsys.PairingSecret: paired.Secret},
		}},
		plug:  line.plug,
		wrote: func() int { return 0 }, // no route writes
	}, nil
}

// pair lets the panel call us by real TCP, as it does when somebody touches Pair.
func pair(ctx context.Context, identity *qolsyssim.Identity) (qolsys.Paired, error) {
	return qolsys.Pair(ctx, qolsys.PairOptions{
		Listen: func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		},
		Announce: func(ctx context.Context, a qolsys.Announcement) (io.Closer, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", a.Port))
			if err != nil {
				return nil, err
			}
			go func() { _, _ = identity.Pair(ctx, conn) }() // our side reports
			return conn, nil
		},
	})
}

// newIntercom is a 2N device that shows a certificate of its own.
func newIntercom(ctx context.Context) (*part, error) {
	own, err := powermanagesim.Certificate("127.0.0.1")
	if err != nil {
		return nil, err
	}
	var line cable
	l, err := line.listen(ctx)
	if err != nil {
		return nil, err
	}
	serial := "54-" + random(4, decimal) + "-" + random(4, decimal)
	sim := twonsim.New(twonsim.Options{Serial: serial, Listen: func() (net.Listener, error) {
		return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}), nil
	}})
	pin := sha256.Sum256(own.Leaf.Raw)
	return &part{
		wall: sim, name: "2n", driver: "2n", drive: twon.New(twon.Options{}), ident: serial, over: "HTTP API",
		routes: map[string]roster.Route{twon.Route: {
			Addr: l.Addr().String(),
			Secrets: map[string]panel.Secret{
				twon.UserSecret:     panel.SecretOf(twonsim.DefaultUser),
				twon.PasswordSecret: panel.SecretOf(twonsim.DefaultPassword),
				twon.PinSecret:      panel.SecretOf(hex.EncodeToString(pin[:])),
			},
		}},
		plug: line.plug,
		wrote: func() int {
			return sim.Asked("/api/dir/create") + sim.Asked("/api/dir/update") + sim.Asked("/api/dir/delete")
		},
		settle: 2, whole: true,
	}, nil
}
