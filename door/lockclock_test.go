package door_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
)

// unsteady is a clock that is ahead or in doubt.
type unsteady struct {
	ahead   time.Duration
	quality credentials.ClockQuality
}

func (c *unsteady) now() credentials.Now {
	return credentials.Now{T: time.Now().Add(c.ahead), Quality: c.quality}
}

// A lock-out lasts at most a quarter of an hour, whatever becomes of the clock: one that
// was over stays over when the clock falls into doubt, one that begins in doubt or is
// overtaken by it ends, and one of a clock far ahead goes with that.
//
// Rules: G199, G204
func TestALockOutEndsWhateverTheClock(t *testing.T) {
	const quarter, month = 15 * time.Minute, 30 * 24 * time.Hour
	type scene struct {
		c      *unsteady
		wrong  func(n int)
		reason func() credentials.Reason
	}
	scenes := map[string]func(t *testing.T, s scene){
		"long ago, and nobody came since": func(t *testing.T, s scene) {
			s.wrong(5)
			time.Sleep(month)
			s.c.quality = credentials.ClockDoubtful
			require.Equal(t, credentials.Granted, s.reason())
		},
		"over for somebody a minute ago": func(t *testing.T, s scene) {
			s.wrong(5)
			time.Sleep(time.Minute)
			require.Equal(t, credentials.Granted, s.reason())
			s.c.quality = credentials.ClockDoubtful
			require.Equal(t, credentials.Granted, s.reason())
		},
		"overtaken by doubt": func(t *testing.T, s scene) {
			s.wrong(5)
			s.c.quality = credentials.ClockDoubtful
			time.Sleep(quarter - time.Second)
			require.Equal(t, credentials.LockedOut, s.reason())
			time.Sleep(time.Second)
			require.Equal(t, credentials.Granted, s.reason())
		},
		"begun in doubt": func(t *testing.T, s scene) {
			s.c.quality = credentials.ClockDoubtful
			s.wrong(5)
			time.Sleep(time.Minute)
			require.Equal(t, credentials.LockedOut, s.reason())
			time.Sleep(quarter)
			require.Equal(t, credentials.Granted, s.reason())
		},
		"of a clock a month ahead": func(t *testing.T, s scene) {
			s.c.ahead = month
			s.wrong(5)
			require.Equal(t, credentials.LockedOut, s.reason())
			s.c.ahead = 0
			require.Equal(t, credentials.Granted, s.reason())
			s.wrong(5)
			require.Equal(t, credentials.LockedOut, s.reason(), "those of the right time count")
		},
		"of a clock a little ahead": func(t *testing.T, s scene) {
			s.c.ahead = time.Minute / 2 // as another node's may be
			s.wrong(5)
			s.c.ahead = 0
			require.Equal(t, credentials.LockedOut, s.reason())
			time.Sleep(time.Minute)
			require.Equal(t, credentials.Granted, s.reason())
		},
		"a wrong code after the end": func(t *testing.T, s scene) {
			s.wrong(5)
			time.Sleep(2 * quarter)
			s.wrong(1)
			s.c.quality = credentials.ClockDoubtful
			require.Equal(t, credentials.Granted, s.reason())
		},
		"a wrong code after a clock a month ahead": func(t *testing.T, s scene) {
			s.c.ahead = month
			s.wrong(5)
			s.c.ahead = 0
			s.wrong(1)
			require.Equal(t, credentials.Granted, s.reason())
		},
	}
	for name, play := range scenes {
		t.Run(name+", at the server", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &unsteady{quality: credentials.ClockTrusted}
				w := newWorld(t, func(o *door.Options) { o.Clock = c.now })
				w.cleaner()
				play(t, scene{c, w.wrong, func() credentials.Reason { return w.try(typed(t, pin)).Reason }})
			})
		})
		t.Run(name+", at the edge", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &unsteady{quality: credentials.ClockTrusted}
				e := newEdge(t, func(o *door.EdgeOptions) { o.Clock = c.now })
				e.opts.Clock = c.now
				e.open()
				told := time.Now()
				ask := func(text string) credentials.Reason {
					if time.Since(told) > 10*time.Minute {
						e.cut.Store(false)
						require.NoError(t, e.edge.Refresh(t.Context()))
						told = time.Now()
					}
					e.cut.Store(true)
					return e.ask(typed(t, text)).Reason
				}
				play(t, scene{c, func(n int) {
					for range n {
						require.Equal(t, credentials.Unknown, ask("9999"))
					}
				}, func() credentials.Reason { return ask(pin) }})
				require.NoError(t, e.edge.Close())
			})
		})
	}
}
