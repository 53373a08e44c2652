// Package twonsim is a simulated 2N access device: its HTTP API with digest
// authentication over one directory in memory, with the directory's rules.
//
// It is for tests of hosts and of the driver. It serves whatever listener
// [Options.Listen] gives, in memory, on a real port, or behind TLS, and implements
// paneltest.Sim. Its keypad is the device's web page, where entries have no owner.
//
// It is our reading of the maker's manual and public tests: every point that they leave
// open is a named quirk that turns another reading on ([Device.Quirks]). Passing against
// it proves that a driver agrees with that reading, not with a device.
//
// Damage on the way (paneltest.Corrupt) ends the connection: under TLS nothing else can
// come of it. A device is never armed, so paneltest.Armed does nothing.
package twonsim
