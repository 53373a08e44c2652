package lock_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// A lock that is simulated in another process answers as one in this process does, its
// errors included.
func TestARadioOverAPort(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	sim := locksim.New(locksim.Options{Node: "7"})
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { assert.ErrorIs(t, sim.ServeRadio(ctx, listener), context.Canceled) })
	defer serving.Wait()
	defer cancel()
	radio := locksim.Radio(listener.Addr().String())
	code, err := panel.ParseCode("4871")
	require.NoError(t, err)

	capacity, err := radio.Capacity(ctx, "7")
	require.NoError(t, err)
	require.Equal(t, lock.Capacity{Slots: 30, MinLen: 4, MaxLen: 8}, capacity)
	for slot, want := range map[int]lock.Result{0: lock.Full, 3: lock.Confirmed} {
		result, err := radio.SetUserCode(ctx, "7", slot, code)
		require.NoError(t, err)
		require.Equal(t, want, result)
	}
	result, err := radio.SetUserCode(ctx, "7", 4, code)
	require.NoError(t, err)
	require.Equal(t, lock.Duplicate, result)
	u, err := radio.UserCode(ctx, "7", 3)
	require.NoError(t, err)
	require.Equal(t, lock.Enabled, u.Status)
	require.True(t, u.Code.Equal(code))
	result, err = radio.ClearUserCode(ctx, "7", 3)
	require.NoError(t, err)
	require.Equal(t, lock.Confirmed, result)
	u, err = radio.UserCode(ctx, "7", 3)
	require.NoError(t, err)
	require.Equal(t, lock.UserCode{}, u)

	_, err = radio.Capacity(ctx, "8")
	require.ErrorIs(t, err, panel.ErrUnreachable, "no such node")
	sim.Fault(paneltest.Fault{Do: paneltest.WrongSecret})
	_, err = radio.Capacity(ctx, "7")
	require.ErrorIs(t, err, panel.ErrSecret)
	sim.Fault(paneltest.Fault{Do: paneltest.Busy})
	_, err = radio.SetUserCode(ctx, "7", 5, code)
	require.ErrorIs(t, err, panel.ErrBusy)
	gone := locksim.Radio("127.0.0.1:1")
	_, err = gone.Capacity(ctx, "7")
	require.ErrorIs(t, err, panel.ErrUnreachable)
}
