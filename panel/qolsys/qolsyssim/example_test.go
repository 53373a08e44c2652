package qolsyssim_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

// A host pairs with a panel, somebody adds a user at the panel, and the host lists who is
// there. With a real panel Announce is announce.OnEvery(), and the dialer is left out.
func Example() {
	if err := example(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// paired with AA:BB:CC:00:00:01
	// # 1 Admin Master 1, 2, 3, 4
	// # 2 Hall User 1
}

func example(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	network := new(paneltest.Network)
	identity, err := qolsyssim.NewIdentity("AA:BB:CC:00:00:01")
	if err != nil {
		return err
	}
	up := make(chan struct{})
	sim := qolsyssim.New(qolsyssim.Options{Identity: identity, Listen: func(addr string) (net.Listener, error) {
		if addr == qolsyssim.Control4Addr { // the last of its ports
			defer close(up)
		}
		return network.Listen(addr)
	}})
	go func() { _ = sim.Serve(ctx) }()
	<-up

	paired, err := qolsys.Pair(ctx, qolsys.PairOptions{
		Panel:  "AA:BB:CC:00:00:01",
		Listen: func(context.Context) (net.Listener, error) { return network.Listen(":51234") },
		Announce: func(ctx context.Context, a qolsys.Announcement) (io.Closer, error) {
			conn, err := network.DialContext(ctx, "tcp", fmt.Sprintf("10.0.0.1:%d", a.Port))
			if err != nil {
				return nil, err
			}
			go func() { _, _ = identity.Pair(ctx, conn) }()
			return conn, nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println("paired with", paired.Panel)

	code, err := panel.ParseCode("6137")
	if err != nil {
		return err
	}
	if err := sim.Keypad(panel.Edit{
		Place: panel.Place{Slot: 2}, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel,
		Values: panel.Values{Code: code, Label: "Hall"},
	}); err != nil {
		return err
	}

	session, err := qolsys.NewIQRemote(qolsys.Options{Dialer: network}).Open(ctx, panel.Target{
		Ident: paired.Panel,
		Routes: map[string]panel.Route{qolsys.Route: {
			Addr: "10.0.0.1", Secrets: map[string]panel.Secret{qolsys.PairingSecret: paired.Secret},
		}},
	})
	if err != nil {
		return err
	}
	for event, err := range session.Read(ctx, panel.Query{All: true}) {
		if err != nil {
			return err
		}
		if u := event.User; u != nil {
			fmt.Println(u.Place, u.Label, u.Role, u.Partitions)
		}
	}
	return session.Close()
}
