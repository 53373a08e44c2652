package makers_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

const site = "site-1"

// made is a simulated panel with the driver that reaches it.
type made struct {
	driver    func(desk func() *roster.Desk) panel.Driver
	sim       paneltest.Sim
	ident     string
	routes    map[string]roster.Route
	presented func() int // how often a secret was offered to the panel
}

func route(name, addr string, secrets map[string]panel.Secret) map[string]roster.Route {
	return map[string]roster.Route{name: {Addr: addr, Secrets: secrets}}
}

func aDSC(network *paneltest.Network) made {
	sim := dscsim.New(dscsim.Options{Ident: "298765432101", Master: "4729", Users: 48, Dial: func(ctx context.Context) (net.Conn, error) {
		return network.DialContext(ctx, "tcp", "10.0.0.2:3072")
	}})
	driver := func(desk func() *roster.Desk) panel.Driver {
		return dsc.New(dsc.Options{
			Listen: func(context.Context) (net.Listener, error) { return network.Listen("10.0.0.2:3072") },
			Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
				key, err := desk().Secret(ctx, "maker", ident, dsc.Route, "key")
				if err != nil {
					return dsc.Key{}, dsc.ErrUnlisted
				}
				return dsc.Key{Encryption: dsc.Type2, Secret: key}, nil
			},
		})
	}
	return made{driver, sim, "298765432101", route(dsc.Route, "", map[string]panel.Secret{
		"key": panel.SecretOf(dscsim.DefaultType2), panel.MasterSecret: panel.SecretOf("4729"),
	}), func() int { return sim.Received(0x0704) }}
}

func aPowerManage(network *paneltest.Network) made {
	const addr = "powermanage.example:443"
	sim := powermanagesim.New(powermanagesim.Options{Listen: func(context.Context) (net.Listener, error) { return network.Listen(addr) }})
	driver := func(func() *roster.Desk) panel.Driver {
		return powermanage.New(powermanage.Options{Model: powermanage.Visonic(), Transport: &http.Transport{DialTLSContext: network.DialContext}})
	}
	return made{driver, sim, powermanagesim.DefaultSerial, route(powermanage.Route, addr, map[string]panel.Secret{
		powermanage.EmailSecret:    panel.SecretOf(powermanagesim.DefaultEmail),
		powermanage.PasswordSecret: panel.SecretOf(powermanagesim.DefaultPassword),
		panel.MasterSecret:         panel.SecretOf(powermanagesim.DefaultMaster),
	}), func() int { return sim.Logins().Accounts }}
}

func aFrames(network *paneltest.Network) made {
	const addr = "10.0.0.1:4001"
	sim := visonicsim.New(visonicsim.Options{Type: 3, Download: "5650", Master: "4729", Listen: func(context.Context) (net.Listener, error) { return network.Listen(addr) }})
	driver := func(func() *roster.Desk) panel.Driver {
		return visonic.NewFrames(visonic.Options{Dial: func(ctx context.Context, addr string) (io.ReadWriteCloser, error) {
			return network.DialContext(ctx, "tcp", addr)
		}})
	}
	return made{driver, sim, "2A4CC3", route(visonic.FramesRoute, addr, map[string]panel.Secret{visonic.DownloadSecret: panel.SecretOf("5650")}), sim.Presented}
}

func aRPC(network *paneltest.Network) made {
	const addr = "10.0.0.1:8181"
	sim := visonicsim.New(visonicsim.Options{Wire: visonicsim.RPC, Type: 8, Master: "4729", Listen: func(context.Context) (net.Listener, error) { return network.Listen(addr) }})
	driver := func(func() *roster.Desk) panel.Driver {
		return visonic.NewRPC(visonic.RPCOptions{DialContext: network.DialContext, Client: "10.0.0.7"})
	}
	return made{driver, sim, "2A4CC3", route(visonic.RPCRoute, addr, map[string]panel.Secret{visonic.RPCSecret: panel.SecretOf("4729")}), sim.Presented}
}

func aPowerLink(network *paneltest.Network) made {
	sim := visonicsim.New(visonicsim.Options{Wire: visonicsim.PowerLink, Master: "4729", Dial: func(ctx context.Context) (net.Conn, error) {
		return network.DialContext(ctx, "tcp", "10.0.0.2:5001")
	}})
	driver := func(func() *roster.Desk) panel.Driver {
		return visonic.NewPowerLink(visonic.PowerLinkOptions{
			Listen: func(context.Context) (net.Listener, error) { return network.Listen("10.0.0.2:5001") },
			Allow:  func(context.Context, string, net.Addr) error { return nil },
		})
	}
	return made{driver, sim, "2A4CC3", route(visonic.PowerLinkRoute, "", nil), sim.Denied}
}

func a2N(network *paneltest.Network) made {
	const addr = "10.0.0.1:80"
	sim := twonsim.New(twonsim.Options{Listen: func() (net.Listener, error) { return network.Listen(addr) }})
	driver := func(func() *roster.Desk) panel.Driver {
		return twon.New(twon.Options{Plain: true, Dial: network.DialContext})
	}
	return made{driver, sim, twonsim.DefaultSerial, route(twon.Route, addr, map[string]panel.Secret{
		twon.UserSecret: panel.SecretOf(twonsim.DefaultUser), twon.PasswordSecret: panel.SecretOf(twonsim.DefaultPassword),
	}), sim.Presented}
}

const qolsysIdent = "AA:BB:CC:00:00:01"

// known is a Qolsys panel's keys with a remote that was paired with it.
type known struct {
	identity *qolsyssim.Identity
	paired   qolsys.Paired
}

// pairOnce makes keys and pairs, once for all tests: both cost seconds of arithmetic.
var pairOnce = sync.OnceValues(func() (known, error) {
	id, err := qolsyssim.NewIdentity(qolsysIdent)
	if err != nil {
		return known{}, err
	}
	p, err := pair(context.Background(), id)
	return known{id, p}, err
})

// pair pairs over a network in memory: the announcement makes the panel call.
func pair(ctx context.Context, id *qolsyssim.Identity) (qolsys.Paired, error) {
	network := new(paneltest.Network)
	return qolsys.Pair(ctx, qolsys.PairOptions{
		Panel:  qolsysIdent,
		Listen: func(context.Context) (net.Listener, error) { return network.Listen(":51234") },
		Announce: func(ctx context.Context, _ qolsys.Announcement) (io.Closer, error) {
			ctx, cancel := context.WithCancel(ctx)
			var work sync.WaitGroup
			work.Go(func() {
				if conn, err := network.DialContext(ctx, "tcp", "10.0.0.1:51234"); err == nil {
					_, _ = id.Pair(ctx, conn) // the remote's side reports
				}
			})
			return closer(func() error { cancel(); work.Wait(); return nil }), nil
		},
	})
}

type closer func() error

func (c closer) Close() error { return c() }

func aQolsys(network *paneltest.Network) made {
	k, err := pairOnce()
	if err != nil {
		panic(err)
	}
	sim := qolsyssim.New(qolsyssim.Options{Identity: k.identity, Listen: network.Listen})
	driver := func(func() *roster.Desk) panel.Driver { return qolsys.NewIQRemote(qolsys.Options{Dialer: network}) }
	return made{driver, sim, qolsysIdent, route(qolsys.Route, "10.0.0.1:8883", map[string]panel.Secret{qolsys.PairingSecret: k.paired.Secret}), sim.Presented}
}

func aControl4(network *paneltest.Network) made {
	m := aQolsys(network)
	m.driver = func(func() *roster.Desk) panel.Driver { return qolsys.NewControl4(qolsys.Options{Dialer: network}) }
	m.routes = route(qolsys.RouteControl4, "10.0.0.1:12345", map[string]panel.Secret{qolsys.TokenSecret: panel.SecretOf(qolsyssim.DefaultToken)})
	return m
}

// rig is a desk with its loops and one simulated panel, in a bubble of fake time.
type rig struct {
	*testing.T
	made
	store store.Store
	desk  *roster.Desk
	tab   *roster.Tab

	mu     sync.Mutex
	alerts []roster.Alert
	log    *safe
}

// op is the operator, with a fresh factor.
func (r *rig) op() *roster.Operator {
	return r.desk.As(accounts.HostActor("operator", "The operator", "test").Vouched(time.Now()))
}

// renew proves the operator's factor again.
func (r *rig) renew() { r.tab = r.op().Panel(r.tab.ID()) }

// with runs a test with a panel that has been registered; spoil changes what it is
// registered with.
func with(t *testing.T, maker func(*paneltest.Network) made, spoil func(*made), test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := &rig{T: t, made: maker(new(paneltest.Network)), store: memstore.Open(), log: new(safe)}
		if spoil != nil {
			spoil(&r.made)
		}
		keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
		require.NoError(t, err)
		r.desk, err = roster.New(roster.Options{
			Store: r.store, Keys: keys, Log: r.log.logger(),
			Drivers:   map[string]panel.Driver{"maker": r.driver(func() *roster.Desk { return r.desk })},
			Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
			Alert:     func(a roster.Alert) { r.mu.Lock(); defer r.mu.Unlock(); r.alerts = append(r.alerts, a) },
		})
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() { _ = r.sim.Serve(ctx) })
		running.Go(func() { engine.Run(ctx, nil, r.desk.Loops()...) })
		p, err := r.op().Register(ctx, roster.Registration{Site: site, Driver: "maker", Ident: r.ident, Routes: r.routes})
		require.NoError(t, err)
		r.tab = r.op().Panel(p.ID)
		pass(time.Minute)
		test(r)
		cancel()
		running.Wait()
	})
}

// pass lets the time of a bubble pass, and what it set off come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) info() roster.Panel {
	r.Helper()
	p, err := r.tab.Info(r.Context())
	require.NoError(r, err)
	return p
}

func (r *rig) alerted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.alerts)
}

func slot(n int) panel.Place { return panel.Place{Slot: n} }

func digits(t *testing.T, s string) panel.Code {
	t.Helper()
	c, err := panel.ParseCode(s)
	require.NoError(t, err)
	return c
}
