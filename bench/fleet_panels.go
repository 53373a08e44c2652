package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
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
)

// aPanel is a simulated panel, and how it is registered.
type aPanel struct {
	driver, ident string
	routes        map[string]roster.Route
	serve         func(ctx context.Context) error // nil: nothing runs
	writes, sick  bool
}

// estateOfPanels are panels of many makers on one network in memory.
type estateOfPanels struct {
	network paneltest.Network
	drivers map[string]panel.Driver
	panels  []aPanel
	locks   radio
	secret  *roster.Desk
	qolsys  qolsysKeys
}

// qolsysKeys are one panel's keys and a remote that was paired with it. Every simulated
// panel has the same, under an address of its own: making keys for each would take minutes.
type qolsysKeys struct {
	identity *qolsyssim.Identity
	paired   qolsys.Paired
}

// qolsysIdent is the address of a panel.
func qolsysIdent(n int) string {
	return fmt.Sprintf("AA:BB:CC:%02X:%02X:%02X", n>>16&255, n>>8&255, n&255)
}

// pairQolsys makes the keys once.
func (f *estateOfPanels) pairQolsys() error {
	if f.qolsys.identity != nil {
		return nil
	}
	id, err := qolsyssim.NewIdentity(qolsysIdent(0))
	if err != nil {
		return err
	}
	network := new(paneltest.Network)
	p, err := qolsys.Pair(context.Background(), qolsys.PairOptions{
		Listen: func(context.Context) (net.Listener, error) { return network.Listen(":51234") },
		Announce: func(ctx context.Context, _ qolsys.Announcement) (io.Closer, error) {
			ctx, cancel := context.WithCancel(ctx)
			var work sync.WaitGroup
			work.Go(func() {
				if conn, err := network.DialContext(ctx, "tcp", "10.0.0.1:51234"); err == nil {
					_, _ = id.Pair(ctx, conn) // the remote's side reports
				}
			})
			return closing(func() error { cancel(); work.Wait(); return nil }), nil
		},
	})
	f.qolsys = qolsysKeys{id, p}
	return err
}

type closing func() error

func (c closing) Close() error { return c() }

// radio is a controller of many locks.
type radio map[string]*locksim.Lock

func (r radio) Capacity(ctx context.Context, node string) (lock.Capacity, error) {
	return r[node].Capacity(ctx, node)
}

func (r radio) UserCode(ctx context.Context, node string, slot int) (lock.UserCode, error) {
	return r[node].UserCode(ctx, node, slot)
}

func (r radio) SetUserCode(ctx context.Context, node string, slot int, code panel.Code) (lock.Result, error) {
	return r[node].SetUserCode(ctx, node, slot, code)
}

func (r radio) ClearUserCode(ctx context.Context, node string, slot int) (lock.Result, error) {
	return r[node].ClearUserCode(ctx, node, slot)
}

func one(name, addr string, secrets map[string]panel.Secret) map[string]roster.Route {
	return map[string]roster.Route{name: {Addr: addr, Secrets: secrets}}
}

// newEstate makes panels: of twenty, six DSC, five 2N, five behind PowerManage, two locks,
// one Qolsys and one Visonic. The sick ones pass for 2N.
func newEstate(healthy, sick int) (*estateOfPanels, error) {
	f := &estateOfPanels{locks: radio{}}
	f.drivers = map[string]panel.Driver{
		"dsc": dsc.New(dsc.Options{
			Listen: func(context.Context) (net.Listener, error) { return f.network.Listen("10.0.0.2:3072") },
			Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
				if f.secret == nil { // no roster: whoever calls has the key
					return dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(dscsim.DefaultType2)}, nil
				}
				key, err := f.secret.Secret(ctx, "dsc", ident, dsc.Route, "key")
				return dsc.Key{Encryption: dsc.Type2, Secret: key}, err
			},
		}),
		"2n":          twon.New(twon.Options{Plain: true, Dial: f.dial}),
		"powermanage": powermanage.New(powermanage.Options{Model: powermanage.Visonic(), Transport: &http.Transport{DialTLSContext: f.dial}}),
		"lock":        lock.New(f.locks, lock.ZWave(), lock.Options{}),
		"qolsys":      qolsys.NewIQRemote(qolsys.Options{Dialer: &f.network}),
		"visonic": visonic.NewFrames(visonic.Options{Dial: func(ctx context.Context, addr string) (io.ReadWriteCloser, error) {
			return f.dial(ctx, "tcp", addr)
		}}),
	}
	var behind []powermanagesim.PanelOptions
	for n := range healthy {
		switch k := n % 20; {
		case k < 6:
			f.addDSC(n)
		case k < 11:
			f.add2N(n)
		case k < 16:
			behind = append(behind, powermanagesim.PanelOptions{Serial: fmt.Sprintf("%06X", 0xA00000+n)})
			f.addPowerManage(behind[len(behind)-1].Serial)
		case k < 18:
			f.addLock(n)
		case k < 19:
			if err := f.addQolsys(n); err != nil {
				return nil, err
			}
		default:
			f.addVisonic(n)
		}
	}
	if len(behind) > 0 {
		server := powermanagesim.New(powermanagesim.Options{Panels: behind, Listen: func(context.Context) (net.Listener, error) { return f.network.Listen(powerManageAddr) }})
		f.panels[len(f.panels)-1].serve = both(f.panels[len(f.panels)-1].serve, server.Serve)
	}
	for n := range sick {
		host := [...]string{"dead", "liar"}[n%2]
		f.panels = append(f.panels, aPanel{driver: "2n", ident: fmt.Sprintf("%s-%d", host, n), routes: twonRoutes(host + ":80"), sick: true})
	}
	return f, nil
}

const powerManageAddr = "powermanage.example:443"

// both serves two simulators.
func both(a, b func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var other sync.WaitGroup
		if a != nil {
			other.Go(func() { _ = a(ctx) })
		}
		defer other.Wait()
		return b(ctx)
	}
}

// host is an address of its own for each panel.
func host(n int) string { return fmt.Sprintf("10.%d.%d.%d", 1+n>>16, n>>8&255, n&255) }

func (f *estateOfPanels) addDSC(n int) {
	ident := fmt.Sprintf("%012d", 200000000000+n)
	sim := dscsim.New(dscsim.Options{Ident: ident, Master: "4729", Users: 48, Dial: func(ctx context.Context) (net.Conn, error) {
		return f.network.DialContext(ctx, "tcp", "10.0.0.2:3072")
	}})
	f.panels = append(f.panels, aPanel{driver: "dsc", ident: ident, serve: sim.Serve, writes: true, routes: one(dsc.Route, "", map[string]panel.Secret{
		"key": panel.SecretOf(dscsim.DefaultType2), panel.MasterSecret: panel.SecretOf("4729"),
	})})
}

func twonRoutes(addr string) map[string]roster.Route {
	return one(twon.Route, addr, map[string]panel.Secret{twon.UserSecret: panel.SecretOf(twonsim.DefaultUser), twon.PasswordSecret: panel.SecretOf(twonsim.DefaultPassword)})
}

func (f *estateOfPanels) add2N(n int) {
	serial, addr := fmt.Sprintf("54-%04d-%04d", n/10000, n%10000), host(n)+":80"
	sim := twonsim.New(twonsim.Options{Serial: serial, Listen: func() (net.Listener, error) { return f.network.Listen(addr) }})
	f.panels = append(f.panels, aPanel{driver: "2n", ident: serial, serve: sim.Serve, writes: true, routes: twonRoutes(addr)})
}

func (f *estateOfPanels) addPowerManage(serial string) {
	f.panels = append(f.panels, aPanel{driver: "powermanage", ident: serial, writes: true, routes: one(powermanage.Route, powerManageAddr, map[string]panel.Secret{
		powermanage.EmailSecret:    panel.SecretOf(powermanagesim.DefaultEmail),
		powermanage.PasswordSecret: panel.SecretOf(powermanagesim.DefaultPassword),
		panel.MasterSecret:         panel.SecretOf(powermanagesim.DefaultMaster),
	})})
}

func (f *estateOfPanels) addLock(n int) {
	node := fmt.Sprint(n)
	sim := locksim.New(locksim.Options{Node: node})
	f.locks[node] = sim
	f.panels = append(f.panels, aPanel{driver: "lock", ident: node, serve: sim.Serve, writes: true, routes: one(lock.Route, node, nil)})
}

func (f *estateOfPanels) addQolsys(n int) error {
	if err := f.pairQolsys(); err != nil {
		return err
	}
	k, ident := f.qolsys, qolsysIdent(n+1)
	sim := qolsyssim.New(qolsyssim.Options{Identity: k.identity.As(ident), Listen: func(addr string) (net.Listener, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return f.network.Listen(net.JoinHostPort(host(n), port))
	}})
	f.panels = append(f.panels, aPanel{driver: "qolsys", ident: ident, serve: sim.Serve,
		routes: one(qolsys.Route, host(n), map[string]panel.Secret{qolsys.PairingSecret: k.paired.Secret})})
	return nil
}

func (f *estateOfPanels) addVisonic(n int) {
	addr := host(n) + ":4001"
	sim := visonicsim.New(visonicsim.Options{Type: 3, Download: "5650", Serial: fmt.Sprintf("%06x", n), Listen: func(context.Context) (net.Listener, error) { return f.network.Listen(addr) }})
	f.panels = append(f.panels, aPanel{driver: "visonic", ident: fmt.Sprintf("%06X", n), serve: sim.Serve,
		routes: one(visonic.FramesRoute, addr, map[string]panel.Secret{visonic.DownloadSecret: panel.SecretOf("5650")})})
}
