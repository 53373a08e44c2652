package acmedriver_test

import (
	"net"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/examples/acmedriver"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// Rules: D1, D2
func TestConformance(t *testing.T) {
	const addr, key = "10.0.0.1:7700", "an-acme-key"
	paneltest.Run(t, func(t *testing.T) paneltest.Bench {
		network := &paneltest.Network{}
		listen := func() (net.Listener, error) { return network.Listen(addr) }
		return paneltest.Bench{
			Driver:  acmedriver.New(network),
			Sim:     acmedriver.NewPanel(listen, key),
			Network: network,
			Target: panel.Target{Panel: "p", Ident: acmedriver.Ident, Routes: map[string]panel.Route{
				acmedriver.Route: {Addr: addr, Secrets: map[string]panel.Secret{acmedriver.Key: panel.SecretOf(key)}},
			}},
		}
	})
}
