package paneltest_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

func TestFaultsSend(t *testing.T) {
	message := []byte("hello")
	for name, tc := range map[string]struct {
		fault  paneltest.Fault
		answer bool // to a write
		want   string
		took   time.Duration
		err    error
	}{
		"none":                        {paneltest.Fault{}, true, "hello", 0, nil},
		"drop":                        {paneltest.Fault{Do: paneltest.Drop}, false, "", 0, nil},
		"delay":                       {paneltest.Fault{Do: paneltest.Delay, For: time.Second}, false, "hello", time.Second, nil},
		"corrupt":                     {paneltest.Fault{Do: paneltest.Corrupt}, false, "heylo", 0, nil},
		"duplicate":                   {paneltest.Fault{Do: paneltest.Duplicate}, false, "hellohello", 0, nil},
		"cut":                         {paneltest.Fault{Do: paneltest.Cut}, false, "", 0, net.ErrClosed},
		"cut before, an answer":       {paneltest.Fault{Do: paneltest.CutBefore}, true, "", 0, net.ErrClosed},
		"cut before, something else":  {paneltest.Fault{Do: paneltest.CutBefore}, false, "hello", 0, nil},
		"late, an answer":             {paneltest.Fault{Do: paneltest.Late}, true, "hello", 10 * time.Minute, nil},
		"late, something else":        {paneltest.Fault{Do: paneltest.Late}, false, "hello", 0, nil},
		"one message is passed first": {paneltest.Fault{Do: paneltest.Drop, After: 1}, false, "hello", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := pair(t, &paneltest.Network{})
				var f paneltest.Faults
				f.Arm(tc.fault)
				start := time.Now()
				err := f.Send(near, message, tc.answer)
				require.Equal(t, tc.err, err)
				assert.Equal(t, tc.took, time.Since(start))
				_ = near.Close()
				got, err := io.ReadAll(far)
				require.NoError(t, err)
				assert.Equal(t, tc.want, string(got))
				assert.True(t, bytes.Equal([]byte("hello"), message), "the caller keeps his bytes")
			})
		})
	}
}

func TestFaultsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f paneltest.Faults
		assert.False(t, f.Strikes(paneltest.WrongSecret))
		f.Arm(paneltest.Fault{Do: paneltest.WrongSecret, Times: 2})
		assert.True(t, f.Strikes(paneltest.WrongSecret))
		assert.True(t, f.Strikes(paneltest.WrongSecret))
		assert.False(t, f.Strikes(paneltest.WrongSecret), "after its occasions")

		f.Arm(paneltest.Fault{Do: paneltest.Busy, For: time.Minute})
		assert.Zero(t, f.Left(paneltest.Busy), "it has not begun")
		assert.True(t, f.Strikes(paneltest.Busy))
		time.Sleep(59 * time.Second)
		assert.True(t, f.Strikes(paneltest.Busy))
		assert.Equal(t, time.Second, f.Left(paneltest.Busy))
		time.Sleep(time.Second)
		assert.False(t, f.Strikes(paneltest.Busy), "after its time")

		f.Arm(paneltest.Fault{Do: paneltest.Armed})
		f.Arm(paneltest.Fault{Do: paneltest.Away})
		time.Sleep(24 * time.Hour)
		assert.True(t, f.Strikes(paneltest.Armed))
		f.Arm(paneltest.Fault{Do: paneltest.Disarm})
		assert.False(t, f.Strikes(paneltest.Armed))
		assert.True(t, f.Strikes(paneltest.Away), "each ends by its own word")
		f.Arm(paneltest.Fault{Do: paneltest.Back})
		assert.False(t, f.Strikes(paneltest.Away))
	})
}

func TestFaultsRefuse(t *testing.T) {
	var f paneltest.Faults
	f.Arm(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldLabel, Slot: 4, Times: 2})
	assert.False(t, f.Refuses(panel.FieldCode, 4), "another field")
	assert.False(t, f.Refuses(panel.FieldLabel, 5), "another slot")
	assert.True(t, f.Refuses(panel.FieldLabel, 4))
	assert.True(t, f.Refuses(panel.FieldLabel, 4))
	assert.False(t, f.Refuses(panel.FieldLabel, 4), "after its occasions")
	f.Arm(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldLabel})
	assert.True(t, f.Refuses(panel.FieldLabel, 9), "no slot is any slot")
}
