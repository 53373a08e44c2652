package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// newServed is a panel behind a server of its own, which is reached over TLS.
func newServed(ctx context.Context, name string, model panel.Model, partitions int) (*part, *powermanagesim.Server, error) {
	own, err := powermanagesim.Certificate("127.0.0.1")
	if err != nil {
		return nil, nil, err
	}
	var line cable
	l, err := line.listen(ctx)
	if err != nil {
		return nil, nil, err
	}
	serial := random(6, hexa)
	sim := powermanagesim.New(powermanagesim.Options{
		Listen: func(context.Context) (net.Listener, error) {
			return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}), nil
		},
		Panels:  []powermanagesim.PanelOptions{{Kind: model.Kind, Serial: serial, Master: master, Partitions: partitions}},
		Latency: 20 * time.Millisecond,
	})
	roots := x509.NewCertPool()
	roots.AddCert(own.Leaf)
	return &part{
		wall: sim, name: name, driver: name, ident: serial, over: "PowerManage",
		drive: powermanage.New(powermanage.Options{
			Model: model, Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}},
		}),
		routes: map[string]roster.Route{powermanage.Route: {
			Addr: l.Addr().String(),
			Secrets: map[string]panel.Secret{
				powermanage.EmailSecret:    panel.SecretOf(powermanagesim.DefaultEmail),
				powermanage.PasswordSecret: panel.SecretOf(powermanagesim.DefaultPassword),
				panel.MasterSecret:         panel.SecretOf(master),
			},
		}},
		plug:  line.plug,
		wrote: func() int { return sim.Logins().Writes },
		// Slot 4: code and label. Slot 6: the former code away, code and label.
		settle: 5,
	}, sim, nil
}

// newNeoR is a NeoR panel.
func newNeoR(ctx context.Context) (*part, error) {
	p, _, err := newServed(ctx, "neor", powermanage.NeoR(), 4)
	return p, err
}

// newDualPath is a PowerSeries panel behind a dual-path communicator: nobody can be
// disabled there, so that no code is taken away.
func newDualPath(ctx context.Context) (*part, error) {
	p, _, err := newServed(ctx, "dualpath", powermanage.DualPath(), 2)
	if err == nil {
		p.settle--
	}
	return p, err
}

// newVisonic is a panel that reports to a server, which writes, and has a module whose
// service shows what was written.
func newVisonic(ctx context.Context) (*part, error) {
	p, server, err := newServed(ctx, "visonic", powermanage.Visonic(), 3)
	if err != nil {
		return nil, err
	}
	var line cable
	l, err := line.listen(ctx)
	if err != nil {
		return nil, err
	}
	both := &twoWays{server: server}
	both.wire = visonicsim.New(visonicsim.Options{
		Wire: visonicsim.RPC, Type: powerMaster30, Master: master, Serial: strings.ToLower(p.ident),
		Listen: func(context.Context) (net.Listener, error) { return copying{l, both}, nil },
	})
	p.wall, p.over = both, "PowerManage and its own module"
	p.drive = panel.Combine( // what both routes see is believed of the first
		panel.Part{Route: visonic.RPCRoute, Driver: visonic.NewRPC(visonic.RPCOptions{
			Options: visonic.Options{MarkKey: panel.SecretOf(random(32, hexa))},
		})},
		panel.Part{Route: powermanage.Route, Driver: p.drive},
	)
	p.routes[visonic.RPCRoute] = roster.Route{
		Addr:    l.Addr().String(),
		Secrets: map[string]panel.Secret{visonic.RPCSecret: panel.SecretOf(master)},
	}
	unplug := p.plug
	p.plug = func(in bool) { unplug(in); line.plug(in) }
	return p, nil
}

// powerMaster30 is the number by which a PowerMaster-30 names itself.
const powerMaster30 = 8

// twoWays is one panel with two simulators, each for one way to it. What comes over the
// server is on the panel before anybody is answered over the wire.
type twoWays struct {
	server *powermanagesim.Server
	wire   *visonicsim.Panel
}

// Serve serves both ways until ctx ends.
func (w *twoWays) Serve(ctx context.Context) error {
	var wire sync.WaitGroup
	defer wire.Wait()
	wire.Go(func() { _ = w.wire.Serve(ctx) }) // it ends with ctx, as the server does
	return w.server.Serve(ctx)
}

// Users has the partitions from the wire, which the server does not write.
func (w *twoWays) Users() []paneltest.User {
	w.carry()
	users := w.server.Users()
	for i, u := range users {
		for _, same := range w.wire.Users() {
			if same.Place == u.Place {
				users[i].Partitions = same.Partitions
			}
		}
	}
	return users
}

// Fault arms a fault of the server.
func (w *twoWays) Fault(f paneltest.Fault) { w.server.Fault(f) }

// Keypad is somebody at the panel: whatever he does is at the server too.
func (w *twoWays) Keypad(e panel.Edit) error {
	w.carry()
	onWire, atServer := e, e
	onWire.Set &= panel.FieldCode | panel.FieldPartitions
	atServer.Set &= panel.FieldCode | panel.FieldLabel
	if err := w.wire.Keypad(onWire); err != nil || e.Do != panel.Remove && atServer.Set == 0 {
		return err
	}
	return w.server.Keypad(atServer)
}

// carry brings the codes that the server has written to the panel.
func (w *twoWays) carry() {
	want, have := w.server.Users(), map[panel.Place]string{}
	for _, u := range w.wire.Users() {
		have[u.Place] = u.Code
	}
	for _, u := range want {
		code, err := panel.ParseCode(u.Code)
		was, there := have[u.Place]
		delete(have, u.Place)
		if err != nil || there && was == u.Code {
			continue
		}
		e := panel.Edit{Place: u.Place, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code}}
		if there {
			e.Do = panel.Change
		}
		_ = w.wire.Keypad(e) // what the panel does not take is not on it
	}
	for gone := range have {
		_ = w.wire.Keypad(panel.Edit{Place: gone, Do: panel.Remove})
	}
}

// copying is the listener of the wire.
type copying struct {
	net.Listener
	panel *twoWays
}

// Accept waits for a connection.
func (c copying) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return asked{conn, c.panel}, nil
}

// asked is a connection over which the panel is asked.
type asked struct {
	net.Conn
	panel *twoWays
}

// Read takes in a question.
func (a asked) Read(b []byte) (int, error) {
	n, err := a.Conn.Read(b)
	a.panel.carry()
	return n, err
}
