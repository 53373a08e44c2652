package qolsyssim_test

import (
	"testing"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

// Rules: R266, D1, D2, D4
func TestConformanceIQRemote(t *testing.T) {
	k := paired(t)
	paneltest.Run(t, func(*testing.T) paneltest.Bench {
		return bench(k, qolsys.Options{}, qolsyssim.Options{}, qolsyssim.New(qolsyssim.Options{}).Quirks()...)
	})
}

// The other interface sees no user: what it proves is that nobody is invented, that the
// token is presented once, and that a line that breaks is met again.
//
// Rules: D1, D2
func TestConformanceControl4(t *testing.T) {
	k := paired(t)
	paneltest.Run(t, func(*testing.T) paneltest.Bench {
		b := bench(k, qolsys.Options{}, qolsyssim.Options{}, qolsyssim.SilentToken, qolsyssim.NoNonce, qolsyssim.NewTLS)
		b.Messages = 5 // two answers of two lines, and one more
		b.Driver = qolsys.NewControl4(qolsys.Options{Dialer: b.Network})
		b.Target = control4Target()
		route := b.Target.Routes[qolsys.RouteControl4]
		route.Addr += ":12345" // the kit listens there in the panel's place
		b.Target.Routes[qolsys.RouteControl4] = route
		return b
	})
}
