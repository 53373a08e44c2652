package qolsyssim_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

func target(k known, addr string, state []byte) panel.Target {
	return panel.Target{Panel: "p", Ident: ident, Routes: map[string]panel.Route{qolsys.Route: {
		Addr: addr, State: state, Secrets: map[string]panel.Secret{qolsys.PairingSecret: k.paired.Secret},
	}}}
}

const brokerAddr = "10.0.0.1:8883"

// serve runs a panel until the test ends; inside a bubble.
func serve(t *testing.T, p *qolsyssim.Panel) {
	t.Helper()
	var work sync.WaitGroup
	work.Go(func() { _ = p.Serve(t.Context()) })
	t.Cleanup(work.Wait)
	synctest.Wait()
}

// counted is a dialer that counts.
type counted struct {
	qolsys.Dialer
	mu sync.Mutex
	n  int
}

func (c *counted) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.Dialer.DialContext(ctx, network, addr)
}

// list reads everything: the users by slot and the other events.
func list(t *testing.T, s panel.Session) (users map[int]panel.Report, others []panel.Event) {
	t.Helper()
	users = map[int]panel.Report{}
	for e, err := range s.Read(t.Context(), panel.Query{All: true}) {
		require.NoError(t, err)
		if e.User != nil {
			users[e.User.Slot] = *e.User
		} else {
			others = append(others, e)
		}
	}
	return users, others
}

func code(t *testing.T, digits string) panel.Code {
	t.Helper()
	c, err := panel.ParseCode(digits)
	require.NoError(t, err)
	return c
}

func add(t *testing.T, p *qolsyssim.Panel, slot int, digits, label string) {
	t.Helper()
	require.NoError(t, p.Keypad(panel.Edit{
		Place: panel.Place{Slot: slot}, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel,
		Values: panel.Values{Code: code(t, digits), Label: label},
	}))
}

// within runs a test on a panel of its own, in a bubble.
func within(t *testing.T, test func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network)) {
	t.Helper()
	k := paired(t)
	synctest.Test(t, func(t *testing.T) {
		network := new(paneltest.Network)
		p := qolsyssim.New(qolsyssim.Options{Identity: k.identity, Listen: network.Listen})
		serve(t, p)
		test(t, k, p, network)
	})
}

func open(t *testing.T, k known, d qolsys.Dialer, state []byte) panel.Session {
	t.Helper()
	s, err := qolsys.NewIQRemote(qolsys.Options{Dialer: d}).Open(t.Context(), target(k, brokerAddr, state))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// The panel's key is told once as the route's state, and is demanded from then on.
func TestKeyIsPinned(t *testing.T) {
	within(t, func(t *testing.T, k known, _ *qolsyssim.Panel, network *paneltest.Network) {
		s := open(t, k, network, nil)
		_, others := list(t, s)
		require.Len(t, others, 2)
		state := others[1].State
		require.Len(t, state, 32)
		_, others = list(t, open(t, k, network, state))
		assert.Len(t, others, 1, "what is pinned is not told again")

		state[0] ^= 1
		_, err := qolsys.NewIQRemote(qolsys.Options{Dialer: network}).Open(t.Context(), target(k, brokerAddr, state))
		require.ErrorIs(t, err, panel.ErrIdentity)
		s, err = qolsys.NewIQRemote(qolsys.Options{Dialer: network, AnyKey: true}).Open(t.Context(), target(k, brokerAddr, state))
		require.NoError(t, err)
		require.NoError(t, s.Close())
	})
}

// A session that nobody uses stays, and one whose panel has fallen silent ends.
func TestIdleSessionsLive(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		s := open(t, k, network, nil)
		said := watch(t, s)
		time.Sleep(2 * time.Hour)
		assert.GreaterOrEqual(t, p.Pings(), 23, "a sign of life every five minutes")
		list(t, s)
		p.Fault(paneltest.Fault{Do: paneltest.Drop, Times: 2}) // whatever it says next
		time.Sleep(10 * time.Minute)
		_, goesOn := <-said
		assert.False(t, goesOn)
		for _, err := range s.Read(t.Context(), panel.Query{}) {
			require.ErrorIs(t, err, panel.ErrUnreachable)
		}
	})
}

// Another panel's authority is not ours, and what it showed learns nothing of our
// certificate.
func TestAnotherAuthorityIsRefused(t *testing.T) {
	k := paired(t)
	foreign, err := qolsyssim.NewIdentity(ident)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		network := new(paneltest.Network)
		serve(t, qolsyssim.New(qolsyssim.Options{Identity: foreign, Listen: network.Listen}))
		_, err := qolsys.NewIQRemote(qolsys.Options{Dialer: network}).Open(t.Context(), target(k, brokerAddr, nil))
		require.ErrorIs(t, err, panel.ErrIdentity)
	})
}

func TestAnotherPanelIsRefused(t *testing.T) {
	within(t, func(t *testing.T, k known, _ *qolsyssim.Panel, network *paneltest.Network) {
		to := target(k, brokerAddr, nil)
		to.Ident = "AA:BB:CC:00:00:02"
		_, err := qolsys.NewIQRemote(qolsys.Options{Dialer: network}).Open(t.Context(), to)
		require.ErrorIs(t, err, panel.ErrIdentity)
	})
}

// A remote that was deleted at the panel is told so after exactly one attempt, with either
// version of TLS.
func TestRefusedKeyIsPresentedOnce(t *testing.T) {
	for _, quirk := range []string{"", qolsyssim.NewTLS, qolsyssim.RefusedLate} {
		t.Run("quirk "+quirk, func(t *testing.T) {
			within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
				if quirk != "" {
					require.True(t, p.Quirk(quirk, true))
				}
				k.identity.DeleteRemotes(true)
				defer k.identity.DeleteRemotes(false)
				dialer := &counted{Dialer: network}
				_, err := qolsys.NewIQRemote(qolsys.Options{Dialer: dialer}).Open(t.Context(), target(k, brokerAddr, nil))
				require.ErrorIs(t, err, panel.ErrSecret)
				assert.Equal(t, 1, dialer.n)
			})
		})
	}
}

// A wrong token is presented once. With silence nobody can tell it from a lost answer.
func TestWrongToken(t *testing.T) {
	within(t, func(t *testing.T, _ known, p *qolsyssim.Panel, network *paneltest.Network) {
		to := panel.Target{Routes: map[string]panel.Route{qolsys.RouteControl4: {
			Addr: "10.0.0.1", Secrets: map[string]panel.Secret{qolsys.TokenSecret: panel.SecretOf("wrong1")},
		}}}
		dialer := &counted{Dialer: network}
		_, err := qolsys.NewControl4(qolsys.Options{Dialer: dialer}).Open(t.Context(), to)
		require.ErrorIs(t, err, panel.ErrSecret)
		assert.Equal(t, 1, dialer.n)
		p.Quirk(qolsyssim.SilentToken, true)
		_, err = qolsys.NewControl4(qolsys.Options{Dialer: dialer}).Open(t.Context(), to)
		require.ErrorIs(t, err, panel.ErrTimeout)
		assert.Equal(t, 2, dialer.n)
		assert.NotContains(t, fmt.Sprint(err), "wrong1")
	})
}

func control4Target() panel.Target {
	return panel.Target{Panel: "p", Routes: map[string]panel.Route{qolsys.RouteControl4: {
		Addr: "10.0.0.1", Secrets: map[string]panel.Secret{qolsys.TokenSecret: panel.SecretOf(qolsyssim.DefaultToken)},
	}}}
}

// Whether the panel is armed is what Control4 is for.
func TestControl4TellsArming(t *testing.T) {
	within(t, func(t *testing.T, _ known, p *qolsyssim.Panel, network *paneltest.Network) {
		s, err := qolsys.NewControl4(qolsys.Options{Dialer: network}).Open(t.Context(), control4Target())
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		for _, armed := range []bool{false, true, false} {
			if armed {
				p.Fault(paneltest.Fault{Do: paneltest.Armed})
			} else {
				p.Fault(paneltest.Fault{Do: paneltest.Disarm})
			}
			users, others := list(t, s)
			assert.Empty(t, users)
			assert.Equal(t, armed, others[0].Panel.Armed)
		}
	})
}

// Codes have a length for the whole panel. The dealer's switch rewrites every code, and
// with it every mark; the facts say so before the first user does, and after the switch
// back the marks are the old ones.
//
// Rules: D16
func TestCodeLengthSwitch(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		add(t, p, 2, "6137", "Hall")
		s := open(t, k, network, nil)
		said := watch(t, s)
		before, others := list(t, s)
		require.Equal(t, 4, others[0].Panel.CodeLen)
		require.Equal(t, panel.RecodeAppend, others[0].Panel.Model.Code.Recode)

		p.SetDigits(6)
		require.Equal(t, panel.Event{Stale: &panel.Query{All: true}}, <-said)
		long, others := list(t, s)
		assert.Equal(t, 6, others[0].Panel.CodeLen)
		assert.True(t, p.Accepts("613700"))
		for slot, r := range long {
			assert.NotEqual(t, before[slot].Mark, r.Mark)
		}
		p.SetDigits(4)
		require.Equal(t, panel.Event{Stale: &panel.Query{All: true}}, <-said)
		short, others := list(t, s)
		assert.Equal(t, 4, others[0].Panel.CodeLen)
		for slot, r := range short {
			assert.Equal(t, before[slot].Mark, r.Mark)
		}
	})
}

// watch lets a Watch run and passes on what it says.
func watch(t *testing.T, s panel.Session) <-chan panel.Event {
	t.Helper()
	said := make(chan panel.Event, 16)
	var work sync.WaitGroup
	work.Go(func() {
		for e, err := range s.Watch(t.Context()) {
			if err != nil {
				close(said)
				return
			}
			said <- e
		}
	})
	t.Cleanup(work.Wait)
	synctest.Wait()
	return said
}

// Users at the panel's own numbers are not reported, whoever asks; so nobody learns that
// there is a duress code.
//
// Rules: D17
func TestThePanelsOwnUsersAreNotReported(t *testing.T) {
	within(t, func(t *testing.T, k known, _ *qolsyssim.Panel, network *paneltest.Network) {
		s := open(t, k, network, nil)
		users, _ := list(t, s)
		assert.Len(t, users, 1, "the Master")
		for e, err := range s.Read(t.Context(), panel.Query{Places: []panel.Place{{Slot: 240}, {Slot: 242}, {Slot: 243}}}) {
			require.NoError(t, err)
			if e.User != nil {
				assert.False(t, e.User.Exists)
			}
		}
	})
}

// Rules: D19
func TestExpiryIsReadBack(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		until := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
		require.NoError(t, p.Keypad(panel.Edit{
			Place: panel.Place{Slot: 2}, Do: panel.Create, Set: panel.FieldCode | panel.FieldRole | panel.FieldUntil,
			Values: panel.Values{Code: code(t, "6137"), Role: panel.Guest, Window: panel.Window{Until: until}},
		}))
		users, _ := list(t, open(t, k, network, nil))
		assert.Equal(t, panel.Window{Until: until}, users[2].Window)
		assert.Equal(t, panel.Guest, users[2].Role)
		assert.True(t, users[1].Window.IsZero())
	})
}

// What must not leave: codes, cipher text, the dealer code, keys. Everything that the
// driver says is searched for them; it logs nothing.
//
// Rules: R266
func TestNothingSecretLeaves(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		add(t, p, 2, "6137", "Hall")
		s := open(t, k, network, nil)
		users, others := list(t, s)
		require.NotNil(t, others[0].Panel)
		text := fmt.Sprintf("%+v %#v %+v %v %+v", users, users, others, s, *others[0].Panel)
		// Digits may be a part of an address in memory.
		for _, secret := range []string{`\b6137\b`, `\b4729\b`, `\b8373\b`, "PRIVATE", "66697865642066"} {
			assert.NotRegexp(t, secret, strings.ToUpper(text))
		}
	})
}
