package visonic_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

// A host that has both lets the server write and the panel's own wire say what is there:
// the server never shows a code, the wire does.
func TestServerWritesAndTheWireIsItsWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(paneltest.Network)
		server := powermanagesim.New(powermanagesim.Options{
			Listen: func(context.Context) (net.Listener, error) { return network.Listen("server.example:443") },
			Panels: []powermanagesim.PanelOptions{{Partitions: 3}},
		})
		wire := visonicsim.New(visonicsim.Options{
			Type: 8, Download: download, Master: powermanagesim.DefaultMaster, Serial: strings.ToLower(powermanagesim.DefaultSerial),
			Listen: func(context.Context) (net.Listener, error) { return network.Listen(addr) },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{}, 2)
		for _, serve := range []func(context.Context) error{server.Serve, wire.Serve} {
			go func() { _ = serve(ctx); ended <- struct{}{} }()
		}
		defer func() { cancel(); <-ended; <-ended }()
		synctest.Wait()

		driver := panel.Combine(
			panel.Part{Route: powermanage.Route, Driver: powermanage.New(powermanage.Options{
				Model: powermanage.Visonic(), Transport: &http.Transport{DialTLSContext: network.DialContext},
			})},
			panel.Part{Route: visonic.FramesRoute, Driver: visonic.NewFrames(visonic.Options{
				DiscloseCodes: true,
				Dial: func(ctx context.Context, addr string) (io.ReadWriteCloser, error) {
					return network.DialContext(ctx, "tcp", addr)
				},
			})},
		)
		assert.Equal(t, panel.Value, driver.Model().Sight)
		assert.True(t, driver.Model().Writes().Has(panel.FieldCode))
		s, err := driver.Open(t.Context(), panel.Target{Ident: powermanagesim.DefaultSerial, Routes: map[string]panel.Route{
			powermanage.Route: {Addr: "server.example:443", Secrets: map[string]panel.Secret{
				powermanage.EmailSecret:    panel.SecretOf(powermanagesim.DefaultEmail),
				powermanage.PasswordSecret: panel.SecretOf(powermanagesim.DefaultPassword),
				panel.MasterSecret:         panel.SecretOf(powermanagesim.DefaultMaster),
			}},
			visonic.FramesRoute: {Addr: addr, Secrets: map[string]panel.Secret{visonic.DownloadSecret: panel.SecretOf(download)}},
		}})
		require.NoError(t, err)
		defer func() { _ = s.Close() }()

		e := create(t, 5, "8264")
		o := one(t, s, e)
		for range 60 {
			if o.Ticket == nil {
				break
			}
			time.Sleep(time.Second)
			e.Ticket = o.Ticket
			o = one(t, s, e)
		}
		require.True(t, o.Done.Has(panel.FieldCode), "%+v", o)
		require.NoError(t, wire.Keypad(create(t, 5, "8264")), "both simulators are one panel")

		got, _, err := read(t.Context(), s, panel.Query{All: true, Disclose: true})
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.Equal(t, panel.Value, got[1].Sight)
		assert.True(t, got[1].Code.Equal(code(t, "8264")))
		assert.True(t, got[1].Known.Has(panel.FieldLabel), "the server's label joins the wire's code")
	})
}
