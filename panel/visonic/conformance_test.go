package visonic_test

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

const (
	addr = "10.0.0.1:4001"
	// markKey is any host's.
	markKey = "a key that no panel has ever seen"
)

// frames makes benches of the Frames route.
func frames(o visonic.Options, so visonicsim.Options, download string) func(*testing.T) paneltest.Bench {
	return func(*testing.T) paneltest.Bench {
		network := new(paneltest.Network)
		o, so := o, so
		o.Dial = func(ctx context.Context, addr string) (io.ReadWriteCloser, error) {
			return network.DialContext(ctx, "tcp", addr)
		}
		so.Listen = func(context.Context) (net.Listener, error) { return network.Listen(addr) }
		so.Download, so.Master = download, "4729"
		return paneltest.Bench{
			Driver: visonic.NewFrames(o),
			Sim:    visonicsim.New(so),
			Target: panel.Target{Panel: "p-1", Ident: "2A4CC3", Routes: map[string]panel.Route{
				visonic.FramesRoute: {Addr: addr, Secrets: map[string]panel.Secret{visonic.DownloadSecret: panel.SecretOf(download)}},
			}},
			Network: network,
			// The wire says nothing of lock-outs.
			Immune: []paneltest.FaultKind{paneltest.Lockout},
		}
	}
}

// Rules: D1, D2
func TestConformancePowerMax(t *testing.T) {
	paneltest.Run(t, frames(visonic.Options{}, visonicsim.Options{Type: 3}, "5650"))
}

func TestConformancePowerMaster10(t *testing.T) {
	paneltest.Run(t, frames(visonic.Options{MarkKey: panel.SecretOf(markKey)}, visonicsim.Options{}, "9c4e"))
}

func TestConformancePowerMaster30(t *testing.T) {
	paneltest.Run(t, frames(visonic.Options{DiscloseCodes: true}, visonicsim.Options{Type: 8}, "9c4e"))
}

func TestConformanceUnpartitioned(t *testing.T) {
	paneltest.Run(t, frames(visonic.Options{}, visonicsim.Options{Type: 15, Unpartitioned: true}, "9c4e"))
}

// reading keeps the quirks with which nothing can be written to itself: another test says
// what becomes of them.
type reading struct{ *visonicsim.Panel }

func (r reading) Quirks() []string {
	return slices.DeleteFunc(r.Panel.Quirks(), func(q string) bool { return q == visonicsim.NoWriting || q == visonicsim.Deaf })
}

// rpc makes benches of the PowerLink 3 route.
func rpc(o visonic.RPCOptions, so visonicsim.Options) func(*testing.T) paneltest.Bench {
	return func(*testing.T) paneltest.Bench {
		network := new(paneltest.Network)
		o, so := o, so
		o.DialContext, o.Client = network.DialContext, "10.0.0.7"
		so.Wire, so.Master = visonicsim.RPC, "4729"
		so.Listen = func(context.Context) (net.Listener, error) { return network.Listen("10.0.0.1:8181") }
		return paneltest.Bench{
			Driver: visonic.NewRPC(o),
			Sim:    reading{visonicsim.New(so)},
			Target: panel.Target{Panel: "p-1", Routes: map[string]panel.Route{
				visonic.RPCRoute: {Addr: "10.0.0.1:8181", Secrets: map[string]panel.Secret{visonic.RPCSecret: panel.SecretOf("4729")}},
			}},
			Network: network,
			// The service is not known to lock anybody out, or to mind an armed panel.
			Immune: []paneltest.FaultKind{paneltest.Lockout, paneltest.Busy, paneltest.Armed},
		}
	}
}

func TestConformanceRPC(t *testing.T) {
	paneltest.Run(t, rpc(visonic.RPCOptions{Options: visonic.Options{MarkKey: panel.SecretOf(markKey)}}, visonicsim.Options{Type: 8}))
}

func TestConformanceRPCDisclosing(t *testing.T) {
	paneltest.Run(t, rpc(visonic.RPCOptions{Options: visonic.Options{DiscloseCodes: true}}, visonicsim.Options{Type: 10}))
}

func TestConformanceRPCWriting(t *testing.T) {
	paneltest.Run(t, rpc(visonic.RPCOptions{Experimental: true}, visonicsim.Options{Type: 8}))
}

// calling makes benches of the PowerLink 3.1 route.
func calling(o visonic.Options, so visonicsim.Options) func(*testing.T) paneltest.Bench {
	return func(*testing.T) paneltest.Bench {
		network := new(paneltest.Network)
		so := so
		so.Wire, so.Master = visonicsim.PowerLink, "4729"
		so.Dial = func(ctx context.Context) (net.Conn, error) { return network.DialContext(ctx, "tcp", "10.0.0.1:5001") }
		return paneltest.Bench{
			Driver: visonic.NewPowerLink(visonic.PowerLinkOptions{
				Options: o,
				Listen:  func(context.Context) (net.Listener, error) { return network.Listen(visonic.DefaultAddr) },
				Allow: func(_ context.Context, ident string, _ net.Addr) error {
					if ident != "2A4CC3" {
						return panel.ErrIdentity
					}
					return nil
				},
			}),
			Sim: visonicsim.New(so),
			Target: panel.Target{Panel: "p-1", Ident: "2A4CC3", Routes: map[string]panel.Route{
				visonic.PowerLinkRoute: {},
			}},
			Network: network,
			Immune:  []paneltest.FaultKind{paneltest.Lockout},
		}
	}
}

func TestConformancePowerLink(t *testing.T) {
	paneltest.Run(t, calling(visonic.Options{MarkKey: panel.SecretOf(markKey)}, visonicsim.Options{}))
}

func TestConformancePowerLink30(t *testing.T) {
	paneltest.Run(t, calling(visonic.Options{}, visonicsim.Options{Type: 16}))
}
