package qolsyssim_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

// Where a server hosts an IQ panel it writes codes, which no wire of the panel does, and the
// panel's own wire is the witness: its mark tells whether a code is the one that was there.
// Nothing shows that both count users alike, so that the writes are experimental.
func TestAServerWritesAndThePanelIsItsWitness(t *testing.T) {
	k := paired(t)
	synctest.Test(t, func(t *testing.T) {
		network := new(paneltest.Network)
		server := powermanagesim.New(powermanagesim.Options{
			Listen: func(context.Context) (net.Listener, error) { return network.Listen("server.example:443") },
			Panels: []powermanagesim.PanelOptions{{Kind: panel.Qolsys, Users: 242, Partitions: 4}},
		})
		wall := qolsyssim.New(qolsyssim.Options{Identity: k.identity, Master: powermanagesim.DefaultMaster, Listen: network.Listen})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{}, 2)
		for _, serve := range []func(context.Context) error{server.Serve, wall.Serve} {
			go func() { _ = serve(ctx); ended <- struct{}{} }()
		}
		defer func() { cancel(); <-ended; <-ended }()
		synctest.Wait()

		driver := panel.Combine(
			panel.Part{Route: qolsys.Route, Driver: qolsys.NewIQRemote(qolsys.Options{Dialer: network})},
			panel.Part{Route: powermanage.Route, Driver: powermanage.New(powermanage.Options{
				Model: powermanage.Qolsys(), Transport: &http.Transport{DialTLSContext: network.DialContext},
			})},
		)
		m := driver.Model()
		require.Equal(t, panel.FieldCode|panel.FieldLabel, m.Writes())
		require.Equal(t, m.Writes(), m.Experimental)
		require.Equal(t, panel.FieldRole|panel.FieldPartitions|panel.FieldUntil, m.Hands, "the server has no call for these")
		require.Equal(t, panel.Marked, m.Sight)
		require.ErrorIs(t, m.CheckPlace(panel.Place{Slot: 241}), panel.ErrSlotReserved)

		s, err := driver.Open(t.Context(), panel.Target{Panel: "p", Ident: ident, Routes: map[string]panel.Route{
			qolsys.Route: {Addr: "10.0.0.1:8883", Secrets: map[string]panel.Secret{qolsys.PairingSecret: k.paired.Secret}},
			powermanage.Route: {Addr: "server.example:443", Secrets: map[string]panel.Secret{
				powermanage.EmailSecret:    panel.SecretOf(powermanagesim.DefaultEmail),
				powermanage.PasswordSecret: panel.SecretOf(powermanagesim.DefaultPassword),
				powermanage.SerialSecret:   panel.SecretOf(powermanagesim.DefaultSerial),
				panel.MasterSecret:         panel.SecretOf(powermanagesim.DefaultMaster),
			}},
		}})
		require.NoError(t, err)
		defer func() { _ = s.Close() }()
		place := panel.Place{Slot: 5}
		mark := func() []byte {
			t.Helper()
			var found []byte
			for e, err := range s.Read(t.Context(), panel.Query{Places: []panel.Place{place}}) {
				require.NoError(t, err)
				switch {
				case e.Panel != nil:
					require.Contains(t, []string{"", ident}, e.Panel.Ident, "one panel, whatever the server calls it")
				case e.User != nil:
					require.True(t, e.User.Code.IsZero())
					found = e.User.Mark
				}
			}
			return found
		}
		require.Empty(t, mark())
		e := panel.Edit{Place: place, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: pin(t, "8264")}}
		var o panel.Outcome
		for range 60 {
			for one, err := range s.Apply(t.Context(), []panel.Edit{e}) {
				require.NoError(t, err)
				o = one
			}
			if e.Ticket = o.Ticket; e.Ticket == nil {
				break
			}
			time.Sleep(time.Second)
		}
		require.True(t, o.Done.Has(panel.FieldCode), "%+v", o)
		e.Ticket = nil
		require.NoError(t, wall.Keypad(e), "both simulators are one panel")
		before := mark()
		require.NotEmpty(t, before)
		e.Do, e.Code = panel.Change, pin(t, "8265")
		require.NoError(t, wall.Keypad(e))
		require.NotEqual(t, before, mark(), "somebody changed it at the keypad")
	})
}
