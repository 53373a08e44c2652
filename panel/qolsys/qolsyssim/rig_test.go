package qolsyssim_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

const ident = "AA:BB:CC:00:00:01"

// known is a panel's keys with a remote that was paired with it.
type known struct {
	identity *qolsyssim.Identity
	paired   qolsys.Paired
}

// pairOnce makes keys and pairs, once for all tests: both cost seconds of arithmetic.
var pairOnce = sync.OnceValues(func() (known, error) {
	id, err := qolsyssim.NewIdentity(ident)
	if err != nil {
		return known{}, err
	}
	p, err := pairWith(context.Background(), id, qolsys.PairOptions{})
	return known{identity: id, paired: p}, err
})

func paired(t testing.TB) known {
	t.Helper()
	k, err := pairOnce()
	require.NoError(t, err)
	return k
}

// pairWith pairs over a network in memory: the announcement makes the panel call.
func pairWith(ctx context.Context, id *qolsyssim.Identity, o qolsys.PairOptions) (qolsys.Paired, error) {
	network := new(paneltest.Network)
	o.Listen = func(context.Context) (net.Listener, error) { return network.Listen(":51234") }
	o.Announce = func(ctx context.Context, a qolsys.Announcement) (io.Closer, error) {
		ctx, cancel := context.WithCancel(ctx)
		var work sync.WaitGroup
		work.Go(func() {
			conn, err := network.DialContext(ctx, "tcp", "10.0.0.1:51234")
			if err == nil {
				_, _ = id.Pair(ctx, conn) // the remote's side reports
			}
		})
		return closer(func() error { cancel(); work.Wait(); return nil }), nil
	}
	return qolsys.Pair(ctx, o)
}

type closer func() error

func (c closer) Close() error { return c() }

// without is a simulator that keeps some of its quirks to itself.
type without struct {
	*qolsyssim.Panel
	shown []string
}

func (w without) Quirks() []string { return w.shown }

func bench(k known, o qolsys.Options, so qolsyssim.Options, quirks ...string) paneltest.Bench {
	network := new(paneltest.Network)
	o.Dialer = network
	so.Identity, so.Listen = k.identity, network.Listen
	return paneltest.Bench{
		Driver: qolsys.NewIQRemote(o),
		Target: panel.Target{Panel: "p", Ident: ident, Routes: map[string]panel.Route{
			qolsys.Route: {Addr: "10.0.0.1:8883", Secrets: map[string]panel.Secret{qolsys.PairingSecret: k.paired.Secret}},
		}},
		Sim: without{qolsyssim.New(so), quirks}, Network: network,
		Immune: []paneltest.FaultKind{paneltest.Busy, paneltest.Armed, paneltest.Lockout},
		// The answers to CONNECT, SUBSCRIBE, the first command and the list, and some more.
		Messages: 7,
	}
}
