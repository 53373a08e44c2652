// Package paneltest proves a driver: a network in memory, the shape of a simulated
// panel, and the conformance kit that every driver passes.
//
// It is for vendor integrators and belongs in tests only. It needs nothing but the
// standard library. A driver's whole conformance test is one call:
//
//	func TestConformance(t *testing.T) {
//		paneltest.Run(t, func(t *testing.T) paneltest.Bench {
//			network := &paneltest.Network{}
//			return paneltest.Bench{
//				Driver:  acme.New(network),
//				Sim:     acmesim.New(network),
//				Network: network,
//				Target:  panel.Target{Panel: "p", Routes: map[string]panel.Route{"lan": {Addr: acmesim.Addr}}},
//			}
//		})
//	}
//
// # What Run proves
//
//   - Model: it does not contradict itself, survives JSON, and no session is wider.
//   - Read: complete, in order, true, stoppable, resumable; every place that is asked for
//     is said; marks follow codes; digits are told on request only.
//   - Watch: what happens at the keypad is told; it ends with its ctx and its session.
//   - Apply: each field alone and all together, again and again; exactly one outcome for
//     each edit; done, refused and unsure never overlap and never lie; what is not
//     supported is refused before a byte is sent; creating spares who is there, changing
//     spares who has gone, replacing leaves nothing of the former holder, the Master
//     stays; forty edits over a slow wire lock no keypad out for longer than Model.Hold.
//   - Fault, Truncation: whatever happens to any one message, or wherever the connection
//     ends, the driver comes back, tells the truth, and the next session repairs.
//   - Line: busy, armed, locked out, away and a wrong secret each have their error, and a
//     refused secret is presented once.
//   - Cancel, Deadline: the driver comes back in time, and the next session goes on.
//   - Garbage: whoever is no panel is not taken for one.
//   - Everywhere: no code and no key in anything that prints, no goroutine left behind.
//
// A part can be run alone: go test -run 'TestConformance/Fault/late'.
//
// # Simulators
//
// A [Sim] is the truth, so it must not share the driver's mistakes: it builds what it
// sends without the driver's encoder. [Faults] does the bookkeeping of faults for it.
// Every fact that public sources leave open is a quirk, and the driver must be right
// either way: Run repeats every part of Read, Watch and Apply with each quirk.
package paneltest
