package door_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// turn takes a rotation to a phase, as far as the door sees one.
func (w *world) turn(r credentials.Rotation, phase credentials.Phase) {
	w.t.Helper()
	r.Phase = phase
	epoch := r.Epoch()
	ring, err := w.keys.At(epoch)
	require.NoError(w.t, err)
	put(w, rec.Rotations, rec.RotationID, func(v *credentials.Rotation) { *v = r })
	put(w, rec.Epochs, rec.EpochID, func(v *credentials.Epoch) { *v = epoch })
	w.keys = ring.(*credentials.Ring)
	w.opts.Keys, w.core.Keys = ring, ring
	w.open()
}

// While the keys are rotated an edge goes on with the key of its site that it has, is told
// what changes, and says that a new one is due. One with both changes over by itself, and
// needs the old one no more when the rotation is over.
//
// Rules: G191, G205, G217
func TestARotationOfTheKeysLeavesNoGapAtAnEdge(t *testing.T) {
	for name, both := range map[string]bool{"the old key": false, "both keys": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				next, err := credentials.NewSiteKey(e.keys, e.next, "site")
				require.NoError(t, err)
				if both {
					require.NoError(t, e.edge.Close())
					e.o.SiteKeys = append(e.o.SiteKeys, next)
					e.start()
				}
				r, err := credentials.Rotate(e.keys.Epoch(), e.next)
				require.NoError(t, err)
				for i, phase := range []credentials.Phase{credentials.Announced, credentials.DoubleWriting, credentials.BackFilling, credentials.Verifying, credentials.ReadingOld} {
					e.turn(r, phase)
					if phase == credentials.BackFilling {
						for kind, text := range map[rec.CredentialKind]string{rec.PIN: pin, rec.DuressPIN: duress, rec.TagNumber: card} {
							e.give("cleaner", kind, text)
						}
						e.give("guest4926", rec.PIN, "4926")
						e.give("guest4826", rec.PIN, "4826")
					}
					text := []string{"4826", "4926", "5026", "5126", "5226"}[i]
					e.account("guest" + text)
					e.give("guest"+text, rec.PIN, text)
					e.bridges(text)
					if both || phase == credentials.Announced {
						require.True(t, e.edge.Health().OK())
						continue
					}
					require.Len(t, e.edge.Health().Problems, 1)
					require.Contains(t, e.edge.Health().Problems[0], door.ErrSiteKeyDue.Error())
				}
				shown, err := e.as("operator").SiteKey(t.Context(), "site")
				require.NoError(t, err)
				require.Equal(t, next.Reveal(), shown.Reveal())
				e.turn(r, credentials.Dropped)
				if both {
					e.bridges("5226")
					require.NoError(t, e.edge.Close())
					e.o.SiteKeys = []credentials.SiteKey{next}
					e.start()
					e.bridges("5226")
					require.True(t, e.edge.Health().OK())
				} else {
					require.ErrorIs(t, e.edge.Refresh(t.Context()), door.ErrSiteKey)
					require.Contains(t, e.edge.Health().Problems[0], door.ErrSiteKey.Error())
				}
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// What cannot be read changes nothing at an edge, not even under which key it knows codes:
// it goes on with what it was told before, and takes over everything once that can be read.
//
// Rules: G205
func TestWhatCannotBeReadChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		next, err := credentials.NewSiteKey(e.keys, e.next, "site")
		require.NoError(t, err)
		require.NoError(t, e.edge.Close())
		e.o.SiteKeys = append(e.o.SiteKeys, next)
		e.start()
		require.NoError(t, e.edge.Refresh(t.Context()))
		r, err := credentials.Rotate(e.keys.Epoch(), e.next)
		require.NoError(t, err)
		e.turn(r, credentials.DoubleWriting)
		put(e.world, rec.Rules, "all", func(r *rec.Rule) { r.Schedule = &credentials.Schedule{Zone: "Not/AZone"} })
		for range 2 {
			require.ErrorIs(t, e.edge.Refresh(t.Context()), credentials.ErrSchedule)
			require.Len(t, e.edge.Health().Problems, 1)
			e.cut.Store(true)
			require.True(t, e.ask(typed(t, pin)).Granted)
			require.True(t, e.ask(held(t, card)).Granted)
			e.cut.Store(false)
		}
		put(e.world, rec.Rules, "all", func(r *rec.Rule) { r.Schedule = nil })
		e.bridges(pin)
		require.True(t, e.edge.Health().OK())
		require.NoError(t, e.edge.Close())
	})
}

// bridges asks an edge that was just told everything that has changed.
func (e *edge) bridges(text string) {
	t := e.world.t
	t.Helper()
	time.Sleep(20 * time.Minute) // what it was told before counts no more
	require.NoError(t, e.edge.Refresh(t.Context()))
	e.cut.Store(true)
	require.True(t, e.ask(typed(t, pin)).Granted)
	require.True(t, e.ask(held(t, card)).Granted)
	require.True(t, e.ask(typed(t, text)).Granted)
	e.cut.Store(false)
	require.NoError(t, e.edge.Refresh(t.Context()))
}
