package twon_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// A visitor gets a PIN at an intercom until the evening.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	network := new(paneltest.Network)
	listener, err := network.Listen("10.0.0.20:80")
	if err != nil {
		fmt.Println(err)
		return
	}
	sim := twonsim.New(twonsim.Options{Listen: func() (net.Listener, error) { return listener, nil }})
	go func() { _ = sim.Serve(ctx) }()

	driver := twon.New(twon.Options{Plain: true, Dial: network.DialContext})
	session, err := driver.Open(ctx, panel.Target{Ident: twonsim.DefaultSerial, Routes: map[string]panel.Route{
		twon.Route: {Addr: "10.0.0.20", Secrets: map[string]panel.Secret{
			twon.UserSecret: panel.SecretOf(twonsim.DefaultUser), twon.PasswordSecret: panel.SecretOf(twonsim.DefaultPassword),
		}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = session.Close() }()
	pin, err := panel.ParseCode("482615")
	if err != nil {
		fmt.Println(err)
		return
	}
	evening := time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)
	visitor := panel.Edit{
		Place: panel.Place{ID: "0d9d2c3e-6f0e-4c55-9a0e-5b8d0f5b7a11"}, Do: panel.Create,
		Set:    panel.FieldCode | panel.FieldLabel | panel.FieldUntil,
		Values: panel.Values{Code: pin, Label: "Visitor", Window: panel.Window{Until: evening}},
	}
	for outcome, err := range session.Apply(ctx, []panel.Edit{visitor}) {
		fmt.Println("done:", outcome.Done, err)
	}
	fmt.Println("in the afternoon:", sim.Opens("482615", evening.Add(-time.Hour)))
	fmt.Println("in the evening:", sim.Opens("482615", evening))
	// Output:
	// done: code, label, until <nil>
	// in the afternoon: true
	// in the evening: false
}
