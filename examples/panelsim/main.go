// Command panelsim is a simulated panel on a port, for people without hardware. It is for
// host developers, who point their program at it, and for whoever wants to see a driver at
// work: it says how to reach it, and takes what somebody at the keypad would do as lines.
//
//	go run ./examples/panelsim -kind twon -listen 127.0.0.1:4443
//	go run ./examples/panelsim -kind dsc -dial 127.0.0.1:3072
//
// Only this machine is listened to and called, unless -anywhere says otherwise: the
// secrets of a simulated panel are printed and published.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "panelsim:", err)
		if hint := fault.Hint(err); hint != "" {
			fmt.Fprintln(os.Stderr, hint)
		}
		os.Exit(1)
	}
}

// Errors of the command line.
var (
	// ErrKind: there is no simulator of this kind.
	ErrKind = fault.New(fault.Invalid, "panelsim: no such kind of panel").
		Hinted("The flag -kind takes one of those that -help lists.")
	// ErrNotLoopback: an address is not this machine's own.
	ErrNotLoopback = fault.New(fault.Denied, "panelsim: the address is not a loopback address").
			Hinted("Use 127.0.0.1:port, or -anywhere if everybody on the network may reach the simulator.")
)

// run starts a simulator and obeys lines until ctx ends, or a line says so.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("panelsim", flag.ContinueOnError)
	flags.SetOutput(out)
	kind := flags.String("kind", "", "what is simulated: "+strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	listen := flags.String("listen", "127.0.0.1:0", "the `address` on which a panel that is called waits; port 0 takes any")
	dial := flags.String("dial", "127.0.0.1:3072", "the `address` that a panel that calls in calls")
	anywhere := flags.Bool("anywhere", false, "let addresses be other than this machine's own")
	if err := flags.Parse(args); err != nil {
		return err
	}
	plug, ok := kinds[*kind]
	if !ok {
		return ErrKind
	}
	for _, addr := range []string{*listen, *dial} {
		if !*anywhere && !loopback(addr) {
			return fmt.Errorf("%w: %s", ErrNotLoopback, addr)
		}
	}
	d, err := plug(ctx, where{listen: *listen, dial: *dial})
	if err != nil {
		return err
	}
	defer func() { _ = d.close() }() // a file that is left over does no harm
	return d.live(ctx, in, out)
}

// loopback reports whether an address is a loopback address and a port; a name could
// become another address.
func loopback(addr string) bool {
	at, err := netip.ParseAddrPort(addr)
	return err == nil && at.Addr().IsLoopback()
}

// where is the simulator's place on the network.
type where struct{ listen, dial string }

func (w where) listener(ctx context.Context) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", w.listen)
}

// live serves the panel and obeys lines.
func (d *device) live(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.Serve(ctx) }()
	quit := func() error {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}

	for _, line := range d.says {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(out, "type help for what can be done at its keypad"); err != nil {
		return err
	}
	lines := read(ctx, in)
	for {
		select {
		case err := <-ended:
			return err
		case line, more := <-lines:
			answer, on := "", more
			if more {
				answer, on = d.obey(ctx, line)
			}
			if answer != "" {
				if _, err := fmt.Fprintln(out, answer); err != nil {
					return err
				}
			}
			switch {
			case !more: // nobody is at the keyboard: the panel goes on
				lines = nil
			case !on:
				return quit()
			}
		}
	}
}

// read gives the lines of in. A reader that blocks is left behind when ctx ends.
func read(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
