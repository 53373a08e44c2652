package scim_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/people/scim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// What somebody wished for before the provider deactivated them does not reach a panel: it
// is held until a person confirms it.
//
// Rules: G212, R249
func TestTheWishesOfWhoIsDeactivatedAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.server.Close() // no real network in a bubble
		ctx, cancel := context.WithCancel(t.Context())
		network, line := &paneltest.Network{}, "10.0.0.2:3072"
		sim := dscsim.New(dscsim.Options{Ident: "298765432101", Master: "4729", Users: 48, Partitions: 4,
			Dial: func(ctx context.Context) (net.Conn, error) { return network.DialContext(ctx, "tcp", line) }})
		var desk *roster.Desk
		driver := dsc.New(dsc.Options{Listen: func(context.Context) (net.Listener, error) { return network.Listen(line) },
			Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
				key, err := desk.Secret(ctx, "dsc", ident, dsc.Route, "key")
				return dsc.Key{Encryption: dsc.Type2, Secret: key}, err
			}})
		var err error
		desk, err = roster.New(roster.Options{Store: w.store, Keys: w.keys, Authority: w.both, Drivers: map[string]panel.Driver{"dsc": driver}})
		require.NoError(t, err)
		var all sync.WaitGroup
		all.Go(func() { _ = sim.Serve(ctx) })
		runs := func(until func() bool) {
			ctx, stop := context.WithCancel(ctx)
			var loops sync.WaitGroup
			loops.Go(func() { engine.Run(ctx, nil, desk.Loops()...) })
			for range 1000 {
				if until() {
					break
				}
				time.Sleep(5 * time.Second)
			}
			stop()
			loops.Wait()
		}
		op := desk.As(accounts.HostActor("operator", "An operator", "test").Vouched(time.Now()))
		p, err := op.Register(ctx, roster.Registration{Site: "north", Driver: "dsc", Ident: "298765432101", Routes: map[string]roster.Route{
			dsc.Route: {Secrets: map[string]panel.Secret{"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf("4729")}}}})
		require.NoError(t, err)
		runs(func() bool {
			info, err := op.Panel(p.ID).Info(ctx)
			return err == nil && !info.Baseline.IsZero()
		})

		manages := accounts.RightsOf(accounts.EquipmentView, accounts.PanelUsersView, accounts.PanelUsersManage)
		a := w.add("tower", w.role("manager", manages))
		service := w.add("covers", w.role("covers", manages.With(accounts.RightsOf(accounts.AccountsView, accounts.AccountsSuspend, accounts.AccountsChange))),
			func(n *people.NewAccount) { n.Kind = accounts.ServiceKind })
		operator := w.signin.As(accounts.HostActor("operator", "An operator", "test").Vouched(time.Now()))
		require.NoError(t, operator.Bind(ctx, a.ID, "https://id.example.com", "subject-1"))
		token, err := operator.IssueToken(ctx, service.ID, signin.NewToken{Rights: manages.With(accounts.RightsOf(accounts.AccountsView, accounts.AccountsSuspend, accounts.AccountsChange))})
		require.NoError(t, err)
		in, err := w.signin.Federate(ctx, signin.External{Issuer: "https://id.example.com", Subject: "subject-1", Nonce: "1", At: time.Now()}, signin.From{})
		require.NoError(t, err)
		code, err := panel.ParseCode("6137")
		require.NoError(t, err)
		wish, err := desk.As(in.Session.Actor()).Panel(p.ID).SetCode(ctx, panel.Place{Slot: 4}, roster.CodeWish{Code: code})
		require.NoError(t, err)

		h, err := scim.New(w.opts)
		require.NoError(t, err)
		r := httptest.NewRequestWithContext(ctx, http.MethodPatch, "/Users/"+string(a.ID), strings.NewReader(patch(`{"op":"replace","path":"active","value":false}`)))
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		require.Equal(t, http.StatusOK, got.Code, got.Body)

		var fate roster.Fate
		tab := desk.As(accounts.HostActor("operator", "An operator", "test").Vouched(time.Now())).Panel(p.ID)
		runs(func() bool {
			progress, err := tab.Receipt(ctx, wish)
			require.NoError(t, err)
			fate = progress.Fate
			return fate == roster.Held || fate.Ended()
		})
		require.Equal(t, roster.Held, fate)
		require.False(t, sim.Accepts("6137"))
		cancel()
		all.Wait()
	})
}
