package journal_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// Several writers at once, an index that comes with the commit or later, a reader of
// everything and one of a site: each sees every entry of theirs once, in order.
//
// Rules: R194, R240
func TestFollowMissesNothingUnderConcurrentWriters(t *testing.T) {
	for name, late := range map[string]bool{"index at once": false, "index later": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, late, func(o *journal.Options) { o.Poll = time.Millisecond })
			ctx, cancel := context.WithCancel(t.Context())
			var loops sync.WaitGroup
			loops.Go(func() { engine.Run(ctx, nil, w.journal.Loops()[:1]...) })
			defer loops.Wait()
			defer cancel()

			const writers, each = 6, 50
			var all sync.WaitGroup
			follow := func(actor accounts.Actor, want int) {
				seen, next := map[string]bool{}, int64(0)
				for e, err := range w.journal.As(actor).Follow(ctx, 0) {
					if !assert.NoError(t, err) {
						return
					}
					assert.GreaterOrEqual(t, e.Index, next)
					assert.False(t, seen[e.ID])
					if actor == operator {
						assert.Equal(t, next, e.Index, "no gap")
					}
					next = e.Index + 1
					if e.Action == audit.PanelTested {
						seen[e.ID] = true
					}
					if len(seen) == want {
						return
					}
				}
				assert.Fail(t, "ended early")
			}
			all.Go(func() { follow(operator, writers*each) })
			all.Go(func() { follow(north, writers*each/2) })
			for n := range writers {
				all.Go(func() {
					for range each {
						_, err := w.core.Act(ctx, operator, func(u *flow.Unit) error {
							_, err := u.Say(audit.PanelTested, audit.Success, []string{[]string{"site/north", "site/south"}[n%2]})
							return err
						})
						assert.NoError(t, err)
					}
				})
			}
			all.Wait()
		})
	}
}

// A follower goes on where another ended, and waits for what comes.
//
// Rules: R194
func TestFollowResumesAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false, nil)
		w.fill(450)
		reader := w.journal.As(north)
		var next int64
		n := 0
		for e, err := range reader.Follow(t.Context(), 0) {
			require.NoError(t, err)
			if n++; n == 100 {
				next = e.Index + 1
				break
			}
		}
		began := time.Now()
		go func() {
			time.Sleep(time.Minute)
			w.label("south", "panel-south", "user-10", "Cellar")
			w.label("north", "panel-north", "user-1", "Attic")
		}()
		var last journal.Entry
		for e, err := range reader.Follow(t.Context(), next) {
			require.NoError(t, err)
			last = e
			if n++; n == 226 {
				break
			}
		}
		assert.Contains(t, last.Description, "Attic")
		assert.WithinDuration(t, began.Add(time.Minute), time.Now(), 2*time.Second)
	})
}

// Rules: R194
func TestFollowFromNowSkipsWhatWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false, nil)
		w.fill(5)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			time.Sleep(time.Minute)
			w.label("north", "panel-north", "user-1", "Attic")
			time.Sleep(time.Minute)
			cancel()
		}()
		var seen []journal.Entry
		for e, err := range w.journal.As(operator).Follow(ctx, journal.FromNow) {
			require.NoError(t, err)
			seen = append(seen, e)
		}
		require.Len(t, seen, 1, "and it ends with its context, without an error")
		assert.Contains(t, seen[0].Description, "Attic")
	})
}

// changing is an authority whose answer a test changes.
type changing struct {
	mu    sync.Mutex
	grant accounts.Grant
}

func (c *changing) Grant(context.Context, accounts.Actor) (accounts.Grant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.grant, nil
}

// Rules: R14, R20
func TestFollowEndsWithTheRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &changing{grant: grants()[operator.ID()]}
		w := newWorld(t, false, func(o *journal.Options) { o.Authority = a })
		w.fill(3)
		go func() {
			time.Sleep(time.Minute)
			a.mu.Lock()
			a.grant.Rights = accounts.RightsOf(accounts.PanelUsersView)
			a.mu.Unlock()
			w.fill(1)
		}()
		n := 0
		var end error
		for _, err := range w.journal.As(operator).Follow(t.Context(), 0) {
			if end = err; err == nil {
				n++
			}
		}
		require.ErrorIs(t, end, accounts.ErrPermissionDenied)
		assert.Equal(t, 4, n, "three entries and that of the reading")
	})
}
