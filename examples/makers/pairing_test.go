package makers_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// A simulated panel on loopback ports is paired and registered by a person's confirmation:
// who is shown is the panel and its certificate's print, who is refused leaves nothing, and
// the key that was stored opens the panel over TLS. Another panel that calls into the
// window is sent away, and so is somebody who only connects.
//
// Rules: R266
func TestAQolsysPanelIsPairedThroughTheRoster(t *testing.T) {
	k, err := pairOnce()
	require.NoError(t, err)
	loopback := func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	broker, err := loopback()
	require.NoError(t, err)
	sim := qolsyssim.New(qolsyssim.Options{Identity: k.identity, Listen: func(addr string) (net.Listener, error) {
		if addr == qolsyssim.BrokerAddr {
			return broker, nil
		}
		return loopback()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = sim.Serve(ctx) })
	defer running.Wait()
	defer cancel()

	// Whoever is at the panel touches Pair as soon as the service is announced.
	announce := func(ctx context.Context, a qolsys.Announcement) (io.Closer, error) {
		call := func() (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", a.Port))
		}
		idle, err := call() // says nothing and hangs up
		if err != nil {
			return nil, err
		}
		_ = idle.Close()
		running.Go(func() {
			for _, one := range []*qolsyssim.Identity{k.identity.As("AA:BB:CC:00:00:02"), k.identity} {
				if conn, err := call(); err == nil {
					_, _ = one.Pair(ctx, conn) // the service's side reports
				}
			}
		})
		return io.NopCloser(nil), nil
	}
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	st := memstore.Open()
	desk, err := roster.New(roster.Options{
		Store: st, Keys: keys,
		Drivers: map[string]panel.Driver{"qolsys": qolsys.NewIQRemote(qolsys.Options{Pairing: qolsys.PairOptions{
			Announce: announce, Listen: func(context.Context) (net.Listener, error) { return loopback() },
		}})},
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
	})
	require.NoError(t, err)
	op := desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
	wall := roster.Registration{Site: site, Driver: "qolsys", Ident: qolsysIdent, Routes: map[string]roster.Route{qolsys.Route: {Addr: broker.Addr().String()}}}
	panels := func() int {
		rs, err := st.List(ctx, store.Query{Kind: "panel"})
		require.NoError(t, err)
		return len(rs)
	}

	var shown roster.Candidate
	_, err = op.Pair(ctx, wall, func(_ context.Context, c roster.Candidate) bool { shown = c; return false })
	require.ErrorIs(t, err, roster.ErrNotConfirmed)
	require.Equal(t, qolsysIdent, shown.Ident)
	require.Equal(t, k.paired.Authority, shown.Print, "the print of the panel's authority")
	require.Zero(t, panels())

	p, err := op.Pair(ctx, wall, func(context.Context, roster.Candidate) bool {
		require.Zero(t, panels(), "nothing is kept before it is confirmed")
		return true
	})
	require.NoError(t, err)
	require.Equal(t, 1, panels())
	trial, err := op.Panel(p.ID).Test(ctx)
	require.NoError(t, err)
	require.Equal(t, qolsysIdent, trial.Facts.Ident)
	require.Equal(t, 1, trial.Users, "the Master")

	// Somebody deletes the service at the panel: the key is worth nothing, until the panel
	// is paired anew.
	k.identity.DeleteRemotes(true)
	defer k.identity.DeleteRemotes(false)
	_, err = op.Panel(p.ID).Test(ctx)
	require.ErrorIs(t, err, panel.ErrSecret)
	k.identity.DeleteRemotes(false)
	require.NoError(t, op.Panel(p.ID).PairAnew(ctx, func(_ context.Context, c roster.Candidate) bool { return c.Print == shown.Print }))
	_, err = op.Panel(p.ID).Test(ctx)
	require.NoError(t, err)
}
