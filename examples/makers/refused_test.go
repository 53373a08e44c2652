package makers_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
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

// refusing is a panel that refuses whatever opens it.
func refusing(m *made) { m.sim.Fault(paneltest.Fault{Do: paneltest.WrongSecret, Times: 1000}) }

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
		"PowerManage 442": {aPowerManage, func(m *made) {
			panelLogins(m)
			m.sim.Quirk(powermanagesim.BlockedIs442, true)
			m.sim.Fault(paneltest.Fault{Do: paneltest.Lockout, For: 1000 * time.Hour})
		}},
		"Visonic download code": {aFrames, wrong(visonic.DownloadSecret, "1234")},
		"Visonic RPC master":    {aRPC, wrong(visonic.RPCSecret, "9137")},
		"Visonic enrolment":     {aPowerLink, refusing},
		"2N account":            {a2N, wrong(twon.PasswordSecret, "another")},
		"Qolsys pairing":        {aQolsys, refusing},
		"Qolsys pairing, by MQTT": {aQolsys, func(m *made) {
			m.sim.Quirk(qolsyssim.RefusedLate, true)
			refusing(m)
		}},
		"Qolsys token": {aControl4, wrong(qolsys.TokenSecret, "another")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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
					pass(25 * time.Hour / time.Duration(n*n*n)) // the first wait is longer than any loop's
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

// A server that still blocks logins after the time that it named, or after a while where it
// named none, is not asked again before a person says so.
func TestALoginThatStaysBlockedWaitsForAPerson(t *testing.T) {
	for _, vague := range []bool{false, true} {
		blocked := func(m *made) {
			m.sim.Quirk(powermanagesim.BlockedIsVague, vague)
			for _, f := range []time.Duration{10 * time.Minute, 1000 * time.Hour} {
				m.sim.Fault(paneltest.Fault{Do: paneltest.Lockout, For: f})
			}
			m.presented = func() int { return m.sim.(*powermanagesim.Server).Logins().Panels }
		}
		with(t, aPowerManage, blocked, func(r *rig) {
			if !vague { // else a minute is long enough for a second attempt
				require.Equal(r, 1, r.presented())
				require.Empty(r, r.info().Line.Parked)
			}
			pass(11 * time.Minute)
			require.Equal(r, 2, r.presented(), "once after its own time")
			require.NotEmpty(r, r.info().Line.Parked)
			require.NoError(r, r.tab.Change(r.Context(), "wakes the line"))
			pass(25 * time.Hour)
			require.Equal(r, 2, r.presented())
			r.renew()
			require.NoError(r, r.tab.Resume(r.Context()))
			pass(30 * time.Second)
			require.Equal(r, 3, r.presented())
		})
	}
}

// A DSC panel whose key we do not have calls and calls: nothing follows the handshake that
// proves neither side, and no code is offered. With the right key it is there at once.
func TestAPanelThatCannotProveItsKeyGetsNoCode(t *testing.T) {
	with(t, aDSC, wrong("key", "00112233445566778899AABBCCDDEEFF"), func(r *rig) {
		_, err := r.tab.SetCode(r.Context(), slot(5), roster.CodeWish{Code: digits(r.T, "6137")})
		require.NoError(r, err)
		pass(2 * time.Hour)
		require.False(r, r.info().Line.Here)
		require.True(r, r.info().Baseline.IsZero())
		require.Zero(r, r.presented())
		r.renew()
		require.NoError(r, r.tab.SetSecret(r.Context(), dsc.Route, roster.Route{Secrets: map[string]panel.Secret{"key": panel.SecretOf(dscsim.DefaultType2)}}))
		pass(time.Hour)
		require.True(r, r.info().Line.Here)
		require.False(r, r.info().Baseline.IsZero())
		require.Positive(r, r.presented(), "the code goes to the panel that has proven its key")
	})
}
