// Package visonic reads the users of Visonic PowerMax and PowerMaster panels, PowerMax+ to
// PowerMaster-360R.
//
// It is for hosts, who give its drivers to the services, and for those who bring a panel
// into service. Each driver is one way to a panel:
//
//   - [Frames]: the panel's own wire, over a serial port or a serial server. PowerMax panels
//     and the PowerMaster-10 show their codes in the EPROM, which is read in download mode:
//     the panel has to be disarmed, and its keypads do not work meanwhile, for at most
//     [panel.Model.Hold]. Larger panels show codes, partitions and tags as settings; download
//     mode is entered once by Open, to learn which panel it is.
//   - [PowerLink]: PowerLink 3.1 hardware, or a proxy before it, calls in and carries the same
//     messages in envelopes.
//   - [RPC]: the JSON-RPC service inside a PowerLink 3 module.
//
// No public source shows how a user is written over the first two, so there nothing is
// written: [panel.Model.Hands] names what a person does at the keypad, and the model's
// guides say how. Where a PowerManage server manages the panel, package panel/powermanage
// writes, and one of these routes can be its witness in [panel.Combine].
//
// [Panels] has what is known of each kind of panel, as data: among it the slots of latchkey
// users, how many tags there are, and how the clock is read. The duress code is one setting
// of the whole panel and is neither read nor written.
//
// # What is seen of a code
//
// All three wires show every code in clear, and no wire is encrypted: use them inside the
// building, or through a tunnel. A report says only that there is a code; [Options] can add
// a keyed mark, or let the digits be disclosed to a query that asks for them.
//
// # What is proven, and what is not
//
// Settings, partitions, panel type and block layout agree with published captures of a
// PowerMaster-10; addresses and requests are documented by several public programs; the
// service's list of codes is documented with an example. The clock's layout is read off two
// captures. Writing over RPC is a guess, off by default and marked Experimental. This
// package has not run against hardware. Enrolling a line is left to the installer: it
// changes the panel.
package visonic
