// Package visonicsim is a simulated Visonic panel: its users in memory, its rules, and its
// wires in real bytes, over a network in memory or a real TCP port.
//
// It is for tests and demonstrations. It implements paneltest.Sim and makes its bytes
// without the driver's encoder. What public sources leave open is a quirk.
package visonicsim
