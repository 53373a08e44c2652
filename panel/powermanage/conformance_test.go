package powermanage_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

const addr = "powermanage.example:443"

// target is the simulated panel with the secrets that open it.
func target() panel.Target {
	return panel.Target{Panel: "p-1", Ident: powermanagesim.DefaultSerial, Routes: map[string]panel.Route{
		powermanage.Route: {Addr: addr, Secrets: map[string]panel.Secret{
			powermanage.EmailSecret:    panel.SecretOf(powermanagesim.DefaultEmail),
			powermanage.PasswordSecret: panel.SecretOf(powermanagesim.DefaultPassword),
			panel.MasterSecret:         panel.SecretOf(powermanagesim.DefaultMaster),
		}},
	}}
}

// plain is a transport over a network in memory. Its connections stand for those that
// have TLS behind them: handshakes in each of many thousand connections would take
// minutes, and are proven elsewhere.
func plain(network *paneltest.Network) *http.Transport {
	return &http.Transport{DialTLSContext: network.DialContext}
}

// without is a simulator that keeps some of its quirks to itself.
type without struct {
	*powermanagesim.Server
	hidden []string
}

func (w without) Quirks() []string {
	return slices.DeleteFunc(w.Server.Quirks(), func(q string) bool { return slices.Contains(w.hidden, q) })
}

func bench(m panel.Model, p powermanagesim.PanelOptions, hidden ...string) func(*testing.T) paneltest.Bench {
	return func(*testing.T) paneltest.Bench {
		network := new(paneltest.Network)
		server := powermanagesim.New(powermanagesim.Options{
			Listen: func(context.Context) (net.Listener, error) { return network.Listen(addr) },
			Panels: []powermanagesim.PanelOptions{p},
		})
		return paneltest.Bench{
			Driver:  powermanage.New(powermanage.Options{Model: m, Transport: plain(network)}),
			Target:  target(),
			Sim:     without{server, hidden},
			Network: network,
		}
	}
}

// unsettled are the quirks under which the kit asks for too much; other tests say what
// becomes of them. A list that lags shows a change too late for most of the kit, a code that
// is refused as a duplicate of itself cannot be told from another's, and a session that
// ends with the Master's old code ends before anybody knows that the new one is set.
func unsettled() []string {
	return []string{powermanagesim.ListLags, powermanagesim.OwnDuplicate, powermanagesim.MasterEnds}
}

// Rules: D1, D2, D4, D6, D23, D27
func TestConformanceVisonic(t *testing.T) {
	paneltest.Run(t, bench(powermanage.Visonic(), powermanagesim.PanelOptions{Partitions: 3}, unsettled()...))
}

// few leaves out the quirks that the run over a Visonic panel has, unless KEYHOLDER_SLOW
// is set.
func few() []string {
	if os.Getenv("KEYHOLDER_SLOW") != "" {
		return unsettled()
	}
	return powermanagesim.New(powermanagesim.Options{}).Quirks()
}

// Rules: D1, R30
func TestConformanceNeoR(t *testing.T) {
	paneltest.Run(t, bench(powermanage.NeoR(), powermanagesim.PanelOptions{Kind: panel.NeoR, Users: 72, Partitions: 8}, few()...))
}

// Rules: D1, R31
func TestConformanceQolsys(t *testing.T) {
	paneltest.Run(t, bench(powermanage.Qolsys(), powermanagesim.PanelOptions{Kind: panel.Qolsys, Users: 242, Partitions: 4}, few()...))
}

// Rules: D1, R32
func TestConformanceDualPath(t *testing.T) {
	paneltest.Run(t, bench(powermanage.DualPath(), powermanagesim.PanelOptions{Kind: panel.DualPath}, few()...))
}
