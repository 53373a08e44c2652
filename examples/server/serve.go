package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// usualAddr is where the server listens if nobody says.
const usualAddr = "127.0.0.1:8080"

// ErrNotLoopback: the address can be reached from other machines.
var ErrNotLoopback = fault.New(fault.Denied, "server: not an address of this machine alone").
	Hinted("Nobody has to sign in here, so it listens on 127.0.0.1 or [::1] only.")

// options are what the program is told.
type options struct {
	Addr string // "" is usualAddr, else any free port
	Dir  string // "" is a new temporary folder
	Demo bool
	Out  io.Writer    // gets the one line with the URL
	Log  *slog.Logger // gets diagnostics
}

// serve opens everything, prints the URL, and serves until ctx ends.
func serve(ctx context.Context, o options) error {
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "keyholder-")
		if err != nil {
			return err
		}
		o.Dir = dir
	}
	listener, err := listen(ctx, o.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server has closed it, if it came to that
	return run(ctx, o, func(ctx context.Context, a *app) error {
		if _, err := fmt.Fprintf(o.Out, "http://%s\n", listener.Addr()); err != nil {
			return err
		}
		server := &http.Server{Handler: handler(a), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn)}
		stopped := make(chan error, 1)
		defer context.AfterFunc(ctx, func() {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			stopped <- server.Shutdown(end)
		})()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return <-stopped
	})
}

// listen binds to an address of this machine, and to nothing else.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	usual := addr == ""
	if usual {
		addr = usualAddr
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	// A name is refused even if it means this machine today.
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%w: %q", ErrNotLoopback, addr)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil && usual {
		return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	return l, err
}
