package powermanage_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

// A user is created on a PowerMaster panel through its server.
func ExampleNew() {
	ctx, cancel := context.WithCancel(context.Background())
	addr, roots := simulated(ctx)
	defer cancel()

	driver := powermanage.New(powermanage.Options{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	})
	s, err := driver.Open(ctx, panel.Target{Ident: "1D0B0A", Routes: map[string]panel.Route{
		powermanage.Route: {Addr: addr, Secrets: map[string]panel.Secret{
			powermanage.EmailSecret:    panel.SecretOf("owner@example.com"),
			powermanage.PasswordSecret: panel.SecretOf("correct horse"),
			panel.MasterSecret:         panel.SecretOf("4729"),
		}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	code, err := panel.ParseCode("8675")
	if err != nil {
		fmt.Println(err)
		return
	}
	for o, err := range s.Apply(ctx, []panel.Edit{{
		Place: panel.Place{Slot: 4}, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel,
		Values: panel.Values{Code: code, Label: "Cleaner"},
	}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(o.Place, "done:", o.Done)
		fmt.Println(o.Report.Label, "is", o.Report.Role)
	}
	// Output:
	// # 4 done: code, label
	// Cleaner is User
}

// simulated runs a server on a TCP port, until ctx ends.
func simulated(ctx context.Context) (addr string, roots *x509.CertPool) {
	cert, err := powermanagesim.Certificate("127.0.0.1")
	if err != nil {
		panic(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		panic(err)
	}
	server := powermanagesim.New(powermanagesim.Options{
		Latency: 1,
		Listen:  func(context.Context) (net.Listener, error) { return l, nil },
	})
	go func() { _ = server.Serve(ctx) }()
	roots = x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	return l.Addr().String(), roots
}
