// Package locksim is a simulated door lock with the controller that reaches it: the rules
// of the Z-Wave and ZigBee user codes, without a radio.
//
// It is for tests of hosts and of the driver. It implements lock.Controller and
// paneltest.Sim; its keypad is the lock's own. What locks do differently, and what the
// standards leave to them, is a named quirk ([Lock.Quirks]). A frame that is damaged on
// the way is dropped, as both radios do.
package locksim
