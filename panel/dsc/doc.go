// Package dsc manages the users of DSC PowerSeries Neo, PowerSeries Pro and NeoR panels
// over ITv2, the protocol of their integration sessions.
//
// It is for hosts, who give a [Driver] to the services, and for those who bring a panel
// into service. Panels dial out: [Driver.Arrivals] listens, and one listener serves any
// number of panels. What the panel has to be told:
//
//	[851][425] bit 5  integration protocol on; bit 4  Type 2 encryption
//	[851][428] [429]  this listener's address and port (3072)
//	[851][700]        the Type 2 key: 32 hexadecimal digits of your own
//	[851][422]        read here: the integration id, 12 digits
//
// # What is proven, and what is not
//
// Framing, check, both handshakes, capabilities and labels agree with bytes that other
// people published. The user commands follow layouts that two or fewer public programs
// agree on; no capture of them is public, and this driver has not run against hardware.
// Each [panel.Model] says what stands behind it. PowerSeries Pro and NeoR are expected
// to speak the same protocol; nobody has shown that they do.
//
// # How safe the line is
//
// With Type 1 encryption everything that the server sends can be read by whoever sees
// the packets: the key for that direction is hidden only under the integration id, which
// stands in clear in every frame. The master code would travel on it, so on Type 1, and
// with the keys that the maker published, nothing that needs the master code is done
// unless [Options.AllowWeak] says so. Type 2 has a secret of 128 bits and fresh keys for
// every session, but encrypts block by block and checks with a CRC only. Over the
// Internet use it through a tunnel.
//
// The driver does not use one set of keys for longer than it must: it ends a session
// before its sequence numbers come round and after programming, and the panel, which
// dials again by itself, shakes hands anew. See [Options.KeepSession].
//
// # What is not there
//
// Tags are counted, not written: no layout is public. Door locks are unknown to the
// protocol. Classic PowerSeries panels (PC1616, PC1832, PC1864) do not speak ITv2;
// [Models] has their limits and no writes.
package dsc
