package visonic_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

// A wrong download code is presented once, and neither the error nor anything else shows it.
//
// Rules: R39
func TestWrongDownloadCodeIsPresentedOnce(t *testing.T) {
	inside(t, visonic.Options{}, visonicsim.Options{}, func(t *testing.T, r *rig) {
		route := r.target.Routes[visonic.FramesRoute]
		route.Secrets[visonic.DownloadSecret] = panel.SecretOf("7d1f")
		_, err := r.driver.Open(t.Context(), r.target)
		require.ErrorIs(t, err, panel.ErrSecret)
		require.ErrorIs(t, err, visonic.ErrDenied)
		assert.Equal(t, 1, r.sim.Presented())
		assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "7d1f")

		for _, form := range []string{"", "12", "wxyz", "123456"} {
			route.Secrets[visonic.DownloadSecret] = panel.SecretOf(form)
			_, err = r.driver.Open(t.Context(), r.target)
			require.ErrorIs(t, err, visonic.ErrDownloadCode)
		}
		assert.Equal(t, 1, r.sim.Presented(), "what cannot be right is not presented")
	})
}

// A lost answer is no reason to present the code again.
func TestDownloadCodeIsNotRepeatedForALostAnswer(t *testing.T) {
	inside(t, visonic.Options{}, visonicsim.Options{}, func(t *testing.T, r *rig) {
		r.sim.Fault(paneltest.Fault{Do: paneltest.Drop, After: 1})
		_, err := r.driver.Open(t.Context(), r.target)
		require.ErrorIs(t, err, panel.ErrTimeout)
		assert.Equal(t, 1, r.sim.Presented())
		assert.False(t, r.sim.Downloading(), "the panel may be in download mode, so it is told to leave")
	})
}

// A panel that asks for patience says for how long.
func TestBusyAndArmedPanels(t *testing.T) {
	for name, c := range map[string]struct {
		fault paneltest.FaultKind
		quirk string
		want  error
		after time.Duration
	}{
		"busy":              {paneltest.Busy, "", panel.ErrBusy, 90 * time.Second},
		"armed, later":      {paneltest.Armed, "", panel.ErrBusy, time.Minute},
		"armed, and denies": {paneltest.Armed, visonicsim.ArmedDenies, panel.ErrSecret, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inside(t, visonic.Options{}, visonicsim.Options{Type: 3}, func(t *testing.T, r *rig) {
				s := r.open()
				r.sim.Quirk(c.quirk, true)
				r.sim.Fault(paneltest.Fault{Do: c.fault, For: 90 * time.Second})
				_, _, err := read(t.Context(), s, panel.Query{All: true})
				require.ErrorIs(t, err, c.want)
				var later *panel.Later
				if require.Equal(t, c.after != 0, asLater(err, &later)); later != nil {
					assert.Equal(t, c.after, later.After)
				}
			})
		})
	}
}

// Download mode lasts at most Model.Hold, however slowly the panel answers, and ends within
// five seconds when ctx does.
func TestKeypadsAreNotLockedOutForLong(t *testing.T) {
	for name, fault := range map[string]paneltest.Fault{
		"drop":  {Do: paneltest.Drop, Times: 100},
		"delay": {Do: paneltest.Delay, For: 2900 * time.Millisecond, Times: 100},
	} {
		t.Run(name, func(t *testing.T) {
			inside(t, visonic.Options{}, visonicsim.Options{}, func(t *testing.T, r *rig) {
				s := r.open()
				r.sim.Quirk(visonicsim.ShortBlocks, true)
				r.sim.Fault(fault)
				_, _, err := read(t.Context(), s, panel.Query{All: true})
				require.ErrorIs(t, err, panel.ErrTimeout)
				time.Sleep(time.Minute)
				assert.False(t, r.sim.Downloading())
				assert.Greater(t, r.sim.Held(), 5*time.Second, "it was slow")
				assert.LessOrEqual(t, r.sim.Held(), s.Model().Hold)
				assert.LessOrEqual(t, s.Model().Hold, 15*time.Second)
			})
		})
	}
	t.Run("ctx ends", func(t *testing.T) {
		for after := range 20 {
			inside(t, visonic.Options{}, visonicsim.Options{Type: 1}, func(t *testing.T, r *rig) {
				s := r.open()
				r.network.Cut() // a session that is cut leaves nothing locked either
				synctest.Wait()
				require.False(t, r.sim.Downloading())
				_, _, err := read(t.Context(), s, panel.Query{})
				require.ErrorIs(t, err, panel.ErrUnreachable)

				s = r.open()
				r.sim.Quirk(visonicsim.SilentControl, true)
				limit := time.Duration(after) * 60 * time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start := time.Now()
				_, _, err = read(ctx, s, panel.Query{All: true})
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				require.Less(t, time.Since(start), limit+5*time.Second)
				require.False(t, r.sim.Downloading())
				_, _, err = read(t.Context(), s, panel.Query{All: true})
				require.NoError(t, err, "the session goes on")
			})
		}
	})
}

// What the panel holds is what is reported: digits on request only, the tag of each user,
// partitions, and a code that was changed at the keypad has another mark.
//
// Rules: D4, D22, D23
func TestReportsSayWhatThePanelHolds(t *testing.T) {
	inside(t, visonic.Options{DiscloseCodes: true}, visonicsim.Options{}, func(t *testing.T, r *rig) {
		r.seat(6, "0819")
		r.sim.Tag(6, true)
		s := r.open()
		assert.Equal(t, "PowerMaster-10", s.Model().Name)
		got, facts, err := read(t.Context(), s, panel.Query{All: true, Disclose: true})
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.Equal(t, panel.Master, got[0].Role)
		assert.Equal(t, panel.PartitionsOf(1, 2, 3), got[0].Partitions)
		assert.Equal(t, 1, got[0].Tags)
		assert.True(t, got[1].Code.Equal(code(t, "0819")))
		assert.Equal(t, 1, got[1].Tags)
		assert.Equal(t, "2A4CC3", facts.Ident)
		assert.Equal(t, 4, facts.CodeLen)
		assert.NotRegexp(t, `\b0819\b`, fmt.Sprintf("%+v %#v", got, r.driver)) // not as a part of an address in memory

		quiet, _, err := read(t.Context(), s, panel.Query{All: true})
		require.NoError(t, err)
		assert.True(t, quiet[1].Code.IsZero())
		assert.Equal(t, panel.Presence, quiet[1].Sight)
	})
}

func TestAnotherPanelThanExpectedIsNotRead(t *testing.T) {
	inside(t, visonic.Options{}, visonicsim.Options{Serial: "000017"}, func(t *testing.T, r *rig) {
		_, err := r.driver.Open(t.Context(), r.target)
		require.ErrorIs(t, err, panel.ErrIdentity)
		r.target.Ident = ""
		require.NotNil(t, r.open())
	})
}

// Every kind of panel is met as what it is.
//
// Rules: D2, D22
func TestEveryTypeIsMet(t *testing.T) {
	for _, p := range visonic.Panels() {
		for _, kind := range p.Types {
			inside(t, visonic.Options{}, visonicsim.Options{Type: kind, PowerMax: kind == 0}, func(t *testing.T, r *rig) {
				s := r.open()
				assert.Equal(t, p.Model, s.Model())
				_, _, err := read(t.Context(), s, panel.Query{All: true})
				require.NoError(t, err)
			})
		}
	}
	inside(t, visonic.Options{}, visonicsim.Options{Type: 99}, func(t *testing.T, r *rig) {
		_, err := r.driver.Open(t.Context(), r.target)
		require.ErrorIs(t, err, panel.ErrProtocol)
		require.ErrorIs(t, err, visonic.ErrUnknownPanel)
		assert.False(t, r.sim.Downloading())
	})
}

// A clock is told only by a host that knows its zone.
//
// Rules: G204
func TestClockNeedsAZone(t *testing.T) {
	zone := time.FixedZone("panel", 3600)
	inside(t, visonic.Options{Zone: zone}, visonicsim.Options{Type: 8}, func(t *testing.T, r *rig) {
		now := time.Now()
		_, facts, err := read(t.Context(), r.open(), panel.Query{})
		require.NoError(t, err)
		wall := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), 0, zone)
		assert.WithinDuration(t, wall, facts.Clock, 5*time.Second)
	})
	inside(t, visonic.Options{}, visonicsim.Options{Type: 8}, func(t *testing.T, r *rig) {
		_, facts, err := read(t.Context(), r.open(), panel.Query{})
		require.NoError(t, err)
		assert.True(t, facts.Clock.IsZero())
	})
}

// The simulated panel also serves a real port.
func TestOverARealPort(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	sim := visonicsim.New(visonicsim.Options{Type: 3, Download: download, Listen: func(context.Context) (net.Listener, error) { return l, nil }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = sim.Serve(ctx) }()
	defer func() { cancel(); <-ended }()
	d := visonic.NewFrames(visonic.Options{Dial: func(ctx context.Context, addr string) (io.ReadWriteCloser, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}})
	s, err := d.Open(ctx, panel.Target{Routes: map[string]panel.Route{visonic.FramesRoute: {
		Addr: l.Addr().String(), Secrets: map[string]panel.Secret{visonic.DownloadSecret: panel.SecretOf(download)},
	}}})
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	got, _, err := read(ctx, s, panel.Query{All: true})
	require.NoError(t, err)
	require.Len(t, got, 1)
}

// A panel may not take a message now, or not know it at all: both are told apart.
func TestMessagesThatThePanelDoesNotTake(t *testing.T) {
	inside(t, visonic.Options{}, visonicsim.Options{Type: 8}, func(t *testing.T, r *rig) {
		s := r.open()
		r.sim.Fault(paneltest.Fault{Do: paneltest.Busy, For: time.Minute})
		_, _, err := read(t.Context(), s, panel.Query{All: true})
		require.ErrorIs(t, err, panel.ErrBusy)
		time.Sleep(2 * time.Minute)
		_, _, err = read(t.Context(), s, panel.Query{All: true})
		require.NoError(t, err)
	})
	inside(t, visonic.Options{}, visonicsim.Options{Type: 8, Unknown: []byte{0x42}}, func(t *testing.T, r *rig) {
		_, _, err := read(t.Context(), r.open(), panel.Query{All: true})
		require.ErrorIs(t, err, panel.ErrProtocol)
		require.ErrorIs(t, err, visonic.ErrNoMessage)
	})
}

// A code that is refused in the middle of a session is not presented again in it.
func TestRefusedCodeEndsTheSession(t *testing.T) {
	inside(t, visonic.Options{}, visonicsim.Options{Type: 3}, func(t *testing.T, r *rig) {
		s := r.open()
		before := r.sim.Presented()
		r.sim.Fault(paneltest.Fault{Do: paneltest.WrongSecret})
		for range 3 {
			_, _, err := read(t.Context(), s, panel.Query{All: true})
			require.ErrorIs(t, err, panel.ErrSecret)
		}
		assert.Equal(t, before+1, r.sim.Presented())
	})
}
