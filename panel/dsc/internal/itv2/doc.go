// Package itv2 turns the bytes of DSC's ITv2 protocol over TLink into values and back.
// It is for the driver above it alone, and pure: no connection, no clock, no randomness.
//
// Four layers lie in each other:
//
//	TLink    stuffed header, 7E, stuffed payload, 7F        [Stream], [AppendTLink]
//	frame    length, packet, CRC-16, padding when encrypted [AppendFrame], [ParseFrame]
//	packet   sequences, command, command sequence, body     [Packet]
//	message  the body                                       [Message], [Parse]
//
// Layouts come from public descriptions of the protocol by people who run it against
// real panels. Frames, CRC, both handshakes, capabilities and labels agree with bytes
// that were published; the layouts of the user commands do not stand on any published
// capture. The test data says of each vector where it is from.
package itv2
