package makers_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// wrong puts another secret in the place of the right one.
func wrong(name, secret string) func(*made) {
	return func(m *made) {
		for at, r := range m.routes {
			r.Secrets = maps.Clone(r.Secrets)
			r.Secrets[name] = panel.SecretOf(secret)
			m.routes[at] = r
		}
	}
}

// A refused code or password reaches the panel once, and once more for each time that a
// person says so, however long and however much is wished meanwhile.
func TestARefusedSecretIsPresentedOnce(t *testing.T) {
	panelLogins := func(m *made) {
		m.presented = func() int { return m.sim.(*powermanagesim.Server).Logins().Panels }
	}
	for name, c := range map[string]struct {
		maker func(*paneltest.Network) made
		spoil func(*made)
	}{
		"DSC master code":      {aDSC, wrong(panel.MasterSecret, "9137")},
		"PowerManage password": {aPowerManage, wrong(powermanage.PasswordSecret, "another")},
		"PowerManage master":   {aPowerManage, func(m *made) { wrong(panel.MasterSecret, "9137")(m); panelLogins(m) }},
		"PowerManage 444": {aPowerManage, func(m *made) {
			wrong(panel.MasterSecret, "9137")(m)
			panelLogins(m)
			m.sim.Quirk(powermanagesim.WrongIs444, true)
		}},
		"Visonic download code": {aFrames, wrong(visonic.DownloadSecret, "1234")},
		"2N account":            {a2N, wrong(twon.PasswordSecret, "another")},
		"Qolsys pairing":        {aQolsys, func(m *made) { m.sim.Fault(paneltest.Fault{Do: paneltest.WrongSecret, Times: 1000}) }},
	} {
		t.Run(name, func(t *testing.T) {
			with(t, c.maker, c.spoil, func(r *rig) {
				for n := 1; n <= 2; n++ {
					if name == "DSC master code" { // reading needs no code
						_, err := r.tab.SetCode(r.Context(), slot(4+n), roster.CodeWish{Code: digits(r.T, "613"+string(rune('0'+n)))})
						require.NoError(r, err)
						pass(time.Minute)
					}
					require.NotEmpty(r, r.info().Line.Parked, "%+v", r.info().Line)
					require.Equal(r, n, r.presented())
					require.NoError(r, r.tab.Change(r.Context(), "wakes the line"))
					pass(25 * time.Hour)
					require.Equal(r, n, r.presented())
					r.renew()
					require.NoError(r, r.tab.Resume(r.Context()))
					pass(time.Minute)
				}
			})
		})
	}
}

// A server that says for how long it takes no login is asked once after that time.
func TestABlockedLoginWaitsForItsOwnTime(t *testing.T) {
	blocked := func(m *made) { m.sim.Fault(paneltest.Fault{Do: paneltest.Lockout, For: 10 * time.Minute}) }
	with(t, aPowerManage, blocked, func(r *rig) {
		require.Equal(r, 1, r.presented())
		pass(8 * time.Minute)
		require.Equal(r, 1, r.presented())
		pass(3 * time.Minute)
		require.Equal(r, 2, r.presented())
		require.Empty(r, r.info().Line.Parked)
		require.False(r, r.info().Baseline.IsZero())
	})
}
