package visonic_test

import (
	"context"
	"fmt"
	"net"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

// The users of a panel with a PowerLink 3 module. What a person does by hand is in the
// model.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	network := new(paneltest.Network)
	l, err := network.Listen("10.0.0.9:8181")
	if err != nil {
		fmt.Println(err)
		return
	}
	sim := visonicsim.New(visonicsim.Options{
		Type: 8, Wire: visonicsim.RPC, Master: "4729",
		Listen: func(context.Context) (net.Listener, error) { return l, nil },
	})
	go func() { _ = sim.Serve(ctx) }()

	driver := visonic.NewRPC(visonic.RPCOptions{DialContext: network.DialContext, Client: "10.0.0.7"})
	session, err := driver.Open(ctx, panel.Target{Routes: map[string]panel.Route{
		visonic.RPCRoute: {Addr: "10.0.0.9:8181", Secrets: map[string]panel.Secret{visonic.RPCSecret: panel.SecretOf("4729")}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	for event, err := range session.Read(ctx, panel.Query{All: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if u := event.User; u != nil {
			fmt.Println(u.Place, u.Role, "partitions", u.Partitions)
		}
	}
	fmt.Println("by hand:", session.Model().Hands)
	// Output:
	// # 1 Master partitions 1, 2, 3
	// by hand: code, partitions
}
