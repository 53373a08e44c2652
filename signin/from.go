package signin

import (
	"net/netip"
	"slices"
	"strings"
)

// From is where a request comes from, as far as the host knows.
type From struct {
	Addr   netip.Addr // the zero value is not known
	Local  bool       // from the local network; see [Networks.From]
	Site   string     // the site that the program stands for, "" for none
	Device string     // what its owner knows the device by, such as a browser and a system; personal
}

// source is what attempts are counted by: an address, of which IPv6 gives everybody a
// whole network.
func (f From) source() string {
	if !f.Addr.IsValid() {
		return "unknown"
	}
	a := f.Addr.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // an IPv6 address has 64 bits of network
	return p.Masked().Addr().String()
}

// maxDevice bounds what is kept of a device's name.
const maxDevice = 80

func (f From) device() string {
	return strings.ToValidUTF8(f.Device[:min(len(f.Device), maxDevice)], "")
}

// Networks are the networks that a host knows.
type Networks struct {
	Local   []netip.Prefix // those that count as local
	Proxies []netip.Prefix // those of its own proxies, whose word on where a request comes from counts
}

// From tells where a request comes from: peer is the connection's own address, forwarded
// are the addresses of the X-Forwarded-For headers in their order. Their word counts only
// where the peer is one of the host's proxies, and then only the nearest one that is not:
// all before it can be made up. What cannot be read is not local.
func (n Networks) From(peer netip.Addr, forwarded ...string) From {
	addr := peer.Unmap()
	for i := len(forwarded) - 1; i >= 0 && within(n.Proxies, addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(forwarded[i]))
		if err != nil {
			return From{}
		}
		addr = next.Unmap()
	}
	return From{Addr: addr, Local: within(n.Local, addr) && !within(n.Proxies, addr)}
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a.Unmap().WithZone("")) })
}
