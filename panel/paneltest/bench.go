package paneltest

import (
	"testing"
	"testing/synctest"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Bench is a driver with the simulated panel that it is proven against. The kit makes
// many: each stands alone.
type Bench struct {
	Driver panel.Driver
	// Target is the simulated panel with the secrets that open it.
	Target panel.Target
	// Sim is the simulated panel, with at least four free places.
	Sim Sim
	// Network is what driver and simulator run over. Without it the kit cannot count
	// bytes, delay, truncate or split them, and proves that much less.
	Network *Network
	// Immune are the faults that this wire cannot have (a panel that takes edits while it
	// is armed is immune to Armed): the kit then proves that they change nothing.
	Immune []FaultKind
	// Keypads and Locks are names that the panel knows, for models with these fields.
	Keypads, Locks []string
	// Messages is at how many messages of a conversation, from its first, the kit sets
	// each fault. 0 means 16.
	Messages int
}

// Run proves that a driver keeps its contract. The function bench makes a new bench; it
// is called often, each time inside a bubble of testing/synctest, and must use nothing
// outside it. Run serves the simulator itself.
//
// No part is ever skipped: what a model does not support must be refused with
// panel.ErrUnsupported before a byte is sent. Every part runs again with reads of one
// byte, and again with each quirk of the simulator.
//
// Keypad edits of the kit set fields that the model can write, or that need hands; for a
// model that writes nothing, a code and, if it is read, a label.
func Run(t *testing.T, bench func(t *testing.T) Bench) {
	t.Helper()
	var quirks []string
	overNetwork, messages := false, 0
	synctest.Test(t, func(t *testing.T) { // outside the parts, so that each can be run alone
		b := bench(t)
		quirks, overNetwork, messages = b.Sim.Quirks(), b.Network != nil, b.messages()
	})
	t.Run("Model", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := bench(t)
			if err := checkModel(b.Driver.Model()); err != nil {
				t.Error(err)
			}
			if b.Sim.Quirk("no such quirk", true) {
				t.Error("Sim.Quirk takes a quirk that Sim.Quirks does not list")
			}
		})
	})
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			bubble(t, bench, func(k *rig) { p.ready(k) }, p.prove)
		})
	}
	if overNetwork {
		for _, p := range parts {
			t.Run("OneByte/"+p.name, func(t *testing.T) {
				bubble(t, bench, func(k *rig) { p.ready(k); k.Network.OneByte = true }, p.prove)
			})
		}
	}
	for _, q := range quirks {
		for _, p := range parts {
			t.Run("Quirk/"+q+"/"+p.name, func(t *testing.T) {
				bubble(t, bench, func(k *rig) { p.ready(k); k.quirk(q) }, p.prove)
			})
		}
	}
	runFaults(t, bench, messages, overNetwork)
}

func (b Bench) messages() int {
	if b.Messages == 0 {
		return 16
	}
	return b.Messages
}

// part is something that is proven without faults.
type part struct {
	name  string
	prove func(*rig)
	slow  bool // over a wire of 150 ms
}

// ready sets the network before anything runs over it.
func (p part) ready(k *rig) {
	if p.slow {
		slowWire(k)
	}
}

func (k *rig) quirk(name string) {
	if !k.Sim.Quirk(name, true) {
		k.t.Errorf("Sim.Quirks lists %q, and Sim.Quirk does not know it", name)
	}
}

var parts = []part{
	{name: "Session/closes", prove: proveClose},
	{name: "Read/everything", prove: proveRead},
	{name: "Read/stops", prove: proveReadStops},
	{name: "Read/resumes", prove: proveReadResumes},
	{name: "Read/places", prove: proveReadPlaces},
	{name: "Read/facts", prove: proveReadFacts},
	{name: "Read/marks", prove: proveMarks},
	{name: "Read/discloses only on request", prove: proveDisclose},
	{name: "Watch", prove: proveWatch},
	{name: "Apply/nothing", prove: proveNothing},
	{name: "Apply/each field", prove: proveEachField},
	{name: "Apply/all fields", prove: proveAllFields},
	{name: "Apply/unsupported", prove: proveUnsupported},
	{name: "Apply/no such place", prove: proveNoSuchPlace},
	{name: "Apply/create", prove: proveCreate},
	{name: "Apply/create spares who is there", prove: proveCreateSpares},
	{name: "Apply/create repairs", prove: proveCreateRepairs},
	{name: "Apply/change spares who has gone", prove: proveChangeSpares},
	{name: "Apply/remove", prove: proveRemove},
	{name: "Apply/replace", prove: proveReplace},
	{name: "Apply/master", prove: proveMaster},
	{name: "Apply/duplicate code", prove: proveDuplicate},
	{name: "Apply/refused field", prove: proveRefused},
	{name: "Apply/many", prove: proveMany, slow: true},
	{name: "Apply/stops", prove: proveApplyStops},
}
