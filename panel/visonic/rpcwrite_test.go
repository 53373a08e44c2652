package visonic_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

// service runs f against a panel behind the PowerLink 3 route.
func service(t *testing.T, o visonic.RPCOptions, f func(t *testing.T, sim *visonicsim.Panel, s panel.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := rpc(o, visonicsim.Options{Type: 8})(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = b.Sim.Serve(ctx) }()
		defer func() { cancel(); <-ended }()
		synctest.Wait()
		s, err := b.Driver.Open(t.Context(), b.Target)
		require.NoError(t, err)
		defer func() { _ = s.Close() }()
		f(t, b.Sim.(reading).Panel, s)
	})
}

func one(t *testing.T, s panel.Session, e panel.Edit) panel.Outcome {
	t.Helper()
	for o, err := range s.Apply(t.Context(), []panel.Edit{e}) {
		require.NoError(t, err)
		return o
	}
	require.Fail(t, "no outcome")
	return panel.Outcome{}
}

func create(t *testing.T, slot int, digits string) panel.Edit {
	return panel.Edit{Place: panel.Place{Slot: slot}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code(t, digits)}}
}

// Writing is off unless the host says otherwise, and then it is called what it is.
func TestWritingOverRPCIsExperimental(t *testing.T) {
	service(t, visonic.RPCOptions{}, func(t *testing.T, sim *visonicsim.Panel, s panel.Session) {
		assert.Zero(t, s.Model().Writes())
		assert.ErrorIs(t, one(t, s, create(t, 5, "8264")).Refused[panel.FieldCode], panel.ErrUnsupported)
		assert.Zero(t, sim.Presented())
	})
	service(t, visonic.RPCOptions{Experimental: true}, func(t *testing.T, sim *visonicsim.Panel, s panel.Session) {
		assert.Equal(t, s.Model().Writes(), s.Model().Experimental)
		assert.Equal(t, panel.FieldCode, one(t, s, create(t, 5, "8264")).Done)
		assert.Len(t, sim.Users(), 2)
	})
}

// What the service says it did is held against what it shows.
func TestRPCWritesAreReadBack(t *testing.T) {
	service(t, visonic.RPCOptions{Experimental: true}, func(t *testing.T, sim *visonicsim.Panel, s panel.Session) {
		sim.Quirk(visonicsim.Deaf, true)
		o := one(t, s, create(t, 5, "8264"))
		assert.Zero(t, o.Done)
		assert.ErrorIs(t, o.Refused[panel.FieldCode], panel.ErrRefused)
		sim.Quirk(visonicsim.NoWriting, true)
		assert.ErrorIs(t, one(t, s, create(t, 5, "8264")).Refused[panel.FieldCode], panel.ErrUnsupported)
	})
}

// A code of zeros would take the user away: it is refused without a byte.
//
// Rules: D24
func TestZerosAreNeverSentAsACode(t *testing.T) {
	service(t, visonic.RPCOptions{Experimental: true}, func(t *testing.T, sim *visonicsim.Panel, s panel.Session) {
		e := create(t, 1, "0000")
		e.Do = panel.Change
		o := one(t, s, e)
		assert.ErrorIs(t, o.Refused[panel.FieldCode], panel.ErrRefused)
		assert.ErrorIs(t, o.Refused[panel.FieldCode], panel.ErrCodeReserved)
		assert.Zero(t, sim.Presented())
	})
}

// A new user never has the partitions of the former one, and the Master's new code opens
// the route from then on.
func TestRPCWritesLeaveNothingBehind(t *testing.T) {
	service(t, visonic.RPCOptions{Experimental: true}, func(t *testing.T, sim *visonicsim.Panel, s panel.Session) {
		sim.Quirk(visonicsim.KeepsAccess, true)
		former := create(t, 5, "8264")
		former.Set |= panel.FieldPartitions
		former.Partitions = panel.PartitionsOf(2, 3)
		assert.Equal(t, former.Set, one(t, s, former).Done)
		assert.Equal(t, panel.FieldCode, one(t, s, panel.Edit{Place: former.Place, Do: panel.Remove}).Done)
		assert.Equal(t, panel.FieldCode, one(t, s, create(t, 5, "8265")).Done)
		assert.Equal(t, panel.PartitionsOf(1), sim.Users()[1].Partitions)

		master := create(t, 1, "9173")
		master.Do = panel.Change
		assert.Equal(t, panel.FieldCode, one(t, s, master).Done)
		_, _, err := read(t.Context(), s, panel.Query{All: true})
		require.NoError(t, err)
	})
}

// Another client may take the service's one place at any time.
func TestDisplacedRPCClientSaysSo(t *testing.T) {
	service(t, visonic.RPCOptions{}, func(t *testing.T, sim *visonicsim.Panel, s panel.Session) {
		sim.Displace()
		_, _, err := read(t.Context(), s, panel.Query{All: true})
		require.ErrorIs(t, err, panel.ErrUnreachable)
		require.ErrorIs(t, err, visonic.ErrUnregistered)
	})
}
