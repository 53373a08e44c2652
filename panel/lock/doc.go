// Package lock manages the user codes of door locks that a host's own radio reaches:
// Z-Wave locks (User Code command class), ZigBee locks (Door Lock cluster), and Yale locks
// behind either or behind a gateway.
//
// It is for hosts whose Z-Wave or ZigBee controller keyholder cannot know: they implement
// [Controller], four calls that both standards have, and give the [Driver] to the services.
//
// # A lock is a device
//
// Where a panel copies codes to its locks by itself, they are a field of the panel's
// users. Otherwise a lock is a device of its own, with its own model and line: a changed
// code is free only when the last lock has let go of the old one. A lock may be asleep or
// out of reach for hours; its line waits and holds up no other.
//
// # What a lock says
//
// Neither standard makes a lock answer truly. A Z-Wave Set has no answer unless it is
// supervised; a lock may drop a duplicate in silence, show asterisks for digits, or show
// an old state for a while. The driver therefore reads the slot before and after each
// write, and says done only if the lock confirmed the write or shows it. Where a lock
// neither confirms nor shows digits, an overwritten code stays unsure, and the service
// cures it by clearing the slot first. A lock whose reports are late after its own keypad
// was used can hide for that time that somebody was removed there.
//
// # What is proven, and what is not
//
// Commands, status values, lengths and answers are those of the standards as public
// implementations write them; slot maps are the makers' and integrators'. Nothing here has
// run against a lock: each [panel.Model] says what stands behind it.
package lock
