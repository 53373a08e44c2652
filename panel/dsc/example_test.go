package dsc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// A listener that knows one panel, and a simulated panel that calls it.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	network := new(paneltest.Network)

	driver := dsc.New(dsc.Options{
		Listen: func(context.Context) (net.Listener, error) { return network.Listen(dsc.DefaultAddr) },
		Quiet:  time.Millisecond,
		Allow: func(_ context.Context, ident string) (dsc.Key, error) {
			if ident != "298765432101" {
				return dsc.Key{}, dsc.ErrUnlisted
			}
			return dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(dscsim.DefaultType2)}, nil
		},
	})
	sim := dscsim.New(dscsim.Options{
		Ident: "298765432101", Master: "4729", Redial: time.Millisecond, LeadIn: time.Millisecond,
		Dial: func(ctx context.Context) (net.Conn, error) { return network.DialContext(ctx, "tcp", "10.0.0.1:3072") },
	})
	go func() { _ = sim.Serve(ctx) }()

	for arrival, err := range driver.Arrivals(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("here is", arrival.Ident)
		if err := setCode(ctx, driver, arrival.Ident); err != nil {
			fmt.Println(err)
		}
		break
	}
	fmt.Println("opens:", sim.Accepts("8264"))
	// Output:
	// here is 298765432101
	// # 5 done: code, role
	// opens: true
}

func setCode(ctx context.Context, driver *dsc.Driver, ident string) error {
	session, err := driver.Open(ctx, panel.Target{
		Ident: ident,
		Routes: map[string]panel.Route{
			dsc.Route: {Secrets: map[string]panel.Secret{dsc.MasterSecret: panel.SecretOf("4729")}},
		},
	})
	if err != nil {
		return err
	}
	code, err := credentials.ParseCode("8264")
	if err != nil {
		return errors.Join(err, session.Close())
	}
	edit := panel.Edit{
		Place: panel.Place{Slot: 5}, Do: panel.Create, Set: panel.FieldCode | panel.FieldRole,
		Values: panel.Values{Code: code, Role: panel.User},
	}
	for outcome, err := range session.Apply(ctx, []panel.Edit{edit}) {
		if err != nil {
			return errors.Join(err, session.Close())
		}
		fmt.Printf("%v done: %v\n", outcome.Place, outcome.Done)
	}
	return session.Close()
}
