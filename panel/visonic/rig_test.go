package visonic_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

const download = "9c4e"

// rig is a simulated panel that serves, and the driver that can reach it.
type rig struct {
	t       *testing.T
	network *paneltest.Network
	sim     *visonicsim.Panel
	driver  panel.Driver
	target  panel.Target
}

// inside runs f in a bubble with a panel behind the Frames route.
func inside(t *testing.T, o visonic.Options, so visonicsim.Options, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := frames(o, so, download)(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = b.Sim.Serve(ctx) }()
		defer func() { cancel(); <-ended }()
		synctest.Wait()
		f(t, &rig{t, b.Network, b.Sim.(*visonicsim.Panel), b.Driver, b.Target})
	})
}

// open opens a session that must open, and closes it in the end.
func (r *rig) open() panel.Session {
	r.t.Helper()
	s, err := r.driver.Open(r.t.Context(), r.target)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = s.Close() })
	return s
}

// read collects users and the facts.
func read(ctx context.Context, s panel.Session, q panel.Query) (users []panel.Report, facts panel.Facts, err error) {
	for e, err := range s.Read(ctx, q) {
		if err != nil {
			return users, facts, err
		}
		if e.User != nil {
			users = append(users, *e.User)
		}
		if e.Panel != nil {
			facts = *e.Panel
		}
	}
	return users, facts, nil
}

// answering is a line at whose other end script sits.
func answering(script func(peer net.Conn)) visonic.Options {
	return visonic.Options{Dial: func(context.Context, string) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		go func() { defer func() { _ = far.Close() }(); script(far) }()
		return near, nil
	}}
}

func code(t *testing.T, digits string) panel.Code {
	t.Helper()
	c, err := panel.ParseCode(digits)
	require.NoError(t, err)
	return c
}

// seat lets the keypad give a user a code.
func (r *rig) seat(slot int, digits string) {
	r.t.Helper()
	require.NoError(r.t, r.sim.Keypad(panel.Edit{
		Place: panel.Place{Slot: slot}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code(r.t, digits)},
	}))
}

func asLater(err error, later **panel.Later) bool { return errors.As(err, later) }
