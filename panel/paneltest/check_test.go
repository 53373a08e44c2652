package paneltest_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// checked runs Check against the toy panel with three users, through a driver that
// breaks is let loose on.
func checked(t *testing.T, breaks func(*broken)) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := shapes()["dials out to slots"].bench()
		for slot, digits := range map[int]string{2: "4871", 5: "5902"} {
			e := panel.Edit{Place: panel.Place{Slot: slot}, Do: panel.Create, Set: panel.FieldCode}
			require.NoError(t, e.Code.UnmarshalText([]byte(digits)))
			require.NoError(t, b.Sim.Keypad(e))
		}
		before := b.Sim.Users()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() { defer close(served); _ = b.Sim.Serve(ctx) }()
		synctest.Wait()
		d := &broken{Driver: b.Driver}
		breaks(d)
		err = paneltest.Check(t.Context(), d, b.Target)
		assert.Equal(t, before, b.Sim.Users(), "Check changes nothing")
		cancel()
		<-served
	})
	return err
}

// Rules: D1, D2
func TestCheckFindsWhatIsWrongWithoutChangingAnything(t *testing.T) {
	require.NoError(t, checked(t, func(*broken) {}))
	for _, name := range []string{
		"contradicts itself", "is wider than its driver", "reports a user twice", "reports a slot out of range", "cannot resume",
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, checked(t, mutants[name].breaks))
		})
	}
	t.Run("out of reach", func(t *testing.T) {
		err := checked(t, func(b *broken) {
			b.open = func(context.Context, panel.Target) (panel.Session, error) { return nil, panel.ErrUnreachable }
		})
		require.ErrorIs(t, err, panel.ErrUnreachable)
	})
	t.Run("another list each time", func(t *testing.T) {
		lists := 0
		err := checked(t, func(b *broken) {
			b.read = func(ctx context.Context, s panel.Session, q panel.Query, yield func(panel.Event, error) bool) {
				lists++
				for e, err := range s.Read(ctx, q) {
					if lists == 2 && e.User != nil && e.User.Slot == 5 {
						e.User.Slot = 6
					}
					if !yield(e, err) {
						return
					}
				}
			}
		})
		require.ErrorIs(t, err, panel.ErrDriver)
	})
	t.Run("a list that is lost", func(t *testing.T) {
		err := checked(t, func(b *broken) {
			b.read = func(_ context.Context, _ panel.Session, _ panel.Query, yield func(panel.Event, error) bool) {
				yield(panel.Event{}, panel.ErrTimeout)
			}
		})
		require.ErrorIs(t, err, panel.ErrTimeout)
	})
}
