// Package dscsim is a simulated DSC panel: the calling side of ITv2 with the panel's own
// rules about its users.
//
// It is for tests of hosts and of the driver. It dials whatever [Options.Dial] reaches,
// in memory or over TCP, shakes hands with Type 1 or Type 2 encryption, and dials again
// when it is cut off. It implements paneltest.Sim.
//
// It is our reading of a protocol that has no public specification: what it does is what
// public programs and manuals say, and every point that they leave open is a named quirk
// that turns the other reading on ([Panel.Quirks]). Passing against it proves that a
// driver agrees with that reading, not with a panel.
//
// What it sends is made by an encoder of its own, with its own check and its own use of
// AES. What it receives it takes apart with the driver's decoder: that one is held
// against published bytes elsewhere.
package dscsim
