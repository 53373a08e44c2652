package dscsim_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
)

// A simulated panel calls a driver over real TCP and proves its key.
func ExampleNew() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	driver := dsc.New(dsc.Options{
		Listen: func(context.Context) (net.Listener, error) { return listener, nil },
		Allow: func(context.Context, string) (dsc.Key, error) {
			return dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(dscsim.DefaultType2)}, nil
		},
	})
	sim := dscsim.New(dscsim.Options{Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	}})
	go func() { _ = sim.Serve(ctx) }()

	for arrival, err := range driver.Arrivals(ctx) {
		fmt.Println(arrival.Ident, arrival.Gone, err)
		break
	}
	// Output: 298765432101 false <nil>
}
