package dsc_test

import (
	"context"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

const (
	ident      = "298765432101"
	masterCode = "4729"
)

// without is a simulator that keeps some of its quirks to itself.
type without struct {
	*dscsim.Panel
	hidden []string
}

func (w without) Quirks() []string {
	return slices.DeleteFunc(w.Panel.Quirks(), func(q string) bool { return slices.Contains(w.hidden, q) })
}

func bench(o dsc.Options, so dscsim.Options, hidden ...string) func(*testing.T) paneltest.Bench {
	return func(*testing.T) paneltest.Bench {
		network := new(paneltest.Network)
		o, so := o, so
		o.Listen = func(context.Context) (net.Listener, error) { return network.Listen(dsc.DefaultAddr) }
		key := dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(dscsim.DefaultType2), Model: "HS2032"}
		if so.Type1 {
			key.Encryption, key.Secret = dsc.Type1, panel.SecretOf(dscsim.DefaultType1)
		}
		o.Allow = func(_ context.Context, id string) (dsc.Key, error) {
			if id != ident {
				return dsc.Key{}, dsc.ErrUnlisted
			}
			return key, nil
		}
		so.Dial = func(ctx context.Context) (net.Conn, error) {
			return network.DialContext(ctx, "tcp", "10.0.0.1:3072")
		}
		return paneltest.Bench{
			Driver: dsc.New(o),
			Target: panel.Target{
				Panel: "p-1", Ident: ident,
				Routes: map[string]panel.Route{dsc.Route: {Secrets: map[string]panel.Secret{
					dsc.MasterSecret: panel.SecretOf(masterCode),
				}}},
			},
			Sim:     without{dscsim.New(so), hidden},
			Network: network,
		}
	}
}

var hs2032 = dscsim.Options{Users: 72, Partitions: 4}

// A label that the panel cannot write, and a code that it refuses as a duplicate of
// itself, cannot be settled without reading codes: other tests say what becomes of them.
//
// Rules: R48, R49, R50, R53, R61, R65, R69, R70, R72, R264, D1, D2, D6, D9, D13, D15
func TestConformance(t *testing.T) {
	paneltest.Run(t, bench(dsc.Options{}, hs2032, dscsim.NoLabelWrite, dscsim.OwnDuplicate))
}

// hidden are the quirks that a run leaves out: all but some, unless KEYHOLDER_SLOW is set,
// because the plain run has them all.
func hidden(shown ...string) []string {
	never := []string{dscsim.NoLabelWrite}
	if os.Getenv("KEYHOLDER_SLOW") == "" {
		never = dscsim.New(dscsim.Options{}).Quirks()
	}
	return slices.DeleteFunc(never, func(q string) bool { return slices.Contains(shown, q) })
}

// With disclosure a code that the panel refuses as a duplicate of itself is found by
// reading it back.
func TestConformanceDisclosing(t *testing.T) {
	paneltest.Run(t, bench(dsc.Options{DiscloseCodes: true}, hs2032, hidden(dscsim.OwnDuplicate)...))
}

func TestConformanceType1KeepingSessions(t *testing.T) {
	type1 := hs2032
	type1.Type1 = true
	hide := append(hidden(), dscsim.OwnDuplicate)
	paneltest.Run(t, bench(dsc.Options{AllowWeak: true, KeepSession: true}, type1, hide...))
}
