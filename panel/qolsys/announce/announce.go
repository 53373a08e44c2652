// Package announce tells a network over multicast DNS that a Qolsys panel can be paired
// here. It is for hosts that pair panels with package panel/qolsys and share a network
// with them:
//
//	driver := qolsys.NewIQRemote(qolsys.Options{Pairing: qolsys.PairOptions{Announce: announce.OnEvery()}})
//
// It is a module of its own, because only such hosts need the library behind it. Panels
// look for the service while somebody has touched Pair in their settings; the
// announcement lives exactly as long as the window of [qolsys.Pair].
package announce

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"

	"github.com/hashicorp/mdns"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
)

// ErrNoAddress: the interface has no address at which a panel could call.
var ErrNoAddress = fault.New(fault.Precondition, "announce: no address for panels to call").
	Hinted("Pair on a machine in the panel's own network, or name the interface that is.")

// Func is what [qolsys.PairOptions] takes. Closing what it returns ends the announcement;
// so does the end of ctx.
type Func func(ctx context.Context, a qolsys.Announcement) (io.Closer, error)

// OnEvery announces on the interface that the system takes for multicast, with the
// addresses of every interface that is up and is not loopback.
func OnEvery() Func {
	return func(ctx context.Context, a qolsys.Announcement) (io.Closer, error) {
		interfaces, err := net.Interfaces()
		if err != nil {
			return nil, err
		}
		var ips []net.IP
		for _, i := range interfaces {
			if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
				continue
			}
			more, err := addresses(&i)
			if err != nil {
				return nil, err
			}
			ips = append(ips, more...)
		}
		return serve(ctx, a, nil, ips)
	}
}

// On announces on one interface, with its addresses.
func On(i *net.Interface) Func {
	return func(ctx context.Context, a qolsys.Announcement) (io.Closer, error) {
		ips, err := addresses(i)
		if err != nil {
			return nil, err
		}
		return serve(ctx, a, i, ips)
	}
}

// addresses are those of an interface that a neighbour can call without naming a zone.
func addresses(i *net.Interface) ([]net.IP, error) {
	all, err := i.Addrs()
	if err != nil {
		return nil, err
	}
	var ips []net.IP
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			ips = append(ips, n.IP)
		}
	}
	return ips, nil
}

// host is the name that the addresses are published under. It says nothing about the
// machine.
const host = "keyholder-pairing"

// records are what is answered to a panel's questions.
func records(a qolsys.Announcement, ips []net.IP) (*mdns.MDNSService, error) {
	if len(ips) == 0 {
		return nil, ErrNoAddress
	}
	domain := strings.TrimSuffix(a.Domain, ".") + "."
	s, err := mdns.NewMDNSService(a.Instance, a.Service, domain, host+"."+domain, a.Port, ips, nil)
	if err != nil {
		return nil, fmt.Errorf("announce: %w", err)
	}
	return s, nil
}

func serve(ctx context.Context, a qolsys.Announcement, i *net.Interface, ips []net.IP) (io.Closer, error) {
	zone, err := records(a, ips)
	if err != nil {
		return nil, err
	}
	// What strangers send is not worth a line of log each.
	server, err := mdns.NewServer(&mdns.Config{Zone: zone, Iface: i, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		return nil, fmt.Errorf("announce: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Shutdown() })
	return closer(func() error { stop(); return server.Shutdown() }), nil
}

type closer func() error

// Close ends the announcement.
func (c closer) Close() error { return c() }
