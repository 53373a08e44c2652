package dsc

import (
	"net"
	"net/netip"
)

// prefixOf names where a peer comes from: its IPv4 /24 or IPv6 /64, or the whole name of
// an address that is no IP address.
func prefixOf(a net.Addr) string {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	ip := ap.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return ip.String()
	}
	return p.String()
}
