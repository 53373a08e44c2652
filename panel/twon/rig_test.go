package twon_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// rig is a driver beside a simulated device that serves.
type rig struct {
	t       *testing.T
	network *paneltest.Network
	driver  *twon.Driver
	sim     *twonsim.Device
}

// newRig serves a device until the test ends. It is called inside a bubble.
func newRig(t *testing.T, o twon.Options, so twonsim.Options) *rig {
	t.Helper()
	network := new(paneltest.Network)
	o.Plain, o.Dial = true, network.DialContext
	so.Listen = func() (net.Listener, error) { return network.Listen(addr) }
	r := &rig{t: t, network: network, driver: twon.New(o), sim: twonsim.New(so)}
	serve(t, r.sim)
	synctest.Wait() // it listens
	return r
}

func serve(t *testing.T, sim *twonsim.Device) {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // it ends before the bubble does, by hand
	ended := make(chan struct{})
	go func() { defer close(ended); _ = sim.Serve(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

func (r *rig) open() panel.Session {
	r.t.Helper()
	s, err := r.driver.Open(r.t.Context(), target())
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = s.Close() })
	return s
}

// apply collects the outcomes by place, and the error about the line.
func apply(t *testing.T, s panel.Session, edits ...panel.Edit) (map[string]panel.Outcome, error) {
	t.Helper()
	outs := map[string]panel.Outcome{}
	for o, err := range s.Apply(t.Context(), edits) {
		if err != nil {
			return outs, err
		}
		require.NotContains(t, outs, o.ID, "one outcome for each edit")
		outs[o.ID] = o
	}
	return outs, nil
}

func list(t *testing.T, s panel.Session, q panel.Query) (users []panel.Report, facts panel.Facts, state []byte) {
	t.Helper()
	for e, err := range s.Read(t.Context(), q) {
		require.NoError(t, err)
		switch {
		case e.User != nil:
			users = append(users, *e.User)
		case e.Panel != nil:
			facts = *e.Panel
		case e.State != nil:
			state = e.State
		}
	}
	return users, facts, state
}

func uuid(n int) string { return fmt.Sprintf("5e7f0c1a-0000-4000-8000-%012x", n) }

func code(t *testing.T, digits string) panel.Code {
	t.Helper()
	c, err := credentials.ParseCode(digits)
	require.NoError(t, err)
	return c
}

// edit sets a code and a label.
func edit(t *testing.T, do panel.Do, n int, digits string) panel.Edit {
	t.Helper()
	return panel.Edit{
		Place: panel.Place{ID: uuid(n)}, Do: do, Set: panel.FieldCode | panel.FieldLabel,
		Values: panel.Values{Code: code(t, digits), Label: fmt.Sprintf("Person %d", n)},
	}
}

// user is an entry as the device holds it.
func (r *rig) user(n int) (paneltest.User, bool) {
	for _, u := range r.sim.Users() {
		if u.ID == uuid(n) {
			return u, true
		}
	}
	return paneltest.User{}, false
}
