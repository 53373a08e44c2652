// Package qolsyssim is a Qolsys IQ panel in memory that speaks the panel's own bytes: an
// MQTT broker behind mutual TLS for IQ Remote, a client that pairs, and the interface for
// home automation. It is for tests of package panel/qolsys, for user interfaces without a
// panel, and for hosts that try keyholder out.
//
// It shares no code with the driver: the broker is mochi-mqtt, the tables are written by
// encoders of its own. What public sources leave open is a quirk, see [Panel.Quirks]. It
// listens where [Options.Listen] says, which may be real TCP ports.
package qolsyssim
