package twon_test

import (
	"net"
	"os"
	"slices"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

const addr = "10.0.0.1:80"

// without is a simulator that keeps some of its quirks to itself.
type without struct {
	*twonsim.Device
	hidden []string
}

func (w without) Quirks() []string {
	return slices.DeleteFunc(slices.Clone(w.Device.Quirks()), func(q string) bool { return slices.Contains(w.hidden, q) })
}

func target() panel.Target {
	return panel.Target{Panel: "p-1", Ident: twonsim.DefaultSerial, Routes: map[string]panel.Route{twon.Route: {
		Addr: addr,
		Secrets: map[string]panel.Secret{
			twon.UserSecret: panel.SecretOf(twonsim.DefaultUser), twon.PasswordSecret: panel.SecretOf(twonsim.DefaultPassword),
		},
	}}}
}

func bench(o twon.Options, so twonsim.Options, hidden ...string) func(*testing.T) paneltest.Bench {
	return func(*testing.T) paneltest.Bench {
		network := new(paneltest.Network)
		o, so := o, so
		o.Plain, o.Dial = true, network.DialContext
		so.Listen = func() (net.Listener, error) { return network.Listen(addr) }
		return paneltest.Bench{
			Driver: twon.New(o), Target: target(), Sim: without{twonsim.New(so), hidden}, Network: network,
			Immune: []paneltest.FaultKind{paneltest.Armed},
		}
	}
}

// A PIN that is refused as a duplicate is a refusal like any other: the model promises
// nothing, so the kit cannot ask for it.
//
// Rules: D1, D2, D4
func TestConformance(t *testing.T) {
	paneltest.Run(t, bench(twon.Options{}, twonsim.Options{}, twonsim.RefusesDuplicate))
}

// most are the quirks that a further run leaves out, unless KEYHOLDER_SLOW is set: the
// first run has them all.
func most(shown ...string) []string {
	if os.Getenv("KEYHOLDER_SLOW") != "" {
		return []string{twonsim.RefusesDuplicate}
	}
	return slices.DeleteFunc(slices.Clone(twonsim.New(twonsim.Options{}).Quirks()), func(q string) bool { return slices.Contains(shown, q) })
}

// A device without validity, PINs and cards: the code is that of switch 1.
//
// Rules: D1, D2
func TestConformanceUni(t *testing.T) {
	paneltest.Run(t, bench(twon.Options{}, twonsim.Options{Uni: true}, most(twonsim.LeavesDefaults)...))
}

func TestConformanceDisclosing(t *testing.T) {
	paneltest.Run(t, bench(twon.Options{DiscloseCodes: true}, twonsim.Options{}, most(twonsim.MaskedPINs)...))
}

// The event log changes nothing about the directory.
//
// Rules: D1, D2
func TestConformanceWithTheLog(t *testing.T) {
	paneltest.Run(t, bench(twon.Options{Log: true}, twonsim.Options{}, most(twonsim.HastyPull, twonsim.NoLog, twonsim.RandomUUIDs)...))
}
